"""Average pooling."""

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from latent_nas.operators import Operator, Shape, image
from latent_nas.operators._rim import Rim
from latent_nas.operators._window import Padding, Pair, output_size, pads, taps

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class AvgPool(Operator):
    """The mean of each channel over a window; outside the image nothing counts."""

    kind: ClassVar[str] = "avg_pool"
    keeps_quant: ClassVar[bool] = True
    kernel_size: Pair = (2, 2)
    stride: Pair = (2, 2)
    padding: Padding = "valid"

    def shape(self, *inputs: Shape) -> Shape:
        """Return (height, width, channels)."""
        self.check_arity(*inputs)
        image(self.kind, *inputs)
        height, width, channels = inputs[0]
        return (*output_size(height, width, self.kernel_size, self.stride, self.padding), channels)

    def work(self, *inputs: Shape) -> dict[str, float]:
        """Return calls, outputs, pixels of the output, window positions, elements in them, and channels."""
        height, width, channels = self.shape(*inputs)
        pixels, taps = height * width, height * width * prod(self.kernel_size)
        counts = {"call": 1, "outputs": pixels * channels, "pixels": pixels, "taps": taps}
        counts |= {"patch": taps * channels, "channels": channels}
        return {term: float(count) for term, count in counts.items()}

    def fine_work(self, *inputs: Shape) -> dict[str, float]:
        """Return elements, and rows of elements, of all windows inside the image."""
        height, width, channels = inputs[0]
        rim = Rim.of(height, width, self.kernel_size, self.stride, self.padding)
        return {"inside": float(rim.inside * channels), "inside_rows": float(rim.inside_rows * channels)}

    def module(self, *inputs: Shape) -> "nn.Module":
        """Return a module that divides by the number of pixels inside the image."""
        from latent_nas.operators._float import WindowMean

        return WindowMean(
            self.kernel_size, self.stride, pads(inputs[0][0], inputs[0][1], self.kernel_size, self.stride, self.padding)
        )

    def int8(self, constants: dict[str, np.ndarray], *xs: np.ndarray) -> np.ndarray:
        """Return (n, h, w, c): the sum divided by the count, rounded to nearest, halves away from zero."""
        x = xs[0].astype(np.int32)
        window = self.kernel_size, self.stride, self.padding
        total = np.sum([v for _, _, v in taps(x, *window, 0)], axis=0)
        count = np.sum([v for _, _, v in taps(np.ones_like(x[:1]), *window, 0)], axis=0)
        mean: np.ndarray = np.sign(total) * ((np.abs(total) + count // 2) // count)
        return mean.astype(np.int8)


Plugin = AvgPool
