"""Dropout: random zeros while training, nothing once deployed."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from latent_nas.operators import Operator, Shape

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Dropout(Operator):
    """Sets a fraction of the elements to zero while training."""

    kind: ClassVar[str] = "dropout"
    in_place: ClassVar[bool] = True
    keeps_quant: ClassVar[bool] = True
    rate: float = 0.2

    @classmethod
    def examples(cls) -> "tuple[Dropout, ...]":
        """Return some of differing fields."""
        return (cls(0.5),)

    def shape(self, *inputs: Shape) -> Shape:
        """Return the input's shape."""
        self.check_arity(*inputs)
        if not 0 <= self.rate < 1:
            raise ValueError(f"dropout rate is in [0, 1), got {self.rate}")
        return inputs[0]

    def module(self, *inputs: Shape) -> "nn.Module":
        """Return torch's dropout."""
        from torch import nn

        return nn.Dropout(self.rate)

    def work(self, *inputs: Shape) -> dict[str, float]:
        """Return no work: nothing is moved."""
        return {}

    def int8(self, constants: dict[str, np.ndarray], *xs: np.ndarray) -> np.ndarray:
        """Return the input."""
        return xs[0]


Plugin = Dropout
