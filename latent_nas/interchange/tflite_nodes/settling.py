"""Tensors whose elements were moved, as operators make them: blocks, rows and columns at any place, chosen channels."""

from math import prod

import numpy as np

from latent_nas.interchange.onnx_view import Image, image_of, memory
from latent_nas.interchange.tflite_nodes.draft import Draft, Value
from latent_nas.operators import Operator, Shape
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.flatten import Flatten
from latent_nas.operators.max_pool import MaxPool
from latent_nas.operators.reshape import Reshape
from latent_nas.operators.resize import reading
from latent_nas.operators.slice import Slice
from latent_nas.operators.window import Pair

LARGEST = 2**24  # elements of a tensor: more than any device holds
MOST_CHOSEN = 2**14  # weights of a convolution that only puts channels in another order


def shape_of(dims: tuple[int, ...]) -> Shape | None:
    """Return the shape that a tensor of the file has in a graph; None where it is neither image, series nor vector."""
    if len(dims) == 4 and dims[0] == 1:
        return dims[1:]
    if len(dims) == 3 and dims[0] == 1:
        return (dims[1], 1, dims[2])
    wide = tuple(d for d in dims if d != 1)
    if len(dims) == 2 and dims[0] != 1:
        return (dims[0], 1, dims[1])
    return {0: (1,), 1: wide, 2: (*wide[:1], 1, *wide[1:]), 3: wide}.get(len(wide))


def settled(draft: Draft, x: Value, trace: tuple[int, str] | None) -> Value:
    """Return a value whose elements lie in another order as one that an operator makes.

    Args:
        trace: the number of the file's tensor, and the operator that reads it; None of one that the file has not.

    Raises:
        ValueError: no operator makes it.
    """
    shape, order = shape_of(x.dims), x.order
    if shape is None or order is None or order.size > LARGEST:
        raise ValueError(f"it reads a tensor {x.dims}; wanted a vector, a sequence or an image, batch 1 first")

    def put(operator: Operator, node: int, weights: dict[str, np.ndarray] | None = None) -> int:
        quants = [] if x.quant is None else [x.quant]
        held = operator.constants(weights or {}, quants, x.quant) if x.quant is not None else {}
        made = draft.add(operator, [node], x.quant, held)
        if x.quant is None and weights:
            draft.weights[made] = weights
        return made

    def reshaped(node: int, wanted: Shape) -> int:
        if draft.builder.shape(node) == wanted:
            return node
        return put(Flatten() if len(wanted) == 1 else Reshape(wanted), node)

    def part(node: int, begin: Shape, size: Shape, step: Pair) -> int:
        span = ((size[0] - 1) * step[0] + 1, (size[1] - 1) * step[1] + 1, size[2])
        whole = draft.builder.shape(node)
        if any(begin) or tuple((n - 1) // s + 1 for n, s in zip(whole, (*step, 1), strict=True)) != size:
            node = put(Slice(begin, span), node)
        return node if step == (1, 1) else put(MaxPool((1, 1), step, "valid"), node)

    def gathered(node: int, rows: np.ndarray, columns: np.ndarray) -> int:
        return put(reading(draft.builder.shape(node), rows.tolist(), columns.tolist()), node)

    def chosen(image: Image) -> int:
        if image.channels is None:
            return image.node
        channels, across = image.channels, draft.builder.shape(image.node)[2]
        if np.array_equal(channels, np.arange(channels[0], channels[0] + len(channels))):
            return put(Slice((0, 0, int(channels[0])), image.shape), image.node)
        if len(channels) * across > MOST_CHOSEN:
            raise ValueError(f"it reads {len(channels)} of {across} channels in another order: too many weights")
        weight = np.zeros((len(channels), 1, 1, across))
        weight[np.arange(len(channels)), 0, 0, channels] = 1
        return put(Conv2d(len(channels), (1, 1)), image.node, {"weight": weight, "bias": np.zeros(len(channels))})

    node, held = x.node, draft.builder.shape(x.node)
    if order.size == prod(held) and np.array_equal(order.ravel(), memory((order.size,))):
        node = reshaped(node, shape)
    else:
        image = (1,) * (3 - len(shape)) + shape
        if len(held) == 3 and any(image[a] == 1 < image[b] and held[b] == 1 for a, b in ((0, 1), (1, 0))):
            node = reshaped(node, (held[1], held[0], held[2]))  # a sequence along the other axis
            held = draft.builder.shape(node)
        node = chosen(image_of(order.reshape(1, *image).transpose(0, 3, 1, 2), held, node, reshaped, part, gathered))
        node = reshaped(node, shape)
    if node != x.node and trace is not None:
        draft.traced[node] = trace
    return Value(node, x.dims, x.quant)
