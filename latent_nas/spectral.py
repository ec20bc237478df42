"""What stands between sensors and a network: mean, RMS, crossings, crest and power per band of every channel and frame.

The arithmetic is that of integers, as ``firmware/spectral.py`` writes it in C; the transform is that of audio, see
``spectrum``. A value becomes a whole number of 15 bits and a frame's mean is taken off; of what is left energy, peak
and changes of sign are counted, and under a Hann window its spectrum is summed over bands. Energies are logarithms.
"""

from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from latent_nas.compiled import compiled
from latent_nas.spectrum import Tables, bands_of, logarithm, tables

KIND = "spectral"
EACH = ("mean", "rms", "crossings", "crest")  # of a channel, before its bands
MOST = 16383  # of a value as a whole number, so that its distance from a mean keeps within 16 bits
FLOOR = 2.0**-30  # power of a band that nothing is in: a whole number's step, squared
PLACES = 1 << 15  # added to a mean while it is rounded, as C divides what is negative otherwise


@dataclass(frozen=True)
class SpectralFrontEnd:
    """Series in, a picture of frames x values out; a channel's values stand beside each other.

    Attributes:
        steps, channels: of a series. window, hop: of a frame, in steps. points: of the Fourier transform.
        edges: band i holds the bins edges[i] to edges[i + 1] - 1. shift, factor: of each channel,
            (value - shift) * factor is rounded to a whole number up to ``MOST``.
        rate: steps per second, 0 where it is not known. every: frames from one run of the network to the next, while
            steps come in. names: of the channels, () where they have none. kind: which front end this is.
    """

    steps: int
    channels: int
    window: int
    hop: int
    points: int
    edges: tuple[int, ...]
    shift: tuple[float, ...]
    factor: tuple[float, ...]
    rate: float = 0.0
    every: int = 1
    names: tuple[str, ...] = ()
    kind: str = KIND

    step, offset = 1.0, 0.0  # what a unit of its integers, and 0, stand for
    code_bytes = 3500  # of a Cortex-M4 by clang -O2

    @property
    def values(self) -> int:
        """Values of a channel in a frame."""
        return len(EACH) + len(self.edges) - 1

    @property
    def shape(self) -> tuple[int, int, int]:
        """Frames, values of each, 1: the input of a network."""
        return 1 + (self.steps - self.window) // self.hop, self.channels * self.values, 1

    @property
    def raw_shape(self) -> tuple[int, int, int]:
        """Steps, 1, channels of a sample of raw data."""
        return self.steps, 1, self.channels

    @property
    def columns(self) -> tuple[str, ...]:
        """What the values of a frame are called, in their order; bands by Hz where the rate is known."""
        each = self.rate / self.points
        bands = [
            f"{a * each:.3g} to {(b - 1) * each:.3g} Hz" if each else f"bins {a} to {b - 1}"
            for a, b in pairwise(self.edges)
        ]
        channels = self.names or tuple(f"channel {i}" for i in range(self.channels))
        return tuple(f"{name} {value}" for name in channels for value in (*EACH, *bands))

    @cached_property
    def tables(self) -> Tables:
        """The constants of its integers; a band's bins count alike."""
        bins, bands = self.points // 2 + 1, len(self.edges) - 1
        filters = np.zeros((bins, bands))
        for i, (a, b) in enumerate(pairwise(self.edges)):
            filters[a:b, i] = 1
        return tables(self.window, self.points, filters, np.zeros((bands, 0)), FLOOR)

    def sampled(self, raw: np.ndarray) -> np.ndarray:
        """Return values (n, steps, 1, channels) as whole numbers, (n, steps, channels) int64."""
        with np.errstate(over="ignore", invalid="ignore"):
            found = raw[:, :, 0].astype(np.float32) - np.array(self.shift, np.float32)
            found = found * np.array(self.factor, np.float32)
        found = np.clip(np.where(found > -MOST, found, -MOST), -MOST, MOST)  # what is not a number, too
        whole: np.ndarray = np.rint(found).astype(np.int64)
        return whole

    def integers(self, raw: np.ndarray) -> np.ndarray:
        """Return (n, frames, values, 1) int64 of series (n, steps, 1, channels)."""
        if raw.ndim != 4 or raw.shape[1:] != self.raw_shape:
            raise ValueError(f"got series {raw.shape}, expected (n, {', '.join(map(str, self.raw_shape))})")
        t, bands = self.tables, len(self.edges) - 1
        out = np.empty((len(raw), *self.shape[:2]), np.int64)
        z, power = np.zeros(self.points, np.int64), np.zeros(self.points // 2 + 1, np.int64)
        rest, found = np.zeros(self.window, np.int64), np.zeros(bands, np.int64)
        for i, one in enumerate(self.sampled(raw)):
            _frames(
                np.ascontiguousarray(one.T), self.hop, t.window, t.order, t.turns, t.splits, t.first, t.count,
                t.weights, t.floor, t.logs, z, power, rest, found, out[i],
            )  # fmt: skip
        return out[..., None]

    def __call__(self, raw: np.ndarray) -> np.ndarray:
        """Return (n, frames, values, 1) float32 of series (n, steps, 1, channels)."""
        return self.integers(raw).astype(np.float32)

    def work(self) -> dict[str, float]:
        """Return counts of one series, by the names of ``FrontEnd.work``.

        What is done to a step alone is "windowed" ``MOMENTS`` times; its rounding is that of a value to int8.
        """
        half, frames = self.points // 2, self.shape[0] * self.channels
        each = {"windowed": MOMENTS * self.window, "fft": half * np.log2(half), "split": half}
        each |= {"macs": self.edges[-1] - self.edges[0], "logs": len(self.edges) + 1, "values": self.values}
        found = {name: float(frames * count) for name, count in each.items()}
        return found | {"values": found["values"] + self.heard * self.channels}

    @property
    def heard(self) -> int:
        """Steps of a series that are in a frame or between two."""
        return (self.shape[0] - 1) * self.hop + self.window

    def table_bytes(self) -> int:
        """Return the constants in flash: those of ``spectrum.Tables``, shifts and factors."""
        return self.tables.flash_bytes + 8 * (self.shape[1] + self.channels)

    def buffer_bytes(self) -> int:
        """Return the RAM beside the network's arena: the transform in place, frames of steps, and rows of values."""
        steps = 2 * (self.window * self.channels + self.points)
        return int(4 * (self.points + 2) + steps + self.shape[0] * self.shape[1])

    def text(self) -> str:
        """Return what it makes of a series, in words."""
        frames, values, _ = self.shape
        bands = len(self.edges) - 1
        return (
            f"spectral features: {frames} frames of {self.window} steps, one every {self.hop}, each {values} values:"
            f" {', '.join(EACH)} and {bands} band{'s' * (bands > 1)} of {self.points} points, of {self.channels}"
            f" channel{'s' * (self.channels > 1)}"
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)

    @staticmethod
    def from_json(data: dict[str, Any]) -> "SpectralFrontEnd":
        """Return what ``to_json`` gave."""
        lists = {name: tuple(data[name]) for name in ("edges", "shift", "factor", "names")}
        return SpectralFrontEnd(**{**data, **lists})


MOMENTS = 5.0  # a step in a frame is windowed, and before that kept, summed, and counted in energy, crossings and peak


@compiled
def _frames(
    x: np.ndarray, hop: int, window: np.ndarray, order: np.ndarray, turns: np.ndarray, splits: np.ndarray,
    first: np.ndarray, count: np.ndarray, weights: np.ndarray, floor: int, logs: np.ndarray, z: np.ndarray,
    power: np.ndarray, rest: np.ndarray, bands: np.ndarray, out: np.ndarray,
) -> None:  # fmt: skip
    """Write the values (frames, channels * values) of a series of whole numbers x (channels, steps)."""
    n, values = len(window), len(bands) + 4
    for f in range(len(out)):
        for c in range(len(x)):
            total, at = 0, values * c
            for i in range(n):
                total += x[c, f * hop + i]
            mean = (total + PLACES * n + n // 2) // n - PLACES
            energy, crossings, peak = n, 0, 0
            before = x[c, f * hop] - mean
            for i in range(n):
                d = x[c, f * hop + i] - mean
                energy += d * d
                crossings += (d ^ before) < 0
                peak = max(peak, abs(d))
                before = d
                rest[i] = d
            bands_of(rest, window, order, turns, splits, first, count, weights, floor, logs, z, power, bands)
            rms = logarithm(energy, logs)
            out[f, at], out[f, at + 1], out[f, at + 2] = mean, rms, crossings
            out[f, at + 3] = logarithm(peak * peak + 1, logs) - rms
            for b in range(len(bands)):
                out[f, at + 4 + b] = bands[b]
