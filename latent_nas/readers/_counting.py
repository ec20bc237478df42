"""Columns of a table that count its rows or tell the time: no signal, but it would give sorted classes away."""

import math
import re
import warnings
from collections.abc import Mapping, Sequence

import numpy as np

from latent_nas.readers._dates import seconds

INDEX = re.compile(r"|unnamed: ?\d+(_level_\d+)?|level_0|index|idx|id|row|row[ _]?(id|nr|no|num|number)|sample[ _]?id")
CLOCK = re.compile(
    r"((uc|unix|epoch|sensor|system|arrival|creation)[ _]?)?"
    r"(time[ _]?stamp|time|date|date[ _]?time|elapsed|seconds[ _]elapsed|epoch|t)[ _(\[]*"
    r"(s|sec|seconds|ms|millis|milliseconds|us|ns|utc|gmt|local|date)?[)\]]?"
    r"|(millis|micros|milli|micro)[ _]?(seconds|s)?|seconds|ms|uptime|ticks?"
)
DATED = re.compile(r"\s*\d+[-/.]|\s*\d{8}")  # how a cell that holds a date begins
MANY = 8  # rows from which on a column that goes up by 1 in each does not do so by chance
LEAP = 10  # times its usual step that a clock goes on at once where a recording was interrupted
UNLIKE = 1.5  # times the mean step of one recording that of another is, where their rates differ
ERRORS, SURE = 4.0, 0.5  # standard errors of a mean step left open, and the share of it that they may be
RARE = 2.0  # mean steps that a step counts beyond the mean, however long: interruptions are no jitter
RESETS = 1 / 4  # of the steps of a clock may go back, where it begins anew with every recording


def is_index(name: str) -> bool:
    """Return whether a column is called as row numbers are."""
    return bool(INDEX.fullmatch(name.casefold()))


def is_clock(name: str, cells: Sequence[str], groups: Sequence[str] | None) -> bool:
    """Return whether a column is called as clocks are and only counts up, within a group, or holds no numbers."""
    return bool(CLOCK.fullmatch(name.casefold())) and only_up(cells, groups)


def called_clock(name: str) -> bool:
    """Return whether a column is called as clocks are."""
    return bool(CLOCK.fullmatch(name.casefold()))


def only_up(cells: Sequence[str], groups: Sequence[str] | None) -> bool:
    """Return whether numbers never go down within a group; text, as of a date, can be no signal either."""
    values = numbers(cells)
    if values is None:
        return True
    places: dict[str, list[int]] = {}
    for i, group in enumerate(groups or [""] * len(cells)):
        places.setdefault(group, []).append(i)
    return all(bool((np.diff(values[at]) >= 0).all()) for at in places.values())


def mostly_up(cells: Sequence[str]) -> bool:
    """Return whether numbers go up, beginning anew now and then, as the clock of several recordings does."""
    values = numbers(cells)
    return values is None or len(values) < 2 or bool((np.diff(values) < 0).mean() <= RESETS)


def tells_time(cells: Sequence[str]) -> bool:
    """Return whether cells are dates, whatever the column is called, or times of day that go up: others are lengths."""
    if numbers(cells) is not None or not any(c.isdigit() for c in cells[0]):
        return False
    clock = instants(cells)
    return clock is not None and (bool(DATED.match(cells[0])) or bool(resets(clock).mean() <= RESETS))


def resets(clock: np.ndarray) -> np.ndarray:
    """Return whether a clock (n,) goes back at each place, (n,) bool."""
    return np.concatenate([[False], np.diff(clock) < 0])


def instants(cells: Sequence[str]) -> np.ndarray | None:
    """Return a clock's cells as numbers (n,), dates and times of day in seconds; None where it holds others."""
    values = numbers(cells)
    if values is not None:
        return values
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on offsets from UTC, which are taken into account
            dates = np.array(cells, "datetime64[ns]")  # as ISO 8601 writes them: fast
    except ValueError:
        return seconds(cells)
    return None if np.isnat(dates).any() else (dates - dates.min()).astype(np.int64) / 1e9


def unread(cells: Sequence[str], lines: Sequence[str]) -> list[str]:
    """Return a line on a clock that ``instants`` can't read, with the first cell that is no time."""
    place = next((i for i, cell in enumerate(cells) if instants([cell]) is None), 0)
    return [
        f"the clock is not read, as {cells[place]!r} in {lines[place]} is no time that is known (wanted a number, or a"
        " date as 2024-03-31 12:30:00.25): windows may cross its jumps"
    ]


def usual_step(clock: np.ndarray) -> float:
    """Return the median of the steps ahead of a clock (n,); 0 where there are fewer than two."""
    steps = np.diff(clock)
    ahead = steps[steps > 0]
    return float(np.median(ahead)) if len(ahead) > 1 else 0.0


def uninterrupted(clock: np.ndarray | None, rows: Sequence[int]) -> list[Sequence[int]]:
    """Return the rows of a recording in pieces, cut where its clock (all rows,) leaps ahead; in one without a clock."""
    usual = 0.0 if clock is None else usual_step(clock[rows])
    if clock is None or not usual:
        return [rows]
    leaps = np.flatnonzero(np.diff(clock[rows]) > LEAP * usual) + 1
    return [piece.tolist() for piece in np.split(np.asarray(rows), leaps)]


def rates(clocks: Mapping[str, np.ndarray]) -> list[str]:
    """Return a line where recordings were sampled at several rates, by name and clock (n,).

    Recordings whose steps are too few for how much steps vary within all of them are not judged.
    """
    steps = {name: _ahead(clock) for name, clock in clocks.items()}
    longest = {name: LEAP * usual_step(clock) for name, clock in clocks.items()}  # that is no interruption
    means = {name: float(all_[all_ <= longest[name]].mean()) for name, all_ in steps.items() if longest[name] > 0}
    if not means:
        return []
    squares = sum(float((np.minimum(steps[name] / mean - 1, RARE) ** 2).sum()) for name, mean in means.items())
    spread = math.sqrt(squares / sum(len(steps[name]) - 1 for name in means))
    error = {name: ERRORS * spread / math.sqrt(len(steps[name])) for name in means}
    known = {name: mean for name, mean in means.items() if error[name] <= SURE}
    if not known:
        return []
    slow = max(known, key=lambda name: known[name] / (1 + error[name]))
    fast = min(known, key=lambda name: known[name] * (1 + error[name]))
    if known[slow] < max(UNLIKE, (1 + error[slow]) * (1 + error[fast])) * known[fast]:
        return []
    return [
        f"the clock goes on by {known[fast]:.3g} in {fast} and by {known[slow]:.3g} in {slow}: where rates differ,"
        " bring them to one, as tables are not resampled"
    ]


def _ahead(clock: np.ndarray) -> np.ndarray:
    """Return the steps of a clock (n,) that do not go back."""
    steps = np.diff(clock)
    return steps[steps >= 0]


def by_one(cells: Sequence[str]) -> bool:
    """Return whether every cell is the last one and 1, of rows that are too many for chance."""
    values = numbers(cells)
    return values is not None and len(cells) >= MANY and bool((np.diff(values) == 1).all())


def numbers(cells: Sequence[str]) -> np.ndarray | None:
    """Return cells as numbers (n,), or None where one is not."""
    if any("_" in cell for cell in cells):  # 1_2 is a name, though Python reads 12
        return None
    try:
        return np.array(cells, np.float64)
    except ValueError:
        return None
