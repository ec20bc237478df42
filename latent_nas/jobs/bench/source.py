"""Tables of other tasks whose networks are those of a space: labels that a search may begin from."""

from pathlib import Path

import numpy as np

from latent_nas.judge.transfer import Source
from latent_nas.tables import read
from latent_nas.tables.space import TableSpace


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
    return Source(path.name, genes, table.values[column] * (-1.0 if minimise else 1.0))
