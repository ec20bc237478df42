"""What a search checks before it begins, so that wrong input leaves nothing behind."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from latent_nas import plugins, sealed, shipped, training
from latent_nas.codec import Codec
from latent_nas.jobs.able import check_space
from latent_nas.jobs.make import dataset
from latent_nas.jobs.moved import check_there
from latent_nas.jobs.reach import check_reachable
from latent_nas.jobs.search.config import SearchConfig
from latent_nas.jobs.search.resume import by_kept
from latent_nas.jobs.search.shares import shares
from latent_nas.jobs.where import trained_on
from latent_nas.judge.price import Price
from latent_nas.judge.scorer import labels
from latent_nas.judge.transfer import Source
from latent_nas.limits import Limits
from latent_nas.objectives import open_objective
from latent_nas.records import FULL, SEARCH, SHORT, Record
from latent_nas.strategies.settings import configured
from latent_nas.target import Setup, open_target
from latent_nas.tasks._changes import alike, told
from latent_nas.tasks.stated import check_stated

LEAST_SHORT = 2000  # samples seen by a short training


@dataclass(frozen=True)
class Prepared:
    """A search that may begin.

    Attributes:
        setup: the opened target. limits: in force, the device's and the objective's own among them.
        warm: records of this task that the search begins with. sources: labels of other tasks on the same space.
        said: of options that changed since it began, and of labels that are left out, in lines. limits_changed: whether
            limits are among these options.
        price: what trainings cost, where the strategy weighs it. mended: the strategy's file, where the user has
            changed it and named it anew.
    """

    config: SearchConfig
    setup: Setup
    limits: Limits
    warm: tuple[Record, ...] = ()
    sources: tuple[Source, ...] = ()
    said: tuple[str, ...] = ()
    limits_changed: bool = False
    price: Price | None = None
    mended: plugins.OwnFile | None = None


def prepare(config: SearchConfig, kept: Path | None = None) -> Prepared:
    """Return a search with its parts opened, everything checked that can be checked before training.

    Args:
        kept: where a run that goes on keeps its codec; one that is there is taken, whatever is named.

    Raises:
        ValueError: a wrong name or setting, data that changed since the run began, or limits that nothing meets.
    """
    check_there(config.target.task, config.data)
    setup = open_target(config.check().target, anew=True).check()
    begun, (config, changed) = config.target, by_kept(config, setup.task)
    setup = setup if config.target == begun else open_target(config.target, anew=True)
    try:
        trained_on(config.target.accelerator, config.measure, config.ray)
    except ValueError as error:
        reason = str(error).partition(";")[0]
        raise ValueError(f"the run trains on {config.target.accelerator}: {reason}; go on where there is one") from None
    if config.data and config.data != setup.task.fingerprint:
        raise ValueError(
            f"the data at {config.target.task} has changed since the run began (sha256 {config.data[:12]}..., now"
            f" {setup.task.fingerprint[:12]}...); put it back, say where it is with --task PATH, or begin another run"
        )
    check_stated(setup.task)
    limits = in_force(config, setup)
    evaluator, objective = plugins.load("evaluators", config.measure), open_objective(config.objective, limits)
    objective.check(setup.task)
    if objective.integers and not evaluator.integers:
        raise ValueError(
            f"objective {config.objective!r} is of int8 networks, and {config.measure!r} measures none; leave"
            " --objective or --measure out"
        )
    for outputs in setup.space.all_outputs:
        setup.task.check(outputs)
    if config.target.full_recipe:
        training.check(config.target.recipe(setup.task, FULL), setup.task)
        check_space(setup)
    shares(config.fidelities, config.target.recipe(setup.task, SEARCH).epochs)
    if config.halving:
        _check_halving(setup)
    if config.codec:
        Codec.load(kept if kept and kept.is_dir() else Path(config.codec), setup.space)
    warm, sources, said = _warm_start(config, setup)
    evaluator.check(config.target)
    if config.ray:
        plugins.load("crews", "ray").check(config.ray)
    check_reachable(setup, limits)
    price = _price(config, setup) if getattr(configured(config.strategy, config.settings), "priced", False) else None
    return Prepared(config, setup, limits, tuple(warm), tuple(sources), (*changed, *said), price=price)


def _price(config: SearchConfig, setup: Setup) -> Price:
    """Return what the search's trainings cost.

    Raises:
        ValueError: the space does not tell it.
    """
    recipe = config.target.recipe(setup.task, SEARCH)
    samples = len(setup.task.data().train) * recipe.work
    return Price(setup.space, samples / recipe.batch, samples)


def in_force(config: SearchConfig, setup: Setup) -> Limits:
    """Return the limits of a search's networks: those given, the device's and the objective's, less the front end.

    Raises:
        ValueError: the front end leaves nothing of a limit.
    """
    limits = config.limits.tighten(setup.device.limits).tighten(plugins.load("objectives", config.objective).own)
    return limits if config.front_end_apart else setup.beside_front_end(limits)


def _check_halving(setup: Setup) -> None:
    """Raise ValueError where a short training would see too little to say anything."""
    seen = len(setup.task.data().train) * setup.task.recipe(SHORT).work
    if seen < LEAST_SHORT:
        raise ValueError(
            f"halving is for larger data: a short training on {setup.task.name} would see {seen:.0f} samples, and under"
            f" {LEAST_SHORT} say nothing; leave --halving away"
        )


def _warm_start(config: SearchConfig, setup: Setup) -> tuple[list[Record], list[Source], list[str]]:
    """Return this task's records of the tables that a search begins with, the labels of each other task, and lines.

    Those of this task that learnt otherwise can't be ranked with its own: they are labels of another. The lines say
    which labels beside others are left out, as all of them have one value.

    Raises:
        ValueError: a table can't be read, has changed since the search began, is given twice or is of another space; or
            sources for a strategy that asks no judge.
    """
    warm: list[Record] = []
    sources: list[Source] = []
    said: list[str] = []
    space, task = config.target.space, config.target.task
    recipe = told(config.target.recipe(setup.task, SEARCH))
    hashes: dict[str, str] = {}
    for i, file in enumerate(config.warm_start):
        place = shipped.table(file)
        if config.warm_sha256 and not place.exists():
            raise ValueError(f"{file} does not exist; say where this table is with --warm-start")
        now = sealed.of_file(place)
        if config.warm_sha256 and now != config.warm_sha256[i]:
            raise ValueError(
                f"{file} has changed since the run began (sha256 {config.warm_sha256[i][:12]}..., now {now[:12]}...);"
                " put it back, say where it is with --warm-start, or begin another run"
            )
        if now in hashes:
            raise ValueError(f"--warm-start {file} holds the same as {hashes[now]}; name every table once")
        hashes[now] = file
        records = dataset.read(place)
        if strange := sorted({r.space for r in records} - {space}):
            raise ValueError(
                f"{file} is of space {strange[0]!r}, the search of {space!r}; a warm start wants networks of one space"
            )
        own = [record for record in records if record.task == task and alike(record.recipe, recipe)]
        if own:  # genes of a table from before may not be canonical any more
            genes = setup.space.canonical(setup.space.check([record.genes for record in own]))
            warm += [replace(r, genes=tuple(map(int, row))) for r, row in zip(own, genes, strict=True)]
        for name, others in _others(records, own, task).items():
            genes, values = labels(others)
            if len(others) < len(records) and len(np.unique(values)) < 2:
                said.append(f"{len(others)} of {name} ({file}) left out: all of one value, they tell nothing apart")
            elif len(genes):
                sources.append(Source(f"{name} ({file})", setup.space.canonical(setup.space.check(genes)), values))
    if config.related and not sources:
        raise ValueError(f"--related is for other tasks, and {', '.join(config.warm_start)} holds none; leave it out")
    if sources and not configured(config.strategy, config.settings).judged:
        raise ValueError(
            f"strategy {config.strategy!r} asks no judge, who weighs what other tasks say; use latent_rl, or a table of"
            f" task {task!r} whose networks learnt by {', '.join(recipe)}, not of {sources[0].name}"
        )
    return warm, sources, said


def _others(records: Sequence[Record], own: Sequence[Record], task: str) -> dict[str, list[Record]]:
    """Return what is not a search's own, by task and by what they learnt by, named for people."""
    known = {id(record) for record in own}
    found: dict[tuple[str, tuple[str, ...]], list[Record]] = {}
    for record in sorted((r for r in records if id(r) not in known), key=lambda r: (r.task, r.recipe)):
        found.setdefault((record.task, record.recipe), []).append(record)
    tasks = [other for other, _ in found]
    apart = {other for other in tasks if other == task or tasks.count(other) > 1}
    return {
        f"{other} by {', '.join(recipe) or 'another recipe'}" if other in apart else other: rows
        for (other, recipe), rows in found.items()
    }
