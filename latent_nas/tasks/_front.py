"""Spectral features of a user's series: what was asked for, held to the data, and made with scales of training's."""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from latent_nas.readers import Raw
from latent_nas.spectral import KIND, MOST, SpectralFrontEnd

LEAST = 8  # steps of a frame
LEAST_POINTS, MOST_POINTS = 16, 4096  # of the Fourier transform
BANDS = 8  # where nothing is said, and where there are as many bins
HEADROOM = 2.0  # the largest distance from the mean that a device takes, in those of the training part


@dataclass(frozen=True)
class Asked:
    """What a user asked of spectral features; 0 and "" are what the series' length suggests.

    Attributes:
        frame, frame_hop: steps of a frame, and from one to the next. fft: points of the transform. bands: how many, or
            their edges in Hz with commas between. rate: steps per second. hop: steps from one series to the next,
            where recordings were cut into windows.
    """

    frame: int = 0
    frame_hop: int = 0
    fft: int = 0
    bands: str = ""
    rate: float = 0.0
    hop: int = 0


def unscaled(raw: Raw) -> np.ndarray:
    """Return the values of the files (n, steps, 1, channels), also of series that were scaled when they were read."""
    if not raw.gain:
        return raw.x
    return (raw.x / np.array(raw.gain, np.float32) + np.array(raw.shift, np.float32)).astype(np.float32)


def with_features(raw: Raw, train: np.ndarray, asked: Asked) -> Raw:
    """Return data with features in place of series.

    Args:
        train: rows of the training part, whose values decide the scale of each channel.

    Raises:
        ValueError: data that are no series, or features that can't be made of them.
    """
    if raw.front_end is not None:
        raise ValueError(f"front={KIND}: these data have been through a front end before; leave front out")
    if raw.x.shape[2] != 1 or raw.x.shape[1] == 1:
        shape = "x".join(map(str, raw.x.shape[1:]))
        raise ValueError(
            f"front={KIND} is for series, STEPSx1xCHANNELS; the {raw.what} here are {shape}; leave front out"
        )
    x = unscaled(raw)
    front_end = made(x[train], asked, raw.columns)
    return with_front_end(replace(raw, x=x), front_end)


def with_front_end(raw: Raw, front_end: SpectralFrontEnd) -> Raw:
    """Return series as the features that a front end makes of them."""
    told = replace(raw, x=front_end(raw.x), keep=(2,), shift=(), gain=(), pixels=False, front_end=front_end)
    return replace(told, columns=front_end.columns, notes=(*raw.notes, front_end.text()))


def made(x: np.ndarray, asked: Asked, names: tuple[str, ...]) -> SpectralFrontEnd:
    """Return the front end of series x (n, steps, 1, channels), whose least and most decide the scale of a channel.

    By default a frame is half a series and the next begins half a frame later, so that there are three.

    Raises:
        ValueError: a frame longer than a series or the transform, or bands that the transform can't tell apart.
    """
    steps, channels = x.shape[1], x.shape[3]
    if steps < LEAST:
        raise ValueError(f"front={KIND} wants series of at least {LEAST} steps; these have {steps}: say front=raw")
    window = asked.frame or max(steps // 2, LEAST)
    if window > steps:
        raise ValueError(f"frame={window} is longer than the series, which have {steps} steps; say at most {steps}")
    hop = asked.frame_hop or max(window // 2, 1)
    points = asked.fft or max(1 << (window - 1).bit_length(), LEAST_POINTS)
    if points > MOST_POINTS:
        raise ValueError(f"a frame of {window} steps is more than a transform of {MOST_POINTS} points; say frame=STEPS")
    if points < window:
        raise ValueError(
            f"fft={points} is less than the {window} steps of a frame; say a longer fft or a shorter frame"
        )
    low, high = x.min(axis=(0, 1, 2)), x.max(axis=(0, 1, 2))
    shift = x.mean(axis=(0, 1, 2), dtype=np.float64)
    widest = np.maximum(high - shift, shift - low)
    factor = MOST / (HEADROOM * np.where(widest > 0, widest, 1))
    rate = asked.rate
    every = max(round(asked.hop / hop), 1) if asked.hop else 1 + (steps - window) // hop
    edges = _edges(asked.bands, points, rate)
    middle, scale = (tuple(np.float32(v).item() for v in values) for values in (shift, factor))
    return SpectralFrontEnd(steps, channels, window, hop, points, edges, middle, scale, rate, every, names)


def _edges(bands: str, points: int, rate: float) -> tuple[int, ...]:
    """Return the edges of bands in bins: as many as asked for, growing evenly, or those that a user gave in Hz."""
    bins = points // 2  # the mean is none of them
    if "," in bands:
        return _given(bands, points, rate)
    wanted = int(bands) if bands else min(BANDS, bins)
    if wanted > bins:
        raise ValueError(
            f"bands={wanted} is more than the {bins} bins of a transform of {points} points; say a longer fft"
        )
    edges = np.rint(np.geomspace(1, bins + 1, wanted + 1)).astype(int)
    for i in range(1, wanted):  # none is empty
        edges[i] = max(edges[i], edges[i - 1] + 1)
    for i in range(wanted - 1, 0, -1):
        edges[i] = min(edges[i], edges[i + 1] - 1)
    return tuple(edges.tolist())


def _given(bands: str, points: int, rate: float) -> tuple[int, ...]:
    hertz = [float(edge) for edge in bands.split(",")]
    if not rate:
        raise ValueError(
            f"bands={bands} are edges in Hz, and the sampling rate is not known; say rate=HZ, or how many bands"
        )
    if hertz[-1] > rate / 2:
        raise ValueError(
            f"bands={bands}: {hertz[-1]:g} Hz is above {rate / 2:g} Hz, half the sampling rate of {rate:g} Hz; say"
            " lower edges"
        )
    each = rate / points
    edges = [max(int(np.ceil(edge / each - 1e-9)), 1) for edge in hertz]
    if hertz[-1] >= rate / 2 - 1e-9:
        edges[-1] = points // 2 + 1  # the last bin is at half the rate
    empty = next((i for i, (a, b) in enumerate(pairwise(edges)) if a >= b), None)
    if empty is not None:
        raise ValueError(
            f"bands={bands}: none of the {points // 2} bins, {each:.3g} Hz apart, is from {hertz[empty]:g} to"
            f" {hertz[empty + 1]:g} Hz; say wider bands or a longer fft"
        )
    return tuple(edges)
