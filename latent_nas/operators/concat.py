"""Concatenation along the channels."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from latent_nas.fixed_point import Quant, multiplier, requantise
from latent_nas.operators import Operator, Shape

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Concat(Operator):
    """Two or more tensors side by side: channels of images of one size, or features of vectors."""

    kind: ClassVar[str] = "concat"
    arity: ClassVar[int | None] = None

    def shape(self, *inputs: Shape) -> Shape:
        """Return the common size with the channels added up."""
        self.check_arity(*inputs)
        if len({s[:-1] for s in inputs}) != 1:
            raise ValueError(f"concat wants tensors that differ in channels only, got {', '.join(map(str, inputs))}")
        return (*inputs[0][:-1], sum(s[-1] for s in inputs))

    def module(self, *inputs: Shape) -> "nn.Module":
        """Return a module that concatenates along dimension 1."""
        from latent_nas.operators._float import Concatenate

        return Concatenate()

    def constants(self, weights: dict[str, np.ndarray], inputs: list[Quant], output: Quant) -> dict[str, np.ndarray]:
        """Return one requantisation per input."""
        factors = [multiplier(x.scale / output.scale) for x in inputs]
        return {
            "multiplier": np.array([m for m, _ in factors], np.int64),
            "shift": np.array([s for _, s in factors], np.int64),
            "input_zero_points": np.array([x.zero_point for x in inputs]),
            "output_zero_point": np.array(output.zero_point),
        }

    def int8(self, constants: dict[str, np.ndarray], *xs: np.ndarray) -> np.ndarray:
        """Return the inputs on the output's scale, side by side."""
        c, zero = constants, int(constants["output_zero_point"])
        rescaled = [
            requantise(x.astype(np.int32) - z, m, s, zero, -128, 127)
            for x, z, m, s in zip(xs, c["input_zero_points"], c["multiplier"], c["shift"], strict=True)
        ]
        return np.concatenate(rescaled, axis=-1)


Plugin = Concat
