"""What latent_rl is without its agent: the best acquisition of all networks, or of a large sample where there are many.

Surrogates, acquisition, batch and spread are those of ``latent_rl``; the comparison shows what the agent adds.
"""

from typing import Any

import numpy as np

from latent_nas.strategies.latent_rl import LatentRL


class Argmax(LatentRL):
    """The argmax of the acquisition, a batch at a time."""

    name = "argmax"
    candidates = 20_000  # samples per round where a space is not listed
    parents, children = 10, 100  # of the mutations among them

    def _promising(self, scorer: Any, rng: np.random.Generator) -> np.ndarray:
        """Return the untrained networks of the best acquisition, (k, g); the fast surrogate judges."""
        found = self._sampled(rng)
        worth = scorer(found).acquisition
        order = np.argsort(-worth, kind="stable")[: self.shortlist + len(self.genes)]
        return found[[i for i in order if tuple(found[i].tolist()) not in self._known]][: self.shortlist]

    def _sampled(self, rng: np.random.Generator) -> np.ndarray:
        """Return distinct networks (k, g)."""
        space = self.problem.space
        if space.listed is not None and len(space.listed) <= self.candidates:
            return space.listed
        return np.unique(np.concatenate([space.sample(rng, self.candidates), self._mutants(rng)]), axis=0)

    def _mutants(self, rng: np.random.Generator) -> np.ndarray:
        """Return mutations of the best trained networks, (k, g)."""
        best = self._elites()[: self.parents]
        return self.problem.space.mutate(best.repeat(self.children, axis=0), rng)


Plugin = Argmax
