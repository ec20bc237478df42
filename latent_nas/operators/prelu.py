"""A leaky ReLU with a slope per channel, which is learnt (He et al. 2015)."""

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from latent_nas.fixed_point import Quant, multiplier, requantise
from latent_nas.operators import KernelCosts, Shape
from latent_nas.operators._weights import integer_weight, multipliers
from latent_nas.operators.elementwise import Elementwise

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class PRelu(Elementwise):
    """x where it is above 0, else x times the slope of its channel."""

    kind: ClassVar[str] = "prelu"
    in_place: ClassVar[bool] = True
    kernel_costs: ClassVar[KernelCosts] = KernelCosts({"cortex-m4": {"call": 1290, "outputs": 51}}, code_bytes=162)

    def weight_shapes(self, *inputs: Shape) -> dict[str, Shape]:
        """Return weight (channels,); there is no bias."""
        return {"weight": inputs[0][-1:]}

    def work(self, *inputs: Shape) -> dict[str, float]:
        """Return calls, pixels and elements."""
        outputs = prod(inputs[0])
        return {"call": 1.0, "pixels": outputs / inputs[0][-1], "outputs": float(outputs)}

    def module(self, *inputs: Shape) -> "nn.Module":
        """Return torch's PReLU with a slope per channel."""
        from torch import nn

        return nn.PReLU(inputs[0][-1])

    def constants(self, weights: dict[str, np.ndarray], inputs: list[Quant], output: Quant) -> dict[str, np.ndarray]:
        """Return int8 slopes, the multiplier and shift of each, and those of what is above 0."""
        integers, scale = integer_weight(weights["weight"])
        m, shift = multipliers(scale * inputs[0].scale / output.scale)
        above = multiplier(inputs[0].scale / output.scale)
        return {
            "weight": integers,
            "multiplier": m,
            "shift": shift,
            "above": np.array(above, np.int64),
            "input_zero_point": np.array(inputs[0].zero_point),
            "output_zero_point": np.array(output.zero_point),
        }

    def int8(self, constants: dict[str, np.ndarray], *xs: np.ndarray) -> np.ndarray:
        """Return the requantised input, times the slope where it is below 0."""
        c, x = constants, xs[0].astype(np.int32) - int(constants["input_zero_point"])
        zero = int(c["output_zero_point"])
        above = requantise(x, c["above"][:1], c["above"][1:], zero, -128, 127)
        below = requantise(x * c["weight"], c["multiplier"], c["shift"], zero, -128, 127)
        return np.where(x > 0, above, below)


Plugin = PRelu
