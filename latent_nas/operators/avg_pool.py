"""Average pooling."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from latent_nas.operators import Shape
from latent_nas.operators._window_pool import WindowPool
from latent_nas.operators.window import taps

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class AvgPool(WindowPool):
    """The mean of each channel over a window; outside the image nothing counts."""

    kind: ClassVar[str] = "avg_pool"

    def module(self, *inputs: Shape) -> "nn.Module":
        """Return a module that divides by the number of pixels inside the image."""
        from latent_nas.operators._float import WindowMean

        return WindowMean(self.kernel_size, self.stride, self.pads(inputs[0]))

    def int8(self, constants: dict[str, np.ndarray], *xs: np.ndarray) -> np.ndarray:
        """Return (n, h, w, c): the sum divided by the count, rounded to nearest, halves away from zero."""
        x = xs[0].astype(np.int32)
        window = self.kernel_size, self.stride, self.padding
        total = np.sum([v for _, _, v in taps(x, *window, 0)], axis=0)
        count = np.sum([v for _, _, v in taps(np.ones_like(x[:1]), *window, 0)], axis=0)
        mean: np.ndarray = np.sign(total) * ((np.abs(total) + count // 2) // count)
        return mean.astype(np.int8)


Plugin = AvgPool
