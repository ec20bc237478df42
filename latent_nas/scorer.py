"""The scorer: surrogates, limits and objective made one value and its parts; the judge passed to strategies."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from latent_nas import seeds
from latent_nas.limits import Limits
from latent_nas.records import Record
from latent_nas.spaces import Space
from latent_nas.surrogates import Surrogate, design
from latent_nas.surrogates.mlp import Mlp
from latent_nas.surrogates.xgb import Xgb

COSTS = ("flash_bytes", "ram_bytes", "latency_ms")
PRIOR_ACCURACY, PRIOR_STD = 0.5, 0.25


class Codec(Protocol):
    """What the scorer needs of a codec."""

    def encode(self, genes: np.ndarray) -> np.ndarray:
        """Return codes (n, slots) of genes (n, genes)."""

    def latent(self, codes: np.ndarray) -> np.ndarray:
        """Return latents (n, slots, dim) of codes (n, slots)."""


@dataclass(frozen=True)
class Scores:
    """A batch of scored architectures; all arrays are (n,).

    Attributes:
        predicted_accuracy, predicted_std: fractions. penalty: 0 inside the limits, in units of accuracy.
        pessimistic: mean - kappa * std - penalty, what an agent is rewarded by.
        acquisition: mean + beta * std - penalty, what is worth a training.
    """

    predicted_accuracy: np.ndarray
    predicted_std: np.ndarray
    predicted_flash_bytes: np.ndarray
    predicted_ram_bytes: np.ndarray
    predicted_latency_ms: np.ndarray
    penalty: np.ndarray
    pessimistic: np.ndarray
    acquisition: np.ndarray


class Scorer:
    """Scores batches of canonical genes.

    Args:
        space: of the genes. limits: those of every row that brings none of its own. costs: a fitted surrogate,
            design(space, genes) -> log of flash_bytes, ram_bytes, latency_ms, (n, 3). codec: whose latent is among
            the accuracy surrogates' inputs; None for none. seed: of every fit. kappa, beta: how many std the
            pessimistic score takes off and the acquisition adds. weight: penalty per unit of log excess.
            margin: log cost by which the limits are drawn closer, for the cost surrogate's error.

    Attributes:
        queries: architectures scored so far, by the call and by ``rerank``.
    """

    def __init__(
        self,
        space: Space,
        limits: Limits,
        costs: Surrogate,
        codec: Codec | None = None,
        seed: int = 0,
        kappa: float = 1.0,
        beta: float = 1.0,
        weight: float = 1.0,
        margin: float = 0.03,
    ) -> None:
        self.space, self.limits, self.costs, self.codec = space, limits, costs, codec
        self.seed, self.kappa, self.beta, self.weight, self.margin = seed, kappa, beta, weight, margin
        self.queries = 0
        self.labels = 0
        self.fast: Mlp | None = None
        self.full: Xgb | None = None

    def refit(self, records: Sequence[Record]) -> None:
        """Fit the accuracy surrogates to the records that are ok; repeats of one network count as their mean."""
        genes, accuracy = labels(records)
        self.labels = len(genes)
        self.fast = self.full = None
        if not len(genes):
            return
        inputs = self._design(genes)
        self.fast = Mlp(seed=seeds.derive(self.seed, "fast")).fit(inputs, accuracy)
        self.full = Xgb(seed=seeds.derive(self.seed, "full")).fit(inputs, accuracy)

    def __call__(self, genes: np.ndarray, limits: np.ndarray | None = None) -> Scores:
        """Return the scores of canonical genes (n, genes) by the fast surrogate.

        Args:
            limits: per row (n, 3): flash_bytes, ram_bytes, latency_ms, inf for none; default those of the scorer.
        """
        return self._score(genes, limits, full=False)

    def rerank(self, genes: np.ndarray, limits: np.ndarray | None = None) -> Scores:
        """Return the scores by all surrogates together: slower, for the few that a search brings."""
        return self._score(genes, limits, full=True)

    def _score(self, genes: np.ndarray, limits: np.ndarray | None, full: bool) -> Scores:
        genes = np.asarray(genes)
        self.queries += len(genes)
        inputs = self._design(genes)
        plain = inputs[:, : self.costs.n_features_in_]
        costs = self.costs.predict(plain)
        if self.fast is None or self.full is None:
            mean, std = np.full(len(genes), PRIOR_ACCURACY), np.full(len(genes), PRIOR_STD)
        else:
            mean, std = self.fast.predict(inputs, return_std=True)
            if full:
                other, spread = self.full.predict(inputs, return_std=True)
                gap = (mean - other) / 2
                mean, std = (mean + other) / 2, np.sqrt((std**2 + spread**2) / 2 + gap**2)
        bounds = self._bounds(limits, len(genes))
        excess = np.maximum(costs - np.log(bounds) + self.margin, 0)
        penalty = self.weight * excess.sum(axis=1)
        flash, ram, latency = np.exp(costs).T
        return Scores(
            mean, std, flash, ram, latency, penalty, mean - self.kappa * std - penalty, mean + self.beta * std - penalty
        )

    def _bounds(self, limits: np.ndarray | None, n: int) -> np.ndarray:
        if limits is None:
            given = (getattr(self.limits, name) for name in COSTS)
            return np.array([np.inf if g is None else float(g) for g in given])
        limits = np.asarray(limits, np.float64)
        if limits.shape != (n, 3) or not (limits > 0).all():
            raise ValueError(
                f"got limits of shape {limits.shape}, expected positive numbers ({n}, 3): {', '.join(COSTS)}"
            )
        return limits

    def _design(self, genes: np.ndarray) -> np.ndarray:
        if self.codec is None:
            return design(self.space, genes)
        return design(self.space, genes, self.codec.latent(self.codec.encode(genes)))


def labels(records: Sequence[Record]) -> tuple[np.ndarray, np.ndarray]:
    """Return genes (n, genes) and measured int8 accuracy (n,) of the records that are ok, repeats averaged, sorted."""
    found: dict[tuple[int, ...], list[float]] = {}
    for record in records:
        if record.ok and record.measured_int8_accuracy is not None:
            found.setdefault(record.genes, []).append(record.measured_int8_accuracy)
    order = sorted(found)
    return np.array(order, np.int64), np.array([np.mean(sorted(found[g])) for g in order])
