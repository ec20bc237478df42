"""Sliding windows, shared by convolution and pooling: padding, output size, taps."""

from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import as_strided

Padding = str | tuple[int, int, int, int]
Pair = tuple[int, int]


def pads(height: int, width: int, kernel: Pair, stride: Pair, padding: Padding) -> tuple[int, int, int, int]:
    """Return (top, bottom, left, right); "same" puts the odd one at the bottom and right, as TensorFlow does."""
    if padding == "valid":
        return 0, 0, 0, 0
    if not isinstance(padding, str):
        return padding
    if padding != "same":
        raise ValueError(f'padding {padding!r}; there are: "same", "valid", (top, bottom, left, right)')
    rows = max((-(-height // stride[0]) - 1) * stride[0] + kernel[0] - height, 0)
    columns = max((-(-width // stride[1]) - 1) * stride[1] + kernel[1] - width, 0)
    return rows // 2, rows - rows // 2, columns // 2, columns - columns // 2


def output_size(height: int, width: int, kernel: Pair, stride: Pair, padding: Padding) -> Pair:
    """Return (height, width) after the window has slid over the padded image."""
    top, bottom, left, right = pads(height, width, kernel, stride, padding)
    rows, columns = height + top + bottom - kernel[0], width + left + right - kernel[1]
    if rows < 0 or columns < 0:
        raise ValueError(f"a {kernel[0]}x{kernel[1]} window does not fit {height}x{width} with padding {padding!r}")
    return rows // stride[0] + 1, columns // stride[1] + 1


def windows(x: np.ndarray, kernel: Pair, stride: Pair) -> np.ndarray:
    """Return what each window sees of padded pixels x (n, h, w, c): a view (n, h_out, w_out, *kernel, c)."""
    n, height, width, channels = x.shape
    h_out, w_out = output_size(height, width, kernel, stride, "valid")
    sample, row, column, channel = x.strides
    return as_strided(
        x,
        (n, h_out, w_out, *kernel, channels),
        (sample, row * stride[0], column * stride[1], row, column, channel),
        writeable=False,
    )


def as_rows(x: np.ndarray, kernel: Pair, stride: int) -> np.ndarray:
    """Return what rows of windows see that move by one column: a view (n, h_out, *kernel, w_out * c) of x (n, h, w, c).

    Args:
        x: padded and contiguous. stride: from row to row.
    """
    n, height, width, channels = x.shape
    h_out, w_out = output_size(height, width, kernel, (stride, 1), "valid")
    sample, row, column, channel = x.strides
    shape, strides = (n, h_out, *kernel, w_out * channels), (sample, row * stride, row, column, channel)
    return as_strided(x, shape, strides, writeable=False)


def taps(
    x: np.ndarray, kernel: Pair, stride: Pair, padding: Padding, fill: int
) -> Iterator[tuple[int, int, np.ndarray]]:
    """Yield (row, column, view) per kernel element: the pixels (n, h_out, w_out, c) which that element meets.

    Args:
        x: NHWC. fill: the value that stands for 0 outside the image.
    """
    _, height, width, _ = x.shape
    top, bottom, left, right = pads(height, width, kernel, stride, padding)
    h_out, w_out = output_size(height, width, kernel, stride, padding)
    x = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=fill)
    for i in range(kernel[0]):
        for j in range(kernel[1]):
            yield i, j, x[:, i : i + stride[0] * h_out : stride[0], j : j + stride[1] * w_out : stride[1]]
