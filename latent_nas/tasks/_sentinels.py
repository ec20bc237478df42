"""Numbers that stand for a missing one, as -999 does in many a log: said, and taken as they are."""

from collections.abc import Sequence

import numpy as np

from latent_nas.readers import Raw

# What loggers, registers and file formats write where there is nothing. At 4095 and 1023 converters saturate.
NINES = [9 * int("1" * n) for n in range(1, 9)]  # 9, 99, 999, ...
FORMS = np.unique(
    np.array(
        [
            *(sign * float(n) for n in NINES for sign in (-1, 1) if n > 9 or sign < 0),
            *(sign * (n + part) for n in NINES[1:5] for sign in (-1, 1) for part in (0.9, 0.99, 0.25)),
            *(-127.0, -273.15, 8190.0, 8191.0),  # a DS18B20, absolute zero, a VL53L0X
            *(float(2**n - 1) for n in (15, 16, 31, 32)),
            *(-float(2**n) for n in (15, 31)),
            *(sign * 10.0**n for n in (20, 30, 36, 37, 38) for sign in (-1, 1)),
            9.969209968386869e36,  # netCDF
            *(sign * float(np.finfo(np.float32).max) for sign in (-1, 1)),
        ],
        np.float32,
    )
)
LEAST = 2  # times that it stands in a column
DISTINCT = 3  # other values of the column: of two, neither lies far outside
QUARTILES = 2.0  # times the distance of the other values' quartiles that there is none of them beside it
BELOW, ABOVE = 0.5, 1.0  # times the other values' range that there is none: above, a sensor may be at its end
SHOWN = 3  # columns in a line each


def sentinels(raw: Raw, missing: bool) -> list[str]:
    """Return a line for each column of values or targets that holds a number which may stand for a missing one.

    Args:
        missing: whether the reader asks what is to become of empty cells.
    """
    if not raw.keep or raw.pixels:
        return []
    columns = np.moveaxis(raw.x, raw.keep[0], -1).reshape(-1, raw.x.shape[raw.keep[0]])
    names = raw.columns if len(raw.columns) == columns.shape[1] else ()
    found = [(_called(names, i), *each) for i, column in enumerate(columns.T) for each in suspects(column)]
    found += [(f"target {t!r}", *each) for i, t in enumerate(raw.targets) for each in suspects(raw.y[:, i])]
    step = "leave such cells empty, and --missing says what becomes of them" if missing else "leave such samples out"
    lines = [
        f"{called}: {value:g} stands {n} times, far outside of all others ({low:g} to {high:g}), and is taken as a"
        f" number; if it means a missing one, {step}"
        for called, value, n, low, high in found[:SHOWN]
    ]
    rest = f"the same goes for {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return [*lines, *filter(None, [rest])]


def suspects(column: np.ndarray) -> list[tuple[float, int, float, float]]:
    """Return of each suspect of a column (n,) its value, how often it stands there, and the range of the other values.

    One is a known form, stands there more than once, and at an end, with a gap between it and all that is no suspect.
    """
    ends: list[float] = []
    rest = column
    while len(rest):
        at = next((end for end in (rest.min(), rest.max()) if end in FORMS), None)
        if at is None:
            break
        ends.append(float(at))
        rest = rest[rest != at]
    if not ends or len(np.unique(rest)) < DISTINCT:
        return []
    low, high = float(rest.min()), float(rest.max())
    near, far = np.percentile(rest, (25, 75))
    found = []
    for value in ends:
        n = int((column == np.float32(value)).sum())
        gap = max(QUARTILES * float(far - near), (BELOW if value < low else ABOVE) * (high - low))
        if n >= LEAST and max(low - value, value - high) > gap:
            found.append((value, n, low, high))
    return sorted(found)


def _called(names: Sequence[str], i: int) -> str:
    return f"column {names[i]!r}" if names else f"channel {i + 1}"
