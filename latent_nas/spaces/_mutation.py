"""What ``Space.mutate`` does to every row, compiled: a step of one gene, and which rows must be drawn again."""

import numpy as np

from latent_nas.compiled import compiled


@compiled
def stepped(genes: np.ndarray, gene: np.ndarray, step: np.ndarray, sizes: np.ndarray) -> None:
    """Move the gene (n,) of each row of genes (n, genes) by step (n,), around the number of its choices (genes,)."""
    for row in range(len(genes)):
        i = gene[row]
        genes[row, i] = (genes[row, i] + step[row]) % sizes[i]


@compiled
def settle(found: np.ndarray, parents: np.ndarray, left: np.ndarray, children: np.ndarray) -> np.ndarray:
    """Write found (n, genes) into rows ``left`` (n,) of ``children``; return whether each is still its parent, (n,).

    Args:
        parents: of what was found, (n, genes).
    """
    same = np.ones(len(found), np.bool_)
    for row in range(len(found)):
        for i in range(found.shape[1]):
            if found[row, i] != parents[row, i]:
                same[row] = False
            children[left[row], i] = found[row, i]
    return same
