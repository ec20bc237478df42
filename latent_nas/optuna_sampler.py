"""A strategy of this package as a sampler of the user's own Optuna study.

study = optuna.create_study(direction="maximize", sampler=LatentSampler(seed=0))
study.optimize(lambda trial: score(trial.suggest_categorical("kernel", [1, 3, 5]), ...), n_trials=100)
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.search_space import IntersectionSearchSpace
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState

from latent_nas import plugins, seeds
from latent_nas.codec import CodecSettings
from latent_nas.judge.scorer import Scorer
from latent_nas.limits import Limits
from latent_nas.ranges import check_least
from latent_nas.records import Record
from latent_nas.spaces import Gene, Genes, Space
from latent_nas.spaces.categorical import Categorical
from latent_nas.strategies import Problem, Strategy

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
STEPS = 600  # of the codec that is trained at the start


class LatentSampler(BaseSampler):
    """Proposes parameters by a strategy, a batch at a time; finished trials are its records.

    The first ``startup`` trials of a study without a given space are random; then a plain categorical space is made of
    the categorical parameters that all finished trials have. Other parameters stay random; where there are such, all
    become random once every combination of the categorical ones was proposed. A trial that failed, was
    pruned or has an infinite value is one whose training failed: its parameters are not proposed again.

    Args:
        space: parameters are named as its genes and take its choices. codec: of that space. scorer: with costs of that
            space. What is None and wanted by the strategy is made at the start: a codec by a short training.
        strategy: a name. seed: of all randomness; None for a new one. batch: trials proposed at a time.
        fits: whether canonical genes (n, g) may be proposed, (n,) bool; default all.

    Raises:
        ValueError: no such strategy, a number out of range, a codec or scorer without a space; later, of the study: it
            has more than one objective, or all of the space was proposed and there is no other parameter.
    """

    def __init__(
        self,
        space: Space | None = None,
        codec: Any = None,
        scorer: Scorer | None = None,
        strategy: str = "latent_rl",
        seed: int | None = None,
        startup: int = 10,
        batch: int = 10,
        fits: Callable[[np.ndarray], np.ndarray] | None = None,
    ) -> None:
        if space is None and (codec is not None or scorer is not None):
            raise ValueError("a codec or a scorer is of a space; give LatentSampler that space as well")
        check_least(0, startup=startup)
        check_least(1, batch=batch)
        self.kind: type[Strategy] = plugins.load("strategies", strategy)
        self.seed = int(np.random.SeedSequence().entropy) % 2**63 if seed is None else seed  # type: ignore[arg-type]
        self.space, self.codec, self.scorer, self.startup, self.batch = space, codec, scorer, startup, batch
        self.fits = fits or (lambda genes: np.ones(len(genes), bool))
        self._independent = RandomSampler(seed=seeds.derive(self.seed, "independent") % 2**32)
        self._lock = threading.Lock()  # a study may run its trials in threads
        self._search: _Search | None = None

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Return the parameters the strategy proposes: none in the first trials, while the space is unknown."""
        if len(study.directions) > 1:
            raise ValueError(f"LatentSampler takes one objective, this study has {len(study.directions)}")
        if self.space is not None:
            return {gene.name: CategoricalDistribution(gene.choices) for gene in self.space.genes}
        if len(study.get_trials(deepcopy=False, states=FINISHED)) < self.startup:
            return {}
        found = IntersectionSearchSpace().calculate(study)
        return {k: d for k, d in found.items() if isinstance(d, CategoricalDistribution) and not d.single()}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return the next proposal, a choice by the name of its parameter."""
        if not search_space:
            return {}
        with self._lock:
            search = self._search
            if search is None or search.study != _identity(study) or search.parameters != search_space:
                search = self._search = self._open(study, search_space)
            genes = search.next(study, self.batch)
        if genes is None:
            return {}
        return {g.name: g.choices[v] for g, v in zip(search.space.genes, genes, strict=True)}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Return a random value."""
        return self._independent.sample_independent(study, trial, param_name, param_distribution)

    def reseed_rng(self) -> None:
        """Draw a new seed for the random values, as Optuna wants it of parallel workers."""
        self._independent.reseed_rng()

    def _open(self, study: Study, parameters: dict[str, BaseDistribution]) -> "_Search":
        """Return a search over the parameters, with all that its strategy needs."""
        genes = [Gene(k, d.choices) for k, d in parameters.items() if isinstance(d, CategoricalDistribution)]
        space = self.space or Categorical(genes)
        codec, scorer = self.codec, self.scorer
        if self.kind.judged:
            codec = codec or _codec(space, seeds.derive(self.seed, "codec"))
            scorer = scorer or Scorer(space, Limits(), None, codec, self.seed)
        problem = Problem(space, codec, Limits(), self.fits)
        return _Search(_identity(study), parameters, space, self.kind(problem, self.seed), scorer)


def _identity(study: Study) -> tuple[Any, int]:
    """Return what tells a study from others, of the same name too: notebooks make one anew beside a sampler."""
    return study._storage, study._study_id


class _Search:
    """A strategy at work on one study: what it proposed, what it was told."""

    def __init__(
        self,
        study: tuple[Any, int],
        parameters: dict[str, BaseDistribution],
        space: Space,
        strategy: Strategy,
        scorer: Scorer | None,
    ) -> None:
        self.study, self.parameters, self.space = study, parameters, space
        self.strategy, self.scorer = strategy, scorer
        self.records: list[Record] = []
        self._told: set[int] = set()  # numbers of trials
        self._queue: list[Genes] = []
        self._open: dict[Genes, None] = {}  # proposed, not yet told, in order
        self._unit: tuple[float, float] | None = None

    def next(self, study: Study, batch: int) -> Genes | None:
        """Return the next proposal; with none left, the strategy is told what finished and asked for more.

        None, where all of the space was proposed but the study has other parameters, so that it goes on.
        """
        if not self._queue:
            new = self._finished(study)
            self.records += new
            for record in new:
                self._open.pop(record.genes, None)
            if new:
                self.strategy.tell(new)
                if self.scorer:
                    self.scorer.refit(self.records)
            if self._spent():
                if self._partial(study):
                    return None
                raise ValueError(
                    f"every combination of {', '.join(self.parameters)} was proposed; the study has nothing left to try"
                )
            self._queue = self._asked(batch)
        genes = self._queue.pop(0)
        self._open[genes] = None
        return genes

    def _spent(self) -> bool:
        """Return whether every combination of choices was proposed or is known."""
        return len({record.genes for record in self.records} | self._open.keys()) >= np.prod(
            self.space.sizes.astype(float)
        )

    def _partial(self, study: Study) -> bool:
        """Return whether trials have parameters beside those of the search."""
        trials = study.get_trials(deepcopy=False, states=FINISHED)
        free = {name for trial in trials for name, d in trial.distributions.items() if not d.single()}
        return bool(free - set(self.parameters))

    def _asked(self, batch: int) -> list[Genes]:
        """Return up to ``batch`` proposals that no running trial has, fewer at the end of a small space."""
        for n in dict.fromkeys((batch, 1)):
            try:
                return self.strategy.ask(n, self.scorer, list(self._open))
            except ValueError:
                if n == 1:
                    raise
        raise AssertionError("there is always a batch of one")

    def _finished(self, study: Study) -> list[Record]:
        """Return records of the trials that have finished since and have all parameters, in their order."""
        trials = study.get_trials(deepcopy=False, states=FINISHED)
        new = [t for t in trials if t.number not in self._told and self._matches(t)]
        self._told |= {t.number for t in new}
        sign = 1 if study.direction == StudyDirection.MAXIMIZE else -1
        values = np.array([t.value if t.state == TrialState.COMPLETE else None for t in new], float)
        values = np.where(np.isfinite(values), sign * values, np.nan)
        if self._unit is None and np.isfinite(values).any():  # about the size of accuracies, whatever the unit
            self._unit = float(np.nanmedian(values)), 10 * float(np.nanstd(values)) or 1.0
        if self._unit:
            values = 0.5 + (values - self._unit[0]) / self._unit[1]
        rows = [[int(d.to_internal_repr(t.params[k])) for k, d in self.parameters.items()] for t in new]
        genes = self.space.canonical(np.array(rows, np.int64).reshape(len(new), len(self.space.genes)))
        return [self._record(g, v) for g, v in zip(map(tuple, genes.tolist()), values.tolist(), strict=True)]

    def _matches(self, trial: FrozenTrial) -> bool:
        return all(trial.distributions.get(name) == d for name, d in self.parameters.items())

    def _record(self, genes: Sequence[int], value: float) -> Record:
        record = Record(tuple(genes), self.space.name, "optuna", 0, flash_bytes=1, ram_bytes=1, latency_ms=1.0)
        if np.isnan(value):
            return replace(record, status="failed", reason="the trial has no finite value")
        return replace(record, measured_beside={"value": value}, objective="value")


def _codec(space: Space, seed: int) -> Any:
    """Return a small codec, trained in seconds: a slot per gene, a code per choice."""
    from latent_nas.codec.train import train_codec

    settings = CodecSettings(
        slots=len(space.genes), codes=max(4, int(space.sizes.max())), dim=4, width=64, steps=STEPS, batch=128
    )
    return train_codec(space, settings, seed)
