"""Images or recordings whose classes a table says: a column of file names, and one of classes beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from latent_nas.readers import PARTS, Wanted
from latent_nas.readers._column_names import some
from latent_nas.readers._folders import Labelled, files_below
from latent_nas.readers._parts import part_of
from latent_nas.readers._table import Table, table
from latent_nas.readers._table_classes import Columns, columns_of
from latent_nas.readers._table_files import Names, below, file_column

SUFFIXES = {".csv", ".tsv"}
UNREAD = {".txt", ".json", ".jsonl", ".xml", ".xlsx", ".xls", ".mat", ".parquet", ".pkl", ".yaml", ".yml"}
TELLING = ("label", "class", "annotation", "target")  # in the name of a file that says classes
FORM = "submission"  # in the name of a table that a competition gives to be filled in


@dataclass(frozen=True)
class _Naming:
    """A table that names files in a column ``files``, whose paths begin with ``above``, which is not here.

    part: index of ``PARTS`` that its own name or its folder's says, None for neither.
    """

    place: Path
    held: Table
    files: str
    above: str
    part: int | None

    @property
    def cells(self) -> Sequence[str]:
        return [below(cell, self.above) for cell in dict(self.held.columns)[self.files]]


def by_table(root: Path, suffixes: set[str], wanted: Wanted) -> tuple[list[Labelled], list[str], str] | None:
    """Return the files that a table names, with their classes, what to say, and what their groups are called.

    None where there is no such table.

    Args:
        root: the table lies in it or in a folder directly below. wanted: its ``label`` names the column of classes.

    Raises:
        ValueError: several such tables, a table without a column of classes or that names few of the files, names that
            several files have, or files of two classes.
    """
    files = sorted(file for file in files_below(root) if file.suffix.lower() in suffixes)
    names = Names(root, files)
    found, notes = _naming(root, names, suffixes)
    if not found and wanted.label:
        raise ValueError(f"--label {wanted.label[0]} wants a table of the files of {root}, and none names them")
    if not found:
        return None
    labelled: dict[Path, Labelled] = {}
    groups, gone, empty = "", 0, 0
    for one in found:
        columns = columns_of(one.place, one.held, one.files, wanted, names.folders)
        if columns is None:
            return None  # it says other things of files that lie in folders of classes
        groups = groups or columns.group
        notes += _said(root, one, columns, names.folders)
        of_table = one.part if len(found) > 1 else None
        meant = names.files_of(one.cells, one.place, of_table, columns.part)
        for i, (name, file) in enumerate(zip(one.cells, meant, strict=True)):
            part = columns.part[i] if columns.part else of_table
            gone += file is None
            empty += file is not None and not columns.label[i]
            if file is not None and columns.label[i]:
                _unlike(one, i, names.part(file), None if columns.part else part)
                here = Labelled(file, columns.label[i], -1 if part is None else part, columns.groups[i])
                if labelled.setdefault(file, here) != here:
                    before = labelled[file]
                    was = f"{before.label!r} in {PARTS[before.part]}" if before.part >= 0 else repr(before.label)
                    raise ValueError(f"{one.place}, {one.held.lines[i]}: {name} stands twice, as {was} before")
    rest = len(files) - len(labelled) - empty
    notes += [f"{gone} files that the table names are not there"] * (gone > 0)
    notes += [f"{empty} files whose class is empty in the table are left out"] * (empty > 0)
    notes += [f"{rest} files that no table names are left out"] * (rest > 0)
    kept, said = _with_parts(root, names, sorted(labelled.values()))
    return kept, notes + said, f"column {groups!r}" if groups else ""


def _naming(root: Path, names: Names, suffixes: set[str]) -> tuple[list[_Naming], list[str]]:
    """Return the tables that name files, and what to say of those that are left out."""
    found, notes, odd = [], list[str](), ""
    for place in sorted(p for p in files_below(root) if p.suffix.lower() in SUFFIXES):
        if len(place.relative_to(root).parts) > 2:
            continue
        try:
            held = table(place)
        except ValueError as error:
            odd = odd or str(error)  # another text that lies there, as a list or a log
            continue
        column, above, few = file_column(place, held, names, suffixes)
        odd = odd or few
        if column:
            beside = place.parent.name if place.parent != root else ""
            found.append(_Naming(place, held, column, above, _part(place.stem, beside)))
    for left in [one for one in found if FORM in one.place.stem.casefold() or len(one.held.columns) < 2]:
        if len(found) > 1:
            why = "is a form for answers" if FORM in left.place.stem.casefold() else "names files and says no class"
            notes.append(f"{left.place.relative_to(root)} {why}: it is left out")
            found.remove(left)
    parts = [one.part for one in found]
    if len(found) > 1 and (None in parts or len(set(parts)) < len(parts)):
        places = " and ".join(str(one.place.relative_to(root)) for one in found[:3])
        raise ValueError(f"{root}: {places} both name files; take all away but the one that says the classes")
    if not found and not names.folders and (odd := odd or _unread(root)):
        raise ValueError(f"{odd}; '?labels=outer' takes the folders as classes")
    return found, notes


def _unread(root: Path) -> str:
    """Return what is wrong with a file whose name promises classes and that is not a table; "" if nothing is."""
    beside = (p for p in files_below(root) if len(p.relative_to(root).parts) < 3 and p.suffix.lower() in UNREAD)
    file = next((p for p in beside if any(word in p.stem.casefold() for word in TELLING)), None)
    return f"{file} is not read; write a table labels.csv with the columns file and label" if file else ""


def _said(root: Path, one: _Naming, columns: Columns, folders: bool) -> list[str]:
    """Return what is taken from a table, with the options that take it otherwise."""
    place = one.place.relative_to(root)
    other = ", '?labels=outer' the folders" if folders else ""
    first = f"classes are column {columns.name!r} of {place}, files are its column {one.files!r}"
    first += f" without {one.above!r} in front" if one.above else ""
    first += f", parts its column {columns.split!r}" if columns.split else ""
    return [f"{first} ('--label COLUMN' takes another{other})", *(f"{place}: {n}" for n in one.held.notes),
            *columns.notes]  # fmt: skip


def _unlike(one: _Naming, row: int, of_folder: int | None, of_table: int | None) -> None:
    """Raise ValueError for a table of one part that names a file in the folder of another."""
    if None not in (of_folder, of_table) and of_folder != of_table:
        raise ValueError(
            f"{one.place}, {one.held.lines[row]}: {one.cells[row]} lies in a folder of part {PARTS[of_folder or 0]!r},"
            f" the table is of part {PARTS[of_table or 0]!r}; say which in a column 'split'"
        )


def _with_parts(root: Path, names: Names, files: list[Labelled]) -> tuple[list[Labelled], list[str]]:
    """Return the files with the parts that folders say, where no table says any, and what to say."""
    parts = {file.file: names.part(file.file) for file in files}
    if any(file.part >= 0 for file in files) or set(parts.values()) == {None}:
        return files, []
    loose = next((file for file, part in parts.items() if part is None), None)
    if loose is not None:
        other = next(file for file, part in parts.items() if part is not None)
        raise ValueError(
            f"{root}: {other.relative_to(root)} lies in a folder of a part, {loose.relative_to(root)} in none; say the"
            " parts in a column 'split'"
        )
    given = [PARTS[i] for i in sorted({part for part in parts.values() if part is not None})]
    said = f"folders say the parts ({some(given)}); a column 'split' of the table would"
    return [file._replace(part=parts[file.file] or 0) for file in files], [said]


def _part(stem: str, folder: str) -> int | None:
    words = stem.replace("-", "_").split("_")
    return next((i for word in (*words, folder) if word and (i := part_of(word)) is not None), None)
