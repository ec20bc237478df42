"""How an image of another size becomes a network's input, in integers: bit for bit what Pillow does for training.

``ImageOps.fit`` takes the largest part in the middle that has the wanted shape, and ``Image.resize`` brings it to size.
"nearest" takes one pixel for each; "bilinear" weighs all under a triangle as wide as a new pixel, or as an old one
where the image grows, with weights of 22 bits, first along the rows (rounded to bytes), then along the columns.

Pillow from 13 on begins with the columns of images that lose more than twice as much height as width, portraits of more
than 2 to 1 say: of those a value may differ by one.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

METHODS = ("bilinear", "nearest")
PIXELS = {"grey": 1, "rgb": 3, "rgb565": 2}  # formats of a camera, and their bytes per pixel
BITS = 22  # of weights, as Pillow has of bytes
LARGEST = 4096  # pixels of a side
LUMA = (19595, 38470, 7471)  # of red, green and blue in grey, in 16 bits (ITU-R 601, as Pillow has it)


@dataclass(frozen=True)
class Axis:
    """What the pixels along one side are made of.

    Attributes:
        first: (size,) index of the first old pixel of each. weights: (size, taps) int32, 0 beyond ``taken``.
        taken: (size,) how many old pixels each takes.
    """

    first: np.ndarray
    taken: np.ndarray
    weights: np.ndarray

    @property
    def taps(self) -> int:
        """The most old pixels that one takes."""
        return int(self.taken.max())

    def along(self, x: np.ndarray) -> np.ndarray:
        """Return bytes (..., size) of bytes (..., old size)."""
        at = self.first[:, None] + np.arange(self.taps)
        inside = np.minimum(at, x.shape[-1] - 1)
        sums = (x.astype(np.int64)[..., inside] * self.weights[:, : self.taps]).sum(axis=-1)
        found: np.ndarray = np.clip((sums + (1 << (BITS - 1))) >> BITS, 0, 255).astype(np.uint8)
        return found


@dataclass(frozen=True)
class Frame:
    """A camera's frame and how it becomes an input.

    Attributes:
        width, height: in pixels. pixels: one of ``PIXELS``; of "rgb565" two bytes, the low one first, red on top.
        method: one of ``METHODS``.
    """

    width: int
    height: int
    pixels: str = "rgb"
    method: str = "bilinear"

    @staticmethod
    def parse(text: str, method: str = "bilinear") -> "Frame":
        """Return the frame of a text as "320x240:rgb565"; without pixels "rgb".

        Raises:
            ValueError: it is none.
        """
        size, _, pixels = text.partition(":")
        sides = size.split("x")
        if len(sides) != 2 or not all(side.isdecimal() and 0 < int(side) <= LARGEST for side in sides):
            raise ValueError(f"--camera {text!r}; wanted WIDTHxHEIGHT, each up to {LARGEST}, e.g. 320x240:rgb565")
        if (pixels or "rgb") not in PIXELS:
            raise ValueError(f"--camera {text!r}: no pixels {pixels!r}; there are: {', '.join(PIXELS)}")
        return Frame(int(sides[0]), int(sides[1]), pixels or "rgb", method)

    def __str__(self) -> str:
        return f"{self.width}x{self.height}:{self.pixels}"

    @property
    def row_bytes(self) -> int:
        """Bytes of a row."""
        return self.width * PIXELS[self.pixels]

    def axes(self, height: int, width: int) -> tuple[Axis, Axis]:
        """Return how rows and columns become those of an input."""
        left, top, right, bottom = cropped((self.width, self.height), (width, height))
        make = nearest if self.method == "nearest" else bilinear
        return make(self.height, top, bottom, height), make(self.width, left, right, width)

    def input(self, frames: np.ndarray, shape: Sequence[int]) -> np.ndarray:
        """Return pixels (n, *shape) uint8, of an input of one or three channels, of frames (n, bytes) uint8."""
        height, width, channels = shape
        down, across = self.axes(height, width)
        x = self.colours(frames.reshape(len(frames), self.height, -1), channels)
        rows = across.along(np.moveaxis(x, 2, -1))  # (n, height, channels, new width)
        columns = down.along(np.moveaxis(rows, 1, -1))  # (n, channels, new width, new height)
        return columns.transpose(0, 3, 2, 1)

    def colours(self, frames: np.ndarray, channels: int) -> np.ndarray:
        """Return frames (n, rows, bytes of a row) as (n, rows, width, channels), one or three."""
        if self.pixels == "grey":
            grey = frames[..., None]
            return np.repeat(grey, channels, axis=-1)
        if self.pixels == "rgb565":
            pairs = frames.reshape(*frames.shape[:2], self.width, 2).astype(np.int64)
            both = pairs[..., 0] | pairs[..., 1] << 8
            five, six = (both >> 11, both & 31), both >> 5 & 63
            red, blue = (part << 3 | part >> 2 for part in five)
            rgb = np.stack([red, six << 2 | six >> 4, blue], axis=-1)
        else:
            rgb = frames.reshape(*frames.shape[:2], self.width, 3).astype(np.int64)
        if channels == 3:
            return rgb.astype(np.uint8)
        return ((rgb @ np.array(LUMA) + 0x8000) >> 16).astype(np.uint8)[..., None]


def cropped(old: tuple[int, int], new: tuple[int, int]) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom of the part in the middle of (width, height) that has another's shape."""
    width, height = float(old[0]), float(old[1])
    ratio, wanted = width / height, new[0] / new[1]
    if ratio > wanted:
        width = wanted * height
    elif ratio < wanted:
        height = width / wanted
    left, top = (old[0] - width) * 0.5, (old[1] - height) * 0.5
    return tuple(float(np.float32(v)) for v in (left, top, left + width, top + height))  # type: ignore[return-value]


def bilinear(old: int, start: float, end: float, new: int) -> Axis:
    """Return the weights of the pixels from ``start`` to ``end`` of ``old`` in ``new`` ones."""
    scale = float(np.float32(end) - np.float32(start)) / new
    support = max(scale, 1.0)
    taps = math.ceil(support) * 2 + 1
    first, taken, weights = np.zeros(new, np.int64), np.zeros(new, np.int64), np.zeros((new, taps), np.int32)
    for i in range(new):
        centre = start + (i + 0.5) * scale
        least, most = max(int(centre - support + 0.5), 0), min(int(centre + support + 0.5), old)
        near = [max(1.0 - abs((at - centre + 0.5) * (1.0 / support)), 0.0) for at in range(least, most)]
        total = sum(near)
        first[i], taken[i] = least, most - least
        weights[i, : most - least] = [int(0.5 + weight / total * (1 << BITS)) for weight in near]
    return Axis(first, taken, weights)


def nearest(old: int, start: float, end: float, new: int) -> Axis:
    """Return the one pixel of each new one, all of its weight."""
    step = float(np.float32(end) - np.float32(start)) / new
    at, first = start + step * 0.5, []
    for _ in range(new):
        first.append(min(max(int(at), 0), old - 1))
        at += step  # not a product: it is rounded so
    return Axis(np.array(first), np.ones(new, np.int64), np.full((new, 1), 1 << BITS, np.int32))
