"""The scorer: surrogates, limits and objective made one value and its parts; the judge passed to strategies."""

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from latent_nas import artifacts, seeds
from latent_nas.judge import Scores
from latent_nas.judge.accuracy import FULL, AccuracyModel
from latent_nas.judge.explore import explore
from latent_nas.judge.fidelity import Evidence, Fidelity
from latent_nas.judge.listing import Listing
from latent_nas.judge.promotion import Promotion, gain, keener
from latent_nas.judge.recalibrate import excess
from latent_nas.judge.transfer import Beliefs, agreeing
from latent_nas.limits import Limits
from latent_nas.records import Record
from latent_nas.spaces import Space
from latent_nas.surrogates import Surrogate, chosen, design
from latent_nas.surrogates.stack import FEW
from latent_nas.units import COSTS

ELITES = 100  # labelled networks from which the fast surrogate's lessons start
PRIOR_ACCURACY, PRIOR_STD = 0.5, 0.25
KIND = "accuracy surrogates"
DRAWN = 2000  # networks whose median price is the usual one
RATIOS = np.log(np.geomspace(0.1, 10, 41))  # of a network's price to the usual one, in between lines are drawn
PART = 2048  # listed networks at a time: their kernels stay in the core's cache


class Codec(Protocol):
    """What the scorer needs of a codec."""

    def encode(self, genes: np.ndarray) -> np.ndarray:
        """Return codes (n, slots) of genes (n, genes)."""

    def latent(self, codes: np.ndarray) -> np.ndarray:
        """Return latents (n, slots, dim) of codes (n, slots)."""


class Scorer:
    """Scores batches of canonical genes; of a space that can be listed, all at once after each fit.

    Args:
        space: of the genes. limits: those of every row that brings none of its own. costs: a fitted surrogate,
            design(space, genes) -> log of flash_bytes, ram_bytes, latency_ms, (n, 3); None where networks cost nothing,
            which is then 1 each. codec: whose latent is among the full accuracy surrogate's inputs; None for none.
            seed: of every fit. kappa, beta: how many std the pessimistic score lies below and the acquisition above the
            mean, on the scale of ``judge.link``. weight: penalty per unit of log excess. margin: log cost by which the
            limits are drawn closer, for the cost surrogate's error. beyond: further costs that are known: genes
            (n, genes) -> how far they exceed their limits, as log(cost / limit) summed, 0 inside, (n,). surrogate: the
            full one of accuracy: a name, a file or an unfitted one.
        fidelities: cheaper looks at networks that records may hold; beta then is what a full training is worth.
        kept: whether a network's next look goes on from its last one and costs what is added.
        beliefs: what searches of other tasks say of the space's networks, further inputs of the full surrogate.
        price: what trainings of networks cost, genes (n, genes) -> (n,) in any unit; None: all the same. Where there
            are ``fidelities`` it is not asked.

    Attributes:
        queries: architectures scored so far, by the call and by ``rerank``. labels: networks behind the last fit.
        evidence: what the records of the last fit say.
        objective: what loaded surrogates predict, and 1 or -1 where less of it is better; see ``records.objective_of``.
    """

    def __init__(
        self,
        space: Space,
        limits: Limits,
        costs: Surrogate | None,
        codec: Codec | None = None,
        seed: int = 0,
        kappa: float = 0.5,
        beta: float = 1.0,
        weight: float = 1.0,
        margin: float = 0.02,
        beyond: Callable[[np.ndarray], np.ndarray] | None = None,
        surrogate: str | Surrogate = FULL,
        fidelities: Sequence[Fidelity] = (),
        kept: bool = False,
        beliefs: Beliefs | None = None,
        price: Callable[[np.ndarray], np.ndarray] | None = None,
    ) -> None:
        self.space, self.limits, self.costs, self.codec = space, limits, costs, codec
        self.seed, self.kappa, self.beta, self.weight, self.margin = seed, kappa, beta, weight, margin
        self.beyond, self.surrogate, self.fidelities = beyond, surrogate, tuple(fidelities)
        self.kept, self.price = kept, price
        self.beliefs, self.evidence = beliefs, Evidence.of([])
        self._heard: np.ndarray | None = None  # of the beliefs, 0 or 1 each; None: all
        self.queries = 0
        self.objective = ("int8_accuracy", 1.0)
        self.accuracy: AccuracyModel | None = None
        self._listing = Listing.of(space)
        self._excess = np.zeros(len(COSTS))
        self._beliefs: list[np.ndarray] | None = None  # of all that is listed
        self._stds = keener(beta, np.exp(RATIOS))

    @property
    def labels(self) -> int:
        """How many networks the accuracy surrogates have been fitted to."""
        return self.accuracy.labels if self.accuracy else 0

    @property
    def silent(self) -> set[str]:
        """The sources, by name, that this task's labels did not bear out at the last fit."""
        if self.beliefs is None or self._heard is None:
            return set()
        return {name for name, heard in zip(self.beliefs.trainings, self._heard, strict=True) if not heard}

    def refit(self, records: Sequence[Record]) -> None:
        """Fit the accuracy surrogates to the records that are ok; repeats of one network count as their mean.

        Of networks without a full training that is what ``Evidence`` makes of their short ones.

        Where networks were emulated, the predicted costs are moved by how far the emulated ones were from the computed.

        The result depends on nothing but the seed, the limits and the set of records.
        """
        self.evidence = Evidence.of(records, self.fidelities)
        known = self.evidence.known
        genes, accuracy = self.evidence.genes[known], self.evidence.estimates[known]
        self.accuracy = self._beliefs = None
        self._excess = excess(records)
        self._heard = agreeing(self.beliefs(genes), accuracy) if self.beliefs and len(genes) else None
        if len(genes):
            best = genes[np.argsort(-accuracy, kind="stable")[:ELITES]]

            def unlabelled(value: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
                rng, limits = seeds.rng(self.seed, "explore"), np.log(self._bounds(None, 0))
                return explore(self.space, self._design, self._log_costs, value, limits, self.weight, best, rng)

            self.accuracy = AccuracyModel.fit(
                self._design(genes),
                accuracy,
                None if self._listing or self._quick(len(genes)) else unlabelled,
                self._own,
                self.seed,
                self.kappa,
                self.surrogate,
                len(self.beliefs.trainings) if self.beliefs else 0,
            )

    def __call__(self, genes: np.ndarray, limits: np.ndarray | None = None) -> Scores:
        """Return the scores of canonical genes (n, genes) by the fast surrogates.

        Args:
            limits: per row (n, 3): flash_bytes, ram_bytes, latency_ms, inf for none; default those of the scorer.
        """
        return self._score(genes, limits, full=False)

    def rerank(self, genes: np.ndarray, limits: np.ndarray | None = None) -> Scores:
        """Return the scores by the full surrogates: slower, for the few that a search brings."""
        return self._score(genes, limits, full=True)

    def batch(self, genes: np.ndarray, n: int, pending: np.ndarray | None = None) -> np.ndarray:
        """Return the indices (n,) of those of genes (m, genes) to train together, the best first.

        By the full surrogates' acquisition, where no two shall teach the same, nor what those of ``pending`` (k, genes)
        will teach; in the given order without labels.
        """
        if self.accuracy is None:
            return np.arange(min(n, len(genes)))
        genes = np.asarray(genes)
        self.queries += len(genes)
        inputs = self._design(genes)
        penalty = self._penalty(genes, self._log_costs(inputs), None)
        known = None if pending is None or not len(pending) else self._design(np.asarray(pending))
        return self.accuracy.batch(inputs, self._curious(genes), penalty, n, known)

    def worth(self, genes: np.ndarray) -> np.ndarray:
        """Return what the next look at each of genes (n, genes) is worth, (n,), in the objective's unit.

        That is the acquisition, where nothing is cheaper than a full training; else the index of ``Promotion``, which
        weighs the look's cost.
        """
        genes = np.asarray(genes)
        costs = [fidelity.cost for fidelity in self.evidence.fidelities]
        if self.accuracy is None or not costs:
            return self._score(genes, None, full=True).acquisition
        self.queries += len(genes)
        inputs = self._design(genes)
        link, rows = self.accuracy.link, {tuple(g): i for i, g in enumerate(self.evidence.genes.tolist())}
        unit = float(link.forward(self.evidence.estimates[self.evidence.known]).std()) or 1.0
        spreads = np.concatenate([[0.0], self.evidence.spreads(link, unit)])
        added = np.diff([0.0, *costs, 1.0]) if self.kept else np.array([*costs, 1.0])
        promotion = Promotion(added, spreads, float(gain(np.array(self.beta))) * unit)
        mean, std = self.accuracy.full.predict(inputs, return_std=True)
        places = [rows.get(tuple(g)) for g in genes.tolist()]
        step = np.array([0 if row is None else self.evidence.steps[row] for row in places])
        measured = np.array([np.nan if row is None else self.evidence.estimates[row] for row in places])
        known = np.isfinite(measured)
        mean[known] = link.forward(measured[known])
        penalty = self._penalty(genes, self._log_costs(inputs), None)
        return link.back(promotion.index(mean, promotion.ahead(std, step, known), step)) - penalty

    def interval(self, genes: np.ndarray, coverage: float = 0.9) -> tuple[np.ndarray, np.ndarray]:
        """Return low and high (n,) between which that share of measured accuracies lies; infinite with few labels."""
        if self.accuracy is None:
            return np.full(len(genes), -np.inf), np.full(len(genes), np.inf)
        return self.accuracy.interval(self._design(np.asarray(genes)), coverage)

    def plausible(self, believed: np.ndarray) -> np.ndarray:
        """Return accuracies (n,) for people to read: none worse than the worst that was measured."""
        return believed if self.accuracy is None else self.accuracy.link.plausible(believed)

    def save(self, folder: Path, made: dict[str, Any], quality: dict[str, Any]) -> None:
        """Write the accuracy surrogates as an artefact.

        Raises:
            ValueError: there are none, or the folder is something else.
        """
        if self.accuracy is None:
            raise ValueError("the scorer has no accuracy surrogates to save; refit it to records first")
        made = {**made, "columns": self.accuracy.full.n_features_in_, "labels": self.labels}
        artifacts.save(folder, artifacts.Artifact(KIND, made, quality, self.accuracy.files()))

    def load(self, folder: Path) -> None:
        """Take the accuracy surrogates of ``save``.

        Raises:
            ValueError: none there, damaged ones, or ones of another space or codec.
        """
        found = artifacts.load(folder, KIND)
        columns = self._design(self.space.sample(seeds.rng(0), 1)).shape[1]
        if found.made.get("columns") != columns:
            raise ValueError(
                f"{folder} holds accuracy surrogates of {found.made.get('columns')} columns, this space and codec give"
                f" {columns}; fit them for this space and codec"
            )
        self.accuracy, self._beliefs = AccuracyModel.of_files(found.files), None
        self.objective = (str(found.made.get("objective", "int8_accuracy")), float(found.made.get("sign", 1)))

    def _score(self, genes: np.ndarray, limits: np.ndarray | None, full: bool) -> Scores:
        genes = np.asarray(genes)
        self.queries += len(genes)
        if self._listing and not full:
            if self._beliefs is None:
                listed = np.array_split(self._listing.genes, len(self._listing.genes) // PART + 1)
                parts = [self._believed(part, full=True) for part in listed]
                self._beliefs = [np.concatenate(part) for part in zip(*parts, strict=True)]
            rows = self._listing.rows(genes)
            logs, mean, std, low, high = (part[rows] for part in self._beliefs)
        else:
            logs, mean, std, low, high = self._believed(genes, full)
        penalty = self._penalty(genes, logs, limits)
        flash, ram, latency = np.exp(logs).T
        return Scores(mean, std, flash, ram, latency, penalty, low - penalty, high - penalty)

    def _penalty(self, genes: np.ndarray, logs: np.ndarray, limits: np.ndarray | None) -> np.ndarray:
        """Return what scores of genes (n, genes) lose, (n,), given their predicted log costs (n, 3)."""
        excess = np.maximum(logs - np.log(self._bounds(limits, len(genes))) + self.margin, 0)
        penalty = self.weight * excess.sum(axis=1)
        return penalty if self.beyond is None else penalty + self._steep * self.beyond(genes)

    def _believed(self, genes: np.ndarray, full: bool) -> list[np.ndarray]:
        """Return log costs (n, 3), and accuracy's mean, std, pessimistic and optimistic value, (n,) each."""
        if full or (self.accuracy is not None and self.accuracy.fast is None):
            inputs = self._design(genes)
            logs = self._log_costs(inputs)
        else:
            choices = chosen(self.space, genes), self.space.features(genes)
            logs = self._free(genes) if self.costs is None else self.costs.predict_choices(*choices) + self._excess
        if self.accuracy is None:
            low = mean = high = np.full(len(genes), PRIOR_ACCURACY)
            return [logs, mean, np.full(len(genes), PRIOR_STD), low, high]
        if full or self.accuracy.fast is None:
            return [logs, *self.accuracy.bands(inputs, self.kappa, self._curious(genes))]
        return [logs, *self.accuracy.fast_bands(*choices, self.kappa, self._curious(genes))]

    def _quick(self, labels: int) -> bool:
        """Return whether the full surrogate itself is asked: of few labels it is sooner done than a copy is fitted."""
        return self.surrogate == FULL and labels < FEW

    def _curious(self, genes: np.ndarray) -> np.ndarray:
        """Return how many std above the mean the acquisition of genes (n, genes) lies, (n,) or one for all.

        That is ``beta``, and more where a first look, or a network's training, costs less than others.
        """
        if short := self.evidence.fidelities:
            return keener(self.beta, np.array(short[0].cost))
        if self.price is None:
            return np.array(self.beta)
        return np.interp(np.log(self.price(genes) / self._usual), RATIOS, self._stds)

    @cached_property
    def _usual(self) -> float:
        """The median price of random networks within the limits, as far as the cost surrogate knows."""
        assert self.price is not None
        genes = self.space.sample(seeds.rng(0, "price"), DRAWN)
        if self.costs is not None:  # without what records have taught of costs: the same in a search that was resumed
            logs = self.costs.predict(design(self.space, genes))
            within = (logs <= np.log(self.limits.row())).all(axis=1)
            genes = genes[within] if within.any() else genes
        return float(np.median(self.price(genes)))

    @property
    def _steep(self) -> float:
        """The penalty per unit of ``beyond``, in the metric's unit: ten times the median distance from the best."""
        return 10 * self.accuracy.link.scale if self.accuracy else 1.0

    def _bounds(self, limits: np.ndarray | None, n: int) -> np.ndarray:
        if limits is None:
            return self.limits.row()
        limits = np.asarray(limits, np.float64)
        if limits.shape != (n, 3) or not (limits > 0).all():
            raise ValueError(
                f"got limits of shape {limits.shape}, expected positive numbers ({n}, 3): {', '.join(COSTS)}"
            )
        return limits

    def _log_costs(self, inputs: np.ndarray) -> np.ndarray:
        """Return log costs (n, 3) of designs (n, columns), with a latent or without."""
        if self.costs is None:
            return self._free(inputs)
        return np.asarray(self.costs.predict(inputs[:, : self.costs.n_features_in_])) + self._excess

    def _free(self, rows: np.ndarray) -> np.ndarray:
        return np.zeros((len(rows), len(COSTS)))

    @property
    def _own(self) -> int:
        return int(self.space.sizes.sum()) + len(self.space.feature_names)

    def _design(self, genes: np.ndarray) -> np.ndarray:
        latent = None if self.codec is None else self.codec.latent(self.codec.encode(genes))
        inputs = design(self.space, genes, latent)
        if self.beliefs is None:
            return inputs
        columns = self.beliefs(genes)  # zeros say nothing
        return np.concatenate([inputs, columns if self._heard is None else columns * self._heard], axis=1)


def labels(records: Sequence[Record]) -> tuple[np.ndarray, np.ndarray]:
    """Return genes (n, genes) and objective (n,) of ok validation records, sorted, repeats averaged; no short ones."""
    evidence = Evidence.of(records)
    return evidence.genes[evidence.known], evidence.estimates[evidence.known]
