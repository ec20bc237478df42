"""Tables of measured layers: CSV, one row per measurement of one operator alone.

Columns: ``operator`` (a file of ``latent_nas/operators``), ``input`` (its input's shape, "32x32x16"; several joined by
"+"), its fields by their names where they are not the usual ones (``filters``, ``kernel_size`` as "3x3", ``stride``,
``padding``, ``groups``, ``units``, ...), ``core``, ``board``, and the time: ``cycles``, or ``latency_ms`` or
``latency_us`` beside ``clock_mhz``. Other columns are let be, and lines that begin with "#".
"""

import csv
import gzip
import io
import math
import re
import zlib
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

from latent_nas import plugins
from latent_nas.operators import Operator, Shape

NEEDED = ("operator", "input", "core", "board")
UNITS = {"latency": "latency_ms or latency_us", "time": "latency_ms or latency_us", "clock": "clock_mhz"}


@dataclass(frozen=True)
class Measured:
    """One operator measured alone.

    Attributes:
        inputs: shapes that it reads. core: as devices name it. cycles: of one call.
    """

    board: str
    core: str
    operator: Operator
    inputs: tuple[Shape, ...]
    cycles: float

    @property
    def shape(self) -> str:
        """Operator and shapes in words: equal for measurements of one layer."""
        return f"{self.operator} of {self.inputs}"


def read(path: Path) -> list[Measured]:
    """Return the measurements of a CSV file, which may be gzipped.

    Raises:
        ValueError: no such file, or a column, unit or value that is missing or wrong: its line and column are named.
    """
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        text = data.decode("utf-8-sig")
        if "\0" in text:  # what becomes of it depends on the version of Python
            raise ValueError(f"{path} is not CSV: it holds zero bytes; save the table as CSV in UTF-8")
        rows = list(csv.reader(io.StringIO(text), strict=True))
    except FileNotFoundError:
        raise ValueError(f"there is no file {path}") from None
    except (OSError, EOFError, UnicodeDecodeError, csv.Error, zlib.error) as error:
        raise ValueError(f"{path} is not CSV: {error}") from None
    header = [name.strip() for name in rows[0]] if rows else []
    _check_header(path, header)
    found = []
    for line, row in enumerate(rows[1:], 2):
        if not any(cell.strip() for cell in row) or row[0].startswith("#"):
            continue
        if len(row) != len(header):
            raise ValueError(f"{path}, line {line}: {len(row)} cells, the header has {len(header)} columns")
        found.append(_measured(_Row(path, line, dict(zip(header, (c.strip() for c in row), strict=True)))))
    if not found:
        raise ValueError(f"{path} has no measurements below its header")
    return found


def _check_header(path: Path, header: list[str]) -> None:
    for name in NEEDED:
        if name not in header:
            raise ValueError(f"{path}, line 1: no column {name!r}; needed are {', '.join(NEEDED)} and a time")
    timed = "cycles" in header or {"latency_ms", "latency_us"} & {*header}
    for name, units in UNITS.items():
        if name in header and not (timed and name != "clock"):
            raise ValueError(f"{path}, line 1, column {name!r}: no unit; name it {units}")
    if not timed:
        raise ValueError(f"{path}, line 1: no column of time; wanted cycles, latency_ms or latency_us")
    if "cycles" not in header and "clock_mhz" not in header:
        raise ValueError(f"{path}, line 1: no column 'clock_mhz', which makes cycles of a latency")


@dataclass(frozen=True)
class _Row:
    """One line: ``cells`` by column."""

    path: Path
    line: int
    cells: dict[str, str]

    def wrong(self, column: str, why: str) -> ValueError:
        return ValueError(f"{self.path}, line {self.line}, column {column!r}: {why}")

    def text(self, column: str) -> str:
        if not self.cells.get(column):
            raise self.wrong(column, "it is empty")
        return self.cells[column]

    def number(self, column: str) -> float:
        try:
            value = float(self.text(column))
        except ValueError:
            value = math.nan
        if not 0 < value < math.inf:
            raise self.wrong(column, f"wanted a positive number without a unit, got {self.cells.get(column)!r}")
        return value

    def shape(self, column: str, text: str) -> Shape:
        if not re.fullmatch(r"[1-9]\d*(x[1-9]\d*)*", text):
            raise self.wrong(column, f"wanted a shape such as 32x32x16, got {text!r}")
        return tuple(int(n) for n in text.split("x"))


def _measured(row: _Row) -> Measured:
    kind = row.text("operator")
    try:
        operator_class = plugins.load("operators", kind)
    except ValueError as error:
        raise row.wrong("operator", str(error)) from None
    inputs = tuple(row.shape("input", part) for part in row.text("input").split("+"))
    given = {field.name: _value(row, field) for field in fields(operator_class) if row.cells.get(field.name)}
    for field in fields(operator_class):
        if field.name not in given and field.default is MISSING:
            raise row.wrong(field.name, f"{kind} needs it")
    try:
        operator: Operator = operator_class(**given)
        operator.shape(*inputs)
    except (ValueError, TypeError) as error:
        raise row.wrong("input", str(error)) from None
    if "cycles" in row.cells:
        cycles = row.number("cycles")
    else:
        unit = "latency_ms" if "latency_ms" in row.cells else "latency_us"
        cycles = row.number(unit) * row.number("clock_mhz") * (1e3 if unit == "latency_ms" else 1)
    return Measured(row.text("board"), row.text("core"), operator, inputs, cycles)


def _value(row: _Row, field: Any) -> Any:
    """Return a field of an operator: "3x3" is a pair, "3" one too where pairs are wanted."""
    text = row.cells[field.name]
    if re.fullmatch(r"\d+(x\d+)+", text):
        return tuple(int(n) for n in text.split("x"))
    if not re.fullmatch(r"-?\d+(\.0)?", text):
        if isinstance(field.default, (int, tuple)) and text.lower() not in ("true", "false"):
            raise row.wrong(field.name, f"wanted whole numbers, as in 3 or 3x3, got {text!r}")
        return {"true": True, "false": False}.get(text.lower(), text)
    number = int(float(text))
    return (number, number) if isinstance(field.default, tuple) else number
