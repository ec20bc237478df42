"""How raw data become a network's input, as numbers that travel with it: shift and gain, pixels, windows, front end.

``input = (raw - shift) * gain``, one pair for all values, or one per channel or per column (a table's, a band's).
``integers`` is the reference of the firmware's ``preprocess.c``: pixels are looked up, all else is float32 arithmetic,
one subtraction and one product, which every FPU and every software float rounds alike.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from latent_nas.fixed_point import HIGH, LOW, Quant
from latent_nas.front_end import FrontEnd
from latent_nas.spectral import KIND, SpectralFrontEnd

PIXEL, VALUE, SOUND = "uint8", "float32", "int16"  # of raw data
FAR = 512.0  # int8 steps, at which a value is cut off before it becomes an integer


def front_end_of(data: Mapping[str, Any]) -> FrontEnd | SpectralFrontEnd:
    """Return the front end that its ``to_json`` gave."""
    return SpectralFrontEnd.from_json({**data}) if data.get("kind") == KIND else FrontEnd(**data)


@dataclass(frozen=True)
class Preprocessing:
    """What a network was trained to see.

    Attributes:
        shape: height, width, channels of the input. raw: type of raw values, ``PIXEL``, ``VALUE`` or ``SOUND``.
        unit: of raw values, in words. shift, gain: one for all, or one per channel, or per column.
        columns: names of what the channels (of a table: its columns) hold, () where they have none.
        resize: how images of another size were brought to this one, "" where none was. grey: whether colours were.
        window, hop: steps of a window of a series, and from one to the next; 0 for no series.
        front_end: of audio, or of series whose features the network sees.
    """

    shape: tuple[int, ...]
    raw: str = VALUE
    unit: str = "as in the training data"
    shift: tuple[float, ...] = (0.0,)
    gain: tuple[float, ...] = (1.0,)
    columns: tuple[str, ...] = ()
    resize: str = ""
    grey: bool = False
    window: int = 0
    hop: int = 0
    front_end: FrontEnd | SpectralFrontEnd | None = None

    def __post_init__(self) -> None:
        """Raise ValueError where there are as many shifts and gains as nothing of the input."""
        if len(self.shift) != len(self.gain) or len(self.shift) not in (1, *self.shape[1:]):
            raise ValueError(
                f"preprocessing has {len(self.shift)} shifts and {len(self.gain)} gains for an input {self.shape};"
                " wanted one of each, or one per channel or per column"
            )

    @property
    def varies(self) -> str:
        """Along what shift and gain vary: "" where they don't, else "channel" or "column"."""
        if len(self.shift) == 1:
            return ""
        return "channel" if len(self.shift) == self.shape[-1] else "column"

    @property
    def takes_colours(self) -> bool:
        """Whether pixels are grey, from 0 to 255, so that colours can be made that."""
        return self.raw == PIXEL and self.shape[-1] == 1 and self.gain[0] * 255 < 1.001

    @property
    def raw_shape(self) -> tuple[int, ...]:
        """Of a sample of raw data: the input's, or what its front end takes."""
        return self.front_end.raw_shape if self.front_end is not None else tuple(self.shape)

    def scaled(self, raw: np.ndarray) -> np.ndarray:
        """Return the network's float32 input (n, *shape) of raw values (n, ...), as training had it."""
        shift, gain = self._spread(np.float64)
        if self.front_end is not None:
            raw = self.front_end.integers(raw) * self.front_end.step + self.front_end.offset
        return ((raw - shift) * gain).astype(np.float32)

    def raw_of(self, x: np.ndarray) -> np.ndarray:
        """Return raw values (n, *shape) that inputs (n, *shape) were made of; pixels exactly, others as float32."""
        shift, gain = self._spread(np.float64)
        raw = x / gain + shift
        return np.clip(np.rint(raw), 0, 255).astype(np.uint8) if self.raw == PIXEL else raw.astype(np.float32)

    def integers(self, raw: np.ndarray, quant: Quant) -> np.ndarray:
        """Return the int8 input (n, *shape) of raw values (n, ...): bit for bit what ``preprocess.c`` makes."""
        if self.raw == PIXEL:
            table = self.table(quant)
            return table[raw.astype(np.int64), np.arange(self.shape[-1]) if len(table[0]) > 1 else 0]
        shift, factor = self.factors(quant)
        if self.front_end is not None:
            raw = self.front_end.integers(raw)
        with np.errstate(over="ignore", invalid="ignore"):
            steps = (raw.astype(np.float32) - self._along(shift)) * self._along(factor)
        steps = np.clip(np.where(steps > -FAR, steps, -FAR), -FAR, FAR)
        return np.clip(np.rint(steps) + quant.zero_point, LOW, HIGH).astype(np.int8)

    def table(self, quant: Quant) -> np.ndarray:
        """Return the int8 value of every pixel value, (256, 1) or (256, channels): exactly those of training."""
        pixels = np.arange(256)[:, None]
        real = ((pixels - np.array(self.shift)) * np.array(self.gain)).astype(np.float32)
        return quant.quantise(real)

    def factors(self, quant: Quant) -> tuple[np.ndarray, np.ndarray]:
        """Return shift and int8 steps per raw unit, float32: ``q = round((raw - shift) * factor) + zero point``."""
        shift, factor = np.array(self.shift), np.array(self.gain) / quant.scale
        if self.front_end is not None:  # of its integers
            shift, factor = (shift - self.front_end.offset) / self.front_end.step, factor * self.front_end.step
        return shift.astype(np.float32), factor.astype(np.float32)

    def folded(self, quant: Quant) -> Quant | None:
        """Return the quantisation of raw values themselves, where one scale and zero point say it; else None."""
        if self.varies:
            return None
        zero = quant.zero_point - self.shift[0] * self.gain[0] / quant.scale
        return Quant(quant.scale / self.gain[0], round(zero)) if abs(zero - round(zero)) < 1e-6 else None

    def to_json(self) -> dict[str, Any]:
        """Return plain values, read back by ``from_json``."""
        return asdict(replace(self, front_end=None)) | {"front_end": self.front_end and self.front_end.to_json()}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "Preprocessing":
        """Return what ``to_json`` gave."""
        lists = {name: tuple(data[name]) for name in ("shape", "shift", "gain", "columns")}
        front_end = front_end_of(data["front_end"]) if data["front_end"] else None
        return Preprocessing(**{**data, **lists, "front_end": front_end})

    def _spread(self, kind: type) -> tuple[np.ndarray, np.ndarray]:
        return self._along(np.array(self.shift, kind)), self._along(np.array(self.gain, kind))

    def _along(self, values: np.ndarray) -> np.ndarray:
        """Return values so that they are broadcast along what they vary with."""
        return values[:, None] if self.varies == "column" else values
