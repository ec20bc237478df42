"""Files of the UCR and UEA archives: .ts, .arff of one or several channels, and tables without a head."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from latent_nas.readers._table import Table

LARGEST = 1 << 30  # bytes of text
NUMBERS = {"numeric", "real", "integer"}


@dataclass(frozen=True)
class Series:
    """One line of an archive's file.

    Attributes:
        values: (steps, channels) float32, NaN where missing. answer: a class or a number as text, "" if none. line: of
            the file, from 1.
    """

    values: np.ndarray
    answer: str
    line: int


def _lines(path: Path) -> list[str]:
    if path.stat().st_size > LARGEST:
        raise ValueError(f"{path} has {path.stat().st_size >> 20} MB of text; at most {LARGEST >> 20} are read: cut it")
    return path.read_bytes().decode("utf-8-sig", "replace").splitlines()


def ts(path: Path) -> list[Series]:
    """Return the series of a .ts file; time stamps are left out.

    Raises:
        ValueError: a line that is none; the message names it.
    """
    found: list[Series] = []
    answered = data = False
    for number, text in enumerate(_lines(path), 1):
        line = text.strip()
        if not line or line.startswith(("#", "%")):
            continue
        words = line.lower().split()
        if line.startswith("@"):
            data = data or words[0] == "@data"
            answered = answered or (words[0] in ("@classlabel", "@targetlabel") and words[1:2] == ["true"])
        elif not data:
            raise ValueError(f"{path}, line {number}: wanted a line that begins with @, before @data")
        else:
            *channels, answer = line.split(":") if answered else [*line.split(":"), ""]
            found.append(Series(_channels(path, number, [_plain(c) for c in channels]), answer.strip(), number))
    if not found:
        raise ValueError(f"{path} holds no series; wanted lines of values below @data")
    return found


def _plain(channel: str) -> str:
    """Return the values of a channel without their time stamps: "(0,1.5),(1,2)" is "1.5,2"."""
    text = channel.strip()
    if not text.startswith("("):
        return text
    return ",".join(pair.rsplit(",", maxsplit=1)[-1] for pair in text.strip("()").split("),("))


def _channels(path: Path, line: int, channels: list[str]) -> np.ndarray:
    """Return (steps, channels) of texts of values; shorter channels are not a series."""
    try:
        rows = [[np.nan if v.strip() in ("?", "", "NaN", "nan") else float(v) for v in c.split(",")] for c in channels]
    except ValueError as error:
        raise ValueError(f"{path}, line {line}: {error}") from None
    if not rows or len({len(row) for row in rows}) != 1:
        raise ValueError(
            f"{path}, line {line}: channels of {sorted({len(row) for row in rows})} steps; wanted one length"
        )
    values = np.array(rows, np.float32).T
    if np.isinf(values).any():
        raise ValueError(f"{path}, line {line} holds infinity")
    return values


def arff(path: Path) -> tuple[Table | None, list[Series], str]:
    """Return a table of a flat .arff, or the series of a relational one, and the name of the class.

    Raises:
        ValueError: no ARFF, or a sparse one.
    """
    names: list[str] = []
    kinds: list[str] = []
    rows: list[tuple[int, list[str]]] = []
    within = data = False
    for number, text in enumerate(_lines(path), 1):
        line = text.strip()
        word = line.split(maxsplit=1)[0].lower() if line else ""
        if not line or line.startswith("%"):
            continue
        if data:
            if line.startswith("{"):
                raise ValueError(f"{path}, line {number}: a sparse ARFF; write it with all its values")
            rows.append((number, _cells(line)))
        elif word == "@end":
            within = False
        elif word == "@attribute" and not within:
            name, kind = _attribute(path, number, line[len("@attribute") :].strip())
            names.append(name)
            kinds.append(kind)
            within = kind == "relational"
        data = data or word == "@data"
    if not names or not rows:
        raise ValueError(f"{path} is not an ARFF with data: it has {len(names)} attributes and {len(rows)} rows")
    wrong = next((number for number, row in rows if len(row) != len(names)), None)
    if wrong is not None:
        raise ValueError(f"{path}, line {wrong}: wanted {len(names)} cells, one for each @attribute")
    if "relational" in kinds:
        at = kinds.index("relational")
        answer = next((i for i in range(len(names)) if i != at), None)
        series = [
            Series(
                _channels(path, n, row[at].replace("\\n", "\n").splitlines()),
                row[answer] if answer is not None else "",
                n,
            )
            for n, row in rows
        ]
        return None, series, names[answer] if answer is not None else ""
    nominal = [name for name, kind in zip(names, kinds, strict=True) if kind not in NUMBERS]
    columns = tuple((name, tuple(row[i] for _, row in rows)) for i, name in enumerate(names))
    return Table(columns, tuple(f"line {n}" for n, _ in rows), ()), [], nominal[-1] if nominal else names[-1]


def _attribute(path: Path, number: int, rest: str) -> tuple[str, str]:
    if rest[:1] in ("'", '"'):
        name, _, kind = rest[1:].partition(rest[0])
    else:
        name, _, kind = rest.replace("\t", " ").partition(" ")
    if not kind.strip():
        raise ValueError(f"{path}, line {number}: an @attribute wants a name and a type")
    return name, "nominal" if kind.strip().startswith("{") else kind.split()[0].lower()


def _cells(line: str) -> list[str]:
    quote = "'" if line.count("'") > line.count('"') else '"'
    row = next(csv.reader(io.StringIO(line.replace("\t", " ")), quotechar=quote, skipinitialspace=True), [])
    return [cell.strip() for cell in row]


def headless(path: Path) -> list[Series]:
    """Return the series of a table of numbers without names: the class stands first, as in the UCR archive.

    Raises:
        ValueError: a cell that is not a number.
    """
    found = []
    for number, text in enumerate(_lines(path), 1):
        cells = text.replace(",", " ").split()
        if cells:
            values = _channels(path, number, [",".join(cells[1:])])
            last = int(np.flatnonzero(~np.isnan(values[:, 0])).max(initial=-1)) + 1  # shorter ones end in NaN
            answer = str(int(float(cells[0]))) if float(cells[0]).is_integer() else cells[0]
            found.append(Series(values[:last], answer, number))
    if not found:
        raise ValueError(f"{path} is empty")
    return found
