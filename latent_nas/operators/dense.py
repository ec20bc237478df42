"""Fully connected layer."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from latent_nas.fixed_point import Quant, requantise
from latent_nas.operators import Operator, Shape
from latent_nas.operators._weights import integer_constants, matmul_exact

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Dense(Operator):
    """Matrix product with per-channel weights and an optional fused activation (None, "relu", "relu6")."""

    kind: ClassVar[str] = "dense"
    units: int
    bias: bool = True
    activation: str | None = None

    def shape(self, *inputs: Shape) -> Shape:
        """Return (units,)."""
        self.check_arity(*inputs)
        if len(inputs[0]) != 1 or self.units < 1:
            raise ValueError(
                f"dense to {self.units} units wants a vector (features,), got {inputs[0]}; flatten or pool first"
            )
        return (self.units,)

    def weight_shapes(self, *inputs: Shape) -> dict[str, Shape]:
        """Return weight (units, features) and bias (units,)."""
        return {"weight": (self.units, inputs[0][0]), "bias": (self.units,)}

    def macs(self, *inputs: Shape) -> int:
        """Return features x units."""
        return inputs[0][0] * self.units

    def work(self, *inputs: Shape) -> dict[str, float]:
        """Return calls, MACs, those left over after blocks of 4 features, and output elements."""
        tail = self.units * (inputs[0][0] % 4)
        counts = {"call": 1, "macs": self.macs(*inputs), "tail4_macs": tail, "outputs": self.units}
        return {term: float(count) for term, count in counts.items()}

    def fine_work(self, *inputs: Shape) -> dict[str, float]:
        """Return MACs in whole blocks of 4, MACs left over, and outputs, of units in pairs and of the one left over."""
        features, single = inputs[0][0], self.units % 2
        paired = self.units - single
        counts = {"paired_macs": paired * (features - features % 4), "paired_rest": paired * (features % 4)}
        counts |= {"paired_outputs": paired, "single_macs": single * features, "single_outputs": single}
        return {term: float(count) for term, count in counts.items()}

    def module(self, *inputs: Shape) -> "nn.Module":
        """Return a linear layer."""
        from torch import nn

        return nn.Linear(inputs[0][0], self.units, bias=self.bias)

    def constants(self, weights: dict[str, np.ndarray], inputs: list[Quant], output: Quant) -> dict[str, np.ndarray]:
        """Return int8 weights, int32 biases, multipliers, shifts, zero points and clamp."""
        return integer_constants(weights, inputs[0], output, self.activation)

    def int8(self, constants: dict[str, np.ndarray], *xs: np.ndarray) -> np.ndarray:
        """Return (n, units)."""
        c = constants
        total = matmul_exact(xs[0].astype(np.int32) - int(c["input_zero_point"]), c["weight"].T) + c["bias"]
        return requantise(
            total, c["multiplier"], c["shift"], int(c["output_zero_point"]), int(c["low"]), int(c["high"])
        )


Plugin = Dense
