"""x * relu6(x + 3) / 6 (Howard et al. 2019): on a microcontroller a table of 256 bytes."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from latent_nas.fixed_point import Quant
from latent_nas.operators import Shape
from latent_nas.operators.elementwise import Elementwise

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class HardSwish(Elementwise):
    """Hard swish; its integer form looks every int8 value up in a table."""

    kind: ClassVar[str] = "hard_swish"
    in_place: ClassVar[bool] = True

    def weight_shapes(self, *inputs: Shape) -> dict[str, Shape]:
        """Return nothing: the table is a constant, not a parameter."""
        return {}

    def module(self, *inputs: Shape) -> "nn.Module":
        """Return torch's hard swish."""
        from torch import nn

        return nn.Hardswish()

    def constants(self, weights: dict[str, np.ndarray], inputs: list[Quant], output: Quant) -> dict[str, np.ndarray]:
        """Return "table" (256,): the output of every int8 input, from -128 to 127."""
        x = inputs[0].dequantise(np.arange(-128, 128))
        return {"table": output.quantise(x * np.clip(x + 3, 0, 6) / 6)}

    def int8(self, constants: dict[str, np.ndarray], *xs: np.ndarray) -> np.ndarray:
        """Return the table's entries."""
        looked_up: np.ndarray = constants["table"][xs[0].astype(np.int16) + 128]
        return looked_up


Plugin = HardSwish
