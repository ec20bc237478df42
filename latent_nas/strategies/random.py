"""Random search: feasible samples of the space."""

from collections.abc import Sequence

from latent_nas.judge import Judge
from latent_nas.spaces import Genes
from latent_nas.strategies import Strategy


class Random(Strategy):
    """The baseline that every other strategy must beat."""

    name = "random"
    judged = False

    def ask(self, n: int, judge: Judge | None, pending: Sequence[Genes] = ()) -> list[Genes]:
        """Return n random feasible networks; the judge is not asked."""
        return self.random(n, self.rng(), pending)


Plugin = Random
