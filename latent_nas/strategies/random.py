"""Random search: feasible samples of the space."""

from typing import Any

from latent_nas.spaces import Genes
from latent_nas.strategies import Strategy


class Random(Strategy):
    """The baseline that every other strategy must beat."""

    name = "random"
    judged = False

    def ask(self, n: int, scorer: Any) -> list[Genes]:
        """Return n random feasible networks; the scorer is not asked."""
        return self.random(n, self.rng())


Plugin = Random
