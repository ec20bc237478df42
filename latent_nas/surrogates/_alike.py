"""The kernel of ``categories``: a length scale per gene, and counts of the choices that genes share.

k = amplitude * Matern 5/2(weighted mismatches) + slope * matches + counted * Matern 5/2(distance of counts)
+ sum over sources of weight * column * column. Every parameter is a logarithm with a normal prior.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from latent_nas.surrogates._kernel import JITTER, distances, matern, matern_slope

LENGTH, COUNT_LENGTH = 2.4, 1.0  # prior means of log length scales, of mismatches and of counts
PARTS = np.log([1.0, 0.01, 0.5, 0.1])  # of amplitude, slope, counted and noise
SOURCE, WIDE = np.log(0.3), 2.0  # of what a source's column weighs, and the std of this prior; others have 1


@dataclass(frozen=True)
class Alike:
    """Which columns are which gene's one-hots, and which genes share choices.

    Attributes:
        sizes: choices of every gene, whose one-hots are the first columns. counts: (columns of genes, counts), sums the
            one-hots of a choice over the genes that share it. apart: how many of the last columns are beliefs of
            sources.
    """

    sizes: tuple[int, ...]
    counts: np.ndarray
    apart: int

    @staticmethod
    def of(sizes: Sequence[int], shared: Sequence[Sequence[int]], apart: int) -> "Alike":
        """Return it for groups of genes that share their choices, in the same order; each gene is in one at most."""
        starts = np.cumsum([0, *sizes])
        sums = [np.zeros((starts[-1], 0))]
        for group in shared:
            rows = np.zeros((starts[-1], sizes[group[0]]))
            for gene in group:
                rows[starts[gene] : starts[gene + 1]] = np.eye(sizes[gene])
            sums.append(rows)
        return Alike(tuple(sizes), np.concatenate(sums, axis=1).astype(np.float32), apart)

    @property
    def prior(self) -> np.ndarray:
        """Prior means: log length of every gene and of counts, the four of ``PARTS``, log weight of every source."""
        lengths = [LENGTH] * len(self.sizes) + [COUNT_LENGTH]
        return np.concatenate([lengths, PARTS, np.full(self.apart, SOURCE)])

    def cross(self, theta: np.ndarray, A: np.ndarray, B: np.ndarray) -> np.ndarray:
        """Return the kernel (a, b) of rows A (a, columns) and B (b, columns), float32, without noise."""
        g, n = len(self.sizes), len(self.counts)
        weights = np.exp(-2 * theta[:g])
        amplitude, slope, counted = np.exp(theta[g + 1 : g + 4]).astype(np.float32)
        ones, others = A[:, :n], B[:, :n]
        matches = (ones * np.repeat(weights, self.sizes).astype(np.float32)) @ others.T
        K = amplitude * matern(np.maximum(2 * np.float32(weights.sum()) - 2 * matches, 0)) + slope * (ones @ others.T)
        if self.counts.shape[1]:
            apart = distances(ones @ self.counts, others @ self.counts)
            K += counted * matern(apart * np.float32(np.exp(-2 * theta[g])))
        if self.apart:
            scales = np.exp(theta[g + 5 :]).astype(np.float32)
            K += (A[:, -self.apart :] * scales) @ B[:, -self.apart :].T
        return np.asarray(K)

    def own(self, theta: np.ndarray, A: np.ndarray) -> np.ndarray:
        """Return the kernel of every row of A (a, columns) with itself, (a,)."""
        g = len(self.sizes)
        amplitude, slope, counted = np.exp(theta[g + 1 : g + 4])
        variance = np.full(len(A), amplitude + slope * g + (counted if self.counts.shape[1] else 0.0))
        if self.apart:
            variance += (A[:, -self.apart :] ** 2) @ np.exp(theta[g + 5 :])
        return variance


class Posterior:
    """The negative log posterior of a kernel's parameters, with its gradient, for one set of labels.

    Args:
        kernel: of the rows. X: (n, columns). y: standardised, (n,).
    """

    def __init__(self, kernel: Alike, X: np.ndarray, y: np.ndarray) -> None:
        self.kernel, self.y = kernel, y
        ones = X[:, : len(kernel.counts)].astype(float)
        ends = np.cumsum(kernel.sizes)
        same = [ones[:, e - s : e] @ ones[:, e - s : e].T for s, e in zip(kernel.sizes, ends, strict=True)]
        self.mismatches = 2 - 2 * np.array(same)
        self.matches = np.sum(same, axis=0)
        self.counts = distances(ones @ kernel.counts, ones @ kernel.counts) if kernel.counts.shape[1] else None
        columns = X[:, X.shape[1] - kernel.apart :].astype(float).T
        self.sources = columns[:, :, None] * columns[:, None]

    def __call__(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Return loss and gradient (Rasmussen and Williams, equations 5.8 and 5.9)."""
        from scipy.linalg import cho_factor, cho_solve

        g = len(self.kernel.sizes)
        off = theta - self.kernel.prior
        pull = off / np.where(np.arange(len(theta)) < g + 5, 1.0, WIDE**2)
        weights, counting = np.exp(-2 * theta[:g]), np.exp(-2 * theta[g])
        amplitude, slope, counted, noise = np.exp(theta[g + 1 : g + 5])
        D = np.tensordot(weights, self.mismatches, 1)
        by_distance = amplitude * matern_slope(D)
        smooth, linear = amplitude * matern(D), slope * self.matches
        K = smooth + linear + np.tensordot(np.exp(theta[g + 5 :]), self.sources, 1)
        if self.counts is not None:
            by_count = counted * matern_slope(counting * self.counts)
            alike = counted * matern(counting * self.counts)
            K += alike
        K[np.diag_indices(len(K))] += noise + JITTER
        solved = cho_factor(K, lower=True, check_finite=False)
        alpha = cho_solve(solved, self.y)
        loss = 0.5 * self.y @ alpha + np.log(np.diag(solved[0])).sum() + 0.5 * off @ pull
        Q = cho_solve(solved, np.eye(len(K))) - np.outer(alpha, alpha)
        gradient = pull
        gradient[:g] -= weights * np.tensordot(self.mismatches, Q * by_distance, 2)
        if self.counts is not None:
            gradient[g] -= counting * (Q * by_count * self.counts).sum()
            gradient[g + 3] += 0.5 * (Q * alike).sum()
        gradient[g + 1] += 0.5 * (Q * smooth).sum()
        gradient[g + 2] += 0.5 * (Q * linear).sum()
        gradient[g + 4] += 0.5 * noise * np.trace(Q)
        gradient[g + 5 :] += 0.5 * np.exp(theta[g + 5 :]) * np.tensordot(self.sources, Q, 2)
        return float(loss), gradient
