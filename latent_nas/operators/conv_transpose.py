"""Transposed convolution: every input pixel adds its filter to the output, ``stride`` pixels from its neighbour's."""

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from latent_nas.fixed_point import Quant, requantise
from latent_nas.operators import KernelCosts, Operator, Shape, image
from latent_nas.operators._weights import integer_constants, matmul_exact
from latent_nas.operators.window import Pair

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class ConvTranspose(Operator):
    """Transposed convolution with per-channel weights and an optional fused activation (None, "relu", "relu6").

    Attributes:
        crop: (top, bottom, left, right), rows and columns that the output lacks; below 0 at the bottom and right: those
            that it has beyond all filters, which hold the bias.
    """

    kind: ClassVar[str] = "conv_transpose"
    kernel_costs: ClassVar[KernelCosts] = KernelCosts(
        {"cortex-m4": {"pixels": 28, "outputs": 109, "taps_inside": 45, "macs_inside": 8.6}}, code_bytes=574
    )
    filters: int
    kernel_size: Pair = (2, 2)
    stride: Pair = (2, 2)
    crop: tuple[int, int, int, int] = (0, 0, 0, 0)
    bias: bool = True
    activation: str | None = None

    @classmethod
    def examples(cls) -> "tuple[ConvTranspose, ...]":
        """Return some of differing fields."""
        return (cls(5), cls(3, (3, 3), (2, 2), (1, 0, 1, 0)), cls(4, (2, 3), (3, 1), (0, -1, 1, 1), bias=False))

    def shape(self, *inputs: Shape) -> Shape:
        """Return (height, width, filters)."""
        self.check_arity(*inputs)
        image(self.kind, *inputs)
        if min(*self.kernel_size, *self.stride, self.filters) < 1:
            raise ValueError(
                f"conv_transpose wants kernel, stride and filters of at least 1, got {self.kernel_size}, {self.stride},"
                f" {self.filters}"
            )
        top, bottom, left, right = self.crop
        rows, columns = self._whole(inputs[0])
        size = rows - top - bottom, columns - left - right
        if min(*size) < 1 or min(top, left) < 0:
            raise ValueError(f"conv_transpose can't cut {self.crop} off {rows}x{columns} pixels")
        return (*size, self.filters)

    def weight_shapes(self, *inputs: Shape) -> dict[str, Shape]:
        """Return weight (filters, kernel height, kernel width, channels) and bias (filters,)."""
        return {"weight": (self.filters, *self.kernel_size, inputs[0][2]), "bias": (self.filters,)}

    def macs(self, *inputs: Shape) -> int:
        """Return input pixels x filters x taps x channels."""
        return prod(inputs[0]) * prod(self.kernel_size) * self.filters

    def work(self, *inputs: Shape) -> dict[str, float]:
        """Return calls, MACs, output pixels and elements; taps_inside that meet the output, and their macs_inside."""
        height, width, channels = inputs[0]
        rows, columns, _ = self.shape(*inputs)
        top, _, left, _ = self.crop
        down = _meeting(height, self.kernel_size[0], self.stride[0], top, rows)
        right = _meeting(width, self.kernel_size[1], self.stride[1], left, columns)
        taps = down * right * self.filters
        counts = {
            "call": 1,
            "macs": self.macs(*inputs),
            "pixels": rows * columns,
            "outputs": rows * columns * self.filters,
        }
        counts |= {"taps_inside": taps, "macs_inside": taps * channels}
        return {term: float(count) for term, count in counts.items()}

    def module(self, *inputs: Shape) -> "nn.Module":
        """Return the transposed convolution; the fused activation is a node of its own on the float side."""
        from latent_nas.operators._float import Transposed

        return Transposed(inputs[0][2], self.filters, self.kernel_size, self.stride, self.crop, self.bias)

    def constants(self, weights: dict[str, np.ndarray], inputs: list[Quant], output: Quant) -> dict[str, np.ndarray]:
        """Return int8 weights, int32 biases, multipliers, shifts, zero points and clamp."""
        return integer_constants(weights, inputs[0], output, self.activation)

    def int8(self, constants: dict[str, np.ndarray], *xs: np.ndarray) -> np.ndarray:
        """Return (n, h, w, filters): int32 sums of (x - zero point) x weight, biased and requantised."""
        c, x = constants, xs[0].astype(np.int32) - int(constants["input_zero_point"])
        n, height, width, _ = x.shape
        (down, right), (top, bottom, left, after) = self.stride, self.crop
        rows, columns = self._whole(x.shape[1:])
        total = np.zeros((n, rows + max(0, -bottom), columns + max(0, -after), self.filters), np.int32)
        for i, j in np.ndindex(*self.kernel_size):
            met = total[:, i : i + down * height : down, j : j + right * width : right]
            met += matmul_exact(x, c["weight"][:, i, j].T)
        total = total[:, top : rows - bottom, left : columns - after] + c["bias"]
        return requantise(
            total, c["multiplier"], c["shift"], int(c["output_zero_point"]), int(c["low"]), int(c["high"])
        )

    def _whole(self, shape: Shape) -> Pair:
        """Return the rows and columns that filters reach."""
        (height, width, _), (rows, columns), (down, right) = shape, self.kernel_size, self.stride
        return (height - 1) * down + rows, (width - 1) * right + columns


def _meeting(size: int, kernel: int, stride: int, cropped: int, outputs: int) -> int:
    """Return how many taps of all pixels along one axis meet the output."""
    return sum(0 <= i * stride + tap - cropped < outputs for i in range(size) for tap in range(kernel))


Plugin = ConvTranspose
