"""Rows that are samples of their own, series or features; those that look like steps in time are asked about."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from latent_nas.readers import Wanted
from latent_nas.readers._columns import Columns
from latent_nas.readers._counting import called_clock, mostly_up
from latent_nas.readers._numbered import channels_of

AXIS = re.compile(r"(.*?)([xyz])([ _(\[].*)?", re.IGNORECASE)
ROWS = 16  # from which on rows can look like steps
ALIKE = 0.5  # correlation of neighbouring rows from which on they look like steps
DIVIDED = "values from 0 to 255 are divided by 255"
APART = 20.0  # times as much spread in one column as in another: no series of one channel


def each_row(
    path: Path, found: Columns, values: np.ndarray, wanted: Wanted
) -> tuple[np.ndarray, tuple[int, ...], list[str]]:
    """Return rows as series (n, steps, 1, channels) or features (n, 1, values, 1), the axes to keep, and notes."""
    names = [*found.values]
    channels = channels_of(names)
    if wanted.input is not None:
        if values.shape[1] != np.prod(wanted.input):
            raise ValueError(f"{path} has {values.shape[1]} values in a row; they can't be read as {wanted.input}")
        plain = np.nanmin(values) >= 0 and np.nanmax(values) <= 255
        divided = values / np.float32(255) if plain and np.nanmax(values) > 1 else values
        divides = [DIVIDED]
        return divided.reshape(-1, *wanted.input), () if plain else (3,), divides if divided is not values else []
    shown = f"{names[0]!r} to {names[-1]!r}" if len(names) > 1 else repr(names[0])
    if wanted.layout == "nf" or (not wanted.layout and channels is None):
        if not wanted.layout and (why := _like_steps(found, values)):
            raise ValueError(
                f"{path}: its rows look like steps of recordings ({why}), so say how many make a window: --window STEPS"
                " [--hop STEPS]; '?layout=nf' takes every row as a sample of its own"
            )
        said = [f"every row is a sample of {len(names)} values ('--window STEPS' takes rows as steps in time)"]
        return values[:, None, :, None], (2,), [] if wanted.layout else said
    if channels is None or wanted.layout == "ns":
        channels = [list(range(len(names)))]
    apart = _apart(values) if len(channels) == 1 else 0.0
    if not wanted.layout and apart > APART:
        said = [f"columns {shown} differ {apart:.0f}-fold in spread: features, each with its own scale ('?layout=ns':"
                " steps of a series)"]  # fmt: skip
        return values[:, None, :, None], (2,), said
    x = np.stack([values[:, at] for at in channels], axis=-1)[:, :, None, :]
    many = f" of {len(channels)} channels" if len(channels) > 1 else ""
    said = [f"columns {shown} are {x.shape[1]} steps of a series{many} ('?layout=nf': features, each its own scale)"]
    return np.ascontiguousarray(x), (3,), [] if wanted.layout else said


def _like_steps(found: Columns, values: np.ndarray) -> str:
    """Return why rows look like steps in time, "" if they don't."""
    if len(values) < ROWS:
        return ""
    if found.clock is not None:
        return "a column tells the time"
    clock = next((name for name, cells in found.values.items() if called_clock(name) and mostly_up(cells)), None)
    if clock is not None:
        return f"column {clock!r} tells the time"
    axes: dict[str, list[str]] = {}
    for name in found.values:
        if match := AXIS.fullmatch(name.strip()):
            axes.setdefault(match[1].casefold(), []).append(name)
    axes = {of: held for of, held in axes.items() if len({n.casefold() for n in held}) == len(held)}
    sensor = next((held for of, held in axes.items() if len(held) >= (2 if of else 3)), None)
    if sensor:
        return f"columns {', '.join(map(repr, sensor[:3]))} are axes of one sensor"
    answers = [*found.answers.values()]
    same = np.array([all(c[i] == c[i - 1] for c in answers) for i in range(1, len(values))], bool)
    if found.group is not None:
        same &= np.array([found.group[i] == found.group[i - 1] for i in range(1, len(values))])
    if same.sum() < ROWS or same.mean() < 0.5:
        return ""
    return "neighbouring rows are alike" if _alike(values, answers, same) > ALIKE else ""


def _alike(values: np.ndarray, answers: Sequence[Sequence[str]], same: np.ndarray) -> float:
    """Return the correlation of neighbouring rows within their class, less its mean: the median of all columns."""
    labels = np.unique(["\x1f".join(row) for row in zip(*answers, strict=True)] or ["" for _ in values],
                       return_inverse=True)[1].reshape(-1)  # fmt: skip
    rest = np.nan_to_num(values.astype(np.float64))
    for label in range(labels.max() + 1):
        rest[labels == label] -= rest[labels == label].mean(axis=0)
    a, b = rest[:-1][same], rest[1:][same]
    spread = np.sqrt((a**2).sum(axis=0) * (b**2).sum(axis=0))
    found = (a * b).sum(axis=0)[spread > 0] / spread[spread > 0]
    return float(np.median(found)) if len(found) else 0.0


def _apart(values: np.ndarray) -> float:
    """Return how many times the spread of one column is that of another."""
    spread = np.nanstd(values.astype(np.float64), axis=0)
    spread = spread[spread > 0]
    return float(spread.max() / spread.min()) if len(spread) > 1 else 1.0
