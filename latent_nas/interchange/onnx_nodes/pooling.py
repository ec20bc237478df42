"""Pooling over windows, and means and maxima over whole axes."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from math import prod

import numpy as np

from latent_nas.interchange.onnx_draft import LARGEST
from latent_nas.interchange.onnx_nodes.arithmetic import product
from latent_nas.interchange.onnx_nodes.call import Call, Unreadable, Value
from latent_nas.interchange.onnx_nodes.window import padding_of, pair
from latent_nas.interchange.onnx_view import Image, memory
from latent_nas.operators.activation import Activation
from latent_nas.operators.avg_pool import AvgPool
from latent_nas.operators.concat import Concat
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.dense import Dense
from latent_nas.operators.flatten import Flatten
from latent_nas.operators.global_pool import GlobalPool
from latent_nas.operators.max_pool import MaxPool
from latent_nas.operators.relu import Relu
from latent_nas.operators.relu6 import Relu6
from latent_nas.operators.window import Pair, pads


def max_pool(call: Call) -> Value:
    """Return max pooling; zeros that a Pad put around count as outside where nothing is below 0."""
    positive = _positive(call, call.value(0, padded=True).node)
    image, size, stride, padding = _window(call, call.image(0, padded=positive))
    node = image.node if size == stride == (1, 1) and not any(padding) else None
    if node is None:
        node = call.put(MaxPool(size, stride, _named(image, size, stride, padding)), image.node)
    return Value(node, image.ordered(call.draft.shape(node)))


def average_pool(call: Call) -> Value:
    """Return average pooling; where padding counts, a convolution by one weight per channel."""
    image, size, stride, padding = _window(call, call.image(0, padded=True))
    larger = padding != _padding(call, size, image)  # by ceil_mode
    channels, around = image.shape[2], any(image.padding)
    if any(_padding(call, size, image)) and (call.setting("count_include_pad", 0) or around):
        own = tuple(a - b for a, b in zip(padding, image.padding, strict=True))
        if (around and any(own) and not call.setting("count_include_pad", 0)) or larger:
            raise call.refuse("zeros that count beside padding that does not, or with ceil_mode, are not known here")
        if float(prod(size)) * channels > LARGEST:
            raise call.refuse(f"a window of {size[0]}x{size[1]}, which no device here can hold")
        node = call.put(Conv2d(channels, size, stride, padding, channels), image.node)
        call.hold(node, np.full((channels, *size, 1), 1 / prod(size)), None, None)
    elif size == stride == (1, 1):
        node = image.node
    else:
        node = call.put(AvgPool(size, stride, _named(image, size, stride, padding)), image.node)
    return Value(node, image.ordered(call.draft.shape(node)))


def _window(call: Call, image: Image) -> tuple[Image, Pair, Pair, tuple[int, int, int, int]]:
    """Return an image, and size, stride and whole padding of the window over it, the rest that ceil_mode adds too."""
    if any(int(d) != 1 for d in call.setting("dilations", None) or [1]):
        raise call.refuse("dilations are not known here, but those of a convolution")
    kernel = pair(call, call.setting("kernel_shape", []), image.rank)
    size, stride, _ = padding_of(call, kernel, image)
    top, bottom, left, right = _padding(call, size, image)
    if call.setting("ceil_mode", 0):
        bottom += _rest(image.shape[0] + top + bottom, size[0], stride[0], image.shape[0] + top)
        right += _rest(image.shape[1] + left + right, size[1], stride[1], image.shape[1] + left)
    return image, size, stride, (top, bottom, left, right)


def _padding(call: Call, size: Pair, image: Image) -> tuple[int, int, int, int]:
    _, stride, padding = padding_of(call, size, image)
    return pads(image.shape[0], image.shape[1], size, stride, padding)


def _rest(length: int, size: int, stride: int, inside: int) -> int:
    """Return what a last window, which begins inside, lacks."""
    places = -(-(length - size) // stride)
    places -= places * stride >= inside
    return max(0, places * stride + size - length)


def _named(
    image: Image, size: Pair, stride: Pair, padding: tuple[int, int, int, int]
) -> "str | tuple[int, int, int, int]":
    for name in ("same", "valid"):
        if padding == pads(image.shape[0], image.shape[1], size, stride, name):
            return name
    return padding


def _positive(call: Call, node: int) -> bool:
    """Return whether no element of a node's tensor is below 0."""
    made = call.draft.nodes[node]
    if isinstance(made.operator, (MaxPool, AvgPool, GlobalPool, Flatten, Concat)):
        return all(_positive(call, i) for i in made.inputs)
    return isinstance(made.operator, (Relu, Relu6))


def over_space(mode: str) -> Callable[[Call], Value]:
    """Return the reader of pooling over all of an image, its dimensions kept."""

    def read(call: Call) -> Value:
        rank = call.value(0).order.ndim
        return _reduced(call, tuple(range(2, rank)), True, mode)

    return read


def reduction(mode: str) -> Callable[[Call], Value]:
    """Return the reader of a mean, maximum or sum over axes."""

    def read(call: Call) -> Value:
        given, rank = call.optional(1), call.value(0).order.ndim
        axes = (
            [int(a) for a in (call.setting("axes", None) or [])] if given is None else [int(a) for a in given.ravel()]
        )
        if not axes and call.setting("noop_with_empty_axes", 0):
            return call.value(0)
        if any(not -rank <= a < rank for a in axes):
            raise call.refuse(f"axes {axes} of a tensor of {rank} dimensions")
        whole = tuple(sorted(a % rank for a in axes)) or tuple(range(rank))
        return _reduced(call, whole, bool(call.setting("keepdims", 1)), mode)

    return read


def length(call: Call) -> Value:
    """Return the root of the sum of squares over axes."""
    x = call.value(0)
    square = product(call, x, x)
    total = reduction("sum")(replace(call, values=[square, *call.values[1:]]))
    return call.add(Activation("sqrt(x)"), total)


def _reduced(call: Call, axes: tuple[int, ...], keep: bool, mode: str, given: Value | None = None) -> Value:
    """Return a tensor (``given``, else the first) reduced over axes: all rows, all columns or both of an image."""
    x = call.value(0) if given is None else given
    kept = [a for a in range(x.order.ndim) if a not in axes]
    dims = tuple(1 if a in axes else x.order.shape[a] for a in range(x.order.ndim) if keep or a not in axes)
    lines = x.order.transpose(*kept, *axes).reshape(prod(x.order.shape[a] for a in kept), -1)
    if lines.shape[1] == 1:
        return Value(x.node, lines.reshape(dims))
    once = bool(np.diff(np.sort(lines), axis=1).all())  # else elements are repeated
    for shape in _shapes(call.draft.shape(x.node)) if once else ():
        height, width, channels = shape
        pixel, channel = np.divmod(lines, channels)
        row, column = np.divmod(pixel, width)
        if (channel != channel[:, :1]).any():
            continue
        whole_rows, whole_columns = (_all(a, n) for a, n in ((row, height), (column, width)))
        one_row, one_column = ((a == a[:, :1]).all() for a in (row, column))
        node = call.reshaped(x.node, shape)
        if lines.shape[1] == height * width and whole_rows and whole_columns:
            made, places = call.put(GlobalPool("max" if mode == "max" else "avg"), node), channel[:, 0]
        elif lines.shape[1] == height and whole_rows and one_column:
            made, places = _line(call, mode, node, (height, 1)), column[:, 0] * channels + channel[:, 0]
        elif lines.shape[1] == width and whole_columns and one_row:
            made, places = _line(call, mode, node, (1, width)), row[:, 0] * channels + channel[:, 0]
        else:
            continue
        result = Value(made, places.reshape(dims).astype(np.int32))
        return call.affine(result, lines.shape[1], 0) if mode == "sum" else result
    if given is None and x.order.ndim > 2:
        with suppress(Unreadable):  # a part of an image, or its channels in another order
            whole = call.in_order(x)
            if whole.node != x.node:
                return _reduced(call, axes, keep, mode, whole)
    if mode != "max" and len(call.draft.shape(x.node)) == 1 and lines.min() >= 0 and lines.size <= LARGEST // 64:
        weight = np.zeros((len(lines), call.draft.shape(x.node)[0]))
        np.add.at(weight, (np.arange(len(lines))[:, None], lines), 1.0 if mode == "sum" else 1 / lines.shape[1])
        made = call.put(Dense(len(lines)), x.node)
        call.hold(made, weight, None, None)
        return Value(made, memory(dims))
    for axis in axes if given is None else ():
        with suppress(Unreadable):  # not the channels
            one, rest = _over_channels(call, x, axis, mode), tuple(a for a in axes if a != axis)
            whole = _reduced(call, rest, True, mode, one) if rest else one
            return Value(whole.node, whole.order.reshape(dims))
    raise call.refuse(f"the {mode} over axes {list(axes)} of a tensor {x.order.shape} is not known here")


def _over_channels(call: Call, x: Value, axis: int, mode: str) -> Value:
    """Return a tensor with the mean, sum or largest of its channels, which lie along an axis."""
    image = call.in_order(Value(x.node, np.moveaxis(x.order, axis, 1)))
    channels = call.draft.shape(image.node)[-1]
    if mode == "max":
        rows, columns = (1, 1, *call.draft.shape(image.node))[-3:-1]
        lines = call.reshaped(image.node, (rows * columns, channels, 1))
        node = call.reshaped(_line(call, mode, lines, (1, channels)), (rows, columns, 1))
    else:
        node = call.put(Conv2d(1, (1, 1)), image.node)
        call.hold(node, np.full((1, 1, 1, channels), 1.0 if mode == "sum" else 1 / channels), None, None)
    left = np.moveaxis(image.order, 1, axis).take([0], axis)
    return Value(node, left // channels)


def _line(call: Call, mode: str, node: int, size: Pair) -> int:
    return call.put((MaxPool if mode == "max" else AvgPool)(size, size, "valid"), node)


def _all(places: np.ndarray, n: int) -> bool:
    """Return whether every line (lines, elements) meets all of n places."""
    return all(len(np.unique(line)) == n for line in places[:1]) and bool(
        (np.sort(places) == np.sort(places[:1])).all()
    )


def _shapes(shape: tuple[int, ...]) -> list[tuple[int, int, int]]:
    """Return the images that a node's memory may be: its own, or with its values as channels."""
    if len(shape) != 3:
        return [(1, 1, shape[0]), (shape[0], 1, 1)]
    return [(shape[0], shape[1], shape[2]), (shape[0], 1, shape[1] * shape[2]), (shape[0] * shape[1], 1, shape[2])]


READERS = {
    "MaxPool": max_pool,
    "AveragePool": average_pool,
    "GlobalAveragePool": over_space("avg"),
    "GlobalMaxPool": over_space("max"),
    "ReduceMean": reduction("mean"),
    "ReduceMax": reduction("max"),
    "ReduceSum": reduction("sum"),
    "ReduceL2": length,
}
