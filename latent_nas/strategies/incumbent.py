"""What latent_rl is with the plainest proposer: mutations of the best trained networks, ranked by the acquisition."""

import numpy as np

from latent_nas.strategies.argmax import Argmax


class Incumbent(Argmax):
    """Mutations of the incumbents under the acquisition of ``latent_rl``."""

    name = "incumbent"

    def _sampled(self, rng: np.random.Generator) -> np.ndarray:
        """Return distinct mutations (k, g), of one gene and of two."""
        once = self._mutants(rng)
        return np.unique(np.concatenate([once, self.problem.space.mutate(once, rng)]), axis=0)


Plugin = Incumbent
