"""Element-wise addition of two tensors: the residual connection."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from latent_nas.fixed_point import Quant
from latent_nas.operators import Operator, Shape

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Add(Operator):
    """Sum of two tensors of one shape with an optional fused activation (None, "relu", "relu6")."""

    kind: ClassVar[str] = "add"
    arity: ClassVar[int | None] = 2
    in_place: ClassVar[bool] = True
    activation: str | None = None

    def shape(self, *inputs: Shape) -> Shape:
        """Return the common shape."""
        self.check_arity(*inputs)
        if inputs[0] != inputs[1]:
            raise ValueError(f"{self.kind} wants two tensors of one shape, got {inputs[0]} and {inputs[1]}")
        return inputs[0]

    def module(self, *inputs: Shape) -> "nn.Module":
        """Return a module that adds."""
        from latent_nas.operators._float import Sum

        return Sum()

    def constants(self, weights: dict[str, np.ndarray], inputs: list[Quant], output: Quant) -> dict[str, np.ndarray]:
        """Return two multipliers below 2^21 with one common shift, so that the sum stays inside 32 bits.

        Raises:
            ValueError: the output's scale is less than a millionth of an input's.
        """
        factors = [x.scale / output.scale for x in inputs]
        if max(factors) >= 2**20:
            raise ValueError(
                f"{self.kind} can't bring a scale of {max(x.scale for x in inputs):.3g} to {output.scale:.3g}: is the"
                " output always 0, or its scale broken?"
            )
        shift = int(np.clip(20 - np.floor(np.log2(max(factors))), 1, 30))
        low, high = output.clamp(self.activation)
        return {
            "multipliers": np.array([round(f * 2**shift) for f in factors], np.int32),
            "shift": np.array(shift),
            "input_zero_points": np.array([x.zero_point for x in inputs]),
            "output_zero_point": np.array(output.zero_point),
            "low": np.array(low),
            "high": np.array(high),
        }

    def int8(self, constants: dict[str, np.ndarray], *xs: np.ndarray) -> np.ndarray:
        """Return the rescaled sum, rounded half up, clamped."""
        c, shift = constants, int(constants["shift"])
        total = sum(
            (x.astype(np.int32) - z) * m for x, z, m in zip(xs, c["input_zero_points"], c["multipliers"], strict=True)
        )
        rounded = (total + (1 << (shift - 1))) >> shift
        return np.clip(rounded + int(c["output_zero_point"]), int(c["low"]), int(c["high"])).astype(np.int8)


Plugin = Add
