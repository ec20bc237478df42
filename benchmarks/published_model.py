"""The latency model of whole networks: cycles as ``cmsis_nn`` counts them, each kind of work times a factor of its own.

Kinds are those of kernels (a dense layer's multiplications and outputs apart: the former wait for weights from flash),
a constant per operator, one per output of the softmax that most published files end with, and one per inference. Few
networks know little of many factors, so all are drawn to one common factor (ridge, ``PULL``, the same for all groups
and not chosen by their errors).
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
from scipy.optimize import nnls
from scipy.stats import t as student

from latent_nas.cores import open_core
from latent_nas.costs.layer import layer
from latent_nas.graph.deploy import deploy
from latent_nas.runtimes import open_runtime
from latent_nas.zoo import open_network

CALL = 2000.0  # cycles per operator, the scale of that factor
INFERENCE = 2000.0  # cycles per inference, likewise
SOFTMAX = 1000.0  # cycles per output, likewise; the published files end with one, but these
WITHOUT_SOFTMAX = {"mlperf_autoencoder", *(f"edgemark_fc_{i}" for i in (0, 1, 2, 5, 6, 8))}
KINDS = ("conv2d", "pointwise", "depthwise", "dense", "dense outputs", "rest", "call", "softmax", "inference")
PULL = 0.1
WIDEST = 0.9  # error bar: below the computed time less this, all is said
BASE, CORE = open_runtime("cmsis_nn"), open_core("cortex-m4")


def kind(kernel: str, term: str) -> str:
    """Return which of ``KINDS`` a kernel's term is of."""
    if term == "call":
        return "call"
    if kernel == "dense" and term == "outputs":
        return "dense outputs"
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
    if name not in WITHOUT_SOFTMAX:
        cycles["softmax"], cycles["call"] = SOFTMAX * graph.output_shape[0], cycles["call"] + CALL
    cycles["inference"] = INFERENCE
    return tuple(cycles.values()), float(graph.macs)


def fit(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return a factor per kind (kinds,) of x (rows, kinds) for cycles y: least squares of relative errors, ridge."""
    common = 1 / np.median(x.sum(axis=1) / y)
    size = np.sqrt(PULL * len(y) / x.shape[1])
    left = np.vstack([x / y[:, None], size / common * np.eye(x.shape[1])])
    right = np.concatenate([np.ones(len(y)), size * np.ones(x.shape[1])])
    factors: np.ndarray = nnls(left, right)[0]
    return factors


def left_out(networks: np.ndarray, y: np.ndarray) -> tuple[dict[str, float], dict[str, float]]:
    """Return the relative errors of each network when it is left out: of the model, and of MACs times one constant.

    Args:
        networks: names, with repetitions. y: their cycles. Of a network measured twice, the median of its rows.

    Returns:
        (computed - measured) / measured, by name.
    """
    x, macs = np.array([parts(n)[0] for n in networks]), np.array([parts(n)[1] for n in networks])
    errors, trivial = {}, {}
    for name in sorted(set(networks)):
        out = networks == name
        if out.all():
            break
        made, plain = x[out] @ fit(x[~out], y[~out]), macs[out] * np.median(y[~out] / macs[~out])
        errors[name] = float(np.median(made / y[out] - 1))
        trivial[name] = float(np.median(plain / y[out] - 1))
    return errors, trivial


def bar(errors: Sequence[float]) -> float:
    """Return the half width, relative to what is computed, of an interval that holds nine networks in ten.

    The 90th percentile of a few networks left out is far too narrow for the next one. Logarithms of their errors are
    taken for a normal distribution around 0 whose spread is known from so many draws: Student's t. At most ``WIDEST``.
    """
    logs = np.log1p(errors)
    return float(min(np.expm1(student.ppf(0.95, len(logs)) * np.sqrt(np.mean(logs**2))), WIDEST))


def covered(networks: np.ndarray, y: np.ndarray) -> dict[str, bool]:
    """Return whether the bar of all others holds a network's cycles y (rows,), by the name of the network.

    A network has no part in the fit, nor in the bar: that is made of the others, each left out of their fit in turn.
    """
    held = {}
    for name in sorted(set(networks)):
        out = networks == name
        if len(set(networks[~out])) < 2:
            break
        made = np.array([parts(n)[0] for n in networks[out]]) @ fit(
            np.array([parts(n)[0] for n in networks[~out]]), y[~out]
        )
        errors, _ = left_out(networks[~out], y[~out])
        held[name] = bool(np.median(np.abs(y[out] / made - 1)) <= bar(list(errors.values())))
    return held
