"""The range of a runtime's activation RAM: how far others' figures of whole networks are from the memory plan.

The logarithms of published over planned bytes are taken for a normal distribution around their median, whose spread is
known from so many networks: Student's t, as for latency (``published_model.bar``). Networks count once, with the median
of their rows. A group holds the versions that lay out the arena alike.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
import pandas as pd
from scipy.stats import t as student

from latent_nas.costs.layer import layer
from latent_nas.costs.lowered import lowered
from latent_nas.costs.memory import plan
from latent_nas.graph.deploy import deploy
from latent_nas.runtimes import RamError, Runtime
from latent_nas.zoo import open_network

SHARE = 0.98  # of networks that stay below the upper end; as many above the lower one


@cache
def planned(network: str, runtime: Runtime) -> int:
    """Return the bytes of a named network's memory plan."""
    deployed = deploy(open_network(network))
    graph, _ = lowered(deployed.graph, deployed.sources, runtime.pads)
    layers = [layer(node.operator, graph.shapes_into(node)) for node in graph.nodes]
    return plan(graph, layers, runtime).peak


def logs(rows: pd.DataFrame, runtime: Runtime) -> dict[str, float]:
    """Return log(published / planned) of activation RAM by network, the median of its rows."""
    plans = np.array([planned(name, runtime) for name in rows.network], float)
    ratios = np.log(rows.activation_ram_bytes.to_numpy(float) / plans)
    by_network = pd.Series(ratios, index=rows.network.to_numpy(), dtype=float).groupby(level=0).median()
    return {str(name): float(value) for name, value in by_network.items()}


def error(values: Sequence[float], source: str = "") -> RamError:
    """Return the range of such logarithms."""
    centre = float(np.median(values))
    spread = float(student.ppf(SHARE, len(values)) * np.sqrt(np.mean((np.array(values) - centre) ** 2)))
    low, scale, high = (float(np.exp(centre + side * spread)) for side in (-1, 0, 1))
    return RamError(round(scale, 4), round(low, 4), round(high, 4), source)


def left_out(rows: pd.DataFrame, runtime: Runtime) -> pd.DataFrame:
    """Return, per row, the relative error and whether the truth is above the upper end, its network left out."""
    known, found = logs(rows, runtime), []
    for row in rows.itertuples():
        others = [value for name, value in known.items() if name != row.network]
        if len(others) < 2:
            continue
        range_, bytes_ = error(others), planned(row.network, runtime)
        one = {"network": row.network, "version": row.runtime_version, "published": row.activation_ram_bytes}
        one |= {"low": range_.low * bytes_, "computed": range_.scale * bytes_, "high": range_.high * bytes_}
        found.append(one)
    table = pd.DataFrame(found)
    return table.assign(error=table.computed / table.published - 1, above=table.published > table.high)
