"""Global pooling: one value per channel, the mean or the maximum."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from latent_nas.fixed_point import Quant, multiplier, requantise
from latent_nas.operators import Operator, Shape, image

if TYPE_CHECKING:
    from torch import nn

FRACTION = 16  # bits of the mean after the point


@dataclass(frozen=True)
class GlobalPool(Operator):
    """Mean ("avg") or maximum ("max") of each channel over all pixels."""

    kind: ClassVar[str] = "global_pool"
    mode: str = "avg"

    @classmethod
    def examples(cls) -> "tuple[GlobalPool, ...]":
        """Return some of differing fields."""
        return (
            cls("avg"),
            cls("max"),
        )

    def shape(self, *inputs: Shape) -> Shape:
        """Return (channels,)."""
        self.check_arity(*inputs)
        image(self.kind, *inputs)
        if self.mode not in {"avg", "max"}:
            raise ValueError(f'global_pool mode {self.mode!r}; there are: "avg", "max"')
        return (inputs[0][2],)

    def work(self, *inputs: Shape) -> dict[str, float]:
        """Return calls, outputs, pixels and elements read, and channels."""
        height, width, channels = inputs[0]
        counts = {"call": 1, "outputs": channels, "taps": height * width}
        counts |= {"patch": height * width * channels, "channels": channels}
        return {term: float(count) for term, count in counts.items()}

    def fine_work(self, *inputs: Shape) -> dict[str, float]:
        """Return the elements and channels of which the mean is taken, and those of which the maximum is."""
        height, width, channels = inputs[0]
        elements, highest = float(height * width * channels), float(self.mode == "max")
        return {
            "means": elements - highest * elements,
            "mean_outputs": channels - highest * channels,
            "maxima": highest * elements,
            "maximum_outputs": highest * channels,
        }

    def module(self, *inputs: Shape) -> "nn.Module":
        """Return adaptive pooling to one pixel, flattened."""
        from torch import nn

        return nn.Sequential(nn.AdaptiveAvgPool2d(1) if self.mode == "avg" else nn.AdaptiveMaxPool2d(1), nn.Flatten())

    def constants(self, weights: dict[str, np.ndarray], inputs: list[Quant], output: Quant) -> dict[str, np.ndarray]:
        """Return the requantisation of a mean with 16 fractional bits; the pixel count is divided at run time."""
        m, shift = multiplier(inputs[0].scale / output.scale / 2**FRACTION)
        return {
            "multiplier": np.array([m], np.int64),
            "shift": np.array([shift], np.int64),
            "input_zero_point": np.array(inputs[0].zero_point),
            "output_zero_point": np.array(output.zero_point),
        }

    def int8(self, constants: dict[str, np.ndarray], *xs: np.ndarray) -> np.ndarray:
        """Return (n, channels). The mean is taken with 16 fractional bits, rounded down, then requantised."""
        c, x = constants, xs[0].astype(np.int64) - int(constants["input_zero_point"])
        pixels = x.shape[1] * x.shape[2]
        value = (x.sum(axis=(1, 2)) << FRACTION) // pixels if self.mode == "avg" else x.max(axis=(1, 2)) << FRACTION
        return requantise(value, c["multiplier"], c["shift"], int(c["output_zero_point"]), -128, 127)


Plugin = GlobalPool
