"""Regularised evolution (Real et al. 2019, "Regularized Evolution for Image Classifier Architecture Search").

The population is the youngest networks that were trained; a child is a mutation of the best of a random sample of it.
Only measured accuracies count, no surrogate; of equals the cheaper wins.
"""

from collections.abc import Sequence

import numpy as np

from latent_nas.judge import Judge
from latent_nas.spaces import Genes
from latent_nas.strategies import Strategy


class Evolution(Strategy):
    """Regularised evolution, a batch of children at a time."""

    name = "evolution"
    judged = False
    population = 20
    sample = 5
    mutations = 200  # children to try for one that fits before a random network takes the place

    def ask(self, n: int, judge: Judge | None, pending: Sequence[Genes] = ()) -> list[Genes]:
        """Return random networks until the population is full, then children; the judge is not asked."""
        rng = self.rng()
        grown = len(self.genes) - self._begun() + len(pending)
        missing = min(n, max(self.population - grown, 0))
        asked = self.random(missing, rng, pending)
        while len(asked) < n:
            taken = [*pending, *asked]
            asked += self._child(rng, taken) or self.random(1, rng, taken)
        return asked

    def _begun(self) -> int:
        """Return the index of the record with which the present population began."""
        return 0

    def _child(self, rng: np.random.Generator, taken: list[Genes]) -> list[Genes]:
        """Return one new feasible child, or none where ``mutations`` tries gave none."""
        young = np.arange(self._begun(), len(self.genes))[-self.population :]
        if not len(young):
            return []
        for size in (8, self.mutations - 8):
            tournament = rng.choice(young, (size, min(self.sample, len(young))))
            parents = self.genes[np.take_along_axis(tournament, self._ranks()[tournament].argmin(1)[:, None], 1)[:, 0]]
            children = self.fresh(self.problem.space.mutate(parents, rng), taken)
            if children:
                return children[:1]
        return []

    def _ranks(self) -> np.ndarray:
        """Return each record's rank, 0 the best, (m,): by accuracy (failed trainings last), then by relative cost."""
        limits = self.problem.limits.row()
        costs = self.costs / np.where(np.isfinite(limits), limits, self.costs.max(axis=0).clip(1e-9))
        accuracies = np.where(np.isnan(self.accuracies), -np.inf, self.accuracies)
        ranks = np.empty(len(costs), int)
        ranks[np.lexsort((costs.sum(axis=1), -accuracies))] = np.arange(len(costs))
        return ranks


Plugin = Evolution
