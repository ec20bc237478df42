"""Tables by their suffix: text in any dialect, and Parquet."""

from collections.abc import Callable
from pathlib import Path

from latent_nas.readers._table import Table, table

MOST = 100_000_000  # cells; as texts they take some ten gigabytes
LISTS = 65_536  # numbers in one cell


def parquet(path: Path) -> Table:
    """Return what a Parquet file holds; a column of lists of one length becomes as many columns.

    Raises:
        ValueError: no Parquet, more cells than can be read, or columns of other things than texts and numbers.
    """
    import pyarrow
    from pyarrow import parquet as format

    try:
        file = format.ParquetFile(path)
        about = file.metadata
        rows, width = about.num_rows, about.num_columns
        groups = [about.row_group(i) for i in range(about.num_row_groups)]
        cells = sum(group.column(j).num_values for group in groups for j in range(width))
        if cells > MOST:
            raise ValueError(f"{path} holds {cells:,} values in {rows:,} rows; at most {MOST:,} are read: take fewer")
        if not rows:
            raise ValueError(f"{path} has no row")
        read = file.read()
    except (pyarrow.ArrowException, OSError) as error:
        raise ValueError(f"{path} is not a whole Parquet file: {(str(error).splitlines() or ['?'])[0][:120]}") from None
    columns: list[tuple[str, tuple[str, ...]]] = []
    for name in read.column_names:
        column = read.column(name)
        kind = column.type
        if pyarrow.types.is_dictionary(kind):
            column, kind = column.cast(kind.value_type), kind.value_type
        if pyarrow.types.is_list(kind) or pyarrow.types.is_large_list(kind) or pyarrow.types.is_fixed_size_list(kind):
            columns += _spread(path, name, column.to_pylist())
        elif pyarrow.types.is_nested(kind) or pyarrow.types.is_binary(kind):
            raise ValueError(f"{path}: column {name!r} holds {kind}; wanted numbers, texts, or lists of numbers")
        else:
            columns.append((name, tuple("" if v is None else _text(v) for v in column.to_pylist())))
    twice = next((name for i, (name, _) in enumerate(columns) if name in [n for n, _ in columns[:i]]), None)
    if twice is not None:
        raise ValueError(f"{path}: two columns {twice!r}; every name stands once")
    return Table(tuple(columns), tuple(f"row {i}" for i in range(rows)), ())


def _spread(path: Path, name: str, lists: list[list[float] | None]) -> list[tuple[str, tuple[str, ...]]]:
    lengths = {len(v) if v is not None else 0 for v in lists}
    if len(lengths) != 1 or not 0 < min(lengths) <= LISTS:
        raise ValueError(
            f"{path}: the lists of column {name!r} have from {min(lengths)} to {max(lengths)} numbers; wanted one"
            f" length, at most {LISTS}"
        )
    return [(f"{name}_{i}", tuple(_text(v[i]) for v in lists if v is not None)) for i in range(min(lengths))]


def _text(value: object) -> str:
    return str(value).strip() if not isinstance(value, bool) else str(int(value))


FORMATS: dict[str, Callable[[Path], Table]] = {".csv": table, ".tsv": table, ".parquet": parquet, ".pq": parquet}
SUFFIXES = {*FORMATS}


def read_table(path: Path) -> Table:
    """Return what a file of a table holds.

    Raises:
        ValueError: it can't be read; the message says why.
    """
    return FORMATS[path.suffix.lower()](path)
