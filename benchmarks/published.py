"""Whole networks that others measured: latency with each model left out, weights in flash, activation RAM.

    python benchmarks/published.py --measurements published_measurements.csv [--out published.json]

``published_rows`` holds the rules of selection. Latency is computed from a fit to the other models of the same runtime,
version and core: the cycles that ``cmsis_nn`` counts per kind of kernel, each kind times a factor of its own. Few
models know little of many factors, so all are drawn to one common factor (ridge, ``PULL``, the same for all groups and
not chosen by their errors). Beside it stands the trivial predictor, MACs times one constant.
"""

import argparse
import json
from math import prod
from pathlib import Path

import numpy as np
import pandas as pd
import published_rows
from scipy.optimize import nnls

from latent_nas import plugins
from latent_nas.costs import costs
from latent_nas.devices import open_device
from latent_nas.graph import Graph
from latent_nas.graph.deploy import deploy
from latent_nas.runtimes import open_runtime
from latent_nas.zoo import open_network

KINDS = ("conv2d", "pointwise", "depthwise", "dense")  # further: the rest, a constant per operator, the softmax
PULL = 0.1
CALL = 2000.0  # cycles per operator, the scale of that factor
SOFTMAX = 1000.0  # cycles per output, likewise; the published files end with one, but these
WITHOUT_SOFTMAX = {"mlperf_autoencoder", *(f"edgemark_fc_{i}" for i in (0, 1, 2, 5, 6, 8))}


def parts(name: str) -> tuple[np.ndarray, float]:
    """Return the cycles of a network per kind of kernel (kinds + 3,), as ``cmsis_nn`` has them, and its MACs."""
    graph = open_network(name)
    found = costs(graph, open_device("stm32l4r5"), open_runtime("cmsis_nn"))
    cycles = np.zeros(len(KINDS) + 3)
    for layer in found.layers:
        cycles[KINDS.index(layer.kernel) if layer.kernel in KINDS else -3] += layer.cycles
        cycles[-2] += CALL * bool(layer.cycles)
    cycles[-1] = 0 if name in WITHOUT_SOFTMAX else SOFTMAX * graph.output_shape[0]
    return cycles, float(found.macs)


def fit(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return a factor per kind (kinds,) of x (rows, kinds) for cycles y: least squares of relative errors, ridge."""
    common = 1 / np.median(x.sum(axis=1) / y)
    size = np.sqrt(PULL * len(y) / x.shape[1])
    left = np.vstack([x / y[:, None], size / common * np.eye(x.shape[1])])
    right = np.concatenate([np.ones(len(y)), size * np.ones(x.shape[1])])
    factors: np.ndarray = nnls(left, right)[0]
    return factors


def latency(rows: pd.DataFrame) -> list[dict]:
    """Return, per runtime, version and core, the relative errors of each model when it is left out."""
    known = {name: parts(name) for name in sorted(rows.network.unique())}
    found = []
    for (runtime, version, core), group in rows.groupby(["runtime", "runtime_version", "core"]):
        x, macs = np.array([known[n][0] for n in group.network]), np.array([known[n][1] for n in group.network])
        y, networks, errors, trivial = group.cycles.to_numpy(), group.network.to_numpy(), {}, {}
        for name in sorted(set(networks)):
            out = networks == name
            made, plain = x[out] @ fit(x[~out], y[~out]), macs[out] * np.median(y[~out] / macs[~out])
            errors[name] = float(np.median(np.abs(made / y[out] - 1)))
            trivial[name] = float(np.median(np.abs(plain / y[out] - 1)))
        row = {"runtime": runtime, "version": version, "core": core, "models": len(errors), "errors": errors}
        row |= {"median": float(np.median(list(errors.values()))), "worst": max(errors.values())}
        found.append(row | {"trivial_median": float(np.median(list(trivial.values())))})
    return found


def overlaid(graph: Graph) -> int:
    """Return the most bytes alive at once, in the file's order, where every operator writes over what only it reads.

    What a compiler does that lets a convolution's output follow its input through memory row by row; the few rows that
    lie between are not counted.
    """
    last = {i: node.id for node in graph.nodes for i in node.inputs}
    peak = 0
    for node in graph.nodes:
        waiting = sum(prod(graph.nodes[i].shape) for i in range(node.id) if last[i] > node.id)
        dying = sum(prod(graph.nodes[i].shape) for i in set(node.inputs) if last[i] == node.id)
        peak = max(peak, waiting + max(dying, prod(node.shape)))
    return peak


def sizes(table: pd.DataFrame) -> dict[str, list[dict]]:
    """Return computed and published weights (flash) and activations (RAM) of the X-CUBE-AI rows."""
    found: dict[str, list[dict]] = {"weights_flash_bytes": [], "activation_ram_bytes": []}
    for row in table[table.runtime == "x_cube_ai"].itertuples():
        graph = deploy(open_network(row.network)).graph
        cost = costs(graph, open_device("stm32l4r5"), open_runtime("cmsis_nn"))
        computed = {
            "weights_flash_bytes": cost.weights_bytes + cost.bias_bytes,
            "activation_ram_bytes": overlaid(graph),
        }
        for what, value in computed.items():
            published = getattr(row, what)
            if published == published:
                one = {"network": row.network, "version": row.runtime_version, "published": published}
                found[what].append(one | {"computed": value, "error": value / published - 1})
    return found


def main() -> None:
    """Print latency per group, then flash and RAM."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--measurements", type=Path, required=True, help="published_measurements.csv")
    parser.add_argument("--out", type=Path, help="write everything as JSON here")
    arguments = parser.parse_args()
    table = published_rows.read(arguments.measurements, plugins.names("zoo"))
    groups, bytes_ = latency(published_rows.timed(table)), sizes(table)
    print(f"{'runtime, version':62}{'core':12}{'models':>7}{'median':>8}{'worst':>8}{'MACs alone':>12}")
    for group in groups:
        name = f"{group['runtime']}, {group['version']}"
        print(f"{name:62}{group['core']:12}{group['models']:7}{group['median']:8.1%}{group['worst']:8.1%}", end="")
        print(f"{group['trivial_median']:12.1%}")
    for what, rows in bytes_.items():
        off = np.abs([row["error"] for row in rows])
        print(f"{what}: {len(rows)} rows of X-CUBE-AI, median error {np.median(off):.2%}, worst {off.max():.2%}")
        versions = pd.DataFrame(rows).groupby("version").error
        for version, errors in versions:
            print(
                f"  {version:26}{len(errors):4} rows, median {errors.abs().median():.2%}, bias {errors.median():+.2%}"
            )
    if arguments.out:
        arguments.out.write_text(json.dumps({"latency": groups, **bytes_}, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
