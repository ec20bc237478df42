"""Where the elements of a file's tensor lie in a node's tensor, which is stored channels last.

Such an order is an array shaped as the file's tensor, so that whatever moves elements (Transpose, Reshape, Slice, Pad,
...) is done to it as it stands. A reader then asks whether the result is an image or a vector that a node can hold.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from math import prod

import numpy as np

from latent_nas.operators import Shape
from latent_nas.operators.window import Pair


@lru_cache(64)
def memory(dims: tuple[int, ...]) -> np.ndarray:
    """Return the order of a tensor whose elements lie as they come."""
    order = np.arange(prod(dims), dtype=np.int32).reshape(dims)
    order.flags.writeable = False
    return order


def channels_last(shape: Shape) -> np.ndarray:
    """Return the order of an image (1, height, width, channels)."""
    return memory((1, *shape))


@lru_cache(64)
def channels_first(shape: Shape) -> np.ndarray:
    """Return the order of an image (1, channels, height, width)."""
    return memory((1, *shape)).transpose(0, 3, 1, 2)


@dataclass(frozen=True)
class Image:
    """An image (height, width, channels) that a node holds.

    Attributes:
        node: whose shape is the image's, or has more channels. shape: without the padding.
        padding: zeros around it: top, bottom, left, right. channels: which of the node's, where not all in order.
        rank: of the file's tensor: 3 of a series (1, channels, steps), 2 of a vector.
    """

    node: int
    shape: Shape
    padding: tuple[int, int, int, int]
    channels: np.ndarray | None
    rank: int

    def plain(self, node: int) -> "Image":
        """Return the same image, held by a node that has its channels in order."""
        return replace(self, node=node, channels=None)

    def ordered(self, shape: Shape) -> np.ndarray:
        """Return the order of an image of another shape, in as many dimensions as this one has in the file."""
        order = channels_first(shape)
        return order if self.rank == 4 else order[:, :, :, 0] if self.rank == 3 else order[:, :, 0, 0]


def image_of(
    order: np.ndarray,
    shape: Shape,
    node: int,
    reshaped: Callable[[int, Shape], int],
    part: Callable[[int, Shape, Shape, Pair], int],
    gathered: Callable[[int, np.ndarray, np.ndarray], int],
) -> Image:
    """Return the image that a tensor is.

    Args:
        order: of (1, channels, height, width), (1, channels, steps), which are a height, or (1, channels).
        shape: of the node that it lies in. reshaped: gives a node of another shape that holds the same memory.
        part: gives a node that holds a part of an image: from a place on, of a size, every how many rows and columns.
        gathered: gives a node that holds rows and columns of an image by their numbers, in any order.

    Raises:
        ValueError: it is none; the message says what else.
    """
    if order.ndim not in (2, 3, 4) or order.shape[0] != 1:
        raise ValueError(
            f"it reads a tensor {order.shape}; wanted (1, channels, height, width) or (1, channels, steps)"
        )
    pixels = order.reshape(*order.shape, *[1] * (4 - order.ndim))[0].transpose(1, 2, 0)
    inside = pixels >= 0
    rows, columns = np.flatnonzero(inside.any((1, 2))), np.flatnonzero(inside.any((0, 2)))
    if not rows.size:
        raise ValueError("it reads nothing but padding")
    top, left, height, width = int(rows[0]), int(columns[0]), int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1
    inner = pixels[top : top + height, left : left + width]
    padding = (top, pixels.shape[0] - top - height, left, pixels.shape[1] - left - width)
    size, channels = prod(shape), inner.shape[2]
    across = size // (height * width)  # channels that the node has per pixel, if all its pixels are read
    if size == height * width * across and inner.min() >= 0:
        first = inner[0, 0]
        steps = memory((height * width,)).reshape(height, width, 1) * across
        if first.max() < across and np.array_equal(inner, steps + first):
            plain = across == channels and np.array_equal(first, memory((channels,)))
            held = reshaped(node, (height, width, across))
            return Image(held, (height, width, channels), padding, None if plain else first, order.ndim)
    for whole in _forms(shape):
        if (found := _part(inner, whole)) is not None:
            begin, step, chosen = found
            read = (height, width, channels if chosen is None else whole[2])
            node = part(reshaped(node, whole), begin, read, step)
            return Image(node, (height, width, channels), padding, chosen, order.ndim)
    for whole in _forms(shape):
        if (lines := _lines(inner, whole)) is not None:
            rows, columns, chosen = lines
            channel = None if np.array_equal(chosen, np.arange(whole[2])) else chosen
            node = gathered(reshaped(node, whole), rows, columns)
            return Image(node, (height, width, channels), padding, channel, order.ndim)
    if order.ndim == 4 and np.array_equal(order, memory(order.shape)):
        raise ValueError("it reads an image with its channels last as one with its channels first")
    raise ValueError(
        f"the elements of the tensor {order.shape} that it reads are not those of an image {shape} in their order;"
        " only padding and a choice of rows, columns and channels are known here"
    )


def _forms(shape: Shape) -> list[Shape]:
    """Return the images that a node's memory may be: its own, or a series with its values as channels."""
    if len(shape) == 1:
        return [(1, 1, *shape), (*shape, 1, 1)]
    line = [(1, 1, shape[0])] if shape[1:] == (1, 1) else []
    return [shape, (shape[0], 1, shape[1]), *line] if shape[2] == 1 else [shape]


def _part(inner: np.ndarray, shape: Shape) -> tuple[Shape, Pair, np.ndarray | None] | None:
    """Return where in an image a part of it begins, its steps, and its channels, None if they follow each other."""
    if inner.min() < 0:
        return None
    _, width, channels = shape
    pixel, channel = divmod(int(inner[0, 0, 0]), channels)
    row, column = divmod(pixel, width)
    rows, columns, depth = inner.shape
    down = (int(inner[1, 0, 0]) // (channels * width) - row) if rows > 1 else 1
    right = (int(inner[0, 1, 0]) // channels % width - column) if columns > 1 else 1
    if min(down, right) < 1:
        return None
    chosen = inner[0, 0] % channels
    if not np.array_equal(memory(shape)[row::down, column::right, chosen][:rows, :columns], inner):
        return None
    if np.array_equal(chosen, np.arange(channel, channel + depth)):
        return (row, column, channel), (down, right), None
    return (row, column, 0), (down, right), chosen


def _lines(inner: np.ndarray, shape: Shape) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Return which rows, columns and channels of an image make another one, in any order; None if none do."""
    if inner.min() < 0:
        return None
    pixel, channel = np.divmod(inner, shape[2])
    row, column = np.divmod(pixel, shape[1])
    alike = (row == row[:, :1, :1]).all() and (column == column[:1, :, :1]).all() and (channel == channel[:1, :1]).all()
    return (row[:, 0, 0], column[0, :, 0], channel[0, 0]) if alike else None
