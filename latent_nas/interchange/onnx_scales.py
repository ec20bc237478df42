"""Scales per channel folded into the layer before them, the scale after them, or the layers behind."""

import numpy as np

from latent_nas.fixed_point import Quant
from latent_nas.interchange.onnx_draft import Affine, Weights
from latent_nas.interchange.onnx_work import Work
from latent_nas.operators import Shape
from latent_nas.operators.avg_pool import AvgPool
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.conv_transpose import ConvTranspose
from latent_nas.operators.dense import Dense
from latent_nas.operators.flatten import Flatten
from latent_nas.operators.global_pool import GlobalPool
from latent_nas.operators.reshape import Reshape
from latent_nas.operators.window import pads

Layer = (Conv2d, Dense)  # which scales before them may go into; those after them into a transposed one as well


def fold(work: Work, node: int) -> None:
    """Fold a scale into the layer before it, the scale after it, or the layers behind; else leave it."""
    affine = work.nodes[node]
    before = work.nodes[affine.inputs[0]]
    alone = len(work.readers(before.id)) == 1
    norm = isinstance(affine.operator, Affine) and affine.operator.norm
    if _apart(work, before.id, node):
        return
    if isinstance(before.operator, (*Layer, ConvTranspose)) and alone:
        if not (norm and isinstance(before.operator, Conv2d)):
            _backward(work, before.id, node)
    elif isinstance(before.operator, Affine) and alone:
        _merge(work, before.id, node)
    else:
        _forward(work, node)


def _apart(work: Work, before: int, node: int) -> bool:
    """Return whether a file rounds the tensor that a scale reads, which may clip it: quantisers drop a ReLU for it.

    A bias may be added beyond a rounding to both sides of 0, as behind every MatMul.
    """
    rounded = work.quant(before)
    if rounded is None or node not in work.draft.quants:
        return False
    return bool((work.scale(node)[0] != 1).any() or rounded.zero_point in (-128, 127))


def _backward(work: Work, layer: int, node: int) -> None:
    factor, offset = work.scale(node)
    held = work.draft.weights[layer]
    weight, bias = held.arrays["weight"], held.arrays["bias"]
    along = factor.reshape(-1, *[1] * (weight.ndim - 1))
    scale = held.scale if held.scale is None or (factor <= 0).any() else held.scale * factor
    work.draft.weights[layer] = Weights({"weight": weight * along, "bias": bias * factor + offset}, scale)
    work.becomes(layer, node)


def _merge(work: Work, first: int, node: int) -> None:
    (a, b), (factor, offset) = work.scale(first), work.scale(node)
    work.draft.weights[first] = Weights({"factor": a * factor, "offset": b * factor + offset})
    work.becomes(first, node)
    fold(work, first)


def _forward(work: Work, node: int) -> None:
    """Fold a scale into all the layers that read it, through what only moves or averages its channels."""
    source = work.nodes[node].inputs[0]
    if work.last == node or (work.draft.quants and not _rounded(work, source, node)):
        return
    factor, offset = work.scale(node)
    found: list[tuple[int, np.ndarray, np.ndarray]] = []
    passed: list[int] = []
    if _layers(work, node, factor, offset, found, passed):
        for layer, a, b in found:
            _into(work, layer, a, b)
        for moved in passed:
            work.draft.quants.pop(moved, None)
        work.take_out(node, source)
        work.stands_for.update(dict.fromkeys((node, *passed), -1))  # their tensors have other values now


def _rounded(work: Work, source: int, node: int) -> bool:
    """Return whether what a scale reads is rounded too, or may be as the scale's own tensor is."""
    quants = work.draft.quants
    if work.quant(source) is not None:
        return True
    while isinstance(work.nodes[source].operator, Reshape):
        source = work.nodes[source].inputs[0]
    factor, offset = work.scale(node)
    if source or node not in quants or not factor.all():
        return False
    ends = (quants[node].dequantise(np.array([-128, 127], np.int8))[:, None] - offset) / factor
    if (ends == ends[:, :1]).all() and factor[0] > 0:
        moved = round(quants[node].zero_point + offset[0] / quants[node].scale)
        if -128 <= moved <= 127:
            quants[source] = Quant(float(quants[node].scale / factor[0]), moved)
            return True
    quants[source] = Quant.of_range(float(ends.min()), float(ends.max()))
    return True


def _layers(
    work: Work,
    node: int,
    factor: np.ndarray,
    offset: np.ndarray,
    found: list[tuple[int, np.ndarray, np.ndarray]],
    passed: list[int],
) -> bool:
    """Gather the layers that read a scaled tensor; False where something else does."""
    readers = work.readers(node)
    for reader in readers:
        operator, shape = reader.operator, work.nodes[node].shape
        if len(reader.inputs) != 1:
            return False
        if isinstance(operator, Layer) and reader.id in work.draft.weights:
            if isinstance(operator, Conv2d) and offset.any() and _padded(operator, shape):
                return False  # the zeros around the image are not scaled
            found.append((reader.id, factor, offset))
            continue
        mean = isinstance(operator, GlobalPool) and operator.mode == "avg" and not work.draft.quants
        if not (mean or isinstance(operator, (Flatten, Reshape, AvgPool))) or reader.id == work.last:
            return False
        if isinstance(operator, Reshape) and reader.shape[-1] != factor.size:
            if (factor != factor[0]).any() or (offset != offset[0]).any():
                return False
            factor, offset = (np.full(reader.shape[-1], v[0]) for v in (factor, offset))
        times = reader.shape[-1] // factor.size
        passed.append(reader.id)
        if not _layers(work, reader.id, np.tile(factor, times), np.tile(offset, times), found, passed):
            return False
    return bool(readers)


def _into(work: Work, layer: int, factor: np.ndarray, offset: np.ndarray) -> None:
    """Make a layer take its input before it is scaled."""
    held, operator = work.draft.weights[layer], work.nodes[layer].operator
    weight = held.arrays["weight"]
    groups = operator.groups if isinstance(operator, Conv2d) else 1
    own = np.arange(len(weight)) // (len(weight) // groups)  # the group of each filter
    a, b = (v.reshape(groups, -1)[own].reshape(len(weight), *[1] * (weight.ndim - 2), -1) for v in (factor, offset))
    bias = held.arrays["bias"] + (weight * b).reshape(len(weight), -1).sum(axis=1)
    even = (factor == factor[0]).all() and factor[0] > 0 and held.scale is not None
    scale = held.scale * factor[0] if even and held.scale is not None else None
    work.draft.weights[layer] = Weights({"weight": weight * a, "bias": bias}, scale)


def _padded(operator: Conv2d, shape: Shape) -> bool:
    return any(pads(shape[0], shape[1], operator.kernel_size, operator.stride, operator.padding))
