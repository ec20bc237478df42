"""Local search (White et al. 2020, "Exploring the Loss Landscape in Neural Architecture Search"), batch by batch.

Neighbours differ in one gene. A batch of them in random order is trained; the search moves to the best if it is better
than where it stands, and starts anew from a random network where no neighbour is left to train.
"""

from collections.abc import Sequence

import numpy as np

from latent_nas.judge import Judge
from latent_nas.records import Record
from latent_nas.spaces import Genes
from latent_nas.strategies import Problem, Strategy


class LocalSearch(Strategy):
    """Hill climbing over single-gene mutations with restarts.

    Batches of one climb to the first improvement, batches as large as the neighbourhood to the best one.
    """

    name = "local_search"
    judged = False

    def __init__(self, problem: Problem, seed: int) -> None:
        super().__init__(problem, seed)
        self.centre = -1  # the record whose neighbours are trained; -1: start from a random network

    def ask(self, n: int, judge: Judge | None, pending: Sequence[Genes] = ()) -> list[Genes]:
        """Return untrained neighbours, random networks where they run out; the judge is not asked."""
        rng = self.rng()
        asked = [] if self.centre < 0 else self.first(rng.permutation(self._neighbours(self.centre)), n, pending)
        return asked + self.random(n - len(asked), rng, [*pending, *asked])

    def tell(self, records: Sequence[Record]) -> None:
        """Learn what was measured and move."""
        start = len(self.genes)
        super().tell(records)
        told = np.arange(start, len(self.genes))
        if self.centre >= 0:
            around = set(map(tuple, self._neighbours(self.centre).tolist()))
            near = np.array([tuple(g) in around for g in self.genes[told].tolist()], bool)
            better = told[self._values()[told] > self._values()[self.centre]]
            if not len(better) and (not near.all() or not self.first(self._neighbours(self.centre), 1)):
                self.centre, told = -1, told[~near]  # an optimum: go on from the random networks that filled the batch
        if self.centre < 0 or self._values()[told].max(initial=-np.inf) > self._values()[self.centre]:
            self.centre = int(told[self._values()[told].argmax()]) if len(told) else -1
        self._climb()

    def state(self) -> dict[str, np.ndarray]:
        """Return records and the place of the search."""
        return super().state() | {"centre": np.array(self.centre)}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Become the strategy that gave the state."""
        super().restore(state)
        if "centre" not in state:
            raise ValueError(f"a state of strategy {self.name!r} holds centre; is it another's?")
        self.centre = int(state["centre"])

    def _climb(self) -> None:
        """Move to the best neighbour for as long as a better one is trained already."""
        index = {tuple(genes): i for i, genes in enumerate(self.genes.tolist())}
        values = self._values()
        while self.centre >= 0:
            around = self._neighbours(self.centre).tolist()
            known = np.array([index[tuple(g)] for g in around if tuple(g) in index], np.int64)
            if values[known].max(initial=-np.inf) <= values[self.centre]:
                return
            self.centre = int(known[values[known].argmax()])

    def _neighbours(self, record: int) -> np.ndarray:
        """Return all networks one gene away from a record's, (k, g), sorted."""
        genes, sizes = self.genes[record], self.problem.space.sizes
        place = np.repeat(np.arange(len(sizes)), sizes)
        choice = np.concatenate([np.arange(size) for size in sizes])
        rows = np.tile(genes, (len(place), 1))
        rows[np.arange(len(rows)), place] = choice
        rows = np.unique(self.problem.space.canonical(rows), axis=0)
        return rows[(rows != genes).any(axis=1)]

    def _values(self) -> np.ndarray:
        """Return the accuracies, those of failed trainings as -inf, (m,)."""
        return np.where(np.isnan(self.accuracies), -np.inf, self.accuracies)


Plugin = LocalSearch
