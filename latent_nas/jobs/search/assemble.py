"""A search put together of its parts: codec, surrogates, judge, strategy and study."""

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import numpy as np

from latent_nas.evaluators import Evaluator
from latent_nas.fidelity import pause_of
from latent_nas.jobs import models
from latent_nas.jobs.make import dataset
from latent_nas.jobs.search.prepare import Prepared
from latent_nas.jobs.search.shares import shares
from latent_nas.judge.believed import best_believed
from latent_nas.judge.fidelity import Fidelity
from latent_nas.judge.recalibrate import excess
from latent_nas.judge.scorer import Scorer
from latent_nas.judge.transfer import RELATED, Beliefs
from latent_nas.objectives import open_objective
from latent_nas.records import SEARCH, SHORT
from latent_nas.runs import files
from latent_nas.runs.folder import RunFolder
from latent_nas.spaces import Genes
from latent_nas.store import Store
from latent_nas.strategies import Problem
from latent_nas.strategies.settings import configured
from latent_nas.study import Budget, Study
from latent_nas.study.asynchronous import AsyncStudy
from latent_nas.study.climb import Climb
from latent_nas.study.halving import Halving

FIRST = "first"  # note of a run: networks that related tasks name
Say = Callable[[str], None]


def assemble(
    prepared: Prepared,
    folder: RunFolder,
    evaluator: Evaluator,
    say: Say,
    done: Callable[[int, int], None],
) -> Study:
    """Return the study of a search, ready to run."""
    config, setup, limits = prepared.config, prepared.setup, prepared.limits
    kind = configured(config.strategy, config.settings)
    objective = open_objective(config.objective, limits)
    known = dataset.with_costs(setup, prepared.warm) if prepared.warm else []  # costs as they are now
    prior = [objective.judge(record) for record in known]
    codec = scorer = None
    if kind.judged:
        named = Path(config.codec) if config.codec else None
        codec = models.codec(setup, named, folder.path / files.CODEC, config.seed, say)
        costs = models.cost_surrogate(setup, config.seed, say)
        beliefs = Beliefs(setup.space, prepared.sources, config.seed) if prepared.sources else None
        for name, trainings in (beliefs.trainings if beliefs else {}).items():
            say(f"begins from {trainings} networks of {name}, beside its own; without: leave --warm-start away")
        scorer = Scorer(
            setup.space,
            limits,
            costs,
            codec,
            config.seed,
            surrogate=config.surrogate,
            beliefs=beliefs,
            price=prepared.price,
        )

    def fits(genes: np.ndarray) -> np.ndarray:
        """Keep the limits as computed, and as the networks emulated so far say that they will be on the device."""
        longer = np.exp(np.maximum(excess(prior + study.records), 0))
        return setup.fits(genes, limits.scaled(1 / longer))

    problem = Problem(setup.space, codec, limits, fits, prepared.price)
    budget = Budget(config.trainings, config.batch, config.wall_s)
    strategy = kind(problem, config.seed)
    loop = AsyncStudy if config.asynchronous else Study
    study = loop(strategy, scorer, evaluator, folder.store(), limits, budget, config.seed, prior, say, done)
    if config.related and scorer and scorer.beliefs:
        beliefs = scorer.beliefs
        study.first = _first(study.store, lambda: best_believed(setup.space, beliefs, fits, RELATED, config.seed))
        say(f"trains the {len(study.first)} networks first that those believe to be the best here")
    if config.fidelities:
        epochs = config.target.recipe(setup.task, SEARCH).epochs
        given = {f.name: getattr(study, f.name) for f in fields(study) if f.init}
        ladder = shares(config.fidelities, epochs)
        kept = pause_of(ladder[0].name) is not None
        states = folder.path / files.STATES if kept else None
        return Climb(**given, fidelities=ladder, kept=kept, states=states, doubted=False)
    if config.halving:
        share = setup.task.recipe(SHORT).work / setup.task.recipe(SEARCH).work
        given = {f.name: getattr(study, f.name) for f in fields(study) if f.init}
        study = Halving(**given, halving=config.halving, share=share)
        if scorer:
            scorer.fidelities = (Fidelity(SHORT, share),)
    return study


def _first(store: Store, found: Callable[[], list[Genes]]) -> list[Genes]:
    """Return the networks that a search trains first: worked out as it begins, and kept when limits change."""
    noted = store.note(FIRST)
    if noted is None:
        noted = found() if store.proposals(0) is None else []
        store.write_note(FIRST, noted)
    return [tuple(genes) for genes in noted]
