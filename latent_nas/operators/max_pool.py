"""Max pooling."""

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
class MaxPool(Operator):
    """The largest of each channel over a window; outside the image nothing counts."""

    kind: ClassVar[str] = "max_pool"
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
        """Return padding by -infinity and torch's max pooling."""
        from torch import nn

        top, bottom, left, right = pads(inputs[0][0], inputs[0][1], self.kernel_size, self.stride, self.padding)
        return nn.Sequential(
            nn.ConstantPad2d((left, right, top, bottom), float("-inf")),
            nn.MaxPool2d(self.kernel_size, self.stride),
        )

    def int8(self, constants: dict[str, np.ndarray], *xs: np.ndarray) -> np.ndarray:
        """Return (n, h, w, c)."""
        views = [v for _, _, v in taps(xs[0], self.kernel_size, self.stride, self.padding, -128)]
        largest: np.ndarray = np.max(views, axis=0)
        return largest


Plugin = MaxPool
