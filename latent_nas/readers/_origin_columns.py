"""The columns of a table that say where rows come from: a window or recording, and a group that stays in one part."""

from collections.abc import Sequence
from itertools import pairwise

from latent_nas.readers import Wanted
from latent_nas.readers._column_names import GROUPS, WINDOWS, person, plain, some


def window_of(
    rest: list[tuple[str, tuple[str, ...]]], wanted: Wanted, notes: list[str], given: set[str]
) -> tuple[str, tuple[str, ...]] | None:
    """Return the column that says which window, or recording, a row belongs to: one whose cells repeat."""
    for known in WINDOWS:
        for name, cells in rest:
            if plain(name) != known or name == wanted.group:
                continue
            if len(set(cells)) > len(cells) // 2 and known != WINDOWS[0]:
                continue
            if len(set(cells)) == 1 and known != WINDOWS[0]:
                continue
            if known in GROUPS and not _together(cells) and any(plain(n) in GROUPS for n, _ in rest if n != name):
                continue
            if name in given:
                notes.append(f"every file is a recording{' to cut' * bool(wanted.window)}")
            elif name != WINDOWS[0]:
                notes.append(f"column {name!r} is read as 'window': rows of one value are steps of one recording")
            return name, cells
    return None


def group_of(
    rest: list[tuple[str, tuple[str, ...]]],
    wanted: Wanted,
    window: tuple[str, tuple[str, ...]] | None,
    notes: list[str],
    given: set[str],
) -> tuple[tuple[str, tuple[str, ...]] | None, list[tuple[str, tuple[str, ...]]]]:
    """Return the column of groups, if any, and the others less those that look like groups too."""
    names = dict(rest)
    if wanted.group and wanted.group != "none":
        if window and window[0] == wanted.group:
            return window, rest
        if wanted.group not in names:
            raise ValueError(f"there is no column {wanted.group!r} for --group; there are: {some(names)}")
        return (wanted.group, names[wanted.group]), [(n, c) for n, c in rest if n != wanted.group]
    if wanted.omit is not None and not given:
        return None, rest
    looks = [(n, c) for known in GROUPS for n, c in rest if known in (plain(n), person(n))]
    if not looks:
        return None, rest
    others = [(n, c) for n, c in rest if n not in dict(looks)]
    said = [f"column {n!r} is left out, as it tells where samples come from ('?omit=' keeps it)" for n, _ in looks]
    notes += [line for line, (n, _) in zip(said, looks, strict=True) if n not in given]
    spread = [(n, c) for n, c in looks if 1 < len(set(c)) <= len(c) // 2]
    return (spread[0] if spread and wanted.group != "none" else None), others


def _together(cells: Sequence[str]) -> bool:
    """Return whether equal cells stand one after another."""
    return 1 + sum(a != b for a, b in pairwise(cells)) == len(set(cells))
