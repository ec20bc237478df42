"""Tables of networks that others have trained: CSV, CSV.GZ or Parquet, a network per row or per group of rows.

Columns: ``id`` orders the rows (else their order in the file), ``gene.NAME`` the choices, ``metric.NAME``,
``cost.NAME`` and ``proxy.NAME`` numbers, ``group`` says which rows are one network, whose values are the means over its
rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from latent_nas.spaces import Gene
from latent_nas.tables.columns import choices, columns, groups, load, numbers


@dataclass(frozen=True)
class Table:
    """The rows that have the objective, in the order of their ids.

    Attributes:
        genes: the decisions, choices sorted. rows: their values, (rows, genes) small integers.
        network: which network every row is, (rows,), numbered by first rows.
        values: by column, the mean over each network's rows, (networks,); NaN where none has it.
        without: how many rows of the file have no objective and were left out.
    """

    genes: tuple[Gene, ...]
    rows: np.ndarray
    network: np.ndarray
    values: dict[str, np.ndarray]
    without: int = 0

    @property
    def networks(self) -> int:
        """How many networks there are."""
        return int(self.network.max()) + 1

    def ordered(self, names: Sequence[str]) -> "Table":
        """Return the table with its genes in the order of their names given; all of them, each once."""
        ours = [gene.name for gene in self.genes]
        places = [ours.index(name) for name in names]
        return replace(
            self, genes=tuple(self.genes[i] for i in places), rows=np.ascontiguousarray(self.rows[:, places])
        )


def read(path: Path, objective: str, also: tuple[str, ...] = (), needed: tuple[str, ...] = ()) -> Table:
    """Return a table.

    Args:
        path: ends in .csv, .csv.gz or .parquet. objective: a column; rows without it are left out.
        also: further columns, whose numbers may be missing. needed: further columns that every row must have.

    Raises:
        ValueError: no table there, a column that is missing or holds no finite numbers, or rows that contradict one
            another; the message names the column and the row (the first below the header is row 1).
    """
    there = columns(path)
    named = [c for c in there if c.startswith("gene.") and len(c) > len("gene.")]
    if not named:
        raise ValueError(f"{path} has no column gene.NAME, one for every decision; there are: {', '.join(there)}")
    wanted = list(dict.fromkeys([objective, *also, *needed]))
    known = [c for c in there if c.startswith(("metric.", "cost.", "proxy."))]
    for column in wanted:
        if column in there and column not in known:
            raise ValueError(f"{path}: {column} is measured of no network; wanted one of {', '.join(known) or 'none'}")
        if column not in there:
            raise ValueError(f"{path} has no column {column!r}; there are: {', '.join(known) or 'no metrics'}")
    keys = [c for c in ("id", "group") if c in there]
    raw = load(path, [*keys, *named, *wanted])
    found = {column: numbers(path, column, raw[column]) for column in wanted}
    present = np.flatnonzero(~np.isnan(found[objective]))
    if len(present) < 2:
        raise ValueError(f"{path} has {len(present)} rows with {objective}; a search wants two or more")
    for column in needed:
        missing = present[np.isnan(found[column][present])]
        if len(missing):
            raise ValueError(
                f"{path}, row {missing[0] + 1} has no {column}; a limit or a front wants a number in every row"
            )
    if "id" in keys:
        present = present[np.argsort(choices(path, "id", raw["id"], present)[1], kind="stable")]
    genes, parts = [], []
    for column in named:
        values, codes = choices(path, column, raw.pop(column), present)
        genes.append(Gene(column.removeprefix("gene."), values))
        parts.append(codes.astype(np.min_scalar_type(max(len(values) - 1, 0))))
    rows = np.stack(parts, axis=1)
    group = choices(path, "group", raw["group"], present, missing=True)[1] if "group" in keys else None
    kept, network = groups(path, rows, group, found[objective][present], objective, present)
    if network.max() < 1:
        raise ValueError(f"{path} has one network with {objective}; a search wants two or more")
    where = present[kept]
    means = {column: mean(values[where], network) for column, values in found.items()}
    return Table(tuple(genes), rows[kept], network, means, len(found[objective]) - len(present))


def mean(values: np.ndarray, network: np.ndarray) -> np.ndarray:
    """Return the mean of values (rows,) over each network, (networks,); NaN, of which a row has none, is left out."""
    known = ~np.isnan(values)
    count = np.bincount(network[known], minlength=network.max() + 1)
    total = np.bincount(network[known], values[known], minlength=network.max() + 1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
