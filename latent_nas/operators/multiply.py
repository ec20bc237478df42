"""Element-wise product of two tensors, the second of the first's shape or broadcast to it."""

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from latent_nas.fixed_point import Quant, multiplier, requantise
from latent_nas.operators import KernelCosts, Operator, Shape

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Multiply(Operator):
    """Product with an optional fused activation (None, "relu", "relu6"): the gate of squeeze-and-excitation.

    The second tensor is (height, width, channels) as the first is, or has 1 in place of some of these; or (channels,).
    """

    kind: ClassVar[str] = "multiply"
    arity: ClassVar[int | None] = 2
    in_place: ClassVar[bool] = True
    kernel_costs: ClassVar[KernelCosts] = KernelCosts(
        {"cortex-m4": {"call": 35, "rows": 21, "pixels": 17, "outputs": 48}}, code_bytes=198
    )
    activation: str | None = None

    def shape(self, *inputs: Shape) -> Shape:
        """Return the first tensor's shape."""
        self.check_arity(*inputs)
        a, b = inputs
        fits = len(a) == len(b) and all(n in (1, whole) for n, whole in zip(b, a, strict=True))
        if not fits and b != a[-1:]:
            raise ValueError(
                f"multiply wants a second tensor {a}, some of it 1, or {a[-1:]} beside a first {a}; it got {b}"
            )
        return a

    def module(self, *inputs: Shape) -> "nn.Module":
        """Return a module that multiplies."""
        from latent_nas.operators._float import Product

        return Product()

    def constants(self, weights: dict[str, np.ndarray], inputs: list[Quant], output: Quant) -> dict[str, np.ndarray]:
        """Return the requantisation of a product, zero points and clamp."""
        m, shift = multiplier(inputs[0].scale * inputs[1].scale / output.scale)
        low, high = output.clamp(self.activation)
        return {
            "multiplier": np.array([m], np.int64),
            "shift": np.array([shift], np.int64),
            "input_zero_points": np.array([x.zero_point for x in inputs]),
            "output_zero_point": np.array(output.zero_point),
            "low": np.array(low),
            "high": np.array(high),
        }

    def int8(self, constants: dict[str, np.ndarray], *xs: np.ndarray) -> np.ndarray:
        """Return the requantised product of (x - zero point), clamped."""
        c = constants
        a, b = (x.astype(np.int32) - int(z) for x, z in zip(xs, c["input_zero_points"], strict=True))
        b = b.reshape(len(b), *[1] * (a.ndim - b.ndim), *b.shape[1:])
        return requantise(
            a * b, c["multiplier"], c["shift"], int(c["output_zero_point"]), int(c["low"]), int(c["high"])
        )

    def loops(self, *inputs: Shape) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
        """Return rows, columns and channels, and by how much the second tensor's place grows from one to the next."""
        a, b = inputs
        if prod(b) == prod(a):
            return (1, 1, prod(a)), (0, 0, 1)
        height, width, channels = (1,) * (3 - len(a)) + a
        down, right, deep = (int(n > 1) for n in (1,) * (3 - len(b)) + b)
        steps = (b[-2] * b[-1] * down if down else 0, b[-1] * right if right else 0, deep)
        if not down and not right:  # a factor per channel
            return (1, height * width, channels), steps
        if down and right:
            return (1, height * width, channels), (0, *steps[1:])
        return (height, width, channels), steps

    def work(self, *inputs: Shape) -> dict[str, float]:
        """Return calls, loops over columns and over channels, and elements."""
        rows, columns, channels = self.loops(*inputs)[0]
        counts = {"call": 1, "rows": rows, "pixels": rows * columns, "outputs": rows * columns * channels}
        return {term: float(count) for term, count in counts.items()}


Plugin = Multiply
