"""Intervals that cover: conformal calibration of any surrogate, scaled by its predictive std.

Cross-conformal (Vovk 2015): residuals of networks that a fold's model has not seen, each divided by what that model
believed its error to be; their quantile stretches the interval of the model fitted to all rows.
"""

from dataclasses import dataclass

import numpy as np

from latent_nas import seeds
from latent_nas.surrogates import Surrogate


@dataclass(frozen=True)
class Calibration:
    """What held-out rows said about one target's errors.

    Attributes:
        ratios: sorted |residual| / believed error, (rows,). noise: std that no model explains, in units of the target.
    """

    ratios: np.ndarray
    noise: float

    @staticmethod
    def of(residual: np.ndarray, std: np.ndarray) -> "Calibration":
        """Return the calibration of held-out residuals (rows,) beside the model's std there (rows,)."""
        if not len(residual):
            return Calibration(np.zeros(0), 0.0)
        noise = float(np.sqrt(max((residual**2).mean() - (std**2).mean(), 0.05 * (residual**2).mean())))
        believed = np.sqrt(std**2 + noise**2)
        return Calibration(np.sort(np.abs(residual) / np.where(believed > 0, believed, 1)), noise)

    def interval(self, mean: np.ndarray, std: np.ndarray, coverage: float = 0.9) -> tuple[np.ndarray, np.ndarray]:
        """Return low and high (n,) around mean (n,); the whole line where too few rows were held out for the coverage.

        Raises:
            ValueError: the coverage is not between 0 and 1.
        """
        rank = rank_of(coverage, len(self.ratios))
        factor = self.ratios[rank - 1] if rank <= len(self.ratios) else np.inf
        half = factor * np.sqrt(std**2 + self.noise**2) if np.isfinite(factor) else np.full(len(mean), np.inf)
        return mean - half, mean + half


def rank_of(coverage: float, rows: int) -> int:
    """Return which of the sorted ratios of so many held-out rows stretches an interval; beyond ``rows``: too few.

    Raises:
        ValueError: the coverage is not between 0 and 1.
    """
    if not 0 < coverage < 1:
        raise ValueError(f"coverage is a fraction between 0 and 1, e.g. 0.9; got {coverage}")
    return int(np.ceil((rows + 1) * coverage))


def held_out(
    surrogate: Surrogate, X: np.ndarray, y: np.ndarray, folds: int = 5, most: int = 3000
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return rows (m,), and mean and std (m,) there of copies of a surrogate that were fitted without them.

    Args:
        X: (n, columns). y: (n,). folds: at most; of two rows at least. most: no more folds are fitted once so many rows
            have been predicted.
    """
    n = len(X)
    rows: list[np.ndarray] = []
    means: list[np.ndarray] = []
    stds: list[np.ndarray] = []
    parts = np.array_split(seeds.rng(surrogate.seed, "folds").permutation(n), min(folds, n)) if n > 1 else []
    for part in parts:
        if sum(map(len, rows)) >= most:
            break
        kept = np.setdiff1d(np.arange(n), part)
        mean, std = surrogate.unfitted().fit(X[kept], y[kept]).predict(X[part], return_std=True)
        rows, means, stds = [*rows, part], [*means, mean], [*stds, std]
    if not rows:
        return np.zeros(0, int), np.zeros(0), np.zeros(0)
    return np.concatenate(rows), np.concatenate(means), np.concatenate(stds)


class Conformal:
    """A surrogate of one target with intervals that cover.

    Args:
        surrogate: copied for the held-out predictions, then fitted itself. folds: see ``held_out``.
    """

    def __init__(self, surrogate: Surrogate, folds: int = 5) -> None:
        self.surrogate, self.folds = surrogate, folds

    def fit(self, X: np.ndarray, y: np.ndarray) -> "Conformal":
        """Calibrate, fit X (n, columns) to y (n,) and return self."""
        rows, mean, std = held_out(self.surrogate, X, y, self.folds)
        self.calibration = Calibration.of(np.asarray(y, float)[rows] - mean, std)
        self.surrogate.fit(X, y)
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return the surrogate's mean (n,)."""
        mean: np.ndarray = self.surrogate.predict(X)
        return mean

    def interval(self, X: np.ndarray, coverage: float = 0.9) -> tuple[np.ndarray, np.ndarray]:
        """Return low and high (n,) between which that share of labels lies; infinite where too few were held out."""
        mean, std = self.surrogate.predict(X, return_std=True)
        return self.calibration.interval(mean, std, coverage)
