"""Staged networks that choose how large an input they see: their first operator is its mean, by a factor per axis."""

import itertools
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from latent_nas.graph import Graph
from latent_nas.operators import Shape
from latent_nas.operators.window import Pair
from latent_nas.spaces import Gene, Space
from latent_nas.spaces._staged import Staged
from latent_nas.spaces._staged_features import NAMES

LEAST = 4  # rows or columns that are left of an axis


class Sized(Space):
    """What such spaces share: the genes of a staged space, and behind them one per factor.

    The task's data and the input of a network stay as they are. So nothing outside of the graph knows of a size: the
    firmware takes the whole input and makes the means itself, bit by bit as the reference does.

    Attributes:
        staged: the space of what follows. axes: genes by name; of each the rows and columns by which a value shrinks.
    """

    staged: ClassVar[type[Staged]]
    axes: ClassVar[dict[str, tuple[Pair, ...]]]
    feature_names = (*NAMES, "count.avg_pool", "outputs.avg_pool", "patch.avg_pool")

    def __init__(self, input_shape: Shape, outputs: int) -> None:
        """Bind the space to a task.

        Raises:
            ValueError: what the staged space can't take.
        """
        super().__init__(input_shape, outputs)
        whole = self.staged(input_shape, outputs)
        self.genes = (*whole.genes, *(Gene(name, values) for name, values in self.axes.items()))
        self._most = np.array([_most(values, input_shape) for values in self.axes.values()])
        self._behind: dict[tuple[int, ...], Staged] = {}
        for chosen in itertools.product(*(range(most + 1) for most in self._most)):
            factors = np.array([values[i] for values, i in zip(self.axes.values(), chosen, strict=True)]).prod(axis=0)
            self._behind[chosen] = whole.pooled((int(factors[0]), int(factors[1])))

    def sample(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """Return n random canonical networks (n, genes): half of them see an axis whole, the others any part of it."""
        whole = self._behind[(0,) * len(self.axes)].sample(rng, n)
        sizes = rng.integers(0, self._most + 1, (n, len(self.axes)))
        sizes[rng.random(sizes.shape) < 0.5] = 0
        return self.canonical(np.concatenate([whole, sizes], axis=1))

    def canonical(self, genes: np.ndarray) -> np.ndarray:
        """Return the representatives (n, genes): of sizes that leave too little the smallest that does not."""
        genes = np.array(genes, np.int64)
        genes[:, -len(self.axes) :] = np.minimum(genes[:, -len(self.axes) :], self._most)
        for rows, space in self._by_size(genes):
            genes[rows, : -len(self.axes)] = space.canonical(genes[rows, : -len(self.axes)])
        return genes

    def graph(self, genes: Sequence[int]) -> Graph:
        """Return the float graph: the means, where there are any, then the staged network."""
        row = self.canonical(self.check(genes))[0].tolist()
        return self._behind[tuple(row[-len(self.axes) :])].graph(row[: -len(self.axes)])

    def teacher(self, macs: int) -> Graph:
        """Return the staged space's, which sees the input whole."""
        return self._behind[(0,) * len(self.axes)].teacher(macs)

    def features(self, genes: np.ndarray) -> np.ndarray:
        """Return (n, features) float32 of canonical genes, named by ``feature_names``."""
        found = np.zeros((len(genes), len(self.feature_names)), np.float32)
        for rows, space in self._by_size(np.asarray(genes, np.int64)):
            found[rows, : len(NAMES)] = space.features(genes[rows, : -len(self.axes)])
            if space.pool != (1, 1):
                height, width, channels = self.input_shape
                made = -(-height // space.pool[0]) * -(-width // space.pool[1]) * channels
                found[rows, len(NAMES) :] = 1, np.log2(1 + made), np.log2(1 + made * np.prod(space.pool))
        return found

    def _by_size(self, genes: np.ndarray) -> list[tuple[np.ndarray, Staged]]:
        """Return the rows of genes (n, genes) that have a size in common, with the space behind it."""
        chosen = genes[:, -len(self.axes) :]
        found = [(np.flatnonzero((chosen == size).all(axis=1)), space) for size, space in self._behind.items()]
        return [(rows, space) for rows, space in found if len(rows)]


def _most(values: Sequence[Pair], shape: Shape) -> int:
    """Return the last of the values, in order, that leaves ``LEAST`` of every axis that it shrinks."""
    left = [all(by == 1 or -(-side // by) >= LEAST for by, side in zip(v, shape, strict=False)) for v in values]
    return left.index(False) - 1 if False in left else len(left) - 1
