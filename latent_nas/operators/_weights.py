"""Integer constants of operators with weights, and their exact integer matrix product."""

import numpy as np

from latent_nas.fixed_point import Quant, multiplier


def check_bits(kind: str, bits: int) -> None:
    """Raise ValueError unless there is an integer form of weights with that many bits."""
    if bits not in (4, 8):
        raise ValueError(f"{kind} has weights of 4 or 8 bits, got {bits}")


def integer_weight(weight: np.ndarray, bits: int = 8, scale: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return symmetric integers (filters, ...) as int8, and the scale (filters,) of each filter.

    Args:
        scale: of each filter, where it was learnt. None: with 8 bits the largest weight of a filter is its 127. With
            fewer that leaves most weights near 0, so the scale is that of the least squared error among steps down to
            half of it.
    """
    weight = weight.astype(np.float64)
    rows = weight.reshape(len(weight), -1)
    most = 2 ** (bits - 1) - 1
    if scale is not None:
        return _nearest(rows, scale, most).reshape(weight.shape).astype(np.int8), scale
    scale = np.maximum(np.abs(rows).max(axis=1), 1e-8) / most
    if bits < 8:
        shares = np.linspace(0.5, 1.0, 26)
        tried = [scale * share for share in shares]
        errors = [((rows - s[:, None] * _nearest(rows, s, most)) ** 2).sum(axis=1) for s in tried]
        scale = np.array(tried)[np.argmin(errors, axis=0), np.arange(len(rows))]
    return _nearest(rows, scale, most).reshape(weight.shape).astype(np.int8), scale


def _nearest(rows: np.ndarray, scale: np.ndarray, most: int) -> np.ndarray:
    return np.clip(np.rint(rows / scale[:, None]), -most, most)


def multipliers(factors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the integers m and shifts of real factors (n,), int64, see ``fixed_point.multiplier``."""
    pairs = [multiplier(float(factor)) for factor in factors]
    return np.array([m for m, _ in pairs], np.int64), np.array([s for _, s in pairs], np.int64)


def integer_constants(
    weights: dict[str, np.ndarray],
    x: Quant,
    y: Quant,
    activation: str | None,
    bits: int = 8,
    compact: bool = False,
) -> dict[str, np.ndarray]:
    """Return per-channel symmetric integer weights and everything that requantises their sums.

    Args:
        weights: "weight" (filters, ...), "bias" (filters,), float; "scale" (filters,) of weights where it was learnt.
        bits: of a weight.
        x, y: quantisation of input and output. activation: fused, see ``Quant.clamp``.
        compact: whether multipliers have the bits of ``compacted``; the weights' scales are then moved to theirs.
    """
    integers, scale = integer_weight(weights["weight"], bits, weights.get("scale"))
    if compact:
        scale = _compact_scale(scale, x.scale / y.scale)
        integers, scale = integer_weight(weights["weight"], bits, scale)
    bias = np.clip(np.rint(weights["bias"] / (scale * x.scale)), -(2**31), 2**31 - 1).astype(np.int32)
    m, shift = multipliers(scale * x.scale / y.scale)
    low, high = y.clamp(activation)
    return {
        "weight": integers,
        "bias": bias,
        "multiplier": m,
        "shift": shift,
        "input_zero_point": np.array(x.zero_point),
        "output_zero_point": np.array(y.zero_point),
        "low": np.array(low),
        "high": np.array(high),
    }


COMPACT = 10  # bits of a compact multiplier after its first


def _compact_scale(scale: np.ndarray, factor: float) -> np.ndarray:
    """Return the scales (filters,) next to some whose products with ``factor`` are compact multipliers."""
    mantissa, exponent = np.frexp(np.maximum(scale * factor, 2.0**-31))
    return np.ldexp(np.rint(mantissa * 2 ** (COMPACT + 1)) / 2 ** (COMPACT + 1), exponent) / factor


def compacted(m: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Return multipliers and shifts (n,) as uint16: ten bits of the multiplier after its first, six of the shift.

    Raises:
        ValueError: a multiplier is not compact.
    """
    if (m % 2 ** (30 - COMPACT)).any():
        raise ValueError("4-bit weights want multipliers of 11 bits; quantise the network again")
    return (((m >> (30 - COMPACT)) & (2**COMPACT - 1)) << 6 | shift).astype(np.uint16)


def exact_kind(weight: np.ndarray) -> type[np.floating]:
    """Return the floats in which sums of values of -255 to 255 times int8 weights (filters, ...) are exact.

    Each partial sum, in whatever order, is at most 255 times the sum of a filter's weights.
    """
    most = 255 * int(np.abs(weight.reshape(len(weight), -1).astype(np.int64)).sum(axis=1).max(initial=0))
    return np.float32 if most <= 2**24 else np.float64


def matmul_exact(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Return the integer product (..., k) x (k, m) as int32, by floating-point BLAS where every partial sum is exact.

    |x| <= 255 and |w| <= 127, so sums stay below 2^24 (float32) up to k = 518 and below 2^53 (float64) always.
    """
    kind = np.float32 if x.shape[-1] * 255 * 127 < 2**24 else np.float64
    return (x.astype(kind) @ w.astype(kind)).astype(np.int32)
