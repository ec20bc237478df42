"""Tokens to vectors: a row of a table for each."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from latent_nas.fixed_point import Quant, requantise
from latent_nas.operators import Operator, Shape
from latent_nas.operators._weights import check_bits, integer_weight, multipliers

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Embedding(Operator):
    """A table (vocabulary, width) of weights with ``weight_bits`` bits, a scale per row."""

    kind: ClassVar[str] = "embedding"
    vocabulary: int
    width: int
    weight_bits: int = 8

    @classmethod
    def examples(cls) -> "tuple[Embedding, ...]":
        """Return some of differing fields."""
        return (
            cls(9, 6),
            cls(9, 6, 4),
        )

    def shape(self, *inputs: Shape) -> Shape:
        """Return (tokens, width)."""
        self.check_arity(*inputs)
        check_bits(self.kind, self.weight_bits)
        if len(inputs[0]) != 1 or self.vocabulary < 2 or self.width < 1:
            raise ValueError(
                f"embedding of {self.vocabulary} tokens as {self.width} numbers wants tokens (tokens,), got {inputs[0]}"
            )
        return (*inputs[0], self.width)

    @property
    def bits(self) -> int:
        """Of a weight."""
        return self.weight_bits

    def weight_shapes(self, *inputs: Shape) -> dict[str, Shape]:
        """Return weight (vocabulary, width)."""
        return {"weight": (self.vocabulary, self.width)}

    def kernel(self, *inputs: Shape) -> str:
        """Return "embedding", or "embedding4" where two weights share a byte."""
        return self.kind if self.weight_bits == 8 else f"{self.kind}{self.weight_bits}"

    def module(self, *inputs: Shape) -> "nn.Module":
        """Return torch's embedding."""
        from torch import nn

        return nn.Embedding(self.vocabulary, self.width)

    def constants(self, weights: dict[str, np.ndarray], inputs: list[Quant], output: Quant) -> dict[str, np.ndarray]:
        """Return int8 weights, a multiplier and a shift per row, and the output's zero point."""
        integers, scale = integer_weight(weights["weight"], self.weight_bits)
        m, shift = multipliers(scale / output.scale)
        return {"weight": integers, "multiplier": m, "shift": shift, "output_zero_point": np.array(output.zero_point)}

    def int8(self, constants: dict[str, np.ndarray], *xs: np.ndarray) -> np.ndarray:
        """Return (n, tokens, width) of tokens (n, tokens)."""
        c, rows = constants, xs[0].astype(np.int64)
        m, shift = c["multiplier"][rows][..., None], c["shift"][rows][..., None]
        return requantise(c["weight"][rows], m, shift, int(c["output_zero_point"]), -128, 127)


Plugin = Embedding
