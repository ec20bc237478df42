"""Tree-structured Parzen estimators (Bergstra et al. 2011; multivariate as in Falkner et al. 2018), by Optuna."""

from collections.abc import Sequence

from latent_nas.judge import Judge
from latent_nas.spaces import Genes
from latent_nas.strategies import Strategy
from latent_nas.strategies.samplers import propose


class Bayesian(Strategy):
    """TPE over all genes jointly; the networks of a batch count as bad ones until they are told."""

    name = "bayesian"
    judged = False
    tries = 20  # proposals per network wanted

    def ask(self, n: int, judge: Judge | None, pending: Sequence[Genes] = ()) -> list[Genes]:
        """Return random networks first, then TPE's; the judge is not asked."""
        from optuna.samplers import TPESampler

        return propose(
            self,
            n,
            pending,
            lambda seed: TPESampler(multivariate=True, n_startup_trials=0, seed=seed),
            self.accuracies[:, None],
            self.tries,
        )


Plugin = Bayesian
