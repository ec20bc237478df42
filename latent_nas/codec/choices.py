"""Genes as one-hots, and back from a score per choice: only choices that exist can be picked."""

from collections.abc import Callable

import numpy as np

from latent_nas.codec.perceptron import Perceptron
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
        self._genes = np.argsort(-self.sizes, kind="stable")  # of many choices first
        self._racing = [int((self.sizes > k).sum()) for k in range(1, self.sizes.max())]  # genes with a choice k
        self._order = np.concatenate(
            [np.zeros(0, int), *(self.starts[self._genes[:m]] + k for k, m in enumerate(self._racing, 1))]
        )

    def one_hot(self, genes: np.ndarray) -> np.ndarray:
        """Return (n, columns) float32 for genes (n, genes)."""
        x = np.zeros((len(genes), self.columns), np.float32)
        x[np.arange(len(genes))[:, None], genes + self.starts] = 1
        return x

    def ordered(self, net: Perceptron) -> Perceptron:
        """Return the network with its outputs, one per column, as ``pick`` reads them.

        Those are what a choice scores above the first of its gene, all second choices before all third ones.
        """
        outputs, firsts = self.columns, np.repeat(self.starts, self.sizes)

        def above(a: np.ndarray) -> np.ndarray:
            """Return the last axis as differences, in order, and behind them what is of the hidden layer."""
            return np.concatenate([(a[..., :outputs] - a[..., firsts])[..., self._order], a[..., outputs:]], axis=-1)

        return Perceptron(*(np.ascontiguousarray(above(a)) for a in (net.first, net.bias, net.last)))

    def pick(self, scores: np.ndarray) -> np.ndarray:
        """Return the genes (n, genes) of the highest scores (outputs of ``ordered``, n)."""
        if self.allowed is not None:
            return self._pick_in_order(scores, self.allowed)
        best = np.zeros((len(self.sizes), scores.shape[1]), np.float32)
        picked = np.zeros(best.shape, np.int16)
        start = 0
        for k, racing in enumerate(self._racing, 1):
            trial = scores[start : start + racing]
            np.copyto(picked[:racing], k, where=trial > best[:racing])
            np.maximum(best[:racing], trial, out=best[:racing])
            start += racing
        genes = np.empty((scores.shape[1], len(self.sizes)), np.int64)
        genes[:, self._genes] = picked.T
        return genes

    def _pick_in_order(self, scores: np.ndarray, allowed: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        by_gene = np.zeros((self.columns, scores.shape[1]), np.float32)
        by_gene[self._order] = scores
        genes = np.zeros((scores.shape[1], len(self.sizes)), np.int64)
        for i, (start, end) in enumerate(zip(self.starts, self.ends, strict=True)):
            genes[:, i] = np.where(allowed(genes[:, :i]), by_gene[start:end].T, -np.inf).argmax(axis=1)
        return genes
