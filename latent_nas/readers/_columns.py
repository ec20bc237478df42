"""What the columns of a table are: the answers, the window, the part, the group, and values; every guess is said."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from latent_nas.readers import Wanted
from latent_nas.readers._answer_columns import answers_of, without_answers
from latent_nas.readers._column_names import PARTS, TARGET, plain
from latent_nas.readers._counting import by_one, called_clock, is_clock, is_index, mostly_up, tells_time
from latent_nas.readers._numbered import channels_of
from latent_nas.readers._origin_columns import group_of, window_of
from latent_nas.readers._table import Table


@dataclass(frozen=True)
class Columns:
    """A table's columns by what they are.

    Attributes:
        answers: cells by name; none where ``wanted.kind`` needs none. values: the same.
        window: what says which window or recording a row belongs to, or None. part, group, clock: the same.
        groups: what the group is, e.g. "column 'subject'". notes: the guesses, a line each.
    """

    answers: Mapping[str, tuple[str, ...]]
    values: Mapping[str, tuple[str, ...]]
    window: tuple[str, ...] | None
    part: tuple[str, ...] | None
    group: tuple[str, ...] | None
    groups: str
    clock: tuple[str, ...] | None
    notes: tuple[str, ...]


def columns(table: Table, wanted: Wanted, given: Iterable[str] = ()) -> Columns:
    """Return the columns of a table by what they are.

    Args:
        given: names of columns that the table's folders gave it, which mean what they are called.

    Raises:
        ValueError: no answers, several that differ, or a name asked for that there is not.
    """
    every = [(name, cells) for name, cells in table.columns]
    notes: list[str] = []
    answers = answers_of(every, wanted, notes)
    rest = [(n, c) for n, c in every if n not in answers]
    part = _first(rest, PARTS, notes, PARTS[0])
    if part and not _names_parts(part[1]):
        if plain(part[0]) == PARTS[0]:
            pass  # refused by name, where it is read
        else:
            notes.pop()
            part = None
    rest = [(n, c) for n, c in rest if not part or n != part[0]]
    window = window_of(rest, wanted, notes, set(given))
    rest = [(n, c) for n, c in rest if not window or n != window[0]]
    group, rest = group_of(rest, wanted, window, notes, set(given))
    keys = window[1] if window else None
    values, clock, said = _values(rest, keys, wanted)
    notes += said
    values, said = without_answers(values, answers, wanted)
    answers = {n.casefold() if n.casefold().startswith(TARGET) else n: cells for n, cells in answers.items()}
    return Columns(
        answers,
        values,
        keys,
        part[1] if part else None,
        group[1] if group else None,
        f"column {group[0]!r}" if group else "",
        clock,
        (*notes, *said),
    )


def _first(
    every: Sequence[tuple[str, tuple[str, ...]]], names: Sequence[str], notes: list[str], called: str
) -> tuple[str, tuple[str, ...]] | None:
    """Return the first column with one of some names, in the names' order."""
    for known in names:
        for name, cells in every:
            if plain(name) == known:
                if name != called:
                    notes.append(f"column {name!r} is read as {called!r}")
                return name, cells
    return None


def _names_parts(cells: Sequence[str]) -> bool:
    from latent_nas.readers._parts import part_of

    return all(part_of(cell) is not None for cell in set(cells))


def _values(
    rest: list[tuple[str, tuple[str, ...]]], keys: Sequence[str] | None, wanted: Wanted
) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...] | None, list[str]]:
    """Return the columns of values less those that only count, the clock among them, and a line for each decision."""
    given = dict(rest)
    clock: tuple[str, ...] | None = None
    if wanted.omit is not None:
        odd = next((name for name in wanted.omit if name not in given), None)
        if odd is not None:
            raise ValueError(f"omit={odd!r} is not a column of values; there are: {', '.join(given)}")
        if len(given) < len(rest):
            raise ValueError("two columns have no name; give them one, so that they can be kept (omit=)")
        clock = next((given[n] for n in wanted.omit if called_clock(n) and mostly_up(given[n])), None)
        return {name: cells for name, cells in rest if name not in wanted.omit}, clock, []
    kept, notes = dict[str, tuple[str, ...]](), list[str]()
    others = [name for name, _ in rest if not is_index(name) and not called_clock(name)]
    series = keys is None and not wanted.window and channels_of(others) is not None
    for name, cells in rest:
        said = f"column {name!r}" if name else "the column without a name"
        cut = wanted.window > 0 and called_clock(name) and mostly_up(cells)
        if is_index(name):
            notes.append(f"{said} is left out, as it numbers rows ('?omit=' keeps it)")
        elif cut or is_clock(name, cells, keys):
            clock = clock or cells
            notes.append(f"{said} is left out, as it only counts up ('?omit=' keeps it)")
        elif tells_time(cells):
            clock = clock or cells
            notes.append(f"{said} is left out, as it tells when a row was taken ('?omit=' keeps it)")
        elif series and called_clock(name):
            notes.append(f"{said} is left out, as it tells when a row was taken ('?omit=' keeps it)")
        else:
            kept[name] = cells
            if called_clock(name) or by_one(cells):
                notes.append(f"{said} is taken as values, though it may number rows ('?omit={name}' leaves it out)")
    return kept, clock, notes
