"""The text of a CSV file as columns of cells, in whatever dialect; what was taken for granted is said."""

import codecs
import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?")
THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+")
ABSENT = {"", "na", "n/a", "nan", "null", "none", "?", "-", "#n/a", "<na>"}  # what stands for a number that is missing
LOOKED_AT = 200  # rows that decide about the separator
LARGEST = 1 << 30  # bytes of text: as cells it takes some ten times that


@dataclass(frozen=True)
class Table:
    """Columns of a file.

    Attributes:
        columns: (name, cells) in the file's order, every cell stripped; a name may be "", and "" may stand twice.
        lines: where each row comes from, for messages: "line 7".
        notes: what was found out about the dialect, a line each.
    """

    columns: tuple[tuple[str, tuple[str, ...]], ...]
    lines: tuple[str, ...]
    notes: tuple[str, ...]


def table(path: Path) -> Table:
    """Return what a CSV file holds: a first line of names, and rows below it.

    Raises:
        ValueError: no text, no names, rows of another length, a name that stands twice, or a dialect that can be read
            in two ways.
    """
    if path.stat().st_size > LARGEST:
        raise ValueError(f"{path} has {path.stat().st_size >> 20} MB of text; at most {LARGEST >> 20} are read: cut it")
    text, notes = _text(path)
    text, said = _without_remarks(text)
    notes += said
    rows, said = _rows(path, text)
    notes += said
    rows, said = _named(path, rows)
    notes += said
    head = [name.strip() for name in rows[0]]
    twice = next((name for i, name in enumerate(head) if name and name in head[:i]), None)
    if twice is not None:
        raise ValueError(f"{path}, line 1: two columns {twice!r}; every name stands once")
    body = [(i, row) for i, row in enumerate(rows[1:], 2) if any(cell.strip() for cell in row)]
    if body and all(len(row) == len(head) + 1 and not row[-1].strip() for _, row in body):
        body = [(i, row[:-1]) for i, row in body]  # a separator at the end of every row but the first
    if head and not head[-1] and all(len(row) == len(head) and not row[-1].strip() for _, row in body):
        head, body = head[:-1], [(i, row[:-1]) for i, row in body]
    wrong = next((i for i, row in body if len(row) != len(head)), None)
    if wrong is not None:
        raise ValueError(f"{path}, line {wrong}: {len(rows[wrong - 1])} cells, the first line has {len(head)}")
    if not body:
        raise ValueError(f"{path} has a first line of names and no row below it")
    columns = [(name, tuple(row[i].strip() for _, row in body)) for i, name in enumerate(head)]
    columns, said = _with_points(path, columns)
    return Table(tuple(columns), tuple(f"line {i}" for i, _ in body), (*notes, *said))


def _text(path: Path) -> tuple[str, list[str]]:
    """Return the decoded text, and what to say of its encoding."""
    data = path.read_bytes()
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        tried, note = "utf-16", "text is read as UTF-16, which its first two bytes say"
    else:
        tried, note = "utf-8-sig", ""
    try:
        text = data.decode(tried)
    except UnicodeDecodeError:
        note = "text is not UTF-8 and is read as Windows-1252 (Latin-1); if names look wrong, save the file as UTF-8"
        try:
            text = data.decode("cp1252")
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{path} is not CSV text: byte {error.start} is neither UTF-8 nor Windows-1252; save it as UTF-8"
            ) from None
    if "\0" in text:
        raise ValueError(f"{path} is not CSV text: it holds zero bytes; save the table as CSV in UTF-8")
    if not text.strip():
        raise ValueError(f"{path} is empty; wanted a first line of names and rows below it")
    return text, [note] if note else []


def _without_remarks(text: str) -> tuple[str, list[str]]:
    """Return a text without the lines in front that begin with #, and what to say.

    The last of them stays, as names, where the first row below it is of numbers: as numpy.savetxt writes a header.
    """
    lines = text.splitlines(keepends=True)
    count = next((i for i, line in enumerate(lines) if line.strip() and not line.startswith("#")), 0)
    remarks = [line for line in lines[:count] if line.startswith("#")]
    if not remarks:
        return text, []
    rest, names = lines[count:], remarks[-1].lstrip("# ")
    cells = [len(re.split(r"[,;\t|]", line)) for line in (names, rest[0])]
    first = re.split(r"[,;\t|]", rest[0].strip())
    if cells[0] == cells[1] > 1 and sum(map(is_number, first)) > len(first) // 2:
        return names + "".join(rest), ["the names of the columns are those behind #"]
    return "".join(rest), [f"{len(remarks)} lines in front that begin with # are left out"]


def _rows(path: Path, text: str) -> tuple[list[list[str]], list[str]]:
    """Return the rows by the separator that gives all of them the same number of cells, and what to say of it."""
    named = re.match(r"\s*sep=(.)\r?\n", text)  # as Excel writes it
    text = text[named.end() :] if named else text.lstrip("\r\n")
    first = next(iter(text.splitlines()), "")
    lines = text.splitlines()[:LOOKED_AT]
    widths = {s: _widths(lines, s) for s in (named[1] if named and named[1] in SEPARATORS else SEPARATORS)}
    found = {s: n for s, n in widths.items() if len(next(csv.reader([first], delimiter=s), [])) > 1}
    even = {s: n for s, n in found.items() if len(n) == 1}
    if len(even) > 1 and len({min(n) for n in even.values()}) < len(even):
        names = " or ".join(SEPARATORS[s] for s in even)
        raise ValueError(f"{path}: its cells could be separated by {names}; write it with one of them only")
    if even:
        separator = max(even, key=lambda s: min(even[s]))
    else:
        separator = max(found, key=lambda s: len(first.split(s)), default=",")
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    except csv.Error as error:
        raise ValueError(f"{path} is not CSV text: {error}") from None
    return rows, [] if separator == "," else [f"cells are separated by {SEPARATORS[separator]}, as the first line is"]


def _widths(lines: list[str], separator: str) -> set[int]:
    """Return how many cells the rows have; none where the text is broken."""
    try:
        return {len(row) for row in csv.reader(lines, delimiter=separator) if any(cell.strip() for cell in row)}
    except csv.Error:
        return set()


def _named(path: Path, rows: list[list[str]]) -> tuple[list[list[str]], list[str]]:
    """Return rows of which the first holds names, and what to say.

    scikit-learn's own tables begin with the number of rows, that of values, and the classes' names.
    """
    head = [cell.strip() for cell in rows[0]]
    if not all(map(is_number, filter(None, head[:2]))) or not any(head):
        return rows, []
    body = [row for row in rows[1:] if row]
    counted = len(head) >= 2 and head[:2] == [str(len(body)), str(len(body[0]) - 1 if body else 0)]
    if counted:
        names = [f"{chr(97 + i % 26) * (i // 26 + 1)}. value" for i in range(len(body[0]) - 1)]
        classes = dict(enumerate(head[2:]))
        body = [[*row[:-1], classes.get(_whole(row[-1]), row[-1])] for row in body]
        said = f"the first line counts {head[0]} rows of {head[1]} values and names the classes, as scikit-learn's do"
        return [[*names, "target"], *body], [said]
    if sum(map(is_number, filter(None, head))) > len(head) // 2 and not _counts_up(head):
        raise ValueError(
            f"{path}, line 1 holds numbers ({', '.join(head[:3])}, ...), so the columns have no names; write a first"
            " line of names above it, with 'label' over the answers"
        )
    return rows, []


def is_number(cell: str) -> bool:
    """Return whether a cell is a number, with a decimal point or comma; 1_2 is a name, though Python reads 12."""
    if "_" in cell:
        return False
    try:
        float(cell.replace(",", ".") if COMMA.fullmatch(cell) else cell)
    except ValueError:
        return False
    return True


def _whole(cell: str) -> int:
    return int(cell) if cell.strip().isdecimal() else -1


def _counts_up(head: list[str]) -> bool:
    """Return whether the names that are numbers are 0, 1, 2 or 1, 2, 3: what pandas calls nameless columns."""
    numbers = [int(name) for name in head if name.isdecimal()]
    return len(numbers) >= len(head) - 2 and bool((np.diff(numbers) == 1).all()) and numbers[:1] in ([0], [1])


def _with_points(
    path: Path, columns: list[tuple[str, tuple[str, ...]]]
) -> tuple[list[tuple[str, tuple[str, ...]]], list[str]]:
    """Return the columns with decimal points in place of decimal commas, and what to say of it."""
    numbers = [(name, cells) for name, cells in columns if all(map(_numeric, cells))]
    commas = [cell for _, cells in numbers for cell in cells if COMMA.fullmatch(cell) or THOUSANDS.fullmatch(cell)]
    if not commas:
        return columns, []
    point = next(
        (c for _, cells in numbers for c in cells if "." in c and c.replace(".", "", 1).strip("+-").isdecimal()), ""
    )
    if point or all(THOUSANDS.fullmatch(cell) for cell in commas):
        rest = f" beside {point!r}" if point else ""
        raise ValueError(f"{path}: {commas[0]!r}{rest} can be read in two ways; write numbers with a point, as 1234.5")
    names = {name for name, _ in numbers}
    changed = [(n, tuple(_pointed(c) for c in cells) if n in names else cells) for n, cells in columns]
    return changed, [f"decimal commas are read as points: {commas[0]} is {_pointed(commas[0])}"]


def _numeric(cell: str) -> bool:
    return is_number(cell) or bool(THOUSANDS.fullmatch(cell)) or cell.casefold() in ABSENT


def _pointed(cell: str) -> str:
    return cell.replace(",", ".") if COMMA.fullmatch(cell) else cell
