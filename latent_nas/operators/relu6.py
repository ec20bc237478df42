"""min(max(x, 0), 6)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from latent_nas.fixed_point import Quant
from latent_nas.operators import Shape
from latent_nas.operators.elementwise import Elementwise

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Relu6(Elementwise):
    """min(max(x, 0), 6), alone or fused by deployment into the convolution, dense layer or addition before it."""

    kind: ClassVar[str] = "relu6"
    in_place: ClassVar[bool] = True
    keeps_quant: ClassVar[bool] = True

    def module(self, *inputs: Shape) -> "nn.Module":
        """Return torch's ReLU6."""
        from torch import nn

        return nn.ReLU6()

    def constants(self, weights: dict[str, np.ndarray], inputs: list[Quant], output: Quant) -> dict[str, np.ndarray]:
        """Return the clamp."""
        low, high = inputs[0].clamp(self.kind)
        return {"low": np.array(low), "high": np.array(high)}

    def int8(self, constants: dict[str, np.ndarray], *xs: np.ndarray) -> np.ndarray:
        """Return the clamped input."""
        return np.clip(xs[0], int(constants["low"]), int(constants["high"])).astype(np.int8)


Plugin = Relu6
