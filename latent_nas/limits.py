"""What a network may cost: flash, RAM and time, each of which may be left open."""

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass

_UNITS = {
    "flash_kb": ("flash_bytes", 1024),
    "flash_bytes": ("flash_bytes", 1),
    "ram_kb": ("ram_bytes", 1024),
    "ram_bytes": ("ram_bytes", 1),
    "latency_ms": ("latency_ms", 1),
}


@dataclass(frozen=True)
class Limits:
    """Upper limits that a network may reach but not exceed; None is no limit. 1 KB = 1024 B.

    Raises:
        ValueError: a limit that is not a positive number.
    """

    flash_bytes: int | None = None
    ram_bytes: int | None = None
    latency_ms: float | None = None

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if value is not None and not (isinstance(value, (int, float)) and math.isfinite(value) and value > 0):
                raise ValueError(f"limit {name} is a positive number or None, got {value!r}")

    @staticmethod
    def parse(settings: Iterable[str]) -> "Limits":
        """Return the limits of settings such as ``["flash_kb=32", "latency_ms=5"]``; of two for one, the tighter.

        Raises:
            ValueError: an unknown key, or a value that is not a positive number.
        """
        limits = Limits()
        for setting in settings:
            key, _, text = setting.partition("=")
            if key not in _UNITS:
                raise ValueError(f"no limit {key!r} (in {setting!r}); there are: {', '.join(_UNITS)}")
            name, unit = _UNITS[key]
            try:
                value = float(text) * unit
            except ValueError:
                value = math.nan
            if not (math.isfinite(value) and value > 0 and (unit * name.endswith("ms") or value >= 1)):
                raise ValueError(f"limit {setting!r} wants a positive number, e.g. {key}=32; there are: {', '.join(_UNITS)}")
            limits = limits.tighten(Limits(**{name: value if name.endswith("ms") else int(value)}))  # type: ignore[arg-type]
        return limits

    def tighten(self, other: "Limits") -> "Limits":
        """Return the smaller limit of both, one by one."""
        pairs = {name: (value, getattr(other, name)) for name, value in asdict(self).items()}
        return Limits(**{k: min((v for v in pair if v is not None), default=None) for k, pair in pairs.items()})

    def ratios(self, flash_bytes: float, ram_bytes: float, latency_ms: float) -> dict[str, float]:
        """Return cost / limit for every limit there is, by its name; above 1 is too much."""
        costs = {"flash_bytes": flash_bytes, "ram_bytes": ram_bytes, "latency_ms": latency_ms}
        return {name: costs[name] / limit for name, limit in asdict(self).items() if limit is not None}

    def exceeded(self, flash_bytes: float, ram_bytes: float, latency_ms: float) -> dict[str, float]:
        """Return cost / limit for every limit that is exceeded, by its name; empty when all are kept."""
        return {k: r for k, r in self.ratios(flash_bytes, ram_bytes, latency_ms).items() if r > 1}

    def to_json(self) -> dict[str, float | None]:
        """Return the fields, read back by ``from_json``."""
        return asdict(self)

    @staticmethod
    def from_json(data: dict[str, float | None]) -> "Limits":
        """Return the limits of ``to_json``.

        Raises:
            ValueError: a field that is none of the limits.
        """
        unknown = set(data) - set(asdict(Limits()))
        if unknown:
            raise ValueError(f"no limits {sorted(unknown)}; there are: {', '.join(asdict(Limits()))}")
        return Limits(**data)  # type: ignore[arg-type]
