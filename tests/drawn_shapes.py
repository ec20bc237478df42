"""What a random graph does to shapes: padding, parts, reductions, enlarging, vectors of images and back."""

from math import prod
from typing import Any

import numpy as np
from drawn_graph import Drawn


def padded(graph: Drawn) -> None:
    """Add Pad with zeros around the space, or without a part of it."""
    space = graph.shape[2:]
    least = [0 if n < 4 or graph.chance(0.7) else -1 for n in space]
    ends = [[int(graph.random.integers(low, 3)) for low in least] for _ in range(2)]
    amounts = [0, 0, *ends[0], 0, 0, *ends[1]]
    if graph.opset < 11:
        graph.node("Pad", [graph.at], pads=[int(a) for a in amounts])
    else:
        graph.node("Pad", [graph.at, graph.constant(amounts, np.int64)])


def parted(graph: Drawn) -> None:
    """Take a part of the channels or of the space, or split and join the channels the other way round."""
    x, channels = graph.at, graph.shape[1]
    if graph.chance(0.5) and channels > 1:
        sizes = [channels // 2, channels - channels // 2]
        if graph.opset < 13:
            graph.node("Split", [x], 2, axis=1, split=sizes)
        else:
            graph.node("Split", [x, graph.constant(sizes, np.int64)], 2, axis=1)
        graph.node("Concat", [f"{graph.at}_1", graph.at], axis=1)
        return
    axis = int(graph.random.integers(1, len(graph.shape)))
    begin = int(graph.random.integers(0, max(1, graph.shape[axis] // 2)))
    end = int(graph.random.integers(begin + 1, graph.shape[axis] + 1))
    if graph.opset < 10:
        graph.node("Slice", [x], axes=[axis], starts=[begin], ends=[end])
        return
    every = graph.pick(1, 1, 1, 2, 3)
    if graph.chance(0.2):  # from the end, named from there
        begin, end, axis = begin - graph.shape[axis], end if end < graph.shape[axis] else 2**31, axis - len(graph.shape)
    if axis in (1, 1 - len(graph.shape)) and graph.chance(0.3):  # the channels the other way round
        begin, end, every = -1, -(2**31), -1
    graph.node("Slice", [x, *(graph.constant([v], np.int64) for v in (begin, end, axis, every))])


def reduced(graph: Drawn) -> None:
    """Reduce over space."""
    rank = len(graph.shape)
    if graph.chance(0.4):
        graph.node(graph.pick("GlobalAveragePool", "GlobalMaxPool"), [graph.at])
        return
    kind = graph.pick("ReduceMean", "ReduceMean", "ReduceMax", "ReduceSum")
    axes = list(range(2, rank)) if graph.chance(0.7) else [graph.pick(*range(2, rank))]
    axes = [a - rank if graph.opset >= 11 and graph.chance(0.3) else a for a in axes]
    as_input = graph.opset >= (13 if kind == "ReduceSum" else 18)
    keep = graph.pick(0, 1)
    if keep == 0 and rank - len(axes) == 3 and rank == 4 and graph.chance(0.5):
        keep = 1
    inputs = [graph.at, graph.constant(axes, np.int64)] if as_input else [graph.at]
    graph.node(kind, inputs, keepdims=keep, **({} if as_input else {"axes": axes}))


def turned(graph: Drawn) -> None:
    """Work with the channels last for a while: a dense layer of each pixel, or a mean."""
    rank = len(graph.shape)
    last, first = [0, *range(2, rank), 1], [0, rank - 1, *range(1, rank - 1)]
    graph.node("Transpose", [graph.at], perm=last)
    if graph.chance(0.7):
        graph.node("MatMul", [graph.at, graph.weight(graph.shape[-1], 5)])
        graph.node("Add", [graph.at, graph.weight(5)])
        if graph.chance(0.5):
            graph.node("Relu", [graph.at])
    graph.node("Transpose", [graph.at], perm=first)


def larger(graph: Drawn) -> None:
    """Enlarge an image by whole numbers, or by a transposed convolution."""
    if graph.chance(0.5) and graph.opset >= 11:
        modes = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        factors = graph.constant([1, 1, *(graph.pick(1, 2, 2, 3) for _ in graph.shape[2:])])
        graph.node("Resize", [graph.at, "" if graph.opset >= 13 else graph.constant([]), factors], **modes)
        return
    kernel, filters = [int(graph.random.integers(1, 5)) for _ in graph.shape[2:]], int(graph.random.integers(1, 5))
    stride = [int(graph.random.integers(1, 4)) for _ in kernel]
    settings: dict[str, Any] = {"strides": stride, "kernel_shape": kernel}
    if graph.chance(0.6):
        settings["pads"] = [int(graph.random.integers(0, k)) for k in kernel * 2]
        settings |= {"output_padding": [int(graph.random.integers(0, s)) for s in stride]} if graph.chance(0.3) else {}
    elif graph.chance(0.5):
        settings["auto_pad"] = graph.pick("SAME_UPPER", "SAME_LOWER", "VALID")
    graph.node("ConvTranspose", [graph.at, graph.weight(graph.shape[1], filters, *kernel)], **settings)


def flattened(graph: Drawn) -> None:
    """Make a vector of the tensor: by Flatten, Reshape, Squeeze, or a shape that is worked out as torch does."""
    x, rank = graph.at, len(graph.shape)
    way = graph.pick("Flatten", "Reshape", "view", "view")
    if way == "Flatten":
        graph.node("Flatten", [x], axis=1)
    elif way == "Reshape":
        graph.node("Reshape", [x, graph.constant(graph.pick([1, -1], [0, -1], [-1, prod(graph.shape[1:])]), np.int64)])
    else:
        shape = graph.node("Shape", [x])
        batch = graph.node("Gather", [shape, graph.constant(0, np.int64)], axis=0)
        ones = graph.constant([-1], np.int64)
        if graph.opset < 13:
            batch = graph.node("Unsqueeze", [batch], axes=[0])
        else:
            batch = graph.node("Unsqueeze", [batch, graph.constant([0], np.int64)])
        size = graph.node("Concat", [batch, ones], axis=0)
        graph.node("Reshape", [x, size])
        graph.shapes[graph.at] = (1, prod(graph.shapes[x][1:]))
    assert len(graph.shape) == 2, (way, rank)


def unflattened(graph: Drawn) -> None:
    """Make an image or a series of a vector."""
    features = graph.shape[1]
    divisors = [n for n in range(2, features) if features % n == 0]
    if not divisors:
        raise ValueError("a prime number of features")
    channels = graph.pick(*divisors)
    rest = features // channels
    height = graph.pick(*(n for n in range(1, rest + 1) if rest % n == 0))
    size = graph.pick([1, channels, height, rest // height], [1, channels, rest])
    graph.node("Reshape", [graph.at, graph.constant(size, np.int64)])
    if channels > 8:
        raise ValueError("more channels than are drawn here")


def resized(graph: Drawn) -> None:
    """Read an image or a series at other rows and columns, linear or nearest."""
    if graph.opset < 11:
        raise ValueError("Resize had no coordinates")
    coordinates = graph.pick("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric")
    modes = {"mode": graph.pick("linear", "linear", "nearest"), "coordinate_transformation_mode": coordinates}
    modes |= {"nearest_mode": graph.pick("floor", "round_prefer_floor")} if modes["mode"] == "nearest" else {}
    sizes = [*graph.shape[:2], *(int(graph.random.integers(1, 15)) for _ in graph.shape[2:])]
    nothing = "" if graph.opset >= 13 else graph.constant([])
    graph.node("Resize", [graph.at, nothing, nothing, graph.constant(sizes, np.int64)], **modes)
