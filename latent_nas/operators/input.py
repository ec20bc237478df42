"""The network's input: no work, one shape; real numbers, or tokens of a vocabulary."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from latent_nas.fixed_point import Quant
from latent_nas.operators import Operator, Shape

if TYPE_CHECKING:
    from torch import nn

MOST_TOKENS = 2**16


@dataclass(frozen=True)
class Input(Operator):
    """Where data comes in, of the stated shape.

    ``vocabulary`` is 0 for real numbers; else the data are that many tokens, 0, 1, ..., and the shape is (tokens,).
    """

    kind: ClassVar[str] = "input"
    arity: ClassVar[int | None] = 0
    size: Shape = ()
    vocabulary: int = 0

    @classmethod
    def examples(cls) -> "tuple[Input, ...]":
        """Return some of differing fields."""
        return (
            cls((3,)),
            cls((3,), 9),
        )

    def shape(self, *inputs: Shape) -> Shape:
        """Return the stated shape."""
        self.check_arity(*inputs)
        if not self.size or min(self.size) < 1:
            raise ValueError(f"an input shape has positive sizes, got {self.size}")
        if self.vocabulary and (len(self.size) != 1 or not 2 <= self.vocabulary <= MOST_TOKENS):
            raise ValueError(
                f"tokens come as (tokens,) of a vocabulary of 2 to {MOST_TOKENS}, got {self.size} of {self.vocabulary}"
            )
        return self.size

    @property
    def element_bytes(self) -> int:
        """Two bytes for a token."""
        return 2 if self.vocabulary else 1

    def step(self) -> "Input":
        """Return the input of one token at a time."""
        return replace(self, size=(1,)) if self.vocabulary else self

    def enter(self, x: np.ndarray, quant: Quant) -> np.ndarray:
        """Return data (n, *shape) as the device takes it: quantised to int8, or tokens as uint16.

        Raises:
            ValueError: a token that the vocabulary has not.
        """
        if not self.vocabulary:
            return quant.quantise(x)
        if x.size and (x.min() < 0 or x.max() >= self.vocabulary):
            raise ValueError(f"tokens from {x.min()} to {x.max()}; the network knows 0 to {self.vocabulary - 1}")
        return x.astype(np.uint16)

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
