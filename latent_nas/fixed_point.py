"""The integer arithmetic that microcontrollers run: affine quantisation and fixed-point requantisation.

``real = scale * (q - zero_point)`` with int8 ``q`` (Jacob et al. 2018, equation 1). A real multiplier becomes a 31-bit
integer and a right shift (there, section 2.2); the product is rounded once, half up, in 64 bits.
"""

import math
from dataclasses import dataclass

import numpy as np

LOW, HIGH = -128, 127
DOUBLE = 43  # bits of a shift up to which float64 is exact, see ``_in_floats``


@dataclass(frozen=True)
class Quant:
    """How one int8 tensor stands for real numbers: ``real = scale * (q - zero_point)``."""

    scale: float
    zero_point: int

    @staticmethod
    def of_range(low: float, high: float) -> "Quant":
        """Return the quantisation of the reals in [low, high], widened so that 0 is exact (padding needs it).

        What is always 0 gets the scale of [0, 1]: with a tiny one the next layer's biases would not fit 32 bits.
        """
        low, high = min(float(low), 0.0), max(float(high), 0.0)
        scale = (max(high - low, 1e-8) if high > low else 1.0) / (HIGH - LOW)
        return Quant(scale, int(np.clip(round(LOW - low / scale), LOW, HIGH)))

    def quantise(self, real: np.ndarray) -> np.ndarray:
        """Return the int8 array nearest to the real array, saturated."""
        return np.clip(np.rint(real / self.scale) + self.zero_point, LOW, HIGH).astype(np.int8)

    def dequantise(self, q: np.ndarray) -> np.ndarray:
        """Return the float32 array that the int8 array stands for."""
        return (self.scale * (q.astype(np.float32) - self.zero_point)).astype(np.float32)

    def clamp(self, activation: str | None) -> tuple[int, int]:
        """Return the int8 bounds of a fused activation: None, "relu" or "relu6"."""
        low = self.zero_point if activation else LOW
        high = min(HIGH, self.zero_point + round(6 / self.scale)) if activation == "relu6" else HIGH
        return max(LOW, low), max(low, high)


def multiplier(real: float) -> tuple[int, int]:
    """Return (m, shift) with ``m / 2**shift`` nearest to a positive real, m in [2^30, 2^31), shift in [1, 62].

    Reals below 2^-32 become (0, 1), as nothing of an int32 would be left.

    Raises:
        ValueError: the real is not in (0, 2^29).
    """
    if not 0 <= real < 2**29:
        raise ValueError(f"requantisation factor {real} is not in [0, 2^29); is a scale broken?")
    if real < 2**-32:
        return 0, 1
    mantissa, exponent = math.frexp(real)
    m, shift = round(mantissa * 2**31), 31 - exponent
    return (m // 2, shift - 1) if m == 2**31 else (m, shift)


def requantise(
    accumulator: np.ndarray, m: np.ndarray, shift: np.ndarray, zero_point: int, low: int, high: int
) -> np.ndarray:
    """Return int8 of int32 accumulators times ``m / 2**shift``, rounded half up, moved and clamped.

    Args:
        accumulator: int32-valued (..., channels).
        m, shift: int64, per channel (channels,) or one (1,).
        zero_point, low, high: of the output.
    """
    large = np.asarray(shift) > DOUBLE
    if not large.any():
        return _in_floats(accumulator, m, shift, zero_point, low, high)
    if large.all() or shift.ndim != 1 or len(shift) == 1:
        return _in_integers(accumulator, m, shift, zero_point, low, high)
    found = np.empty(accumulator.shape, np.int8)
    for channels, way in ((large, _in_integers), (~large, _in_floats)):
        found[..., channels] = way(accumulator[..., channels], m[channels], shift[channels], zero_point, low, high)
    return found


def _in_floats(
    accumulator: np.ndarray, m: np.ndarray, shift: np.ndarray, zero_point: int, low: int, high: int
) -> np.ndarray:
    """Return the same in float64, which vector units take, for shifts of ``DOUBLE`` at most.

    A product below 512 has fewer than 53 bits then and is exact, and so is its sum with the half; a larger one is
    clamped however it is rounded.
    """
    value = accumulator.astype(np.float64, order="C")  # a copy, worked on in place, by rows as well
    factors = np.ldexp(m.astype(np.float64), -shift)
    if value.ndim > 2 and 1 < factors.size == value.shape[-1] and factors.ndim == 1:  # longer rows are fewer
        rows = value.reshape(*value.shape[:-2], -1)
        rows *= np.tile(factors, value.shape[-2])
    else:
        value *= factors
    value += zero_point - LOW + 0.5
    np.clip(value, low - LOW, high - LOW, out=value)
    found = value.astype(np.uint8)  # of what is not negative this rounds down
    found += np.uint8(LOW % 256)
    return found.view(np.int8)


def _in_integers(
    accumulator: np.ndarray, m: np.ndarray, shift: np.ndarray, zero_point: int, low: int, high: int
) -> np.ndarray:
    value = accumulator.astype(np.int64)  # a copy, worked on in place
    value *= m
    value += np.int64(1) << (shift - 1)
    value >>= shift
    value += zero_point
    return np.clip(value, low, high, out=value).astype(np.int8)
