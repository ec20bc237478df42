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
        rounds = range(int(self.sizes.max()))
        self._racing = [int((self.sizes > k).sum()) for k in rounds]  # genes that have a choice k
        self._order = np.concatenate(
            [self.starts[self._genes[:m]] + k for k, m in zip(rounds, self._racing, strict=True)]
        )

    def one_hot(self, genes: np.ndarray) -> np.ndarray:
        """Return (n, columns) float32 for genes (n, genes)."""
        x = np.zeros((len(genes), self.columns), np.float32)
        x[np.arange(len(genes))[:, None], genes + self.starts] = 1
        return x

    def ordered(self, net: Perceptron) -> Perceptron:
        """Return the network with its outputs, one per column, in the order that ``pick`` reads."""
        hidden = self.columns + np.arange(net.last.shape[0])
        order = np.concatenate([self._order, hidden])
        return Perceptron(
            np.ascontiguousarray(net.first[:, order]), net.bias[order], np.ascontiguousarray(net.last[:, self._order])
        )

    def pick(self, scores: np.ndarray) -> np.ndarray:
        """Return the genes (n, genes) of the highest scores (columns in the order of ``ordered``, n)."""
        if self.allowed is not None:
            return self._pick_in_order(scores, self.allowed)
        best = scores[: self._racing[0]].copy()
        picked = np.zeros(best.shape, np.int16)
        start = len(best)
        for k, racing in enumerate(self._racing[1:], 1):
            trial = scores[start : start + racing]
            np.copyto(picked[:racing], k, where=trial > best[:racing])
            np.maximum(best[:racing], trial, out=best[:racing])
            start += racing
        genes = np.empty((scores.shape[1], len(self.sizes)), np.int64)
        genes[:, self._genes] = picked.T
        return genes

    def _pick_in_order(self, scores: np.ndarray, allowed: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        by_gene = np.empty_like(scores)
        by_gene[self._order] = scores
        genes = np.zeros((scores.shape[1], len(self.sizes)), np.int64)
        for i, (start, end) in enumerate(zip(self.starts, self.ends, strict=True)):
            genes[:, i] = np.where(allowed(genes[:, :i]), by_gene[start:end].T, -np.inf).argmax(axis=1)
        return genes
