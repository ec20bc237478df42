"""Fully connected layer."""

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from latent_nas.fixed_point import Quant, requantise
from latent_nas.operators import Operator, Shape
from latent_nas.operators._blocks import LARGE
from latent_nas.operators._weights import check_bits, integer_constants, matmul_exact

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Dense(Operator):
    """Matrix product with per-channel weights and an optional fused activation (None, "relu", "relu6").

    Of a text it is one of each token. Weights have ``weight_bits`` bits.
    """

    kind: ClassVar[str] = "dense"
    units: int
    bias: bool = True
    activation: str | None = None
    weight_bits: int = 8

    @classmethod
    def examples(cls) -> "tuple[Dense, ...]":
        """Return some of differing fields."""
        return (
            cls(5),
            cls(5, weight_bits=4),
        )

    def shape(self, *inputs: Shape) -> Shape:
        """Return (units,), or (tokens, units)."""
        self.check_arity(*inputs)
        check_bits(self.kind, self.weight_bits)
        if len(inputs[0]) not in (1, 2) or self.units < 1:
            raise ValueError(
                f"dense to {self.units} units wants (features,) or (tokens, features), got {inputs[0]}; flatten or"
                " pool first"
            )
        return (*inputs[0][:-1], self.units)

    @property
    def bits(self) -> int:
        """Of a weight."""
        return self.weight_bits

    def kernel(self, *inputs: Shape) -> str:
        """Return "dense", or "dense4" where two weights share a byte."""
        return self.kind if self.weight_bits == 8 else f"{self.kind}{self.weight_bits}"

    def weight_shapes(self, *inputs: Shape) -> dict[str, Shape]:
        """Return weight (units, features) and bias (units,)."""
        return {"weight": (self.units, inputs[0][-1]), "bias": (self.units,)}

    def macs(self, *inputs: Shape) -> int:
        """Return features x units, of every token."""
        return prod(inputs[0]) * self.units

    def work(self, *inputs: Shape) -> dict[str, float]:
        """Return calls, MACs, those left over after blocks of 4 features, and output elements."""
        outputs = prod(self.shape(*inputs))
        tail = outputs * (inputs[0][-1] % 4)
        counts = {"call": 1, "macs": self.macs(*inputs), "tail4_macs": tail, "outputs": outputs}
        return {term: float(count) for term, count in counts.items()}

    def fine_work(self, *inputs: Shape) -> dict[str, float]:
        """Return what kernels make of it that take four units at a time, in blocks of four features.

        fours of units, four_blocks of them, or large_blocks, where sums may be too large for the fastest kernel; of the
        other units other_outputs, other_macs in blocks and other_rest.
        """
        features, (fours, others), tokens = inputs[0][-1], divmod(self.units, 4), prod(inputs[0][:-1])
        blocks, large = fours * -(-features // 4), features > LARGE
        counts = {"fours": fours, "four_blocks": 0 if large else blocks, "large_blocks": blocks if large else 0}
        counts["other_outputs"] = others
        counts |= {"other_macs": others * (features - features % 4), "other_rest": others * (features % 4)}
        return {term: float(count * tokens) for term, count in counts.items()}

    def module(self, *inputs: Shape) -> "nn.Module":
        """Return a linear layer."""
        from torch import nn

        return nn.Linear(inputs[0][-1], self.units, bias=self.bias)

    def constants(self, weights: dict[str, np.ndarray], inputs: list[Quant], output: Quant) -> dict[str, np.ndarray]:
        """Return int8 weights, int32 biases, multipliers, shifts, zero points and clamp."""
        return integer_constants(weights, inputs[0], output, self.activation, self.weight_bits)

    def int8(self, constants: dict[str, np.ndarray], *xs: np.ndarray) -> np.ndarray:
        """Return (n, units) or (n, tokens, units)."""
        c = constants
        total = matmul_exact(xs[0].astype(np.int32) - int(c["input_zero_point"]), c["weight"].T) + c["bias"]
        return requantise(
            total, c["multiplier"], c["shift"], int(c["output_zero_point"]), int(c["low"]), int(c["high"])
        )


Plugin = Dense
