"""Zeros around a tensor, where no convolution takes them as its own padding."""

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from latent_nas.fixed_point import Quant
from latent_nas.operators import KernelCosts, Operator, Shape
from latent_nas.operators._box import Box

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Pad(Operator):
    """Zeros ``before`` and ``after`` the rows, columns and channels; of a vector, the features."""

    kind: ClassVar[str] = "pad"
    keeps_quant: ClassVar[bool] = True
    kernel_costs: ClassVar[KernelCosts] = KernelCosts(
        {"cortex-m4": {"call": 215, "runs": 15, "inputs": 15, "outputs": 2.8}}, code_bytes=270
    )
    before: Shape
    after: Shape

    @classmethod
    def examples(cls) -> "tuple[Pad, ...]":
        """Return some of differing fields."""
        return (cls((1, 1, 0), (2, 0, 0)), cls((0, 0, 1), (0, 0, 3)), cls((2,), (3,)))

    def shape(self, *inputs: Shape) -> Shape:
        """Return the input's shape and what is beside it."""
        self.check_arity(*inputs)
        if not len(self.before) == len(self.after) == len(inputs[0]) or min(*self.before, *self.after) < 0:
            raise ValueError(
                f"pad by {self.before} and {self.after} can't take {inputs[0]}; wanted at least 0, one per dimension"
            )
        return tuple(b + n + a for b, n, a in zip(self.before, inputs[0], self.after, strict=True))

    def box(self, *inputs: Shape) -> Box:
        """Return where the input lies, as runs of the output's memory."""
        return Box.inside(self.shape(*inputs), self.before, inputs[0])

    def work(self, *inputs: Shape) -> dict[str, float]:
        """Return calls, runs of elements that lie side by side, and elements read and written."""
        box, read = self.box(*inputs), prod(inputs[0])
        counts = {"call": 1, "runs": box.rows * box.runs, "inputs": read, "outputs": prod(self.shape(*inputs))}
        return {term: float(count) for term, count in counts.items()}

    def module(self, *inputs: Shape) -> "nn.Module":
        """Return a module that pads."""
        from latent_nas.operators._float import ZeroPad

        return ZeroPad(self.before, self.after)

    def constants(self, weights: dict[str, np.ndarray], inputs: list[Quant], output: Quant) -> dict[str, np.ndarray]:
        """Return the integer that stands for 0."""
        return {"zero_point": np.array(output.zero_point)}

    def int8(self, constants: dict[str, np.ndarray], *xs: np.ndarray) -> np.ndarray:
        """Return (n, *shape) with the zero point around the input."""
        amounts = [(0, 0), *zip(self.before, self.after, strict=True)]
        padded: np.ndarray = np.pad(xs[0], amounts, constant_values=int(constants["zero_point"]))
        return padded


Plugin = Pad
