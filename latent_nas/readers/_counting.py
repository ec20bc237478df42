"""Columns of a table that count its rows or tell the time: no signal, but it would give sorted classes away."""

import re
from collections.abc import Sequence

import numpy as np

from latent_nas.readers._table import Table

INDEX = re.compile(r"|unnamed: ?\d+(_level_\d+)?|level_0|index|idx|id|row|row[ _]?(id|nr|no|num|number)|sample[ _]?id")
CLOCK = re.compile(
    r"(time[ _]?stamp|time|date|date[ _]?time|elapsed|seconds[ _]elapsed)[ _(\[]*(s|sec|ms|us|ns)?[)\]]?"
)
MANY = 8  # rows from which on a column that goes up by 1 in each is no chance


def without(
    table: Table, own: Sequence[str], groups: Sequence[str] | None, omit: tuple[str, ...] | None
) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """Return the columns of values by name, less those that only count, and a line for each decision.

    Left out are columns without a name or called as row numbers are, and those called as clocks are where they only
    count up (within each window) or hold no numbers. Others that count up by 1 are kept, and named.

    Args:
        own: names that are no values. groups: the window of every row, or None where a row is a window.
        omit: names to leave out in place of all that; () for none.

    Raises:
        ValueError: a name in ``omit`` that is no column of values.
    """
    columns = [(name, cells) for name, cells in table.columns if name not in own]
    given = dict(columns)
    if omit is not None:
        odd = next((name for name in omit if name not in given), None)
        if odd is not None:
            raise ValueError(f"omit={odd!r} is no column of values; there are: {', '.join(given)}")
        if len(given) < len(columns):
            raise ValueError("two columns have no name; give them one, so that they can be kept (omit=)")
        return {name: cells for name, cells in columns if name not in omit}, []
    kept, notes = dict[str, tuple[str, ...]](), list[str]()
    for name, cells in columns:
        said = f"column {name!r}" if name else "the column without a name"
        if INDEX.fullmatch(name.casefold()):
            notes.append(f"{said} is left out, as it numbers rows ('?omit=' keeps it)")
        elif CLOCK.fullmatch(name.casefold()) and _only_up(cells, groups):
            notes.append(f"{said} is left out, as it only counts up ('?omit=' keeps it)")
        else:
            kept[name] = cells
            if CLOCK.fullmatch(name.casefold()) or (len(cells) >= MANY and _by_one(cells)):
                notes.append(f"{said} is taken as values, though it may number rows ('?omit={name}' leaves it out)")
    return kept, notes


def _only_up(cells: Sequence[str], groups: Sequence[str] | None) -> bool:
    """Return whether numbers never go down within a group; text, as of a date, can be no signal either."""
    values = _values(cells)
    if values is None:
        return True
    places: dict[str, list[int]] = {}
    for i, group in enumerate(groups or [""] * len(cells)):
        places.setdefault(group, []).append(i)
    return all(bool((np.diff(values[at]) >= 0).all()) for at in places.values())


def _by_one(cells: Sequence[str]) -> bool:
    values = _values(cells)
    return values is not None and bool((np.diff(values) == 1).all())


def _values(cells: Sequence[str]) -> np.ndarray | None:
    try:
        return np.array([float(cell) for cell in cells])
    except ValueError:
        return None
