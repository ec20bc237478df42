"""Zeros in the shape of the input: what an empty cell of a search space makes."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from latent_nas.fixed_point import Quant
from latent_nas.operators import Shape
from latent_nas.operators.elementwise import Elementwise

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Zero(Elementwise):
    """Zeros; the input gives the shape and is not looked at."""

    kind: ClassVar[str] = "zero"
    in_place: ClassVar[bool] = True
    keeps_quant: ClassVar[bool] = True

    def module(self, *inputs: Shape) -> "nn.Module":
        """Return a module that gives zeros."""
        from latent_nas.operators._float import Zeros

        return Zeros()

    def constants(self, weights: dict[str, np.ndarray], inputs: list[Quant], output: Quant) -> dict[str, np.ndarray]:
        """Return the zero point."""
        return {"zero_point": np.array(inputs[0].zero_point)}

    def int8(self, constants: dict[str, np.ndarray], *xs: np.ndarray) -> np.ndarray:
        """Return the zero point everywhere."""
        return np.full_like(xs[0], int(constants["zero_point"]))


Plugin = Zero
