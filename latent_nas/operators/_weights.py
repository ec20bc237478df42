"""Integer constants of operators with weights, and their exact integer matrix product."""

import numpy as np

from latent_nas.fixed_point import Quant, multiplier


def integer_constants(
    weights: dict[str, np.ndarray], x: Quant, y: Quant, activation: str | None
) -> dict[str, np.ndarray]:
    """Return per-channel symmetric int8 weights and everything that requantises their sums.

    Args:
        weights: "weight" (filters, ...), "bias" (filters,), float.
        x, y: quantisation of input and output. activation: fused, see ``Quant.clamp``.
    """
    weight = weights["weight"].astype(np.float64)
    largest = np.abs(weight).reshape(len(weight), -1).max(axis=1)
    scale = np.maximum(largest, 1e-8) / 127
    integers = np.clip(np.rint(weight / scale.reshape(-1, *[1] * (weight.ndim - 1))), -127, 127).astype(np.int8)
    bias = np.clip(np.rint(weights["bias"] / (scale * x.scale)), -(2**31), 2**31 - 1).astype(np.int32)
    factors = [multiplier(s * x.scale / y.scale) for s in scale]
    low, high = y.clamp(activation)
    return {
        "weight": integers,
        "bias": bias,
        "multiplier": np.array([m for m, _ in factors], np.int64),
        "shift": np.array([s for _, s in factors], np.int64),
        "input_zero_point": np.array(x.zero_point),
        "output_zero_point": np.array(y.zero_point),
        "low": np.array(low),
        "high": np.array(high),
    }


def matmul_exact(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Return the integer product (..., k) x (k, m) as int32, by floating-point BLAS where every partial sum is exact.

    |x| <= 255 and |w| <= 127, so sums stay below 2^24 (float32) up to k = 518 and below 2^53 (float64) always.
    """
    kind = np.float32 if x.shape[-1] * 255 * 127 < 2**24 else np.float64
    return (x.astype(kind) @ w.astype(kind)).astype(np.int32)
