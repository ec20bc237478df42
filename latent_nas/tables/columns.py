"""Columns of a table's file as arrays, and what is wrong with them."""

import csv
from pathlib import Path
from typing import Any

import numpy as np

from latent_nas import seeds

EXACT = 2.0**53  # from here on neighbouring integers are one float


def columns(path: Path) -> list[str]:
    """Return the names of a file's columns.

    Raises:
        ValueError: no such file, none of the three forms, damaged, other signs than commas between columns, or two
            columns of one name.
    """
    import pyarrow as pa
    import pyarrow.parquet

    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path} does not exist")
    try:
        if path.suffix == ".parquet":
            names = list(pa.parquet.read_schema(path).names)
        elif path.name.endswith((".csv", ".csv.gz")):
            with pa.input_stream(str(path), compression="gzip" if path.suffix == ".gz" else None) as stream:
                head = b""
                while b"\n" not in head and (more := stream.read(1 << 16)):
                    head += more
            if not head.strip():
                raise ValueError(
                    f"{path} is empty; wanted a line of names (gene.NAME, metric.NAME, ...) and rows below it"
                )
            names = next(csv.reader([head.decode("utf-8-sig").splitlines()[0]]))
            if len(names) == 1 and (other := next((sign for sign in ";\t|" if sign in names[0]), "")):
                raise ValueError(
                    f"{path} has {other!r} between its columns; write it with commas, and with points in its numbers"
                )
        else:
            raise ValueError(f"{path} is not a table: its name ends in .csv, .csv.gz or .parquet")
    except (pa.ArrowInvalid, OSError, UnicodeDecodeError, EOFError, csv.Error) as error:
        raise ValueError(f"{path} is damaged: {_line(error)}") from None
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{path} has two columns {twice[0]!r}; every name stands once")
    return names


def load(path: Path, names: list[str]) -> dict[str, Any]:
    """Return some columns as arrow's chunked arrays; an empty field is null, nothing else is.

    Raises:
        ValueError: the file is damaged.
    """
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    path = Path(path)
    try:
        if path.suffix == ".parquet":
            table = pa.parquet.read_table(path, columns=names)
        else:
            form = pa.csv.ConvertOptions(
                include_columns=names, null_values=[""], strings_can_be_null=True, auto_dict_encode=True
            )
            table = pa.csv.read_csv(str(path), convert_options=form)
    except (pa.ArrowInvalid, OSError) as error:
        raise ValueError(f"{path} is damaged: {_line(error)}") from None
    return {name: table[name] for name in names}


def numbers(path: Path, name: str, column: Any) -> np.ndarray:
    """Return a column as float64 (rows,), NaN where the field is empty.

    Raises:
        ValueError: text, NaN or infinity in a field; the message names the first such row.
    """
    import pyarrow as pa

    kind = column.type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_null(kind)):
        for row, value in enumerate(column.to_pylist(), 1):
            if value is not None and not _is_number(value):
                raise ValueError(f"{path}, row {row}: {name} is {str(value)[:40]!r}; wanted a number or nothing")
        raise ValueError(f"{path}: column {name} is of type {kind}; wanted numbers")
    values = column.cast(pa.float64(), safe=False)  # of integers beyond 2^53 the last digits tell nothing
    found = np.asarray(values.fill_null(0.0).to_numpy(), np.float64)
    bad = np.flatnonzero(~np.isfinite(found))
    if len(bad):
        raise ValueError(f"{path}, row {bad[0] + 1}: {name} is {found[bad[0]]}; wanted a finite number or nothing")
    return np.where(values.is_null().to_numpy(), np.nan, found)


def choices(
    path: Path, name: str, column: Any, rows: np.ndarray, missing: bool = False
) -> tuple[tuple[Any, ...], np.ndarray]:
    """Return the sorted values of a column in some rows, and which of them each row (rows,) has.

    Args:
        missing: whether fields may be empty; each is then a value of its own, after all others.

    Raises:
        ValueError: an empty field, or values that are not plain ones.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_nested(column.type):
        raise ValueError(f"{path}: column {name} is of type {column.type}; wanted texts, numbers or truth values")
    taken = column.take(pa.array(rows))
    empty = taken.is_null().to_numpy()
    if empty.any() and not missing:
        raise ValueError(f"{path}, row {rows[empty.argmax()] + 1} has no {name}; wanted one of its values")
    if pa.types.is_dictionary(taken.type):
        taken = taken.unify_dictionaries().cast(taken.type.value_type)
    coded = pc.dictionary_encode(taken).combine_chunks()
    values = coded.dictionary.to_pylist()
    if vague := next((v for v in values if isinstance(v, float) and abs(v) >= EXACT), None):
        raise ValueError(
            f"{path}: {name} has {vague:.0f}, too large for a number to be told from its neighbours; write it as text,"
            f" as in x{vague:.0f}"
        )
    codes = coded.indices.fill_null(0).to_numpy().astype(np.int64)
    order = sorted(range(len(values)), key=values.__getitem__)
    place = np.empty(max(len(values), 1), np.int64)
    place[order] = np.arange(len(values))
    found = place[codes]
    found[empty] = len(values) + np.arange(empty.sum())
    return tuple(values[i] for i in order), found


def groups(
    path: Path, rows: np.ndarray, group: np.ndarray | None, values: np.ndarray, objective: str, numbers: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return which rows to keep (kept,) and which network each of these is (kept,), numbered by first rows.

    Rows of one group are one network; so are rows of the same genes, which must then agree in the objective.

    Args:
        rows: genes, (n, genes). group: (n,), or None. values: the objective, (n,). numbers: the rows' places in the
            file, (n,), from 0.

    Raises:
        ValueError: rows of the same genes that disagree although no group says that they are repeats.
    """
    _, first, same = np.unique(hashed(rows), return_index=True, return_inverse=True)
    twin = first[same]  # the first row of the same genes
    apart = np.ones(len(rows), bool) if group is None else group != group[twin]
    wrong = np.flatnonzero(apart & (values != values[twin]))
    if len(wrong):
        a, b = numbers[twin[wrong[0]]] + 1, numbers[wrong[0]] + 1
        raise ValueError(
            f"{path}, rows {a} and {b} have the same genes but {objective} {values[twin[wrong[0]]]:g} and"
            f" {values[wrong[0]]:g}; give repeats of a network the same number in a column group"
        )
    kept = np.arange(len(rows)) if group is None else np.flatnonzero(~apart)
    of = (twin if group is None else group)[kept]
    _, first, same = np.unique(of, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return kept, rank[same]


def hashed(rows: np.ndarray) -> np.ndarray:
    """Return a number (n,) per row of genes (n, genes); two of a million rows share one with a probability of 3e-8."""
    factors = seeds.rng(0, "rows").integers(0, 2**63, rows.shape[1], dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    total = np.zeros(len(rows), np.uint64)
    for column, factor in zip(rows.T, factors, strict=True):
        total += column.astype(np.uint64) * factor
    return total


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]
