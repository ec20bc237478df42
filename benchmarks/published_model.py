"""The latency model of whole networks: cycles as ``cmsis_nn`` counts them, each kind of work times a factor of its own.

Kinds are those of kernels; of a dense layer multiplications and outputs apart (the former wait for weights from flash),
of windows multiplications apart from what is done once per output, pixel or run of channels; a constant per operator,
one per output of the softmax that most published files end with, and one per inference. ``line`` is what a
multiplication of a window of one row or column takes more: libraries have fast kernels for square ones.

Few networks know little of many factors, so they are drawn to what is known of more (ridge): those of a runtime,
version and core to those of its family (all versions and cores of X-CUBE-AI; what runs CMSIS-NN's kernels), these to
those of all families, and these to one common factor. ``PULL`` and ``UPPER_PULL`` are the same for all groups. A
network that is judged has no part in any of these.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pandas as pd
from scipy.optimize import nnls
from scipy.stats import t as student

from latent_nas.cores import open_core
from latent_nas.costs.layer import layer
from latent_nas.graph.deploy import deploy
from latent_nas.runtimes import Runtime, open_runtime
from latent_nas.zoo import open_network

CALL = 2000.0  # cycles per operator, the scale of that factor
INFERENCE = 2000.0  # cycles per inference, likewise
SOFTMAX = 1000.0  # cycles per output, likewise; the published files end with one, but these
WITHOUT_SOFTMAX = {"mlperf_autoencoder", *(f"edgemark_fc_{i}" for i in (0, 1, 2, 5, 6, 8))}
KINDS = (
    *("conv2d", "pointwise", "depthwise", "window outputs", "line", "dense", "dense outputs"),
    *("rest", "call", "softmax", "inference"),
)
WINDOWS = ("conv2d", "pointwise", "depthwise")
PER_OUTPUT = ("outputs", "pixels", "gathers", "taps_inside")  # terms of windows
NEUTRAL = np.array([float(name != "line") for name in KINDS])  # a library's line is as fast, unless rows say otherwise
FAMILIES = {**dict.fromkeys(("cmsis_nn", "edge_impulse_eon", "microtvm_cmsis_nn"), "cmsis_nn"), "x_cube_ai": "cube"}
PULL, UPPER_PULL = 0.03, 0.01  # the upper levels have all rows to learn from
LEAST_PRIOR = 0.1  # of a factor that others are measured by
WIDEST = 0.9  # error bar: below the computed time less this, all is said
CORE = open_core("cortex-m4")
# arm_avgpool_s8 over the image, a requantisation per channel. ``cmsis_nn`` runs MEAN by a reference kernel at 197
# cycles per element; with these, networks left out of the rows of TFLM and EON are off by more: all of the rows by a
# median of 6.2 % and a 90th percentile of 18.4 %, in place of 5.8 and 17.0 %.
POOLED = {"call": 2000.0, "outputs": 80.0, "taps": 20.0, "patch": 10.0}


def _base() -> Runtime:
    """Return ``cmsis_nn`` with its means as those of libraries."""
    runtime = open_runtime("cmsis_nn")
    means = replace(runtime.kernels["global_pool"], cycles={CORE.name: POOLED})
    return runtime.including({"global_pool": means})


BASE = _base()


@dataclass(frozen=True)
class Group:
    """The rows of one runtime, version and core: its family, names (rows,), with repetitions, and cycles (rows,)."""

    family: str
    networks: np.ndarray
    cycles: np.ndarray

    def without(self, names: frozenset[str]) -> "Group":
        """Return the group without the rows of networks."""
        kept = ~np.isin(self.networks, list(names))
        return Group(self.family, self.networks[kept], self.cycles[kept])


def groups_of(rows: pd.DataFrame) -> list[Group]:
    """Return the groups of a table with columns runtime, runtime_version, core, network and cycles."""
    keys = ["runtime", "runtime_version", "core"]
    return [group_of(str(runtime), rows) for (runtime, _, _), rows in rows.groupby(keys)]


def group_of(runtime: str, rows: pd.DataFrame) -> Group:
    """Return the rows of a table as one group."""
    return Group(FAMILIES.get(runtime, ""), rows.network.to_numpy(str), rows.cycles.to_numpy(float))


def kind(kernel: str, term: str) -> str:
    """Return which of ``KINDS`` a kernel's term is of."""
    if term == "call":
        return "call"
    if kernel == "dense" and term == "outputs":
        return "dense outputs"
    if kernel in WINDOWS and term in PER_OUTPUT:
        return "window outputs"
    return kernel if kernel in KINDS else "rest"


@cache
def parts(name: str) -> tuple[tuple[float, ...], float]:
    """Return a named network's cycles per kind (kinds,), as ``cmsis_nn`` has them, and its MACs."""
    graph = deploy(open_network(name)).graph
    cycles = dict.fromkeys(KINDS, 0.0)
    for node in graph.nodes:
        one = layer(node.operator, graph.shapes_into(node))
        cycles["call"] += CALL * bool(one.work)
        for term, each in (BASE.cycles(one.kernel, CORE)[0] if one.work else {}).items():
            if term != "call":
                cycles[kind(one.kernel, term)] += each * one.work[term]
            if term == "macs" and one.kernel in WINDOWS:
                cycles["line"] += each * one.work["line_macs"]
    if name not in WITHOUT_SOFTMAX:
        cycles["softmax"], cycles["call"] = SOFTMAX * graph.output_shape[0], cycles["call"] + CALL
    cycles["inference"] = INFERENCE
    return tuple(cycles.values()), float(graph.macs)


def fit(x: np.ndarray, y: np.ndarray, prior: np.ndarray | None = None, pull: float = PULL) -> np.ndarray:
    """Return a factor per kind (kinds,) of x (rows, kinds) for cycles y: least squares of relative errors, ridge.

    Args:
        prior: (kinds,), to whose proportions the factors are drawn; None: all alike. pull: how strongly.
    """
    prior = np.ones(x.shape[1]) if prior is None else prior
    common = 1 / np.median((x @ prior) / y)
    size, scale = np.sqrt(pull * len(y) / x.shape[1]), np.where(prior > LEAST_PRIOR, prior, 1.0)
    left = np.vstack([x / y[:, None], np.diag(size / (common * scale))])
    right = np.concatenate([np.ones(len(y)), size * prior / scale])
    factors: np.ndarray = nnls(left, right)[0]
    return factors


def prior_of(family: str, groups: Sequence[Group]) -> np.ndarray:
    """Return the proportions of a family's factors (kinds,), drawn to those of all groups; "" means no family."""
    all_ = _together(groups, NEUTRAL)
    own = [group for group in groups if group.family == family]
    if not family or not own:
        return all_ * NEUTRAL
    return _together(own, all_ * NEUTRAL)


def _together(groups: Sequence[Group], prior: np.ndarray) -> np.ndarray:
    """Return the factors of several groups (kinds,), each of which has a speed of its own."""
    known = [group for group in groups if len(group.networks)]
    if not known:
        return prior
    rows = [_counted(group.networks) for group in known]
    speeds = [np.median(group.cycles / (x @ prior)) for group, x in zip(known, rows, strict=True)]
    x = np.vstack([x * speed for x, speed in zip(rows, speeds, strict=True)])
    return fit(x, np.concatenate([group.cycles for group in known]), prior, UPPER_PULL)


def _counted(networks: np.ndarray) -> np.ndarray:
    """Return the cycles by kind of named networks, (networks, kinds)."""
    return np.array([parts(str(name))[0] for name in networks]).reshape(len(networks), len(KINDS))


def fitted(group: Group, groups: Sequence[Group]) -> np.ndarray:
    """Return the factors of a group (kinds,), drawn to those of its family among all groups."""
    return fit(_counted(group.networks), group.cycles, prior_of(group.family, groups))


def left_out(group: Group, groups: Sequence[Group]) -> tuple[dict[str, float], dict[str, float]]:
    """Return the relative errors of each network of a group when it is left out of all groups.

    Args:
        groups: all of them, this one too or not. Of a network measured twice, the median of its rows is taken.

    Returns:
        (computed - measured) / measured, by name: of the model, and of MACs times one constant.
    """
    macs = np.array([parts(str(n))[1] for n in group.networks])
    errors, trivial = {}, {}
    for name in sorted(set(group.networks)):
        out = group.networks == name
        if out.all():
            break
        others = group.without(frozenset({name}))
        made = _counted(group.networks[out]) @ fitted(others, [one.without(frozenset({name})) for one in groups])
        plain = macs[out] * np.median(group.cycles[~out] / macs[~out])
        errors[str(name)] = float(np.median(made / group.cycles[out] - 1))
        trivial[str(name)] = float(np.median(plain / group.cycles[out] - 1))
    return errors, trivial


def bar(errors: Sequence[float]) -> float:
    """Return the half width, relative to what is computed, of an interval that holds nine networks in ten.

    The 90th percentile of a few networks left out is far too narrow for the next one. Logarithms of their errors are
    taken for a normal distribution around 0 whose spread is known from so many draws: Student's t. At most ``WIDEST``.
    """
    logs = np.log1p(errors)
    return float(min(np.expm1(student.ppf(0.95, len(logs)) * np.sqrt(np.mean(logs**2))), WIDEST))


def covered(group: Group, groups: Sequence[Group]) -> dict[str, bool]:
    """Return whether the bar of all others holds a network's cycles, by the name of the network.

    A network has no part in any fit, nor in the bar: that is made of the others, each left out of the fits in turn.
    """
    held = {}
    for name in sorted(set(group.networks)):
        out = group.networks == name
        if len(set(group.networks[~out])) < 2:
            break
        others, rest = group.without(frozenset({name})), [one.without(frozenset({name})) for one in groups]
        made = _counted(group.networks[out]) @ fitted(others, rest)
        errors, _ = left_out(others, rest)
        held[str(name)] = bool(np.median(np.abs(group.cycles[out] / made - 1)) <= bar(list(errors.values())))
    return held
