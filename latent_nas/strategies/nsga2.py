"""NSGA-II (Deb et al. 2002), by Optuna: accuracy up and one cost down."""

from collections.abc import Sequence

import numpy as np

from latent_nas.judge import Judge
from latent_nas.spaces import Genes
from latent_nas.strategies import Strategy
from latent_nas.strategies.samplers import propose

ORDER = (2, 0, 1)  # latency, flash, RAM: the cost is the first that differs between the records


class Nsga2(Strategy):
    """Generations of ``population`` networks, filled batch by batch; a single objective where all cost the same."""

    name = "nsga2"
    judged = False
    population = 20  # small, for budgets of a few hundred trainings
    tries = 30  # children per network wanted

    def ask(self, n: int, judge: Judge | None, pending: Sequence[Genes] = ()) -> list[Genes]:
        """Return random networks first, then children of the fronts; the judge is not asked."""
        from optuna.samplers import NSGAIISampler

        key = NSGAIISampler._get_generation_key()
        return propose(
            self,
            n,
            pending,
            lambda seed: NSGAIISampler(population_size=self.population, seed=seed),
            self._objectives(),
            self.tries,
            attributes=lambda i: {key: i // self.population},
        )

    def _objectives(self) -> np.ndarray:
        """Return accuracy and, where there is one, the negated cost, (m, 1 or 2)."""
        for column in ORDER:
            costs = self.costs[:, column]
            if len(costs) and np.isfinite(costs).all() and np.ptp(costs) > 0:
                return np.stack([self.accuracies, -costs], axis=1)
        return self.accuracies[:, None]


Plugin = Nsga2
