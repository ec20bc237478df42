"""Least squares of relative errors: cycles per count of an operator's work, and how far they are off on unseen layers.

The fit is linear in the counts of ``Operator.work`` and non-negative. Fast paths are among the counts: what is left
over after blocks of 4 or 16 costs more than what fills them.
"""

from collections.abc import Collection, Sequence

import numpy as np

from latent_nas.costs.layer import Layer

TERMS = {  # of which a kernel's time is made; of other kernels, all that they count
    "conv2d": (
        *("call", "macs", "tail4_macs", "outputs", "pixels"),
        *("taps_inside", "gathered_inside", "tail4_inside", "gathered_outside"),
    ),
    "pointwise": ("call", "macs", "tail16_macs", "outputs", "weights"),
    "depthwise": ("call", "macs", "unaligned_macs", "outputs", "pixels", "gathers", "gathered", "gathered_tail4"),
    "add": ("call", "outputs"),
    "global_pool": ("call", "means"),
}
FOLDS = 5


def counts(layers: Sequence[Layer], own: Collection[str] = ()) -> tuple[tuple[str, ...], np.ndarray]:
    """Return the terms of layers of one kernel, and their counts (layers, terms).

    Args:
        own: terms of a runtime's kernel; they are taken where some are none of the usual ones.
    """
    terms = TERMS.get(layers[0].kernel) or tuple(layers[0].work)
    if {*own} - {*terms} or (own and layers[0].kernel not in TERMS):
        terms = ("call", *(term for term in own if term != "call"))
    return terms, np.array([[layer.work[term] for term in terms] for layer in layers])


def plain_counts(layers: Sequence[Layer]) -> np.ndarray:
    """Return what the trivial predictor counts, MACs or else outputs, (layers, 1)."""
    return np.array([[max(layer.macs, layer.work["outputs"])] for layer in layers], float)


def fit(counted: np.ndarray, cycles: np.ndarray) -> np.ndarray:
    """Return cycles per count (terms,) of counts (layers, terms) and measured cycles (layers,)."""
    from scipy.optimize import nnls

    size = np.maximum(np.abs(counted / cycles[:, None]).max(axis=0), 1e-12)  # columns of one size: better conditioned
    each: np.ndarray = nnls(counted / cycles[:, None] / size, np.ones(len(cycles)), maxiter=1000)[0] / size
    return each


def left_out(counted: np.ndarray, cycles: np.ndarray, shapes: Sequence[str]) -> np.ndarray:
    """Return the relative errors (layers,) of layers computed by a fit without any layer of their shape.

    NaN where all layers have one shape.
    """
    names = np.array(sorted(set(shapes)))
    np.random.default_rng(0).shuffle(names)
    number = {name: i % FOLDS for i, name in enumerate(names.tolist())}
    fold = np.array([number[shape] for shape in shapes])
    errors = np.full(len(cycles), np.nan)
    for i in range(FOLDS):
        out = fold == i
        if out.any() and not out.all():
            errors[out] = np.abs(counted[out] @ fit(counted[~out], cycles[~out]) / cycles[out] - 1)
    return errors
