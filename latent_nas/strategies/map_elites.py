"""MAP-Elites on measured accuracies (Mouret and Clune 2015, "Illuminating search spaces by mapping elites").

A cell is a range of each cost; every cell keeps the best network that was trained of it, and children are mutations of
random cells' networks, so that small networks are improved beside large ones. Where no cost is counted, as on a table
without ``--front``, a cell is a choice of the first gene: two genes make cells that a few hundred trainings can't fill.
"""

from collections.abc import Sequence

import numpy as np

from latent_nas.judge import Judge
from latent_nas.spaces import Genes
from latent_nas.strategies import Strategy


class MapElites(Strategy):
    """A grid of the best trained network in each range of costs, improved by mutations.

    Attributes:
        first_random: trainings of random networks before there are children.
        per_doubling: cells between a cost and twice that cost.
        mutations: children to try for one that fits before a random network takes the place.
    """

    name = "map_elites"
    judged = False
    first_random = 20
    per_doubling = 1
    mutations = 200

    def ask(self, n: int, judge: Judge | None, pending: Sequence[Genes] = ()) -> list[Genes]:
        """Return random networks until there are ``first_random``, then children; the judge is not asked."""
        rng = self.rng()
        asked = self.random(min(n, max(self.first_random - len(self.genes) - len(pending), 0)), rng, pending)
        elites = self.genes[self._elites()]
        while len(asked) < n:
            taken = [*pending, *asked]
            child = self._child(elites, rng, taken) if len(elites) else []
            asked += child or self.random(1, rng, taken)
        return asked

    def _child(self, elites: np.ndarray, rng: np.random.Generator, taken: list[Genes]) -> list[Genes]:
        """Return one new feasible mutation of a random elite, or none where ``mutations`` tries gave none."""
        for size in (8, self.mutations - 8):
            parents = elites[rng.integers(len(elites), size=size)]
            children = self.fresh(self.problem.space.mutate(parents, rng), taken)
            if children:
                return children[:1]
        return []

    def _elites(self) -> list[int]:
        """Return the records that are the best of their cell, in the order of the cells; failed trainings are none."""
        counted = self.costs.any(axis=0)
        if counted.any():
            cells = np.floor(np.log2(self.costs[:, counted].clip(1e-9)) * self.per_doubling)
        else:
            cells = self.genes[:, self.problem.space.sizes > 1][:, :1]
        best: dict[tuple[float, ...], int] = {}
        for i, cell in enumerate(map(tuple, cells.tolist())):
            if np.isfinite(self.accuracies[i]) and (
                cell not in best or self.accuracies[i] > self.accuracies[best[cell]]
            ):
                best[cell] = i
        return [best[cell] for cell in sorted(best)]


Plugin = MapElites
