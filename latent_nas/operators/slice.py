"""A part of a tensor: some of its rows, columns and channels."""

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from latent_nas.operators import KernelCosts, Operator, Shape
from latent_nas.operators._box import Box

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Slice(Operator):
    """From ``begin``, as many rows, columns and channels as ``size`` says; of a vector, features."""

    kind: ClassVar[str] = "slice"
    keeps_quant: ClassVar[bool] = True
    kernel_costs: ClassVar[KernelCosts] = KernelCosts(
        {"cortex-m4": {"call": 151, "runs": 13, "outputs": 14}}, code_bytes=194
    )
    begin: Shape
    size: Shape

    @classmethod
    def examples(cls) -> "tuple[Slice, ...]":
        """Return some of differing fields."""
        return (cls((0, 0, 1), (7, 6, 2)), cls((2, 1, 0), (3, 4, 4)), cls((5,), (20,)))

    def shape(self, *inputs: Shape) -> Shape:
        """Return the size."""
        self.check_arity(*inputs)
        dims = zip(self.begin, self.size, inputs[0], strict=False)
        if not len(self.begin) == len(self.size) == len(inputs[0]) or not all(0 <= b < b + s <= n for b, s, n in dims):
            raise ValueError(f"slice from {self.begin} of the size {self.size} is not inside a tensor {inputs[0]}")
        return self.size

    def box(self, *inputs: Shape) -> Box:
        """Return the part as runs of the input's memory."""
        return Box.inside(inputs[0], self.begin, self.size)

    def work(self, *inputs: Shape) -> dict[str, float]:
        """Return calls, runs of elements that lie side by side, and elements."""
        box = self.box(*inputs)
        return {"call": 1.0, "runs": float(box.rows * box.runs), "outputs": float(prod(self.size))}

    def module(self, *inputs: Shape) -> "nn.Module":
        """Return a module that takes the part."""
        from latent_nas.operators._float import Part

        return Part(self.begin, self.size)

    def int8(self, constants: dict[str, np.ndarray], *xs: np.ndarray) -> np.ndarray:
        """Return (n, *size)."""
        part = (slice(None), *(slice(b, b + s) for b, s in zip(self.begin, self.size, strict=True)))
        return np.ascontiguousarray(xs[0][part])


Plugin = Slice
