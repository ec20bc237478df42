"""The plain bar: XGBoost on one-hots and graph features, the best predicted of many candidates, a batch at a time."""

from collections.abc import Sequence

import numpy as np

from latent_nas.judge import Judge
from latent_nas.judge.link import Link
from latent_nas.spaces import Genes
from latent_nas.strategies import Strategy
from latent_nas.surrogates import design


class GreedySurrogate(Strategy):
    """Gradient-boosted trees refitted to all records in every round; no uncertainty, no exploration."""

    name = "greedy_surrogate"
    judged = False  # the trees are its own
    first_random = 10
    candidates = 20_000  # samples per round, or the whole space where it is not larger
    parents, children = 10, 100  # of the mutations among the candidates
    trees, depth, rate, row_share, column_share = 200, 5, 0.1, 0.9, 0.4

    def ask(self, n: int, judge: Judge | None, pending: Sequence[Genes] = ()) -> list[Genes]:
        """Return random networks until there are ``first_random``, then the best predicted; the judge is not asked."""
        rng = self.rng()
        missing = min(n, max(self.first_random - len(self.genes) - len(pending), 0))
        if np.isfinite(self.accuracies).sum() < 2:  # nothing to tell networks apart by
            missing = n
        asked = self.random(missing, rng, pending)
        if len(asked) < n:
            candidates = rng.permutation(self._candidates(rng))  # so that chance decides between equals
            order = np.argsort(-self._predicted(candidates, rng), kind="stable")
            asked += self.first(candidates[order], n - len(asked), [*pending, *asked])
        return asked + self.random(n - len(asked), rng, [*pending, *asked])

    def _candidates(self, rng: np.random.Generator) -> np.ndarray:
        """Return distinct networks, (k, g): samples and mutations of the best, or all there are."""
        space = self.problem.space
        if space.listed is not None and len(space.listed) <= self.candidates:
            return space.listed
        values = np.where(np.isnan(self.accuracies), -np.inf, self.accuracies)
        best = self.genes[np.argsort(-values, kind="stable")[: self.parents]]
        mutants = space.mutate(best.repeat(self.children, axis=0), rng)
        return np.unique(np.concatenate([space.sample(rng, self.candidates), mutants]), axis=0)

    def _predicted(self, candidates: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return predicted accuracies (k,) of candidates (k, g), by trees fitted to the records that are ok."""
        import xgboost

        good = np.isfinite(self.accuracies)
        y = Link.of(self.accuracies[good]).forward(self.accuracies[good])  # else the worst networks rule the splits
        settings = {
            "max_depth": self.depth,
            "eta": self.rate,
            "subsample": self.row_share,
            "colsample_bytree": self.column_share,
            "base_score": 0.0,
            "tree_method": "exact" if len(y) < 500 else "hist",  # exact is the quicker one on few rows
            "nthread": 1,
            "seed": int(rng.integers(2**31)),
        }
        scaled = (y - y.mean()) / (y.std() or 1.0)
        data = xgboost.DMatrix(design(self.problem.space, self.genes[good]), scaled, nthread=1)
        booster = xgboost.train(settings, data, self.trees)
        return np.asarray(booster.inplace_predict(design(self.problem.space, candidates)))


Plugin = GreedySurrogate
