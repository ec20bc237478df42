"""Layer normalisation (Ba et al. 2016) over the features of every token, or the channels of every pixel."""

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from latent_nas.fixed_point import Quant, multiplier, requantise
from latent_nas.operators import Operator, Shape

if TYPE_CHECKING:
    from torch import nn

FRACTION = 10  # bits after the point of a normalised value, which is at most the root of the features
MOST = 1024  # features, so that the sums below stay inside 64 and a value times its gain inside 32 bits


@dataclass(frozen=True)
class LayerNorm(Operator):
    """Mean 0 and variance 1, then a gain and an offset per feature. Gains have 16 bits and share one scale.

    The integers: with S the sum and Q the sum of squares of n values, n * x - S over the root of n * Q - S^2. The root
    is that of a 32-bit number, to 16 bits, and one division gives its inverse for all features.
    """

    kind: ClassVar[str] = "layer_norm"
    in_place: ClassVar[bool] = True
    epsilon: float = 1e-5

    @classmethod
    def examples(cls) -> "tuple[LayerNorm, ...]":
        """Return some of differing fields."""
        return (cls(), cls(1e-3))

    def shape(self, *inputs: Shape) -> Shape:
        """Return the input's shape."""
        self.check_arity(*inputs)
        if not 2 <= inputs[0][-1] <= MOST:
            raise ValueError(f"layer norm wants 2 to {MOST} features, the last of a shape, got {inputs[0]}")
        return inputs[0]

    @property
    def bits(self) -> int:
        """Of a gain."""
        return 16

    def scales(self, *inputs: Shape) -> int:
        """Return one."""
        return 1

    def weight_shapes(self, *inputs: Shape) -> dict[str, Shape]:
        """Return weight (features,) and bias (features,)."""
        return {"weight": inputs[0][-1:], "bias": inputs[0][-1:]}

    def work(self, *inputs: Shape) -> dict[str, float]:
        """Return calls, tokens and elements."""
        outputs = prod(inputs[0])
        return {"call": 1.0, "tokens": outputs / inputs[0][-1], "outputs": float(outputs)}

    def module(self, *inputs: Shape) -> "nn.Module":
        """Return torch's layer norm; of an image, over its channels."""
        from latent_nas.operators._float import LastNorm

        return LastNorm(inputs[0][-1], self.epsilon)

    def constants(self, weights: dict[str, np.ndarray], inputs: list[Quant], output: Quant) -> dict[str, np.ndarray]:
        """Return 16-bit gains, 32-bit offsets, one multiplier and shift, and epsilon * n^2 in the input's scale."""
        gain, n = weights["weight"].astype(np.float64), len(weights["weight"])
        scale = max(float(np.abs(gain).max()), 1e-8) / (2**15 - 1)
        m, shift = multiplier(scale / 2**FRACTION / output.scale)
        bias = np.rint(weights["bias"] / (scale / 2**FRACTION))
        return {
            "weight": np.rint(gain / scale).astype(np.int16),
            "bias": np.clip(bias, 1 - 2**30, 2**30 - 1).astype(np.int32),
            "multiplier": np.array([m], np.int64),
            "shift": np.array([shift], np.int64),
            "epsilon": np.array(min(max(round(self.epsilon * (n / inputs[0].scale) ** 2), 1), 2**40), np.int64),
            "output_zero_point": np.array(output.zero_point),
        }

    def int8(self, constants: dict[str, np.ndarray], *xs: np.ndarray) -> np.ndarray:
        """Return (n, ..., features)."""
        c, x = constants, xs[0].astype(np.int64)
        n = x.shape[-1]
        total = x.sum(axis=-1, keepdims=True)
        inverse, shift = _inverse_root(n * (x * x).sum(axis=-1, keepdims=True) - total**2 + int(c["epsilon"]))
        z = ((n * x - total) * inverse + (np.int64(1) << (shift - 1))) >> shift
        accumulator = z * c["weight"].astype(np.int64) + c["bias"]
        return requantise(accumulator, c["multiplier"], c["shift"], int(c["output_zero_point"]), -128, 127)


def _inverse_root(v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return integers so that x * inverse >> shift is x / root(v) with FRACTION bits after the point; 1 <= v < 2^53."""
    half = (np.frexp(v.astype(np.float64))[1].astype(np.int64) + 1) // 2 - 16  # v / 4^half lies in [2^30, 2^32)
    scaled = np.where(half >= 0, v >> np.maximum(2 * half, 0), v << np.maximum(-2 * half, 0))
    root = np.sqrt(scaled.astype(np.float64)).astype(np.int64)
    return 2**31 // root, 31 - FRACTION + half


Plugin = LayerNorm
