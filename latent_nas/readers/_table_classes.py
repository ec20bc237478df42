"""What a table says of the files that it names: class, part and group, by the names of its columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from latent_nas.readers import Wanted
from latent_nas.readers._answer_columns import same
from latent_nas.readers._answers import measured
from latent_nas.readers._column_names import ANSWERS, GROUPS, LABEL, TARGET, WINDOWS, person, plain, some
from latent_nas.readers._parts import part_of
from latent_nas.readers._table import ABSENT, Table, is_number

SPLITS = ("part", "split", "subset", "partition", "set")
PEOPLE = tuple(name for name in GROUPS if name not in WINDOWS)  # what several files can share


@dataclass(frozen=True)
class Columns:
    """Columns of a table beside that of its files.

    Attributes:
        name, label: the column of classes and its cells. split, part: that of parts, as indices of ``PARTS``; "" and ()
            for none. group, groups: that of subjects and its cells; "" and empty texts for none. notes: what to say.
    """

    name: str
    label: tuple[str, ...]
    split: str
    part: tuple[int, ...]
    group: str
    groups: tuple[str, ...]
    notes: list[str]


def columns_of(place: Path, held: Table, files: str, wanted: Wanted, folders: bool) -> Columns | None:
    """Return what a table says of its files; None where it says no class, and folders may.

    Args:
        place: of the table, for messages. files: its column of files. folders: whether files lie in several folders.

    Raises:
        ValueError: no column of classes, or more than one; a quantity in place of classes; or parts beside other words.
    """
    cells = {name: column for name, column in held.columns if name and name != files}
    split, part, notes = _split(place, held, cells)
    name = _label(place, cells, split, files, wanted, folders)
    if not name:
        return None
    label = cells[name]
    told = [one for one in label if one]
    if wanted.kind != "classify" and measured(told):
        raise ValueError(
            f"{place}: column {name!r} holds {len(set(told))} different numbers, as a quantity does; images and"
            " recordings are read as classes: '--kind classify' takes every number as one"
        )
    absent = {one: told.count(one) for one in dict.fromkeys(told) if one.casefold() in ABSENT}
    notes += [f"{one!r} is taken as a class, of {n} files; an empty cell says none" for one, n in absent.items()]
    group = _group(cells, name, split, wanted)
    blank = ("",) * len(label)
    return Columns(name, label, split, part, group, cells[group] if group else blank, notes)


def _label(
    place: Path, cells: dict[str, tuple[str, ...]], split: str, files: str, wanted: Wanted, folders: bool
) -> str:
    """Return the column of classes; "" for none, where folders may name them."""
    if wanted.label:
        absent = next((name for name in wanted.label if name not in cells), None)
        if absent is not None:
            raise ValueError(f"{place} has no column {absent!r}; there are: {', '.join(cells)}")
        if len(wanted.label) > 1:
            raise ValueError(f"{place}: a file has one class, asked for columns {some(wanted.label)}; say one of them")
        return wanted.label[0]
    usual = [name for word in (LABEL, TARGET, *ANSWERS) for name in cells if plain(name) == word]
    if usual:
        texts = [name for name in usual if not all(map(is_number, cells[name]))]
        first = (texts or usual)[0]
        odd = next((name for name in usual if not same(cells[name], cells[first])), None)
        if odd is not None:
            raise ValueError(
                f"{place} has columns {first!r} and {odd!r}, which both could be the classes; say --label COLUMN"
            )
        return first
    if folders:
        return ""
    if len(cells) == 1 and not split:
        return next(iter(cells))
    raise ValueError(
        f"{place} names files in its column {files!r} and has {', '.join(map(repr, cells)) or 'no other column'}; call"
        " the column of classes 'label', or say --label COLUMN"
    )


def _split(place: Path, held: Table, cells: dict[str, tuple[str, ...]]) -> tuple[str, tuple[int, ...], list[str]]:
    """Return the column that says the parts, these parts, and what to say of one that does not."""
    notes: list[str] = []
    for name in [name for name in cells if plain(name) in SPLITS]:
        parts = [part_of(cell) for cell in cells[name]]
        told = tuple(part for part in parts if part is not None)
        if len(told) == len(parts):
            return name, told, notes
        odd = parts.index(None)
        if told:
            raise ValueError(
                f"{place}, {held.lines[odd]}: column {name!r} says {cells[name][odd]!r}, which is not a part; wanted"
                " train, valid or test in every row, or another name of the column"
            )
        notes.append(f"column {name!r} names no parts ({cells[name][odd]!r}), so they are drawn")
    return "", (), notes


def _group(cells: dict[str, tuple[str, ...]], label: str, split: str, wanted: Wanted) -> str:
    """Return the column whose files stay in one part; "" for none.

    Raises:
        ValueError: the column that was asked for is not there.
    """
    others = [name for name in cells if name not in (label, split)]
    if wanted.group in ("none", "folder"):
        return ""
    if wanted.group and wanted.group not in others:
        raise ValueError(f"there is no column {wanted.group!r} for --group; there are: {', '.join(others) or 'none'}")
    found: Sequence[str] = (
        [wanted.group] if wanted.group else [n for word in PEOPLE for n in others if word in (plain(n), person(n))]
    )
    return found[0] if found else ""
