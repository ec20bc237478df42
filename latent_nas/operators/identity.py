"""The operator that changes nothing."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from latent_nas.operators import Shape
from latent_nas.operators.elementwise import Elementwise

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Identity(Elementwise):
    """Its input."""

    kind: ClassVar[str] = "identity"
    in_place: ClassVar[bool] = True
    keeps_quant: ClassVar[bool] = True

    def module(self, *inputs: Shape) -> "nn.Module":
        """Return torch's identity."""
        from torch import nn

        return nn.Identity()

    def work(self, *inputs: Shape) -> dict[str, float]:
        """Return no work: nothing is moved."""
        return {}

    def int8(self, constants: dict[str, np.ndarray], *xs: np.ndarray) -> np.ndarray:
        """Return the input."""
        return xs[0]


Plugin = Identity
