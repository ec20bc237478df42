"""Max pooling."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from latent_nas.operators import Shape
from latent_nas.operators._window_pool import WindowPool
from latent_nas.operators.window import taps

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class MaxPool(WindowPool):
    """The largest of each channel over a window; outside the image nothing counts."""

    kind: ClassVar[str] = "max_pool"

    def module(self, *inputs: Shape) -> "nn.Module":
        """Return padding by -infinity and torch's max pooling."""
        from torch import nn

        top, bottom, left, right = self.pads(inputs[0])
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
