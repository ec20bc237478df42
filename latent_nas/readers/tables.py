"""A folder of tables: a file per class, per recording, per session or per part."""

import re
from collections.abc import Sequence
from pathlib import Path

from latent_nas.readers import PARTS, Raw, Reader, Wanted
from latent_nas.readers._column_names import ANSWERS, LABEL, TARGET, plain
from latent_nas.readers._folders import class_files as labelled
from latent_nas.readers._folders import files_below, left_out
from latent_nas.readers._formats import SUFFIXES, read_table
from latent_nas.readers._parts import part_of
from latent_nas.readers._rows import raw_of
from latent_nas.readers._table import Table

COUNTED = re.compile(r"(.*?[^\d])[ _.\-]*\d+")  # a name that a number ends: wave_03
GIVEN = ("label", "part", "file", "folder")  # columns that folders and files give


class Tables(Reader):
    """Reads tables of the same columns as one, with what their places say: class, part, recording, session.

    Files without a column of answers lie in folders that name the class, or are called as it. Files with one are
    recordings or sessions, kept whole in one part of the split, or are parts by name.
    """

    about = "a folder of tables (CLASS.csv, CLASS/*.csv, or tables with a column label)"
    uses = ("kind", "omit", "label", "window", "hop", "length", "group", "missing", "layout", "labels", "input")

    def takes(self, path: Path) -> bool:
        """Return whether there is a table below the folder."""
        return path.is_dir() and any(file.suffix.lower() in SUFFIXES for file in files_below(path))

    def example(self, folder: Path) -> Path:
        """Write two recordings of three steps of each of two classes."""
        for name, sign in (("up", 1), ("down", -1)):
            (folder / name).mkdir()
            for n in range(2):
                rows = "".join(f"{sign * i * (n + 1)},{i * i}\n" for i in range(3))
                (folder / name / f"{n}.csv").write_text(f"ax,ay\n{rows}", encoding="utf-8")
        return folder

    def read(self, path: Path, wanted: Wanted) -> Raw:
        """Return what the tables hold together."""
        files = [file for file in files_below(path) if file.suffix.lower() in SUFFIXES]
        read = {file: read_table(file) for file in files}
        answered = [file for file in files if _has_answers(read[file], wanted)]
        if answered and len(answered) < len(files):
            odd = next(file for file in files if file not in answered)
            name = next(n for n, _ in read[answered[0]].columns if _is_answer(n, wanted))
            raise ValueError(
                f"{odd} has no column {name!r}, {answered[0].name} has one; wanted it in all tables of a folder,"
                " or in none"
            )
        if len(files) == 1 and not answered and files[0].parent == path:
            return raw_of(files[0], read[files[0]], wanted)
        if answered or wanted.kind == "anomaly":
            places, notes = _sessions(path, files)
        else:
            places, notes = _by_class(path, files, wanted)
        joined = _joined(path, read, places)
        joined = Table(joined.columns, joined.lines, (*joined.notes, *notes, *left_out(path, SUFFIXES)))
        return raw_of(path, joined, wanted, GIVEN)


Place = dict[str, str]  # the cells that a file's place gives to each of its rows


def _is_answer(name: str, wanted: Wanted) -> bool:
    if wanted.label:
        return name in wanted.label
    return name.casefold() in (LABEL, TARGET) or name.casefold().startswith(f"{TARGET}_") or plain(name) in ANSWERS


def _has_answers(table: Table, wanted: Wanted) -> bool:
    return any(_is_answer(name, wanted) for name, _ in table.columns)


def _sessions(root: Path, files: Sequence[Path]) -> tuple[dict[Path, Place], list[str]]:
    """Return the places of tables that have their own answers: parts by name, else recordings in folders."""
    parts = {file: _part(root, file) for file in files}
    if len(files) > 1 and all(part is not None for part in parts.values()):
        return {file: {"part": PARTS[part]} for file, part in parts.items() if part is not None}, [
            f"parts are read by the files' names: {_some([str(f.relative_to(root)) for f in files])}"
        ]
    places = {file: {"file": str(file.relative_to(root).with_suffix(""))} for file in files}
    folders = {file.relative_to(root).parts[0] for file in files if len(file.relative_to(root).parts) > 1}
    if len(folders) > 1:
        for file in files:
            places[file]["folder"] = file.relative_to(root).parts[0]
    return places, [f"{len(files)} tables are read as one, each a recording of its own"] if len(files) > 1 else []


def _part(root: Path, file: Path) -> int | None:
    """Return the part that a file or its first folder is called as: train.csv, gestures_TEST.csv, train/3.csv."""
    first = file.relative_to(root).parts[0]
    stem = Path(first).stem if file.parent == root else first
    words = re.split(r"[ _.\-]+", stem)
    return part_of(stem) if part_of(stem) is not None else part_of(words[-1]) if len(words) > 1 else None


def _by_class(root: Path, files: Sequence[Path], wanted: Wanted) -> tuple[dict[Path, Place], list[str]]:
    """Return the places of tables without answers: of the folders' classes, or of the files' names."""
    if any(file.parent == root for file in files):
        odd = next((file for file in files if file.parent != root), None)
        if odd is not None:
            raise ValueError(f"{root} holds tables beside folders of tables ({odd.parent.name}/); wanted one of both")
        stems = {file: file.stem for file in files}
        bases = {file: match[1].strip(" _.-") for file in files if (match := COUNTED.fullmatch(file.stem))}
        counted = len(bases) == len(files) > len(set(bases.values())) > 1
        if not counted:
            dotted = {file: file.stem.split(".")[0] for file in files}  # label.id, as Edge Impulse names samples
            if 1 < len(set(dotted.values())) < len(files):
                bases, counted = dotted, True
        labels = bases if counted else stems
        classes = sorted(set(labels.values()))
        said = f"classes are the files' names{' without their numbers' * counted}: {_some(classes)}"
        return {file: {"label": labels[file], "file": file.stem} for file in files}, [said]
    found, notes = labelled(root, SUFFIXES, wanted)
    places = {}
    for file, label, part, group in found:
        places[file] = {"label": label, "file": str(file.relative_to(root).with_suffix(""))}
        places[file] |= {"part": PARTS[part]} if part >= 0 else {}
        places[file] |= {"folder": group} if group else {}
    return places, notes


def _joined(root: Path, read: dict[Path, Table], places: dict[Path, Place]) -> Table:
    """Return tables below each other, with the columns that their places give.

    Raises:
        ValueError: columns that differ, or that are called as those given.
    """
    first = next(iter(places))
    names = [name for name, _ in read[first].columns]
    given = list(dict.fromkeys(name for place in places.values() for name in place))
    for file in places:
        own = [name for name, _ in read[file].columns]
        if sorted(own) != sorted(names):
            odd = sorted(set(own) ^ set(names)) or own
            raise ValueError(
                f"{file} has other columns than {first.name}: {_some(list(map(repr, odd)))}; wanted the same in all"
            )
    given = [name for name in given if name not in names]
    cells: dict[str, list[str]] = {name: [] for name in names}
    added: dict[str, list[str]] = {name: [] for name in given}
    lines: list[str] = []
    notes: dict[str, None] = {}
    for file, place in places.items():
        table, called = read[file], file.relative_to(root)
        for name, column in table.columns:
            cells[name] += column
        for name in given:
            added[name] += [place.get(name, "")] * len(table.lines)
        lines += [f"{called} {line}" for line in table.lines]
        notes |= dict.fromkeys(table.notes)
    columns = [*added.items(), *cells.items()]
    return Table(tuple((name, tuple(column)) for name, column in columns), tuple(lines), tuple(notes))


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")


Plugin = Tables
