"""Two-dimensional convolution: any stride, padding, groups and kernel shape; depthwise is groups = channels."""

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from latent_nas.fixed_point import Quant, requantise
from latent_nas.operators import Operator, Shape, image
from latent_nas.operators._blocks import column_work, nibble_work, strip_work
from latent_nas.operators._weights import check_bits, exact_kind, integer_constants
from latent_nas.operators.window import Padding, Pair, as_rows, output_size, pads, windows

if TYPE_CHECKING:
    from torch import nn


COLUMNS = 2**18  # values of windows that are multiplied at once


@dataclass(frozen=True)
class Conv2d(Operator):
    """Convolution with per-channel weights and an optional fused activation (None, "relu", "relu6").

    Weights have ``weight_bits`` bits, 4 of those without groups or depthwise only.
    """

    kind: ClassVar[str] = "conv2d"
    filters: int
    kernel_size: Pair = (3, 3)
    stride: Pair = (1, 1)
    padding: Padding = "same"
    groups: int = 1
    bias: bool = True
    activation: str | None = None
    weight_bits: int = 8

    @classmethod
    def examples(cls) -> "tuple[Conv2d, ...]":
        """Return some of differing fields."""
        return (
            cls(6),
            cls(5, (3, 5), (2, 1), "valid"),
            cls(4, (5, 5), (2, 2), groups=4),
            cls(8, (1, 1), groups=2, bias=False),
            cls(3, (2, 2), (2, 2), (1, 0, 1, 0)),
            cls(5, (3, 3), weight_bits=4),
            cls(4, (3, 3), groups=4, weight_bits=4),
        )

    def shape(self, *inputs: Shape) -> Shape:
        """Return (height, width, filters)."""
        self.check_arity(*inputs)
        image(self.kind, *inputs)
        height, width, channels = inputs[0]
        if self.groups < 1 or channels % self.groups or self.filters % self.groups or self.filters < 1:
            raise ValueError(f"conv2d with {self.groups} groups can't take {channels} to {self.filters} channels")
        check_bits(self.kind, self.weight_bits)
        if self.weight_bits < 8 and self.groups > 1 and self._routine(*inputs) != "depthwise":
            raise ValueError(
                f"conv2d with {self.groups} groups that takes {channels} to {self.filters} channels has weights of 8"
                " bits, not 4: only depthwise, or without groups, they can have 4"
            )
        if min(*self.kernel_size, *self.stride) < 1:
            raise ValueError(f"conv2d wants kernel and stride of at least 1, got {self.kernel_size}, {self.stride}")
        return (*output_size(height, width, self.kernel_size, self.stride, self.padding), self.filters)

    def weight_shapes(self, *inputs: Shape) -> dict[str, Shape]:
        """Return weight (filters, kernel height, kernel width, channels / groups) and bias (filters,)."""
        return {
            "weight": (self.filters, *self.kernel_size, inputs[0][2] // self.groups),
            "bias": (self.filters,),
        }

    @property
    def bits(self) -> int:
        """Of a weight."""
        return self.weight_bits

    def to_json(self) -> dict[str, Any]:
        """Return kind and fields; as before there were other widths where weights have 8 bits."""
        return {k: v for k, v in super().to_json().items() if (k, v) != ("weight_bits", 8)}

    def table_bytes(self, *inputs: Shape) -> int:
        """Return what rows of 4-bit weights are longer than their weights: each filter has blocks of eight."""
        if self.weight_bits == 8:
            return 0
        weights = self.filters * prod(self.kernel_size) * (inputs[0][2] // self.groups)
        rows = 1 if self.kernel(*inputs) == "depthwise4" else self.filters
        return rows * 4 * -(-weights // rows // 8) - -(-weights // 2)

    def macs(self, *inputs: Shape) -> int:
        """Return output pixels x filters x taps x channels per group."""
        return prod(self.shape(*inputs)) * prod(self.kernel_size) * (inputs[0][2] // self.groups)

    def kernel(self, *inputs: Shape) -> str:
        """Return "depthwise", "pointwise" (1x1, stride 1, no groups, no padding) or "conv2d"; with a 4 of 4 bits."""
        return self._routine(*inputs) + ("" if self.weight_bits == 8 else str(self.weight_bits))

    def _routine(self, *inputs: Shape) -> str:
        if self.groups == inputs[0][2] == self.filters and self.groups > 1:
            return "depthwise"
        plain = self.kernel_size == self.stride == (1, 1) and self.groups == 1 and not self._padded(inputs[0])
        return "pointwise" if plain else "conv2d"

    def work(self, *inputs: Shape) -> dict[str, float]:
        """Return the counts that a convolution's time and scratch are made of.

        call, macs, outputs, pixels (of the output), weights; patch: elements of all pixels' windows.
        tail4_macs, tail16_macs: MACs left over after blocks of 4 or 16 along a window; unaligned_macs: all of
        a layer whose channels are not multiples of 4.
        Of windows that libraries copy before they multiply (not pointwise, nor depthwise 3x3 padded by 1 at
        most): column, elements of one; gathers, runs of channels copied; gathered, elements copied;
        gathered_tail4, those left over after blocks of 4 channels.
        """
        channels, window = inputs[0][2], prod(self.kernel_size)
        height, width, filters = self.shape(*inputs)
        pixels, length, macs = height * width, window * (channels // self.groups), self.macs(*inputs)
        kernel, small = self._routine(*inputs), self.kernel_size == (3, 3) and self._padded(inputs[0]) <= 1
        copied = 0 if kernel == "pointwise" or (kernel == "depthwise" and small) else window
        counts = {
            "call": 1,
            "macs": macs,
            "tail4_macs": pixels * filters * (length % 4),
            "tail16_macs": pixels * filters * (length % 16),
            "unaligned_macs": macs if channels % 4 or filters % 4 else 0,
            "outputs": pixels * filters,
            "pixels": pixels,
            "weights": filters * length,
            "patch": pixels * window * channels,
            "column": copied * channels,
            "gathers": pixels * copied,
            "gathered": pixels * copied * channels,
            "gathered_tail4": pixels * copied * (channels % 4),
        }
        return {term: float(count) for term, count in counts.items()}

    def may_overwrite(self, *inputs: Shape) -> bool:
        """Return whether outputs lie where the middles of their windows did, and no group reads another's channels."""
        single = self.groups == 1 or self._routine(*inputs) == "depthwise"
        if self.kernel(*inputs) == "conv2d4":  # it keeps no rows
            return False
        return single and self.stride == (1, 1) and self.shape(*inputs) == inputs[0]

    def fine_work(self, *inputs: Shape) -> dict[str, float]:
        """Return what blocked kernels make of it, see ``_blocks.column_work`` and ``_blocks.strip_work``.

        Of all: filters; row, elements of an output row; deep, 1 where a window's channels come in blocks of 4, else 0;
        line_macs, the MACs where a window is a part of one row or column, else 0.
        """
        fields, made = (self.kernel_size, self.stride, self.padding), self.shape(*inputs)
        if self._routine(*inputs) == "depthwise":
            counts = strip_work(inputs[0], *fields)
        else:
            counts = column_work(inputs[0], self.filters, *fields, self.groups, self.may_overwrite(*inputs))
        deep = inputs[0][2] // self.groups % 4 == 0
        line = min(self.kernel_size) == 1 < max(self.kernel_size)
        all_have: dict[str, float] = {"filters": self.filters, "row": made[1] * made[2], "deep": deep}
        all_have["line_macs"] = self.macs(*inputs) if line else 0
        if self.weight_bits == 4:
            inside = counts.get("gathered_inside", 0.0)
            all_have |= nibble_work(inputs[0], made, self.kernel_size, self.groups, inside)
        return {term: float(count) for term, count in (counts | all_have).items()}

    def _padded(self, shape: Shape) -> int:
        return max(pads(shape[0], shape[1], self.kernel_size, self.stride, self.padding))

    def module(self, *inputs: Shape) -> "nn.Module":
        """Return zero padding and convolution; the fused activation is a node of its own on the float side."""
        from torch import nn

        from latent_nas.operators._float import Grouped, OfOneChannel

        height, width, channels = inputs[0]
        top, bottom, left, right = pads(height, width, self.kernel_size, self.stride, self.padding)
        even = top == bottom and left == right
        whole = Grouped if self.groups > 1 else nn.Conv2d
        kind = OfOneChannel if channels == self.stride[0] == 1 < self.stride[1] else whole
        convolution = kind(
            channels,
            self.filters,
            self.kernel_size,
            self.stride,
            padding=(top, left) if even else 0,
            groups=self.groups,
            bias=self.bias,
        )
        return convolution if even else nn.Sequential(nn.ZeroPad2d((left, right, top, bottom)), convolution)

    def constants(self, weights: dict[str, np.ndarray], inputs: list[Quant], output: Quant) -> dict[str, np.ndarray]:
        """Return int8 weights, int32 biases, multipliers, shifts, zero points and clamp."""
        return integer_constants(weights, inputs[0], output, self.activation, self.weight_bits, self.weight_bits < 8)

    def int8(self, constants: dict[str, np.ndarray], *xs: np.ndarray) -> np.ndarray:
        """Return (n, h, w, filters): int32 sums of (x - zero point) x weight, biased and requantised.

        A few samples at a time, so that their windows stay in the processor's cache.
        """
        c, x = constants, xs[0]
        kind, made = exact_kind(c["weight"]), self.shape(x.shape[1:])
        out, ends = np.empty((len(x), *made), np.int8), [int(c[name]) for name in ("output_zero_point", "low", "high")]
        many = max(1, COLUMNS // (made[0] * made[1] * c["weight"][0].size * self.groups))
        for i in range(0, len(x), many):
            total = self._sums(self._entered(x[i : i + many], int(c["input_zero_point"]), kind), c["weight"])
            out[i : i + many] = requantise(total.astype(np.float64) + c["bias"], c["multiplier"], c["shift"], *ends)
        return out

    def _entered(self, x: np.ndarray, zero: int, kind: type[np.floating]) -> np.ndarray:
        """Return int8 x (n, h, w, c) less its zero point as floats, padded with 0."""
        n, height, width, channels = x.shape
        top, bottom, left, right = pads(height, width, self.kernel_size, self.stride, self.padding)
        padded = np.zeros((n, top + height + bottom, left + width + right, channels), kind)
        inside = padded[:, top : top + height, left : left + width]
        np.subtract(x, kind(zero), out=inside, dtype=kind)
        return padded

    def _sums(self, x: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """Return the sums (n, h, w, filters) of padded float x (n, h, w, c) times int8 weights, exact integers."""
        seen = windows(x, self.kernel_size, self.stride)
        n, height, width, _, _, channels = seen.shape
        floats = weight.astype(x.dtype)
        if self.groups == channels == self.filters:
            each = np.ascontiguousarray(np.moveaxis(floats[..., 0], 0, -1))
            if self.stride[1] == 1:  # a row of windows is as contiguous as a row of pixels
                rows = as_rows(x, self.kernel_size, self.stride[0])
                tiled = np.tile(each, width)
                return np.einsum("nhijr,ijr->nhr", rows, tiled).reshape(n, height, width, channels)
            return np.einsum("nhwijc,ijc->nhwc", seen, each)
        deep = channels // self.groups
        parts = [
            seen[..., g * deep : (g + 1) * deep].reshape(n * height * width, -1) @ w.reshape(len(w), -1).T
            for g, w in enumerate(np.split(floats, self.groups))
        ]
        return np.concatenate(parts, axis=1).reshape(n, height, width, self.filters)


Plugin = Conv2d
