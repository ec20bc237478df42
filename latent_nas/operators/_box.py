"""A box of elements inside a tensor, as the runs of memory that it is made of."""

from dataclasses import dataclass
from math import prod

from latent_nas.operators import Shape


@dataclass(frozen=True)
class Box:
    """Rows of runs of ``length`` elements; strides and ``start`` are in elements of the tensor around the box."""

    rows: int
    runs: int
    length: int
    row_stride: int
    run_stride: int
    start: int

    @staticmethod
    def inside(outer: Shape, begin: Shape, size: Shape) -> "Box":
        """Return the runs of a box of a size from ``begin`` in a tensor, channels last; longest ones."""
        (_, width, channels), (top, left, front) = (_image(outer, 1), _image(begin, 0))
        rows, columns, depth = _image(size, 1)
        start = (top * width + left) * channels + front
        if depth < channels:
            return Box(rows, columns, depth, width * channels, channels, start)
        if columns < width:
            return Box(rows, 1, columns * channels, width * channels, 0, start)
        return Box(1, 1, prod(size), 0, 0, start)


def _image(shape: Shape, fill: int) -> tuple[int, int, int]:
    """Return (height, width, channels) of an image, or of a vector as one pixel."""
    height, width, channels = shape if len(shape) == 3 else (fill, fill, shape[0])
    return height, width, channels
