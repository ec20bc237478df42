"""What stands between a microphone and a network: the logarithm of mel bands, or MFCC, of short windows.

Davis and Mermelstein (1980); the mel scale is that of O'Shaughnessy, 2595 log10(1 + f / 700). A device computes it
frame by frame while it listens, so it holds one window of samples and never the recording. The arithmetic is that of
integers, see ``spectrum``, so that training sees what a device hears.
"""

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from latent_nas.spectrum import Tables

FLOOR = 1e-6  # power, so that silence has a logarithm
KINDS = ("log_mel", "mfcc")


@dataclass(frozen=True)
class FrontEnd:
    """Audio in, a picture of frames x bins out.

    Attributes:
        rate: samples per second. samples: of a recording. window, hop: of a frame, in samples. bins: mel bands.
        kind: "log_mel" or "mfcc". coefficients: kept of the cosine transform of an MFCC, without the zeroth.
    """

    rate: int
    samples: int
    window: int
    hop: int
    bins: int = 20
    kind: str = "log_mel"
    coefficients: int = 10

    code_bytes = 2900  # transform, logarithm, loops: of a Cortex-M4 by clang -O2

    @staticmethod
    def of(rate: int, samples: int, kind: str = "log_mel") -> "FrontEnd":
        """Return the usual one: windows of 32 ms every 20 ms, 20 bands, below 4 kHz of sampling rate fewer.

        Raises:
            ValueError: an unknown kind, or a recording shorter than a window.
        """
        if kind not in KINDS:
            raise ValueError(f"front end {kind!r}; there are: {', '.join(KINDS)}")
        window, hop = max(round(0.032 * rate), 16), max(round(0.020 * rate), 8)
        if samples < window:
            raise ValueError(f"{samples} samples at {rate} Hz are less than one window of {window}")
        return FrontEnd(rate, samples, window, hop, min(20, window // 8), kind)

    @property
    def points(self) -> int:
        """Points of the Fourier transform: the next power of two."""
        return 1 << (self.window - 1).bit_length()

    @property
    def raw_shape(self) -> tuple[int]:
        """Samples of a recording."""
        return (self.samples,)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Frames, values of each, 1: the input of a network."""
        values = self.bins if self.kind == "log_mel" else self.coefficients
        return 1 + (self.samples - self.window) // self.hop, values, 1

    @cached_property
    def filters(self) -> np.ndarray:
        """Triangles over the spectrum, even on the mel scale, (points / 2 + 1, bins); each bin has its peak at 1."""
        top = 2595 * np.log10(1 + self.rate / 2 / 700)
        edges = 700 * (10 ** (np.linspace(0, top, self.bins + 2) / 2595) - 1) * self.points / self.rate
        at = np.arange(self.points // 2 + 1)[:, None]
        low, peak, high = edges[:-2], edges[1:-1], edges[2:]
        rise, fall = (at - low) / np.maximum(peak - low, 1e-9), (high - at) / np.maximum(high - peak, 1e-9)
        found = np.clip(np.minimum(rise, fall), 0, None)
        nearest = np.clip(np.round(peak).astype(int), 0, self.points // 2)
        found[nearest, np.arange(self.bins)] = np.maximum(found[nearest, np.arange(self.bins)], 1e-3)  # none is empty
        return found

    @cached_property
    def cosines(self) -> np.ndarray:
        """The cosine transform of type 2 without its zeroth row, orthonormal, (bins, coefficients)."""
        k, n = np.arange(1, self.coefficients + 1), np.arange(self.bins)[:, None]
        found: np.ndarray = np.sqrt(2 / self.bins) * np.cos(np.pi * k * (n + 0.5) / self.bins)
        return found

    @cached_property
    def tables(self) -> "Tables":
        """The constants of its integers."""
        from latent_nas.spectrum import tables

        cosines = self.cosines if self.kind == "mfcc" else np.zeros((self.bins, 0))
        return tables(self.window, self.points, self.filters, cosines, FLOOR)

    @property
    def step(self) -> float:
        """What a unit of its integers stands for: bands are counted in 512ths of an octave of power."""
        return float(np.log10(2) / 512)

    @property
    def offset(self) -> float:
        """What the integer 0 stands for: value = step * integer + offset."""
        if self.kind == "mfcc":
            return 0.0  # cosines have no sum
        return float(np.log10(FLOOR / self.tables.floor)) + self.step / 2  # logarithms are cut off, not rounded

    def integers(self, audio: np.ndarray) -> np.ndarray:
        """Return (n, frames, values, 1) int64 of int16 recordings (n, samples)."""
        from latent_nas.spectrum import frames

        if audio.ndim != 2 or audio.shape[1] != self.samples:
            raise ValueError(f"got audio {audio.shape}, expected (n, {self.samples})")
        return frames(audio, self.shape[0], self.hop, self.tables)[..., None]

    def heard(self, audio: np.ndarray) -> np.ndarray:
        """Return int16 samples of a recording (..., samples) from -1 to 1, as an ADC gives them."""
        return np.clip(np.rint(audio * 32768.0), -32768, 32767).astype(np.int16)

    def __call__(self, audio: np.ndarray) -> np.ndarray:
        """Return (n, frames, values, 1) float32 of recordings (n, samples) from -1 to 1."""
        return (self.integers(self.heard(audio)) * self.step + self.offset).astype(np.float32)

    def work(self) -> dict[str, float]:
        """Return counts of one recording: samples windowed, FFT steps, bins split and squared, MACs, logarithms.

        A real transform of N points is a complex one of N / 2 and a pass that splits its result; ``fft`` is the sum of
        (N / 2) log2(N / 2).
        """
        frames, half = self.shape[0], self.points // 2
        macs = np.count_nonzero(self.filters) + (self.bins * self.coefficients if self.kind == "mfcc" else 0)
        each = {"windowed": self.window, "fft": half * np.log2(half), "split": half, "macs": macs, "logs": self.bins}
        each["values"] = self.shape[1]  # scaled and rounded to int8
        return {name: float(frames * count) for name, count in each.items()}

    def table_bytes(self) -> int:
        """Return the constants in flash: those of ``spectrum.Tables``, and shift and factor of every value."""
        return self.tables.flash_bytes + 8 * self.shape[1]

    def buffer_bytes(self) -> int:
        """Return the RAM beside the network's arena: the transform in place, and of what is heard a window and rows."""
        return int(4 * (self.points + 2) + 2 * self.window + self.shape[0] * self.shape[1])

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)
