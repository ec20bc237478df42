"""Convolutions and dense layers."""

import numpy as np

from latent_nas.interchange.onnx_draft import LARGEST
from latent_nas.interchange.onnx_nodes.call import Call, Value
from latent_nas.interchange.onnx_nodes.window import dilated, padding_of
from latent_nas.interchange.onnx_view import memory
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.dense import Dense
from latent_nas.operators.window import pads


def conv(call: Call) -> Value:
    """Return a convolution; over a series one of windows (steps, 1), or (steps, values) of the input's one channel."""
    given, bias, groups = call.constant(1), call.optional(2), int(call.setting("group", 1))
    raw = call.value(0, padded=True, raw=True)
    if given.ndim not in (3, 4) or given.ndim != raw.order.ndim:
        raise call.refuse(f"weights {given.shape} over a tensor {raw.order.shape}; wanted an image or a series")
    weight, inner = given.reshape(*given.shape, *[1] * (4 - given.ndim)), call.draft.shape(raw.node)
    pixel = inner == (raw.order.size,) and raw.order.size == raw.order.shape[1] and raw.order.min() >= 0
    if pixel and weight.shape[2:] == (1, 1) and groups == 1 and not any(call.setting("pads", [])):
        made = dense(call, raw, weight[:, :, 0, 0], bias, call.scale(1))
        return Value(made, memory((1, len(weight), *[1] * (given.ndim - 2))))
    image, weight = call.image(0, padded=True, shuffled=groups == 1), dilated(call, weight)
    kernel, stride, padding = padding_of(call, weight.shape[2:], image)
    if groups < 1 or weight.shape[1] * groups != image.shape[2]:
        raise call.refuse(f"weights {given.shape} of {groups} groups; the tensor has {image.shape[2]} channels")
    weight, node = weight.transpose(0, 2, 3, 1), image.node
    if image.channels is not None:
        weight = _spread(weight, image.channels, call.draft.shape(node)[2])
    elif image.rank == 3 and groups == 1 and inner == (image.shape[0], image.shape[2], 1):
        node, kernel = raw.node, (kernel[0], image.shape[2])  # this package's own series: their values side by side
        weight = weight.transpose(0, 1, 3, 2)
        rows = pads(image.shape[0], 1, (kernel[0], 1), stride, padding)[:2]
        padding = (*rows, 0, 0) if any(rows) else "valid"
    made = call.put(Conv2d(len(weight), kernel, stride, padding, groups), node)
    call.hold(made, weight, bias, call.scale(1))
    return Value(made, image.ordered(call.draft.shape(made)))


def _spread(weight: np.ndarray, channels: np.ndarray, across: int) -> np.ndarray:
    """Return weights (..., channels) as those of all channels that a node has; those that are not read get none."""
    whole = np.zeros((*weight.shape[:-1], across), weight.dtype)
    for i, channel in enumerate(channels):  # one may be read twice
        whole[..., channel] += weight[..., i]
    return whole


def dense(call: Call, x: Value, weight: np.ndarray, bias: np.ndarray | None, scale: np.ndarray | None) -> int:
    """Return a dense layer of a tensor, its weights (units, features) put in the order of the memory of that."""
    places, node = x.order.ravel(), call.flat(x)
    if weight.shape[1] != places.size:
        raise call.refuse(f"{weight.shape[1]} features wanted, the tensor has {places.size}")
    size = call.draft.shape(node)[0]
    if float(size) * len(weight) > LARGEST:
        raise call.refuse(f"{len(weight)} units that read a part of {size} elements, which no device here can hold")
    whole = np.zeros((size, len(weight)))
    np.add.at(whole, places[places >= 0], weight.T[places >= 0])
    made = call.put(Dense(len(weight)), node)
    call.hold(made, whole.T, bias, scale)
    return made


def gemm(call: Call) -> Value:
    """Return a dense layer; a transposed tensor, factors and a bias of one value are worked in."""
    x, matrix, bias = call.value(0, padded=True), call.constant(1), call.optional(2)
    order = x.order.T if call.setting("transA", 0) else x.order
    if matrix.ndim != 2 or order.ndim != 2 or order.shape[0] != 1:
        raise call.refuse(f"a tensor {order.shape} times {matrix.shape}; wanted (1, features) times a constant matrix")
    units = 0 if call.setting("transB", 0) else 1
    weight, scale = matrix if units == 0 else matrix.T, call.scale(1, units)
    alpha, beta = float(call.setting("alpha", 1.0)), float(call.setting("beta", 1.0))
    if alpha != 1:
        weight, scale = weight * alpha, None if scale is None or alpha <= 0 else scale * alpha
    made = dense(call, Value(x.node, order), weight, None if bias is None else bias * beta, scale)
    return Value(made, memory((1, len(weight))))


def matmul(call: Call) -> Value:
    """Return a dense layer, or one of each pixel or step: a convolution of 1x1."""
    x, matrix = call.value(0, padded=True), call.constant(1)
    dims = x.order.shape
    if matrix.ndim != 2 or len(dims) < 2 or dims[-1] != len(matrix):
        raise call.refuse(
            f"a tensor {dims} times {matrix.shape}; only one times a matrix of as many rows is known here"
        )
    units, tokens = matrix.shape[1], int(np.prod(dims[:-1]))
    if tokens == 1:
        return Value(dense(call, x, matrix.T, None, call.scale(1, 1)), memory((*dims[:-1], units)))
    image = call.in_order(Value(x.node, np.moveaxis(x.order, -1, 1)))
    made = call.put(Conv2d(units, (1, 1)), image.node)
    call.hold(made, matrix.T.reshape(units, 1, 1, -1), None, call.scale(1, 1))
    return Value(made, memory((*dims[:-1], units)))


READERS = {"Conv": conv, "Gemm": gemm, "MatMul": matmul}
