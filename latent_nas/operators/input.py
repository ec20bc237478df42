"""The network's input: no work, one shape."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from latent_nas.operators import Operator, Shape

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Input(Operator):
    """Where data comes in, of the stated shape."""

    kind: ClassVar[str] = "input"
    arity: ClassVar[int | None] = 0
    size: Shape = ()

    def shape(self, *inputs: Shape) -> Shape:
        """Return the stated shape."""
        self.check_arity(*inputs)
        if not self.size or min(self.size) < 1:
            raise ValueError(f"an input shape has positive sizes, got {self.size}")
        return self.size

    def module(self, *inputs: Shape) -> "nn.Module":
        """Return an identity."""
        from torch import nn

        return nn.Identity()

    def int8(self, constants: dict[str, np.ndarray], *xs: np.ndarray) -> np.ndarray:
        """Never called: the data itself is the value."""
        raise ValueError("an input has no operator to run; pass the quantised data")

    def work(self, *inputs: Shape) -> dict[str, float]:
        """Return no work."""
        return {}


Plugin = Input
