"""The text of a CSV file as columns of cells, in whatever dialect; what was taken for granted is said."""

import codecs
import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path

LABEL, TARGET = "label", "target"
OWN = (LABEL, TARGET, "part", "window")  # names that mean something here
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?")
THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+")
SHOWN = 6  # names in a message


@dataclass(frozen=True)
class Table:
    """Columns of a file.

    Attributes:
        columns: (name, cells) in the file's order, every cell stripped; a name may be "", and "" may stand twice.
        lines: the row of the file that each cell comes from, the first line being 1.
        notes: what was found out about the dialect, a line each.
    """

    columns: tuple[tuple[str, tuple[str, ...]], ...]
    lines: tuple[int, ...]
    notes: tuple[str, ...]


def table(path: Path) -> Table:
    """Return what a CSV file holds: a first line of names, one of them ``label`` or ``target``, and rows below it.

    Raises:
        ValueError: no text, no such column, rows of another length, a name that stands twice, or a dialect that can be
            read in two ways.
    """
    text, notes = _text(path)
    rows, said = _rows(path, text)
    notes += said
    head = [name.strip() for name in rows[0]]
    for i, name in enumerate(head):
        own = name.casefold()
        if name != own and own not in head and (own in OWN or own.startswith(f"{TARGET}_")):
            head[i] = own
            notes.append(f"column {name!r} is read as {own!r}")
    twice = next((name for i, name in enumerate(head) if name and name in head[:i]), None)
    if twice is not None:
        raise ValueError(f"{path}, line 1: two columns {twice!r}; every name stands once")
    body = [(i, row) for i, row in enumerate(rows[1:], 2) if any(cell.strip() for cell in row)]
    wrong = next((i for i, row in body if len(row) != len(head)), None)
    if wrong is not None:
        raise ValueError(f"{path}, line {wrong}: {len(rows[wrong - 1])} cells, the first line has {len(head)}")
    if not body:
        raise ValueError(f"{path} has a first line of names and no row below it")
    columns = [(name, tuple(row[i].strip() for _, row in body)) for i, name in enumerate(head)]
    columns, said = _with_points(path, columns)
    return Table(tuple(columns), tuple(i for i, _ in body), (*notes, *said))


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
        note = "text is no UTF-8 and is read as Windows-1252 (Latin-1); if names look wrong, save the file as UTF-8"
        try:
            text = data.decode("cp1252")
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{path} is no CSV text: byte {error.start} is neither UTF-8 nor Windows-1252; save it as UTF-8"
            ) from None
    if "\0" in text:
        raise ValueError(f"{path} is no CSV text: it holds zero bytes; save the table as CSV in UTF-8")
    return text, [note] if note else []


def _rows(path: Path, text: str) -> tuple[list[list[str]], list[str]]:
    """Return the rows by the separator at which the first line has a column of answers, and what to say of it."""
    first = next(iter(text.splitlines()), "")
    found: dict[str, list[list[str]]] = {}
    for separator in SEPARATORS:
        head = next(csv.reader([first], delimiter=separator), [])
        if any(_answers(name) for name in head):
            try:
                found[separator] = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
            except csv.Error as error:
                raise ValueError(f"{path} is no CSV text: {error}") from None
    if len(found) > 1:
        found = {s: rows for s, rows in found.items() if len(rows[0]) > 1} or found
    if len(found) > 1:
        even = {s: rows for s, rows in found.items() if len({len(row) for row in rows if row}) == 1}
        if len(even) != 1 and not all(len(rows[0]) == 1 for rows in found.values()):
            names = " or ".join(SEPARATORS[s] for s in found)
            raise ValueError(f"{path}: its cells could be separated by {names}; write it with one of them only")
        found = even or {",": found[","]}
    if not found:
        likely = max(SEPARATORS, key=first.count)
        given = [name.strip() for name in first.split(likely)]
        more = f" and {len(given) - SHOWN} more" if len(given) > SHOWN else ""
        raise ValueError(
            f"{path} wants a first line with a column 'label' or 'target', and rows below it; the first line, split by"
            f" {SEPARATORS[likely]}, has {', '.join(map(repr, given[:SHOWN]))}{more}: name the column of answers so"
        )
    (separator, rows), *_ = found.items()
    return rows, [] if separator == "," else [f"cells are separated by {SEPARATORS[separator]}, as the first line is"]


def _answers(name: str) -> bool:
    own = name.strip().casefold()
    return own in (LABEL, TARGET) or own.startswith(f"{TARGET}_")


def _with_points(
    path: Path, columns: list[tuple[str, tuple[str, ...]]]
) -> tuple[list[tuple[str, tuple[str, ...]]], list[str]]:
    """Return the columns with decimal points in place of decimal commas, and what to say of it."""
    numbers = [(name, cells) for name, cells in columns if name not in (LABEL, "part", "window")]
    commas = [cell for _, cells in numbers for cell in cells if COMMA.fullmatch(cell) or THOUSANDS.fullmatch(cell)]
    if not commas:
        return columns, []
    point = next(
        (c for _, cells in numbers for c in cells if "." in c and c.replace(".", "", 1).strip("+-").isdecimal()), ""
    )
    if point or all(THOUSANDS.fullmatch(cell) for cell in commas):
        rest = f" beside {point!r}" if point else ""
        raise ValueError(f"{path}: {commas[0]!r}{rest} can be read in two ways; write numbers with a point, as 1234.5")
    named = {name for name, _ in numbers}
    named |= {name for name, cells in columns if name == LABEL and all(map(_number, cells))}
    changed = [(n, tuple(_pointed(c) for c in cells) if n in named else cells) for n, cells in columns]
    return changed, [f"decimal commas are read as points: {commas[0]} is {_pointed(commas[0])}"]


def _number(cell: str) -> bool:
    return bool(COMMA.fullmatch(cell)) or cell.lstrip("+-").isdecimal()


def _pointed(cell: str) -> str:
    return cell.replace(",", ".") if COMMA.fullmatch(cell) else cell
