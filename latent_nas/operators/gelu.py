"""x * Phi(x) (Hendrycks and Gimpel 2016): on a microcontroller a table of 256 bytes."""

from dataclasses import dataclass
from math import erf, sqrt
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from latent_nas.fixed_point import Quant
from latent_nas.operators import Shape
from latent_nas.operators.elementwise import Elementwise

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Gelu(Elementwise):
    """The Gaussian error linear unit; its integer form looks every int8 value up in a table."""

    kind: ClassVar[str] = "gelu"
    in_place: ClassVar[bool] = True

    def module(self, *inputs: Shape) -> "nn.Module":
        """Return torch's exact GELU."""
        from torch import nn

        return nn.GELU()

    def constants(self, weights: dict[str, np.ndarray], inputs: list[Quant], output: Quant) -> dict[str, np.ndarray]:
        """Return "table" (256,): the output of every int8 input, from -128 to 127."""
        x = inputs[0].dequantise(np.arange(-128, 128)).astype(np.float64)
        return {"table": output.quantise(x * np.array([0.5 * (1 + erf(v / sqrt(2))) for v in x]))}

    def int8(self, constants: dict[str, np.ndarray], *xs: np.ndarray) -> np.ndarray:
        """Return the table's entries."""
        looked_up: np.ndarray = constants["table"][xs[0].astype(np.int16) + 128]
        return looked_up


Plugin = Gelu
