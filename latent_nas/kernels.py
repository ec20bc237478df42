"""Loops that networks evaluated by hand share: rows of a table summed, activations in place."""

import numpy as np

from latent_nas.compiled import compiled

# tanh x = x P(x^2) / Q(x^2) for |x| <= 8, where what is missing to 1 is less than a float32 can tell; weighted least
# squares, off by 6e-9 at most. There is no branch in it and no exponential, so eight lanes go at once.
_P = tuple(np.array((0.99999997, 0.134382158, 0.00356418515, 2.17737155e-05, 1.50624500e-08), np.float32))
_Q = tuple(np.array((1.0, 0.467715366, 0.0261361267, 0.000339922651, 8.45392607e-07), np.float32))
_REACH, _HALF = np.float32(8), np.float32(0.5)

# exp x = E(x / 64)^64 for -88 <= x <= 0; least squares too, off by 1e-8 of E and, squared six times, by 5e-6 of exp x.
_E = tuple(
    np.array(
        (1, 0.999999209, 0.499989202, 0.16660869, 0.0415097186, 0.00809625856, 0.00118299577, 9.83041796e-05),
        np.float32,
    )
)
_LEAST, _PART = np.float32(-88), np.float32(1 / 64)


@compiled
def add_rows(table: np.ndarray, picked: np.ndarray, out: np.ndarray) -> None:
    """Add to each row of ``out`` (n, width) the rows ``picked`` (n, k) of ``table`` (rows, width), in their order.

    It is the product of one-hots with a matrix, at the price of what isn't zero.
    """
    k, width = picked.shape[1], table.shape[1]
    for row in range(len(out)):
        sums = out[row]
        for i in range(0, k - k % 4, 4):  # four at a time: a sum is loaded and stored once for them
            a, b = table[picked[row, i]], table[picked[row, i + 1]]
            c, d = table[picked[row, i + 2]], table[picked[row, i + 3]]
            for j in range(width):
                sums[j] += (a[j] + b[j]) + (c[j] + d[j])
        for i in range(k - k % 4, k):
            a = table[picked[row, i]]
            for j in range(width):
                sums[j] += a[j]


@compiled
def tanh(x: np.ndarray, bias: np.ndarray) -> None:
    """Put the hyperbolic tangent of x + bias in the place of x (n, width) float32; bias is (width,)."""
    for row in range(len(x)):
        for j in range(x.shape[1]):
            x[row, j] = _tanh(x[row, j] + bias[j])


@compiled
def silu(x: np.ndarray, bias: np.ndarray, width: int) -> None:
    """Replace the first ``width`` columns of x (n, columns) float32 by y / (1 + exp(-y)), y = x + bias.

    The other columns become x + bias; bias is (columns,).
    """
    for row in range(len(x)):
        for j in range(width):
            half = _HALF * (x[row, j] + bias[j])
            x[row, j] = half + half * _tanh(half)
        for j in range(width, x.shape[1]):
            x[row, j] += bias[j]


@compiled
def exp(x: np.ndarray, out: np.ndarray) -> None:
    """Write e^x of x (n, width) float32 into ``out``; x is 0 at most, and less than -88 counts as that."""
    x, out = x.reshape(x.size), out.reshape(out.size)
    for i in range(len(x)):
        y = max(x[i], _LEAST) * _PART
        y = ((((((_E[7] * y + _E[6]) * y + _E[5]) * y + _E[4]) * y + _E[3]) * y + _E[2]) * y + _E[1]) * y + _E[0]
        y *= y
        y *= y
        y *= y
        y *= y
        y *= y
        y *= y
        out[i] = y


@compiled
def _tanh(x: float) -> float:
    x = min(max(x, -_REACH), _REACH)
    t = x * x
    p = (((_P[4] * t + _P[3]) * t + _P[2]) * t + _P[1]) * t + _P[0]
    q = (((_Q[4] * t + _Q[3]) * t + _Q[2]) * t + _Q[1]) * t + _Q[0]
    return x * p / q
