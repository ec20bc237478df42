"""Images or recordings whose classes a table says: a column of file names, and one of classes beside it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from latent_nas.readers import Wanted
from latent_nas.readers._column_names import ANSWERS, LABEL, TARGET, plain
from latent_nas.readers._folders import Labelled, files_below
from latent_nas.readers._parts import part_of
from latent_nas.readers._table import Table, table

SUFFIXES = {".csv", ".tsv"}
SPLITS = ("part", "split", "subset", "partition", "set")
LOOKED_AT = 50  # rows that decide whether a column holds the names of files
ALL_BUT = 0.9  # share of them that have to be there


def by_table(root: Path, suffixes: set[str], wanted: Wanted) -> tuple[list[Labelled], list[str]] | None:
    """Return the files that a table names, with their classes, and what to say; None where there is no such table.

    Args:
        root: the table lies in it or in a folder directly below. wanted: its ``label`` names the column of classes.

    Raises:
        ValueError: several such tables, a table without a column of classes, or files of two classes.
    """
    files = {file for file in files_below(root) if file.suffix.lower() in suffixes}
    named = {name: file for file in files for name in _names(file, root)}
    found = []
    for place in sorted(p for p in files_below(root) if p.suffix.lower() in SUFFIXES):
        if len(place.relative_to(root).parts) > 2:
            continue
        try:
            held = table(place)
        except ValueError:
            continue  # another text that lies there, as a list or a log
        if (column := _files(held, named)) is not None:
            found.append((place, held, column))
    if not found:
        return None
    parts = [_part(place.stem) for place, _, _ in found]
    if len(found) > 1 and (None in parts or len(set(parts)) < len(parts)):
        names = " and ".join(place.name for place, _, _ in found[:3])
        raise ValueError(f"{root}: {names} both name files; take all away but the one that says the classes")
    labelled: dict[Path, Labelled] = {}
    notes, gone = [], 0
    folders = {file.relative_to(root).parts[0] for file in files if file.parent != root}
    for (place, held, column), of_table in zip(found, parts, strict=True):
        cells = dict(held.columns)
        label = _label(place, held, column, wanted, len(folders) > 1)
        if not label:
            return None  # it says other things of files that lie in folders of classes
        split = next((name for name in cells if name.casefold() in SPLITS and _parts(cells[name])), "")
        notes.append(
            f"classes are column {label!r} of {place.relative_to(root)}, files are its column {column!r}"
            + (f", parts its column {split!r}" if split else "")
        )
        for i, (name, answer) in enumerate(zip(cells[column], cells[label], strict=True)):
            file = named.get(_plain(name))
            if file is None:
                gone += 1
                continue
            part = part_of(cells[split][i]) if split else of_table if len(found) > 1 else None
            one = Labelled(file, answer, -1 if part is None else part)
            if labelled.setdefault(file, one) != one:
                raise ValueError(f"{place}, {held.lines[i]}: {name} stands twice, as {labelled[file].label!r} before")
    rest = len(files) - len(labelled)
    notes += [f"{gone} files that the table names are not there"] * (gone > 0)
    notes += [f"{rest} files that no table names are left out"] * (rest > 0)
    return sorted(labelled.values()), notes


def _names(file: Path, root: Path) -> set[str]:
    """Return by what a table may call a file: its path below the root or less of it, with its ending or without."""
    parts = file.relative_to(root).parts
    tails = ["/".join(parts[i:]) for i in range(len(parts))]
    return {_plain(name) for tail in tails for name in (tail, tail.removesuffix(file.suffix))}


def _plain(name: str) -> str:
    return name.strip().replace("\\", "/").removeprefix("./").casefold()


def _files(held: Table, named: Mapping[str, Path]) -> str | None:
    """Return the column whose cells are files that are there."""
    for name, cells in held.columns:
        some = cells[:LOOKED_AT]
        if sum(_plain(cell) in named for cell in some) >= ALL_BUT * len(some) and len(set(some)) > 1:
            return name
    return None


def _label(place: Path, held: Table, files: str, wanted: Wanted, folders: bool) -> str:
    """Return the column of classes; "" for none, where folders may name them.

    Raises:
        ValueError: there is none of a usual name, and more than one other column.
    """
    others = [name for name, _ in held.columns if name and name != files]
    asked = [name for name in wanted.label if name in others]
    usual = [name for word in (LABEL, TARGET, *ANSWERS) for name in others if plain(name) == word]
    if wanted.label and not asked:
        raise ValueError(f"{place} has no column {wanted.label[0]!r}; there are: {', '.join(others)}")
    if asked or usual or (len(others) == 1 and not folders):
        return (asked or usual or others)[0]
    if folders:
        return ""
    raise ValueError(
        f"{place} names files in its column {files!r} and has {', '.join(map(repr, others)) or 'no other column'}; call"
        " the column of classes 'label', or say --label COLUMN"
    )


def _part(stem: str) -> int | None:
    return next((i for word in stem.replace("-", "_").split("_") if (i := part_of(word)) is not None), None)


def _parts(cells: Sequence[str]) -> bool:
    return all(part_of(cell) is not None for cell in cells)
