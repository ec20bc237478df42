"""Series of the UCR and UEA archives, one or several channels, of one or several lengths; or any flat .arff."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from latent_nas.readers import Raw, Reader, Wanted, number, numeric
from latent_nas.readers._answers import measured
from latent_nas.readers._archives import Series, arff, headless, ts
from latent_nas.readers._columns import columns
from latent_nas.readers._rows import raw_of
from latent_nas.readers._series import Recording, described, grouped, samples
from latent_nas.readers._table import is_number

SUFFIXES = (".ts", ".arff")  # in this order where a folder holds both
PART = re.compile(r"(.*?)[_\- ]?(TRAIN|TEST)", re.IGNORECASE)
PARTS = {"train": 0, "test": 2}


class Archive(Reader):
    """Reads X_TRAIN.ts and X_TEST.ts as the parts of one problem, whichever of them or their folder is named."""

    about = "a file of the UCR or UEA archive (.ts, .arff, X_TRAIN.tsv), or a folder of one problem"
    uses = ("kind", "window", "hop", "length", "group", "missing", "label", "omit", "layout", "input")

    def takes(self, path: Path) -> bool:
        """Return whether it is such a file, or a folder of them."""
        if path.is_dir():
            return bool(_in_folder(path))
        return path.is_file() and (path.suffix.lower() in SUFFIXES or _is_headless(path))

    def example(self, folder: Path) -> Path:
        """Write two parts of one channel."""
        for part in ("TRAIN", "TEST"):
            text = "@problemName a\n@univariate true\n@classLabel true up down\n@data\n1,2,3:up\n3,2,1:down\n"
            (folder / f"a_{part}.ts").write_text(text, encoding="utf-8")
        return folder / "a_TRAIN.ts"

    def read(self, path: Path, wanted: Wanted) -> Raw:
        """Return (steps, 1, channels) of every series."""
        files, notes = _files(path)
        if len(files) == 1 and files[0][0].suffix.lower() == ".arff":
            table, _, name = arff(files[0][0])
            if table is not None:
                return raw_of(path, table, _answered(table, name, wanted))
        recordings = []
        for file, part in files:
            for one in _series(file):
                answer = one.answer if one.answer or wanted.kind != "anomaly" else "normal"
                if not answer:
                    raise ValueError(f"{file}, line {one.line} has no class; '--kind anomaly' takes all as normal")
                name = f"{file.name} line {one.line}"
                recordings.append(
                    Recording(name, one.values, (answer,), part, gap="" if one.values.size else "no step")
                )
        found = samples(path, recordings, wanted, "series")
        answers = [r.answer[0] for r in found.recordings]
        regress = wanted.kind == "regress" or (not wanted.kind and measured(answers))
        names = tuple(r.name for r in found.recordings)
        classes: tuple[str, ...] = ()
        if regress:
            odd = next((a for a in answers if not is_number(a)), None)
            if odd is not None:
                raise ValueError(f"{path}: {odd!r} is not a number; a regression wants numbers")
            y = numeric(np.array(answers, np.float32)[:, None], ("target",), names, path)
        else:
            y, classes = number(answers)
        return described(
            Raw(
                x=found.x, y=y, classes=classes, targets=("target",) * regress,
                part=np.array([r.part for r in found.recordings], np.int64), names=names, what="series",
                skipped=found.skipped, notes=(*notes, *found.notes), keep=(3,), **grouped(found, "", wanted),  # type: ignore[arg-type]
            )
        )  # fmt: skip


def _answered(table: object, name: str, wanted: Wanted) -> Wanted:
    """Return what is wanted, with the class of a table whose columns are not called as classes are."""
    if wanted.label:
        return wanted
    try:
        columns(table, wanted)  # type: ignore[arg-type]
    except ValueError:
        return replace(wanted, label=(name,))
    return wanted


def _series(file: Path) -> Sequence[Series]:
    if file.suffix.lower() == ".ts":
        return ts(file)
    if _is_headless(file):
        return headless(file)
    table, series, name = arff(file)
    if table is None:
        return series
    given = dict(table.columns)
    answers, values = given[name], [cells for n, cells in table.columns if n != name]
    rows = zip(*values, strict=True)
    numbers = [[np.nan if v == "?" else float(v) for v in row] for row in rows]
    lines = [int(line.split()[-1]) for line in table.lines]
    return [Series(np.array(v, np.float32)[:, None], a, n) for v, a, n in zip(numbers, answers, lines, strict=True)]


def _is_headless(path: Path) -> bool:
    """Return whether it is a part of the UCR archive as a table of numbers."""
    if path.suffix.lower() not in (".tsv", ".txt") or not PART.fullmatch(path.stem):
        return False
    with open(path, "rb") as stream:
        first = stream.readline(1 << 16).decode("utf-8", "replace").replace(",", " ").split()
    return len(first) > 2 and all(map(is_number, first[:-1]))


def _in_folder(folder: Path) -> list[Path]:
    """Return the files of the first kind that a folder has, whole problems rather than their single channels."""
    held = sorted(p for p in folder.iterdir() if p.is_file() and not p.name.startswith("."))
    for suffix in SUFFIXES:
        if found := [p for p in held if p.suffix.lower() == suffix]:
            whole = [p for p in found if not re.search(r"Dimension\d+_(TRAIN|TEST)", p.stem)]
            return whole or found
    return [p for p in held if _is_headless(p)]


def _files(path: Path) -> tuple[list[tuple[Path, int]], list[str]]:
    """Return the files of a problem with their parts, and what to say of them."""
    if path.is_dir():
        files = _in_folder(path)
    else:
        match = PART.fullmatch(path.stem)
        beside = sorted(p for p in path.parent.iterdir() if p.suffix == path.suffix) if match else []
        files = [p for p in beside if (m := PART.fullmatch(p.stem)) and match and m[1] == match[1]] or [path]
    parts, notes = [(file, PART.fullmatch(file.stem)) for file in files], list[str]()
    problems = sorted({match[1] if match else file.stem for file, match in parts})
    if path.is_dir() and path.name in problems and len(problems) > 1:
        parts = [(file, match) for file, match in parts if (match[1] if match else file.stem) == path.name]
        notes = [f"of {', '.join(problems)} the one called as the folder is taken"]
    elif len(problems) > 1:
        raise ValueError(f"{path} holds {', '.join(problems[:5])}; name the file of one of them")
    if len(parts) == 1:
        return [(parts[0][0], -1)], notes
    said = " and ".join(file.name for file, _ in parts)
    named = [(file, PARTS[match[2].lower()] if match else -1) for file, match in parts]
    return named, [*notes, f"{said} are the parts"]


Plugin = Archive
