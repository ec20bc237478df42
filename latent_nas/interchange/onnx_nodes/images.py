"""Tensors of the file as images with their channels in order, whatever moved their elements: parts, paddings, choices.

``make`` adds the nodes that this takes.
"""

from functools import partial

import numpy as np

from latent_nas.interchange.onnx_draft import Affine, Weights
from latent_nas.interchange.onnx_nodes.making import Making, Value
from latent_nas.interchange.onnx_view import Image, image_of, memory
from latent_nas.operators import Shape
from latent_nas.operators.add import Add
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.dense import Dense
from latent_nas.operators.elementwise import Elementwise
from latent_nas.operators.max_pool import MaxPool
from latent_nas.operators.multiply import Multiply
from latent_nas.operators.pad import Pad
from latent_nas.operators.resize import reading
from latent_nas.operators.slice import Slice
from latent_nas.operators.subtract import Subtract
from latent_nas.operators.window import Pair

MOST_CHOSEN = 2**14  # weights of a convolution that only puts channels in another order


def in_order(make: Making, value: Value) -> Value:
    """Return a tensor as an image with its channels in order.

    Raises:
        Unreadable: it is none.
    """
    image = as_image(make, whole(make, value))
    node = chosen(make, image)
    return Value(node if image.rank > 2 else make.reshaped(node, image.shape[2:]), image.ordered(image.shape))


def whole(make: Making, value: Value) -> Value:
    """Return a tensor with the zeros around it."""
    if (value.order >= 0).all():
        return value
    image = as_image(make, value)
    top, bottom, left, right = image.padding
    height, width, channels = image.shape
    around = (height + top + bottom, width + left + right, channels)
    node = chosen(make, image)
    if any(image.padding):
        node = make.put(Pad((top, left, 0), (bottom, right, 0)), node)
    return Value(node, image.ordered(around))


def as_image(make: Making, value: Value) -> Image:
    """Return the image that a tensor is, or a series with its steps as rows.

    Raises:
        Unreadable: its elements lie in another order.
    """
    if value.order.ndim > 1:
        inside = (value.order >= 0).reshape(*value.order.shape[:2], -1).max(axis=2)[0]
        channels = np.flatnonzero(inside)
        if not inside.all() and len(channels) and np.ptp(channels) + 1 == len(channels):
            return _among_zeros(make, value, channels)
    try:
        return _image_of(make, value.order, value.node)
    except ValueError as error:
        turned = np.moveaxis(value.order, 1, -1).ravel()  # of a dense layer whose features become channels first
        if (node := _permuted(make, value.node, turned)) is None:
            raise make.refuse(str(error)) from None
        return _image_of(make, np.moveaxis(memory((1, *value.order.shape[2:], value.order.shape[1])), -1, 1), node)


def _image_of(make: Making, order: np.ndarray, node: int) -> Image:
    read, part = partial(_read, make), partial(_part, make)
    return image_of(order, make.draft.shape(node), node, make.reshaped, part, read)


def chosen(make: Making, image: Image) -> int:
    """Return a node that holds an image's channels in their order: a part, or a convolution of one weight each."""
    if image.channels is None:
        return image.node
    first, channels = int(image.channels[0]), len(image.channels)
    if np.array_equal(image.channels, np.arange(first, first + channels)):
        return make.put(Slice((0, 0, first), image.shape), image.node)
    across = make.draft.shape(image.node)[2]
    if channels * across > MOST_CHOSEN:
        raise make.refuse(f"{channels} of {across} channels in another order, which would take as many weights")
    weight = np.zeros((channels, 1, 1, across))
    weight[np.arange(channels), 0, 0, image.channels] = 1
    made = make.put(Conv2d(channels, (1, 1)), image.node)
    make.hold(made, weight, None, None)
    source = image.node
    while source not in make.draft.quants and make.draft.nodes[source].operator.keeps_quant:
        source = make.draft.nodes[source].inputs[0]
    if (quant := make.draft.quants.get(source)) is not None:
        make.draft.quants[made] = quant
    return made


def _permuted(make: Making, node: int, places: np.ndarray) -> int | None:
    """Return a node that makes a vector's elements in another order; None if that can't be had of a dense layer."""
    made, size = make.draft.nodes[node], places.size
    if made.shape != (size,) or not np.array_equal(np.sort(places), memory((size,))):
        return None
    held, quant = make.draft.weights.get(node), make.draft.quants.get(node)
    if isinstance(made.operator, Dense):
        again = make.put(made.operator, *made.inputs)
    elif isinstance(made.operator, (Elementwise, Affine, Add, Subtract, Multiply)):
        sources = [_permuted(make, i, places) for i in made.inputs]
        if None in sources:
            return None
        again = make.put(made.operator, *(i for i in sources if i is not None))
    else:
        return None
    if held is not None:
        arrays = {name: array[places] for name, array in held.arrays.items()}
        make.draft.weights[again] = Weights(arrays, None if held.scale is None else held.scale[places])
    if quant is not None:
        make.draft.quants[again] = quant
    return again


def _among_zeros(make: Making, value: Value, channels: np.ndarray) -> Image:
    """Return an image with channels of zeros before and after some of its own."""
    before, after = int(channels[0]), value.order.shape[1] - int(channels[-1]) - 1
    inner = as_image(make, Value(value.node, value.order[:, before : before + len(channels)]))
    top, bottom, left, right = inner.padding
    node = make.put(Pad((top, left, before), (bottom, right, after)), chosen(make, inner))
    return Image(node, make.draft.shape(node), (0, 0, 0, 0), None, inner.rank)


def _part(make: Making, node: int, begin: Shape, size: Shape, step: Pair) -> int:
    """Return a node that holds a part of an image, of every so many rows and columns."""
    span = ((size[0] - 1) * step[0] + 1, (size[1] - 1) * step[1] + 1, size[2])
    shape = make.draft.shape(node)
    reached = tuple((n - 1) // every + 1 for n, every in zip(shape, (*step, 1), strict=True))
    if reached != size or any(begin):
        node = make.put(Slice(begin, span), node)
    return node if step == (1, 1) else make.put(MaxPool((1, 1), step, "valid"), node)


def _read(make: Making, node: int, rows: np.ndarray, columns: np.ndarray) -> int:
    """Return a node that holds rows and columns of an image by their numbers."""
    return make.put(reading(make.draft.shape(node), rows.tolist(), columns.tolist()), node)
