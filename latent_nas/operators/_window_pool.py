"""What max and average pooling share: a window that moves over the image, and what it costs."""

from dataclasses import dataclass
from math import prod
from typing import ClassVar

from latent_nas.operators import Operator, Shape, image
from latent_nas.operators._rim import Rim
from latent_nas.operators.window import Padding, Pair, output_size, pads


@dataclass(frozen=True)
class WindowPool(Operator):
    """Pools each channel over a window; outside the image nothing counts."""

    keeps_quant: ClassVar[bool] = True
    kernel_size: Pair = (2, 2)
    stride: Pair = (2, 2)
    padding: Padding = "valid"

    @classmethod
    def examples(cls) -> "tuple[WindowPool, ...]":
        """Return some of differing fields."""
        return cls(), cls((3, 3), (2, 2), "same"), cls((3, 3), (1, 1), "same")

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

    def pads(self, image: Shape) -> tuple[int, int, int, int]:
        """Return the pixels that are missing above, below, left and right of an image (h, w, c)."""
        return pads(image[0], image[1], self.kernel_size, self.stride, self.padding)
