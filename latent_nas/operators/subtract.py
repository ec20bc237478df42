"""Element-wise difference of two tensors: an addition whose second factor is negative."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from latent_nas.fixed_point import Quant
from latent_nas.operators import Shape
from latent_nas.operators.add import Add

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Subtract(Add):
    """Difference of two tensors of one shape with an optional fused activation (None, "relu", "relu6")."""

    kind: ClassVar[str] = "subtract"

    def kernel(self, *inputs: Shape) -> str:
        """Return "add"."""
        return "add"

    def module(self, *inputs: Shape) -> "nn.Module":
        """Return a module that subtracts."""
        from latent_nas.operators._float import Difference

        return Difference()

    def constants(self, weights: dict[str, np.ndarray], inputs: list[Quant], output: Quant) -> dict[str, np.ndarray]:
        """Return the integers of an addition, the second multiplier below 0."""
        made = super().constants(weights, inputs, output)
        return {**made, "multipliers": made["multipliers"] * np.array([1, -1], np.int32)}


Plugin = Subtract
