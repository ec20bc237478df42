"""A Gaussian process with expected improvement (Snoek et al. 2012), by Optuna."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from latent_nas.judge import Judge
from latent_nas.spaces import Genes
from latent_nas.strategies import Strategy
from latent_nas.strategies.samplers import propose

if TYPE_CHECKING:
    from optuna.samplers import GPSampler


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
        return propose(
            self,
            n,
            pending,
            sampler,
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


def sampler(seed: int) -> "GPSampler":
    """Return Optuna's sampler, whose operations of torch take their usual way.

    It computes within ``torch.device("cpu")``, by which torch leads every operation through a function of Python: a
    third of a proposal's time. Without such functions the CPU is where tensors are made as well.
    """
    import torch
    from optuna.samplers import GPSampler

    class Straight(GPSampler):
        def _sample_relative_impl(self, *arguments: Any) -> dict[str, Any]:
            with torch._C.DisableTorchFunction():
                return super()._sample_relative_impl(*arguments)

    return Straight(n_startup_trials=0, seed=seed)


Plugin = Gp
