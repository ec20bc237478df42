"""Image to vector, in the order of memory (NHWC)."""

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from latent_nas.operators import Operator, Shape

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Flatten(Operator):
    """All pixels and channels as one vector, channels varying fastest."""

    kind: ClassVar[str] = "flatten"
    in_place: ClassVar[bool] = True
    keeps_quant: ClassVar[bool] = True

    def shape(self, *inputs: Shape) -> Shape:
        """Return (height x width x channels,)."""
        self.check_arity(*inputs)
        return (prod(inputs[0]),)

    def module(self, *inputs: Shape) -> "nn.Module":
        """Return a module that flattens channels last."""
        from latent_nas.operators._float import FlattenChannelsLast

        return FlattenChannelsLast()

    def work(self, *inputs: Shape) -> dict[str, float]:
        """Return no work: nothing is moved."""
        return {}

    def int8(self, constants: dict[str, np.ndarray], *xs: np.ndarray) -> np.ndarray:
        """Return (n, features)."""
        return xs[0].reshape(len(xs[0]), -1)


Plugin = Flatten
