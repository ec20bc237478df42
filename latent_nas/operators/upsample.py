"""Enlarging an image by whole numbers: every pixel becomes a block of equal ones (nearest neighbour)."""

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from latent_nas.operators import KernelCosts, Operator, Shape, image
from latent_nas.operators.window import Pair

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Upsample(Operator):
    """Repeats rows and columns ``factors`` times."""

    kind: ClassVar[str] = "upsample"
    keeps_quant: ClassVar[bool] = True
    kernel_costs: ClassVar[KernelCosts] = KernelCosts({"cortex-m4": {"pixels": 25, "outputs": 5.3}}, code_bytes=474)
    factors: Pair = (2, 2)

    @classmethod
    def examples(cls) -> "tuple[Upsample, ...]":
        """Return some of differing fields."""
        return (cls(), cls((3, 1)))

    def shape(self, *inputs: Shape) -> Shape:
        """Return (height x factor, width x factor, channels)."""
        self.check_arity(*inputs)
        image(self.kind, *inputs)
        if min(self.factors) < 1:
            raise ValueError(f"upsample wants factors of at least 1, got {self.factors}")
        height, width, channels = inputs[0]
        return height * self.factors[0], width * self.factors[1], channels

    def work(self, *inputs: Shape) -> dict[str, float]:
        """Return calls, output pixels and elements."""
        outputs = prod(self.shape(*inputs))
        return {"call": 1.0, "pixels": outputs / inputs[0][2], "outputs": float(outputs)}

    def module(self, *inputs: Shape) -> "nn.Module":
        """Return torch's nearest upsampling."""
        from torch import nn

        return nn.Upsample(scale_factor=tuple(map(float, self.factors)), mode="nearest")

    def int8(self, constants: dict[str, np.ndarray], *xs: np.ndarray) -> np.ndarray:
        """Return (n, height x factor, width x factor, channels)."""
        return xs[0].repeat(self.factors[0], axis=1).repeat(self.factors[1], axis=2)


Plugin = Upsample
