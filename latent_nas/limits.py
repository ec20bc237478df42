"""What a network may cost: flash, RAM and time, each of which may be left open."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

import numpy as np

from latent_nas.units import COSTS

# Key of a setting -> the limit and how many of its units the setting's number stands for.
_KEYS = {
    key: (name, size)
    for name, cost in COSTS.items()
    for key, size in ((f"{name.partition('_')[0]}_{cost.unit.lower()}", cost.size), (name, 1.0))
}


def settings(limits: Mapping[str, float] | None) -> list[str]:
    """Return limits as Python callers give them, {"flash_kb": 32}, as ``Limits.parse`` reads them.

    Raises:
        ValueError: something else than a mapping or None.
    """
    if not isinstance(limits, (Mapping, type(None))):
        raise ValueError(f"limits are {limits!r}; wanted a dict, as {{'flash_kb': 32}}")
    return [f"{name}={value}" for name, value in (limits or {}).items()]


@dataclass(frozen=True)
class Limits:
    """Upper limits that a network may reach but not exceed; None means no limit. 1 KB = 1024 B.

    Raises:
        ValueError: a limit that is not a positive number.
    """

    flash_bytes: int | None = None
    ram_bytes: int | None = None
    latency_ms: float | None = None

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < math.inf:
                raise ValueError(f"limit {name} is a positive number or None, got {value!r}")

    @staticmethod
    def parse(settings: Iterable[str]) -> "Limits":
        """Return the limits of ``["flash_kb=32", "latency_ms=5"]``; the tighter where one is given twice.

        Raises:
            ValueError: an unknown key, or a value that is not a positive number (of bytes: at least one).
        """
        limits = Limits()
        for setting in settings:
            key, _, text = setting.partition("=")
            if key not in _KEYS:
                raise ValueError(f"no limit {key!r} (in {setting!r}); there are: {', '.join(_KEYS)}")
            name, unit = _KEYS[key]
            try:
                value = float(text) * unit
                given = Limits.from_json({name: value if name == "latency_ms" else int(value)})
                limits = limits.tighten(given)
            except (ValueError, OverflowError):
                message = f"limit {setting!r} wants a positive number, as in {key}=32"
                raise ValueError(f"{message}; there are: {', '.join(_KEYS)}") from None
        return limits

    def tighten(self, other: "Limits") -> "Limits":
        """Return the smaller limit of both, one by one."""
        mine, theirs = asdict(self), asdict(other)
        both = {name: [v for v in (mine[name], theirs[name]) if v is not None] for name in mine}
        return Limits(**{name: min(values, default=None) for name, values in both.items()})

    def changed(self, other: "Limits") -> "Limits":
        """Return the limits with those of ``other`` in the place of their own, where there are any."""
        return Limits(**asdict(self) | {name: value for name, value in asdict(other).items() if value is not None})

    def less(self, costs: Iterable[float]) -> "Limits":
        """Return what is left of the limits beside something that costs flash, RAM and time, in their order.

        Raises:
            ValueError: nothing is left of a limit.
        """
        left = {}
        for (name, limit), cost in zip(asdict(self).items(), costs, strict=True):
            if limit is not None and cost >= limit:
                raise ValueError(f"nothing is left of {name} <= {limit:g}: {cost:g} are taken")
            left[name] = None if limit is None else limit - cost
        return Limits(**left)

    def scaled(self, factors: Iterable[float]) -> "Limits":
        """Return the limits of flash, RAM and latency times one factor each."""
        scaled = zip(asdict(self).items(), factors, strict=True)
        return Limits(**{name: None if limit is None else limit * factor for (name, limit), factor in scaled})

    def ratios(self, flash_bytes: float, ram_bytes: float, latency_ms: float) -> dict[str, float]:
        """Return cost / limit for every limit there is, by its name; above 1 is too much."""
        taken = zip(COSTS, (flash_bytes, ram_bytes, latency_ms), self._all, strict=True)
        return {name: cost / limit for name, cost, limit in taken if limit is not None}

    @property
    def _all(self) -> tuple[float | None, float | None, float | None]:
        """The limits in the order of ``COSTS``; ``asdict``, which copies, takes twenty times as long."""
        return self.flash_bytes, self.ram_bytes, self.latency_ms

    def exceeded(self, flash_bytes: float, ram_bytes: float, latency_ms: float) -> dict[str, float]:
        """Return cost / limit for every limit that is exceeded, by its name; empty when all are kept."""
        ratios = self.ratios(flash_bytes, ram_bytes, latency_ms)
        return {name: ratio for name, ratio in ratios.items() if ratio > 1}

    def row(self) -> np.ndarray:
        """Return flash_bytes, ram_bytes, latency_ms as an array, (3,); inf where open."""
        return np.array([math.inf if limit is None else limit for limit in self._all], float)

    def kept(self, costs: np.ndarray) -> np.ndarray:
        """Return whether networks exceed none of the limits, (n,), by their flash, RAM and latency, (n, 3)."""
        return np.logical_not((costs > self.row()).any(axis=1))

    def text(self) -> str:
        """Return the limits for a sentence: "at most 32 KB flash, 16 KB RAM, 5 ms"; "no limits" without any."""
        given = [(COSTS[name], limit) for name, limit in asdict(self).items() if limit is not None]
        words = [f"{cost.number(v)} {cost.unit}" + (f" {cost.word}" if cost.unit == "KB" else "") for cost, v in given]
        return f"at most {', '.join(words)}" if words else "no limits"

    def settings(self) -> tuple[str, ...]:
        """Return the limits there are as settings, read back by ``parse``."""
        return tuple(f"{name}={float(limit)!r}" for name, limit in asdict(self).items() if limit is not None)

    def to_json(self) -> dict[str, float | None]:
        """Return the fields, read back by ``from_json``."""
        return asdict(self)

    @staticmethod
    def from_json(data: dict[str, float | None]) -> "Limits":
        """Return the limits of ``to_json``.

        Raises:
            ValueError: a field that is none of the limits, or not a positive number.
        """
        unknown = sorted(set(data) - set(asdict(Limits())))
        if unknown:
            raise ValueError(f"no limits {', '.join(unknown)}; there are: {', '.join(asdict(Limits()))}")
        return Limits(**data)  # type: ignore[arg-type]
