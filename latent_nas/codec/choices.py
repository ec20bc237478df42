"""Genes as one-hots, and back from a score per choice: only choices that exist can be picked."""

from collections.abc import Callable

import numpy as np

from latent_nas.codec.perceptron import Perceptron
from latent_nas.compiled import compiled
from latent_nas.spaces import Space


class Choices:
    """One column per choice of every gene, gene by gene.

    A space may restrict a gene by earlier ones: where it has a method ``allowed(earlier (n, i)) -> (n, choices of
    gene i) bool`` with at least one True per row, genes are picked in order and only among those.
    """

    def __init__(self, space: Space) -> None:
        self.sizes = space.sizes
        self.ends = np.cumsum(self.sizes)
        self.starts = self.ends - self.sizes
        self.columns = int(self.ends[-1])
        self.allowed: Callable[[np.ndarray], np.ndarray] | None = getattr(space, "allowed", None)
        self._others = np.delete(np.arange(self.columns), self.starts)  # choices that are not the first of their gene

    def one_hot(self, genes: np.ndarray) -> np.ndarray:
        """Return (n, columns) float32 for genes (n, genes)."""
        x = np.zeros((len(genes), self.columns), np.float32)
        x[np.arange(len(genes))[:, None], genes + self.starts] = 1
        return x

    def above(self, net: Perceptron) -> Perceptron:
        """Return the network with its outputs, one per column, as ``pick`` reads them.

        Those are what a choice scores above the first of its gene, for all choices but the first ones.
        """
        outputs, firsts = self.columns, np.repeat(self.starts, self.sizes)

        def above(a: np.ndarray) -> np.ndarray:
            """Return the last axis as differences, and behind them what is of the hidden layer."""
            return np.concatenate([(a[..., :outputs] - a[..., firsts])[..., self._others], a[..., outputs:]], axis=-1)

        return Perceptron(*(np.ascontiguousarray(above(a)) for a in (net.first, net.bias, net.last)))

    def pick(self, straight: np.ndarray, bent: np.ndarray) -> np.ndarray:
        """Return the genes (n, genes) of the highest scores, the sums of two parts (n, outputs of ``above``)."""
        genes = np.zeros((len(straight), len(self.sizes)), np.int64)
        if self.allowed is None:
            _pick(straight, bent, self.sizes, genes)
            return genes
        scores = np.zeros((len(straight), self.columns), np.float32)
        scores[:, self._others] = straight + bent
        for i, (start, end) in enumerate(zip(self.starts, self.ends, strict=True)):
            genes[:, i] = np.where(self.allowed(genes[:, :i]), scores[:, start:end], -np.inf).argmax(axis=1)
        return genes


@compiled
def _pick(straight: np.ndarray, bent: np.ndarray, sizes: np.ndarray, genes: np.ndarray) -> None:
    for row in range(len(genes)):
        column = 0
        for gene in range(len(sizes)):
            best, chosen = np.float32(0), 0
            for choice in range(1, sizes[gene]):
                score = straight[row, column] + bent[row, column]
                column += 1
                if score > best:
                    best, chosen = score, choice
            genes[row, gene] = chosen
