"""Tables of other tasks whose networks are those of a space: labels that a search may begin from."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from latent_nas import sealed
from latent_nas.judge.transfer import Source
from latent_nas.tables import read
from latent_nas.tables.space import TableSpace

FIRST = 100  # labels of a source that are compared with the table's before the others


def column_of(text: str, objective: str) -> tuple[Path, str]:
    """Return file and column of FILE or FILE=COLUMN; without one it is the objective's."""
    path, mark, column = text.rpartition("=")
    return (Path(path), column) if mark and not Path(text).exists() else (Path(text), objective)


def sources_of(
    space: TableSpace, target: Path, texts: Sequence[str], objective: str, minimise: bool
) -> tuple[Source, ...]:
    """Return the labels of tables given as FILE or FILE=COLUMN, for a search on a table.

    Args:
        space: of the table ``target``. objective: its column. minimise: whether less is better.

    Raises:
        ValueError: a table of no such labels, one that is given twice, or the target itself.
    """
    seen = {(sealed.of_file(target), ""): str(target)} if texts else {}
    sources = []
    for text in texts:
        path, column = column_of(text, objective)
        digest = sealed.of_file(path)
        if (digest, "") in seen:
            raise ValueError(
                f"--warm-start {text} is the table {target} that is searched; its labels are what a search pays for:"
                " name another task's table"
            )
        if (digest, column) in seen:
            raise ValueError(
                f"--warm-start {text} holds the same as {seen[digest, column]}; name every table and column once"
            )
        seen[digest, column] = text
        source = source_of(space, path, column, minimise)
        if _says(space, objective, source, minimise):
            raise ValueError(
                f"--warm-start {text} holds what {target} says of its {len(source.values)} networks, value by"
                " value: it is not another task"
            )
        sources.append(source)
    return tuple(sources)


def _says(space: TableSpace, objective: str, source: Source, minimise: bool) -> bool:
    """Return whether a source's labels are those of the searched table itself."""
    sign = -1.0 if minimise else 1.0
    for count in (FIRST, len(source.values)):  # the first few tell mostly; others may be slow to look up
        values = space.table.values[objective][space.network(source.genes[:count])]
        if not np.array_equal(sign * values, source.values[:count]):
            return False
    return True


def source_of(space: TableSpace, path: Path, column: str, minimise: bool = False) -> Source:
    """Return the labels of a table's networks in the genes of another table's space.

    Args:
        column: the source's objective. minimise: whether less of it is better.

    Raises:
        ValueError: no table, other genes, or a choice that the space has not.
    """
    table = read(path, column)
    ours, theirs = [gene.name for gene in space.genes], [gene.name for gene in table.genes]
    if sorted(ours) != sorted(theirs):
        raise ValueError(
            f"{path} is of another space: its genes are {', '.join(theirs)}, wanted {', '.join(ours)}; a warm"
            " start wants networks of the same space"
        )
    table = table.ordered(ours)
    rows = table.rows[np.unique(table.network, return_index=True)[1]]
    genes = np.zeros(rows.shape, np.int64)
    for i, (gene, own) in enumerate(zip(table.genes, space.genes, strict=True)):
        places = {str(choice): place for place, choice in enumerate(own.choices)}
        strange = [str(choice) for choice in gene.choices if str(choice) not in places]
        if strange:
            raise ValueError(
                f"{path} is of another space: gene.{gene.name} is {strange[0]!r} there, wanted one of"
                f" {', '.join(places)}"
            )
        genes[:, i] = np.array([places[str(choice)] for choice in gene.choices])[rows[:, i]]
    genes = space.canonical(genes) if space.known else genes
    return Source(str(path), genes, table.values[column] * (-1.0 if minimise else 1.0))
