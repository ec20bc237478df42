"""A Gaussian process with expected improvement (Snoek et al. 2012), by Optuna."""

from collections.abc import Sequence

import numpy as np

from latent_nas.judge import Judge
from latent_nas.spaces import Genes
from latent_nas.strategies import Strategy
from latent_nas.strategies.samplers import propose


class Gp(Strategy):
    """Optuna's GPSampler: batch expected improvement over the networks that are running.

    Its time grows with the cube of the trials, so that it is told of ``trials`` at most: half of them the best, half
    the latest.
    """

    name = "gp"
    judged = False
    tries = 3  # proposals per network wanted; each fits the process anew
    trials = 100

    def ask(self, n: int, judge: Judge | None, pending: Sequence[Genes] = ()) -> list[Genes]:
        """Return random networks first, then the process's; the judge is not asked."""
        from optuna.samplers import GPSampler

        return propose(
            self,
            n,
            pending,
            lambda seed: GPSampler(n_startup_trials=0, seed=seed),
            self.accuracies[:, None],
            self.tries,
            self._told(),
        )

    def _told(self) -> np.ndarray:
        """Return the indices of the records the process is fitted to, rising."""
        good = np.flatnonzero(np.isfinite(self.accuracies))
        half = self.trials // 2
        if len(good) <= self.trials:
            return good
        early, late = good[:-half], good[-half:]
        best = early[np.argsort(-self.accuracies[early], kind="stable")[: self.trials - half]]
        return np.sort(np.append(best, late))


Plugin = Gp
