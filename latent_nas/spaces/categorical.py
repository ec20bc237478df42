"""A plain categorical space: choices without a graph, for objectives that are not networks of this package."""

import math
from collections.abc import Sequence

import numpy as np

from latent_nas.graph import Graph
from latent_nas.spaces import Gene, Space

LISTED = 2**15  # combinations, at most, that are listed


class Categorical(Space):
    """Every combination of the choices is one network of its own; it has no features beside its one-hots.

    Raises:
        ValueError: no genes, a gene without choices, or two of one name.
    """

    name = "categorical"
    feature_names = ()

    def __init__(self, genes: Sequence[Gene]) -> None:
        super().__init__((), 0)
        self.genes = tuple(genes)
        names = [gene.name for gene in self.genes]
        if not names or len(set(names)) < len(names) or not all(gene.choices for gene in self.genes):
            raise ValueError(f"a categorical space wants genes of different names with choices, got {self.genes}")
        if math.prod(len(gene.choices) for gene in self.genes) <= LISTED:
            self.listed = np.indices(tuple(self.sizes)).reshape(len(self.genes), -1).T

    def sample(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """Return n uniform rows, (n, genes)."""
        return rng.integers(0, self.sizes, (n, len(self.genes)))

    def canonical(self, genes: np.ndarray) -> np.ndarray:
        """Return a copy, (n, genes)."""
        return np.array(genes, np.int64)

    def graph(self, genes: Sequence[int]) -> Graph:
        """Raise ValueError: there are no networks to build."""
        raise ValueError(
            "a categorical space has choices only, no graph; use a space of networks for costs and training"
        )

    def features(self, genes: np.ndarray) -> np.ndarray:
        """Return (n, 0) float32."""
        return np.zeros((len(genes), 0), np.float32)
