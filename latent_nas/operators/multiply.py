"""Element-wise product of two tensors, the second of the first's shape or a factor per channel or per pixel."""

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

    The second tensor is (height, width, channels) as the first is, (channels,) or (1, 1, channels), or (height, width,
    1).
    """

    kind: ClassVar[str] = "multiply"
    arity: ClassVar[int | None] = 2
    in_place: ClassVar[bool] = True
    kernel_costs: ClassVar[KernelCosts] = KernelCosts(
        {"cortex-m4": {"call": 33, "pixels": 18, "outputs": 48}}, code_bytes=162
    )
    activation: str | None = None

    def shape(self, *inputs: Shape) -> Shape:
        """Return the first tensor's shape."""
        self.check_arity(*inputs)
        a, b = inputs
        if b not in (a, a[-1:], (1, 1, *a[-1:]), (*a[:-1], 1)):
            raise ValueError(
                f"multiply wants a second tensor {a}, {a[-1:]} or {(*a[:-1], 1)} beside a first {a}, got {b}"
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

    def loops(self, *inputs: Shape) -> tuple[int, int, int, int]:
        """Return pixels, channels, and by how much the second tensor's place grows from one to the next of each."""
        a, b = inputs
        if prod(b) == prod(a):
            return 1, prod(a), 0, 1
        return prod(a[:-1]), a[-1], int(len(b) == len(a) and prod(b) == prod(a[:-1])), int(b[-1] == a[-1])

    def work(self, *inputs: Shape) -> dict[str, float]:
        """Return calls, loops over channels, and elements."""
        pixels, channels, _, _ = self.loops(*inputs)
        return {"call": 1.0, "pixels": float(pixels), "outputs": float(pixels * channels)}


Plugin = Multiply
