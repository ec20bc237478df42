"""What latent_rl is without its agent: the best acquisition of all networks, or of a large sample where there are many.

Surrogates, acquisition, batch and spread are those of ``latent_rl``; the comparison shows what the agent adds.
"""

import numpy as np

from latent_nas.judge import Judge
from latent_nas.judge.listing import MOST
from latent_nas.spaces import Genes
from latent_nas.strategies.latent_rl import LatentRL


class Argmax(LatentRL):
    """The argmax of the acquisition, a batch at a time."""

    name = "argmax"
    candidates = 20_000  # samples per round where a space is not listed
    parents, children = 10, 100  # of the mutations among them

    def _promising(self, judge: Judge, rng: np.random.Generator, taken: set[Genes]) -> np.ndarray:
        """Return the networks of the best acquisition but those taken, (k, g); the fast surrogate judges."""
        return self._best(self._sampled(rng), judge, taken)

    def _sampled(self, rng: np.random.Generator) -> np.ndarray:
        """Return distinct networks (k, g)."""
        space = self.problem.space
        if space.listed is not None and len(space.listed) <= max(self.candidates, MOST):  # which are judged anyway
            return space.listed
        return np.unique(np.concatenate([space.sample(rng, self.candidates), self._mutants(rng)]), axis=0)

    def _mutants(self, rng: np.random.Generator) -> np.ndarray:
        """Return mutations of the best trained networks, (k, g)."""
        best = self._elites()[: self.parents]
        return self.problem.space.mutate(best.repeat(self.children, axis=0), rng)


Plugin = Argmax
