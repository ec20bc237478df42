"""Transposed convolutions."""

import math

import numpy as np

from latent_nas.interchange.onnx_nodes.call import Call, Value
from latent_nas.interchange.onnx_nodes.window import dilated, pair
from latent_nas.interchange.onnx_view import Image
from latent_nas.operators.conv_transpose import ConvTranspose
from latent_nas.operators.window import Pair


def conv_transpose(call: Call) -> Value:
    """Return a transposed convolution; groups become a filter each over all channels, with zeros."""
    weight, bias = call.constant(1), call.optional(2)
    image, groups = call.image(0), int(call.setting("group", 1))
    if weight.ndim != image.rank or weight.ndim not in (3, 4) or groups < 1 or weight.shape[0] != image.shape[2]:
        raise call.refuse(f"weights {weight.shape} over a tensor {call.value(0).order.shape}")
    held = dilated(call, _filters(weight.reshape(*weight.shape, *[1] * (4 - weight.ndim)), groups))
    filters, kernel = len(held), (held.shape[2], held.shape[3])
    stride = pair(call, call.setting("strides", None) or [1] * (image.rank - 2), image.rank)
    operator = ConvTranspose(filters, kernel, stride, _crop(call, image, kernel, stride))
    node = call.put(operator, image.node)
    scale = call.scale(1, 1)
    call.hold(node, held.transpose(0, 2, 3, 1), bias, scale if scale is None else np.tile(scale, groups))
    return Value(node, image.ordered(call.draft.shape(node)))


def _filters(weight: np.ndarray, groups: int) -> np.ndarray:
    """Return (filters, channels, height, width) of (channels, filters / groups, height, width)."""
    channels, each = weight.shape[0] // groups, weight.shape[1]
    whole = np.zeros((groups * each, weight.shape[0], *weight.shape[2:]), weight.dtype)
    for g in range(groups):
        rows, columns = slice(g * each, (g + 1) * each), slice(g * channels, (g + 1) * channels)
        whole[rows, columns] = weight[columns].transpose(1, 0, 2, 3)
    return whole


def _crop(call: Call, image: Image, kernel: Pair, stride: Pair) -> tuple[int, int, int, int]:
    """Return top, bottom, left and right of what is cut off; below 0 where rows are added."""
    axes = image.rank - 2
    added = [int(n) for n in call.setting("output_padding", None) or [0] * axes]
    given = [int(n) for n in call.setting("pads", None) or [0] * (2 * axes)]
    sizes, automatic = call.setting("output_shape", None), call.setting("auto_pad", "NOTSET") or "NOTSET"
    if automatic not in ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"):
        raise call.refuse(f"auto_pad {automatic} is not known here")
    cuts: list[int] = []
    for a in range(axes):
        reached = (image.shape[a] - 1) * stride[a] + kernel[a] + added[a]
        wanted = sizes[-axes:][a] if sizes else image.shape[a] * stride[a]
        if not sizes and automatic in ("NOTSET", "VALID"):
            before, after = (given[a], given[axes + a]) if automatic == "NOTSET" else (0, 0)
        else:
            total = reached - int(wanted) if sizes else max(0, reached - int(wanted))  # automatic padding adds nothing
            small, large = math.floor(total / 2), math.ceil(total / 2)
            before, after = (small, large) if automatic == "SAME_UPPER" else (large, small)
        cuts += [before, after - added[a]]
    return (cuts[0], cuts[1], *(cuts[2:] or [0, 0]))  # type: ignore[return-value]


READERS = {"ConvTranspose": conv_transpose}
