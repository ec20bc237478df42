"""What is believed of accuracies: the full surrogate on the link's scale, calibrated, and a fast copy of it.

The full one (``Stack``, or whichever a search names) is slow on thousands of labels. The fast one is an ``Mlp`` that
learns the full one's mean and std from as many unlabelled networks as wanted (distillation, Hinton et al. 2015): closer
to the full one than an MLP fitted to the labels, and one stacked matrix product on the hot path. It does without a
latent, whose encoding costs eight times what all the rest does.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from latent_nas import seeds
from latent_nas.artifacts import pack, unpack
from latent_nas.judge.link import Link
from latent_nas.surrogates import Surrogate, open_surrogate, restored
from latent_nas.surrogates.conformal import Calibration, held_out, rank_of
from latent_nas.surrogates.mlp import Mlp

FULL = "stack"  # the full surrogate, where nobody names another
LEAST_STD = 1e-9  # of what the fast one learns: a surrogate may be certain, its logarithm may not


@dataclass(frozen=True)
class AccuracyModel:
    """Full and fast surrogate of accuracy.

    Attributes:
        link: between accuracies and what both predict. full: the mean of t.
        fast: mean and log std of t; None where the full one is asked instead.
        log_std: the least and the largest that the fast one has seen; it says nothing beyond.
        calibrated: works out, once, the calibration of the full one on held-out labels, which takes three more fits.
        labels: how many it was fitted to.
    """

    link: Link
    full: Surrogate
    fast: Surrogate | None
    log_std: tuple[float, float]
    calibrated: Callable[[], Calibration]
    labels: int

    @staticmethod
    def fit(
        X: np.ndarray,
        accuracy: np.ndarray,
        unlabelled: Callable[[Callable[[np.ndarray], np.ndarray]], np.ndarray] | None,
        own: int,
        seed: int,
        kappa: float = 0.5,
        surrogate: str | Surrogate = FULL,
        apart: int = 0,
    ) -> "AccuracyModel":
        """Return the model of labels (n,) of X (n, columns).

        Args:
            unlabelled: returns rows (m, columns) for the fast one to learn from, given a function that says of
                rows (k, columns) what accuracy the full one expects kappa std below its mean, (k,). None: no fast one.
            own: the columns before a latent, see ``Gp``. surrogate: the full one, see ``open_surrogate``. apart: how
                many of the last columns are beliefs of other tasks, see ``Gp``.
        """
        link = Link.of(accuracy)
        t = link.forward(accuracy)
        full = open_surrogate(surrogate, own=own, seed=seeds.derive(seed, "full"), apart=apart)
        full.fit(X, t)

        @cache
        def calibrated() -> Calibration:
            rows, mean, std = held_out(full, X, t, folds=3)
            return Calibration.of(t[rows] - mean, std)

        if unlabelled is None:
            return AccuracyModel(link, full, None, (0.0, 0.0), calibrated, len(X))

        def pessimistic(some: np.ndarray) -> np.ndarray:
            believed, spread = full.predict(some, return_std=True)
            return link.back(believed - kappa * spread)

        inputs = np.concatenate([X, unlabelled(pessimistic)])
        believed, spread = full.predict(inputs, return_std=True)
        targets = np.stack([believed, np.log(np.maximum(spread, LEAST_STD))], axis=1)
        fast = Mlp(
            members=2,
            linear=0.01,
            epochs=7,
            steps=200,
            batch=128,
            rate=5e-3,
            decay=1e-3,
            held_out=0.0,
            seed=seeds.derive(seed, "fast"),
        ).fit(inputs[:, :own], targets)
        bounds = float(targets[:, 1].min()), float(targets[:, 1].max())
        return AccuracyModel(link, full, fast, bounds, calibrated, len(X))

    def bands(self, X: np.ndarray, kappa: float, beta: float | np.ndarray) -> tuple[np.ndarray, ...]:
        """Return the full one's mean and std of accuracy, and what lies kappa std below and beta above it; (n,) each.

        Args:
            beta: one number, or one for each row, (n,).

        The std is what the model does not know of a network; that of its training from seed to seed is not in it.
        """
        t, std = self.full.predict(X, return_std=True)
        return self._bands(t, std, kappa, beta)

    def fast_bands(
        self, ones: np.ndarray, rest: np.ndarray, kappa: float, beta: float | np.ndarray
    ) -> tuple[np.ndarray, ...]:
        """Return the fast one's ``bands`` of rows without latent, given as in ``Surrogate.predict_choices``."""
        assert self.fast is not None
        both, off = self.fast.predict_choices(ones, rest, return_std=True)
        variance = np.exp(2 * np.clip(both[:, 1], *self.log_std)) + off[:, 0] ** 2
        return self._bands(both[:, 0], np.sqrt(variance), kappa, beta)

    def _bands(self, t: np.ndarray, std: np.ndarray, kappa: float, beta: float | np.ndarray) -> tuple[np.ndarray, ...]:
        low, high = self.link.back(t - kappa * std), self.link.back(t + beta * std)
        return self.link.back(t), (self.link.back(t + std) - self.link.back(t - std)) / 2, low, high

    def batch(
        self, X: np.ndarray, beta: float | np.ndarray, penalty: np.ndarray, n: int, pending: np.ndarray | None = None
    ) -> np.ndarray:
        """Return indices (n,) of a batch to train: by acquisition, each as if those before it were measured already.

        A measurement takes uncertainty from its likes, whatever it says; means stay (GP-BUCB, Desautels et al. 2014).

        Args:
            X: (m, columns), m of n or more. beta: see ``bands``. penalty: subtracted, (m,).
            pending: (k, columns), networks in training, taken as measured before the first.
        """
        t = self.full.predict(X)
        covariance, noise = self.full.covariance(X if pending is None else np.concatenate([X, pending]))

        def measured(i: int) -> np.ndarray:
            """Return the covariance once network i is measured."""
            row = covariance[i]
            return covariance - np.outer(row, row) / (row[i] + noise)

        for i in range(len(X), len(covariance)):
            covariance = measured(i)
        covariance = covariance[: len(X), : len(X)]
        left, chosen = np.ones(len(X), bool), []
        for _ in range(min(n, len(X))):
            std = np.sqrt(np.maximum(np.diag(covariance), 0))
            worth = np.where(left, self.link.back(t + beta * std) - penalty, -np.inf)
            best = int(worth.argmax())
            chosen.append(best)
            left[best] = False
            covariance = measured(best)
        return np.array(chosen, np.int64)

    def interval(self, X: np.ndarray, coverage: float = 0.9) -> tuple[np.ndarray, np.ndarray]:
        """Return low and high (n,) between which that share of measured accuracies lies; infinite with few labels."""
        if rank_of(coverage, self.labels) > self.labels:  # known without the fits of a calibration
            return np.full(len(X), -np.inf), np.full(len(X), np.inf)
        mean, std = self.full.predict(X, return_std=True)
        low, high = self.calibrated().interval(mean, std, coverage)
        if not np.isfinite(low).all():
            return low, high
        return self.link.plausible(self.link.back(low)), self.link.plausible(self.link.back(high))

    def files(self) -> dict[str, bytes]:
        """Return everything as files, read back by ``of_files``."""
        parts = {"full": self.full.artifact()} | ({"fast": self.fast.artifact()} if self.fast else {})
        about = {"link": self.link.to_json(), "noise": self.calibrated().noise}
        about |= {"labels": self.labels, "log_std": list(self.log_std)}
        about |= {part: artifact.made for part, artifact in parts.items()}
        files = {f"{part}.{name}": data for part, artifact in parts.items() for name, data in artifact.files.items()}
        ratios = pack({"ratios": self.calibrated().ratios})
        return {"accuracy.json": json.dumps(about).encode(), "calibration.safetensors": ratios, **files}

    @staticmethod
    def of_files(files: dict[str, bytes]) -> "AccuracyModel":
        """Return the model of ``files``.

        Raises:
            ValueError: they are not whole.
        """
        try:
            about = json.loads(files["accuracy.json"])
            parts = {
                part: restored(
                    about[part], {k.removeprefix(f"{part}."): v for k, v in files.items() if k.startswith(f"{part}.")}
                )
                for part in ("full", "fast")
                if part in about
            }
            ratios = unpack(files["calibration.safetensors"])["ratios"]
            calibration = Calibration(ratios, float(about["noise"]))
            low, high = map(float, about["log_std"])
            link = Link(**about["link"])
            full, fast, n = parts["full"], parts.get("fast"), int(about["labels"])
            return AccuracyModel(link, full, fast, (low, high), lambda: calibration, n)
        except (KeyError, TypeError, UnicodeDecodeError, json.JSONDecodeError) as error:
            raise ValueError(
                f"the accuracy surrogates are damaged ({error!r}); fit them again or fetch them again"
            ) from None
