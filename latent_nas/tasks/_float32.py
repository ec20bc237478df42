"""What float32 makes of values: those that vary little beside their size are rounded together, which is said."""

from collections.abc import Iterator

import numpy as np

from latent_nas.readers import Raw
from latent_nas.readers._column_names import some

FEWEST = 256  # steps of float32 from the least to the greatest value, as many as int8 has
WHOLE = 1 << 24  # beyond it float32 does not hold every whole number


def coarse(raw: Raw) -> list[str]:
    """Return a line on each value and target that float32 holds in few steps."""
    return [
        f"{name!r} lies at {high:g}, where float32, in which a device takes values, has steps of {step:g}: at most"
        f" {int(count) + 1} different values are left of it; subtract a constant from it, or leave it out"
        for name, high, step, count in _steps(raw)
        if _few(high, count)
    ]


def still(raw: Raw) -> list[str]:
    """Return a line on values that are the same in all samples."""
    names = [name for name, high, _, count in _steps(raw) if not count and not _few(high, count)]
    return [f"the same in every sample, so nothing can be learnt from it: {some(names)}"] if names else []


def _few(high: float, count: float) -> bool:
    """Return whether rounding shows, or could have made a quantity the same everywhere."""
    return count < FEWEST and (count > 0 or abs(high) > WHOLE)


def _steps(raw: Raw) -> Iterator[tuple[str, float, float, float]]:
    """Yield name, greatest value, float32's step there, and how many of these lie between least and greatest value."""
    if raw.keep and raw.front_end is None:
        others = tuple(a for a in range(raw.x.ndim) if a not in raw.keep)
        low, high = raw.x.min(axis=others).reshape(-1), raw.x.max(axis=others).reshape(-1)
        names = raw.columns if len(raw.columns) == len(low) else [f"value {i}" for i in range(len(low))]
        yield from map(_step, names, low, high)
    if raw.targets:
        yield from map(_step, raw.targets, raw.y.min(axis=0), raw.y.max(axis=0))


def _step(name: str, low: np.float32, high: np.float32) -> tuple[str, float, float, float]:
    step = float(np.spacing(max(abs(low), abs(high), np.finfo(np.float32).tiny)))
    return name, float(high), step, (float(high) - float(low)) / step
