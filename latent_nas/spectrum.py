"""The front end's integers: windowed samples, Fourier transform, bands and logarithm, as a device works them out.

``frames`` is the reference of the firmware's ``preprocess.c``, line by line the same arithmetic: int32 data, products
with Q30 and Q31 factors of which the upper half is kept, rounded (SMMULR, SMMLAR and SMMLSR of a Cortex-M4), sums of
powers in 64 bits.
"""

from dataclasses import dataclass

import numpy as np

from latent_nas.compiled import compiled

ONE = 32767  # of the window, Q15
HALF_UP = 1 << 31  # rounds a product of which the upper half is kept
POWER_SHIFT = 28  # by which a power is smaller than the square of a halved transform's value
SOFTEST = 14  # bits by which a soft window is made louder at most
WEIGHT = 1 << 15  # of a band's weights
OCTAVE = 512  # what a logarithm to base 2 is counted in
LOG_STEPS = 64  # of the logarithm's table over an octave
COSINE = 1 << 14


@dataclass(frozen=True)
class Tables:
    """Constants of a front end.

    Attributes:
        window: Q15, (window,). order: places of complex samples before the transform, (points / 2,).
        turns: (3 / 4 of points / 2, 2) cosine and minus sine, Q30, of the transform. splits: the same, Q31, of what
            makes a real transform of it, (points / 4 + 1, 2). first, count: bins of every band, (bins,). weights: of
            all bands one after another, Q15. floor: added to a band before its logarithm. logs: (LOG_STEPS + 1,).
        cosines: (coefficients, bins) Q14; without rows for the bands themselves.
    """

    window: np.ndarray
    order: np.ndarray
    turns: np.ndarray
    splits: np.ndarray
    first: np.ndarray
    count: np.ndarray
    weights: np.ndarray
    floor: int
    logs: np.ndarray
    cosines: np.ndarray

    @property
    def flash_bytes(self) -> int:
        """The flash that they take as the firmware holds them."""
        half = len(self.order)
        padded = self.weights.size + np.count_nonzero(self.count % 2)  # bins go in pairs
        whole = sum(a.size for a in (self.first, self.count, self.logs, self.cosines))
        turns = 8 * (half - 4) if half.bit_length() % 2 else 8 * (half - 8) + 32  # of four points, and one of two
        return int(2 * (whole + padded + 2 * half + half // 4) + turns + 4 * self.splits.size)


def tables(window: int, points: int, filters: np.ndarray, cosines: np.ndarray, floor: float) -> Tables:
    """Return the constants.

    Args:
        filters: (points / 2 + 1, bins). cosines: (bins, coefficients), of no column where bands are wanted. floor:
            power that silence has.
    """
    half = points // 2
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(window) + 0.5) / window)
    bits = half.bit_length() - 1
    order = np.array([int(f"{i:0{bits}b}"[::-1], 2) if bits else 0 for i in range(half)])
    weights = np.rint(filters * WEIGHT).astype(np.int64)
    spans = [np.flatnonzero(column) for column in filters.T]
    first = np.array([span[0] for span in spans])
    count = np.array([span[-1] - span[0] + 1 for span in spans])
    each = [weights[a : a + n, i] for i, (a, n) in enumerate(zip(first, count, strict=True))]
    scale = window * (32768.0 * ONE) ** 2 / (4.0 * half * half) / 2.0**POWER_SHIFT * WEIGHT
    return Tables(
        np.rint(hann * ONE).astype(np.int64),
        order,
        _turns(np.arange(3 * half // 4), half, 30),
        _turns(np.arange(half // 2 + 1), points, 31),
        first,
        count,
        np.maximum(np.concatenate(each), 1),
        max(round(floor * scale), 1),
        np.rint(np.log2(1 + np.arange(LOG_STEPS + 1) / LOG_STEPS) * 2**15).astype(np.int64),
        np.rint(cosines.T * COSINE).astype(np.int64).reshape(-1, filters.shape[1]),
    )


def _turns(k: np.ndarray, n: int, bits: int) -> np.ndarray:
    angle = 2 * np.pi * k / n
    whole = np.rint(np.stack([np.cos(angle), -np.sin(angle)], axis=1) * 2**bits)
    return np.clip(whole, -(2**31), 2**31 - 1).astype(np.int64)


def frames(audio: np.ndarray, count: int, hop: int, t: Tables) -> np.ndarray:
    """Return (n, count, values) int64 of int16 recordings (n, samples); bands in 512ths of an octave of power."""
    bands = len(t.first)
    out = np.empty((len(audio), count, len(t.cosines) or bands), np.int64)
    z, power = np.zeros(2 * len(t.order), np.int64), np.zeros(len(t.order) + 1, np.int64)
    found = np.zeros(bands, np.int64)
    for i, one in enumerate(audio):
        _frames(
            np.ascontiguousarray(one, np.int64), hop, t.window, t.order, t.turns, t.splits, t.first, t.count, t.weights,
            t.floor, t.logs, t.cosines, z, power, found, out[i],
        )  # fmt: skip
    return out


@compiled
def _frames(
    audio: np.ndarray, hop: int, window: np.ndarray, order: np.ndarray, turns: np.ndarray, splits: np.ndarray,
    first: np.ndarray, count: np.ndarray, weights: np.ndarray, floor: int, logs: np.ndarray, cosines: np.ndarray,
    z: np.ndarray, power: np.ndarray, bands: np.ndarray, out: np.ndarray,
) -> None:  # fmt: skip
    for f in range(len(out)):
        heard = audio[f * hop : f * hop + len(window)]
        bands_of(heard, window, order, turns, splits, first, count, weights, floor, logs, z, power, bands)
        if len(cosines):
            for c in range(len(cosines)):
                value = COSINE >> 1
                for b in range(len(first)):
                    value += (bands[b] - 16384) * cosines[c, b]
                out[f, c] = value >> 14
        else:
            for b in range(len(first)):
                out[f, b] = bands[b]


@compiled
def bands_of(
    heard: np.ndarray, window: np.ndarray, order: np.ndarray, turns: np.ndarray, splits: np.ndarray, first: np.ndarray,
    count: np.ndarray, weights: np.ndarray, floor: int, logs: np.ndarray, z: np.ndarray, power: np.ndarray,
    bands: np.ndarray,
) -> None:  # fmt: skip
    """Write the bands (bands,) of one frame's samples (window,), in 512ths of an octave of power.

    Args:
        z: room for the transform, (2 * points / 2,). power: for its powers, (points / 2 + 1,).
    """
    up = _raised(heard)
    _first_stages(heard, up, window, order, z)
    _transformed(z, turns)
    _powers(z, splits, power)
    at = 0
    for b in range(len(first)):
        total = floor << (2 * up)
        for k in range(count[b]):
            total += power[first[b] + k] * weights[at]
            at += 1
        bands[b] = logarithm(total, logs) - 2 * up * OCTAVE


@compiled
def _raised(heard: np.ndarray) -> int:
    """Return by how many bits a frame's samples can be raised so that they keep within 16 bits."""
    loudest = 0
    for x in heard:
        loudest |= x ^ (x >> 31)
    up = 0
    while up < SOFTEST and not loudest >> (14 - up):
        up += 1
    return up


@compiled
def _first_stages(heard: np.ndarray, up: int, window: np.ndarray, order: np.ndarray, z: np.ndarray) -> None:
    """Put samples, raised by 2**up, under the window and do the first two stages, which turn by 90 degrees only.

    Every sum of two products has 32 bits, of which two are given up.
    """
    p, m = np.zeros(4, np.int64), np.zeros(4, np.int64)  # sums and differences: re, im of the even, re, im of the odd
    for i in range(0, len(order), 4):
        for j in range(4):
            one, two = 2 * order[i + (j & 2)] + (j & 1), 2 * order[i + (j & 2) + 1] + (j & 1)
            a = heard[one] * window[one] if one < len(window) else 0
            b = heard[two] * window[two] if two < len(window) else 0
            p[j], m[j] = ((a + b) << up) >> 2, ((a - b) << up) >> 2
        at = 2 * i
        z[at], z[at + 1], z[at + 4], z[at + 5] = p[0] + p[2], p[1] + p[3], p[0] - p[2], p[1] - p[3]
        z[at + 2], z[at + 3], z[at + 6], z[at + 7] = m[0] + m[3], m[1] - m[2], m[0] - m[3], m[1] + m[2]


@compiled
def _transformed(z: np.ndarray, turns: np.ndarray) -> None:
    """Transform z in its place, behind the first two stages: one of two points if their number is odd, then of four."""
    half = len(z) // 2
    size = 4
    stages = 0
    while (4 << stages) < half:
        stages += 1
    if stages % 2:
        _stage_of_two(z, turns)
        size = 8
    while size < half:
        _stage_of_four(z, turns, size)
        size *= 4


@compiled
def _real(a: int, b: int, c: int, d: int) -> int:
    """Return the real part of (a + bi)(c + di) / 2**32, both products rounded."""
    return ((a * c + HALF_UP) >> 32) + ((HALF_UP - b * d) >> 32)


@compiled
def _imaginary(a: int, b: int, c: int, d: int) -> int:
    """Return the imaginary part of (a + bi)(c + di) / 2**32, both products rounded."""
    return ((a * d + HALF_UP) >> 32) + ((b * c + HALF_UP) >> 32)


@compiled
def _stage_of_two(z: np.ndarray, turns: np.ndarray) -> None:
    """Do one stage of two points, halved."""
    half = len(z) // 2
    for k in range(4):
        wr, wi = min(2 * turns[k * (half // 8), 0], 2**31 - 1), 2 * turns[k * (half // 8), 1]
        for i in range(2 * k, 2 * half, 16):
            br, bi = _real(z[i + 8], z[i + 9], wr, wi), _imaginary(z[i + 8], z[i + 9], wr, wi)
            ar, ai = z[i] >> 1, z[i + 1] >> 1
            z[i], z[i + 1], z[i + 8], z[i + 9] = ar + br, ai + bi, ar - br, ai - bi


@compiled
def _stage_of_four(z: np.ndarray, turns: np.ndarray, size: int) -> None:
    """Do one stage of four points, halved twice; ``size``: points that are transformed so far."""
    half = len(z) // 2
    step = half // (4 * size)
    for k in range(size):
        w1r, w1i = turns[k * step, 0], turns[k * step, 1]
        w2r, w2i = turns[2 * k * step, 0], turns[2 * k * step, 1]
        w3r, w3i = turns[3 * k * step, 0], turns[3 * k * step, 1]
        for i in range(2 * k, 2 * half, 8 * size):
            b, c, d = i + 2 * size, i + 4 * size, i + 6 * size
            br, bi = _real(z[b], z[b + 1], w2r, w2i), _imaginary(z[b], z[b + 1], w2r, w2i)
            cr, ci = _real(z[c], z[c + 1], w1r, w1i), _imaginary(z[c], z[c + 1], w1r, w1i)
            dr, di = _real(z[d], z[d + 1], w3r, w3i), _imaginary(z[d], z[d + 1], w3r, w3i)
            ar, ai = z[i] >> 2, z[i + 1] >> 2
            pr, pi, qr, qi = ar + br, ai + bi, ar - br, ai - bi
            sr, si, tr, ti = cr + dr, ci + di, cr - dr, ci - di
            z[i], z[i + 1], z[c], z[c + 1] = pr + sr, pi + si, pr - sr, pi - si
            z[b], z[b + 1], z[d], z[d + 1] = qr + ti, qi - tr, qr - ti, qi + tr


@compiled
def _powers(z: np.ndarray, splits: np.ndarray, power: np.ndarray) -> None:
    """Make a real transform of a complex one, doubled, and of that 32-bit powers.

    Doubled values keep within 32 bits but at both ends: no wave under a Hann window reaches 0.64 of 2**31 there.
    """
    half = len(z) // 2
    low, high = (z[0] >> 1) + (z[1] >> 1), (z[0] >> 1) - (z[1] >> 1)
    power[0], power[half] = (low * low) >> POWER_SHIFT, (high * high) >> POWER_SHIFT
    for k in range(1, half // 2 + 1):
        m = half - k
        er, ei = z[2 * k] + z[2 * m], z[2 * k + 1] - z[2 * m + 1]
        dr, di = (z[2 * k] - z[2 * m]) << 1, (z[2 * k + 1] + z[2 * m + 1]) << 1
        wr, wi = splits[k, 0], splits[k, 1]
        tr = ((dr * wi + HALF_UP) >> 32) + ((di * wr + HALF_UP) >> 32)
        ti = ((di * wi + HALF_UP) >> 32) + ((HALF_UP - dr * wr) >> 32)
        lr, li, hr, hi = er + tr, ei + ti, er - tr, ei - ti
        power[k] = ((lr * lr + HALF_UP) >> 32) + ((li * li + HALF_UP) >> 32)
        power[m] = ((hr * hr + HALF_UP) >> 32) + ((hi * hi + HALF_UP) >> 32)


@compiled
def logarithm(value: int, logs: np.ndarray) -> int:
    """Return the logarithm to base 2 in 512ths, of a whole number from 1 on."""
    octave = 0
    for s in (32, 16, 8, 4, 2, 1):
        if value >> (octave + s):
            octave += s
    part = (value << 16 >> octave) & 0xFFFF if octave < 46 else (value >> (octave - 16)) & 0xFFFF
    at, rest = part >> 10, part & 1023
    between = logs[at] + (((logs[at + 1] - logs[at]) * rest) >> 10)
    return octave * OCTAVE + (between >> 6)
