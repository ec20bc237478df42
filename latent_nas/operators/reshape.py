"""The same elements, in the order of memory (NHWC), under another shape."""

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from latent_nas.operators import Operator, Shape

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Reshape(Operator):
    """A vector as an image, an image as one of another height and width; ``Flatten`` is the way back to a vector."""

    kind: ClassVar[str] = "reshape"
    in_place: ClassVar[bool] = True
    keeps_quant: ClassVar[bool] = True
    size: Shape

    @classmethod
    def examples(cls) -> "tuple[Reshape, ...]":
        """Return some of differing fields."""
        return (cls((2, 21, 4)), cls((42, 1, 4)), cls((168,)))

    def shape(self, *inputs: Shape) -> Shape:
        """Return the stated size."""
        self.check_arity(*inputs)
        if len(self.size) not in (1, 3) or min(self.size) < 1 or prod(self.size) != prod(inputs[0]):
            raise ValueError(f"reshape can't make {self.size} of {inputs[0]}; wanted as many elements")
        return self.size

    def module(self, *inputs: Shape) -> "nn.Module":
        """Return a module that reshapes channels last."""
        from latent_nas.operators._float import ReshapeChannelsLast

        return ReshapeChannelsLast(self.size)

    def work(self, *inputs: Shape) -> dict[str, float]:
        """Return no work: nothing is moved."""
        return {}

    def int8(self, constants: dict[str, np.ndarray], *xs: np.ndarray) -> np.ndarray:
        """Return (n, *size)."""
        return xs[0].reshape(len(xs[0]), *self.size)


Plugin = Reshape
