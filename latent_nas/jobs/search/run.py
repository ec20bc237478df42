"""The main job: search, recalibrate, train the best in full, prove that they fit."""

import time
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from latent_nas import accelerator, plugins, report, seeds, threads
from latent_nas.evaluators import Evaluator
from latent_nas.jobs import models, samples
from latent_nas.jobs.final import finalise
from latent_nas.jobs.make import dataset
from latent_nas.jobs.ranks import along_front
from latent_nas.jobs.search.board import Board
from latent_nas.jobs.search.config import SearchConfig
from latent_nas.jobs.search.prepare import Prepared, prepare
from latent_nas.jobs.search.resume import going_on
from latent_nas.jobs.search.shares import shares
from latent_nas.jobs.search.watch import Watch, Watched
from latent_nas.judge.fidelity import Fidelity
from latent_nas.judge.recalibrate import excess
from latent_nas.judge.scorer import Scorer
from latent_nas.judge.transfer import RELATED, Beliefs
from latent_nas.limits import Limits
from latent_nas.objectives import Judged, open_objective
from latent_nas.readers import PARTS
from latent_nas.records import SEARCH, SHORT, Record, ranked, versions
from latent_nas.runs import files, own
from latent_nas.runs.folder import RunFolder, new_path
from latent_nas.runs.schema import DataFound, FinalNetwork, Result
from latent_nas.store import Store
from latent_nas.strategies import Problem
from latent_nas.strategies.settings import configured
from latent_nas.study import Budget, Study
from latent_nas.study.asynchronous import AsyncStudy
from latent_nas.study.climb import Climb
from latent_nas.study.halving import Halving
from latent_nas.target import Setup
from latent_nas.tasks import twofold
from latent_nas.units import cost_row

SAMPLES = 4096  # networks among which other tasks choose
Say = Callable[[str], None]
Done = Callable[[str, int, int], None]


def begin(config: SearchConfig, out: Path | None) -> tuple[Prepared, RunFolder]:
    """Return a new search and the folder of its run: ``out``, or runs/<time>-<strategy>.

    Raises:
        ValueError: wrong input, or there is something at that place; nothing is written then.
    """
    prepared = prepare(config)
    return prepared, RunFolder.create(out or new_path(config.strategy), config.to_json())


def resumed(path: Path, **asked: Any) -> tuple[Prepared, RunFolder]:
    """Return the search of a run folder and the folder.

    Args:
        asked: options that the user gives anew, see ``resume.going_on``.

    Raises:
        ValueError: it is not a run folder, is damaged, or holds code that nobody vouches for; or the search can't go
            on so, see ``going_on`` and ``prepare``.
    """
    folder, saved = RunFolder.open(path)
    own.bring(path)
    begun = SearchConfig.from_json(saved)
    config, said = going_on(begun, asked)
    if old := begun.settings[len(saved.get("settings", ())) :]:
        said.append(f"goes on with {', '.join(old)}, as it began: the default has changed since")
    if "trainings" in asked and (folder.path / files.STORE).exists():
        store = folder.store()
        held = sum(record.fidelity == SEARCH for record in store.records())
        spent = max([held, *(found.get("spent", 0) for found in store.findings())])
        if config.trainings < spent:
            raise ValueError(f"--trainings {config.trainings}: {path} holds {spent:g} already; ask for as many or more")
    return replace(prepare(config), said=tuple(said)), folder


def search(
    prepared: Prepared,
    folder: RunFolder,
    say: Say,
    done: Done,
    board: Board | None = None,
    watch: Watch | None = None,
) -> Result:
    """Run or continue a search in a run folder and return what ``result.json`` holds.

    No other process may work on the folder meanwhile.

    Args:
        prepared, folder: of ``begin`` or ``resumed``.
        say: is told events in a line. done: is told (what, finished, wanted). board: gets every round. watch: of the
            caller's own program.
    """
    with folder.locked(), threads.one():
        folder.go_on(prepared.config.to_json())
        return _search(prepared, folder, say, done, board, watch or Watch())


def _search(prepared: Prepared, folder: RunFolder, say: Say, done: Done, board: Board | None, watch: Watch) -> Result:
    started, config = time.monotonic(), prepared.config
    setup, limits = prepared.setup, prepared.limits

    def tell(line: str) -> None:
        folder.log(line)
        say(line)

    for line in prepared.said:
        tell(line)
    store = folder.store()
    before = max(store.note("wall_s") or 0.0, store.note("search_s") or 0.0)  # a killed run has noted its rounds only
    pool: Evaluator = plugins.load("evaluators", config.measure)(config.target, config.workers, config.ray)
    evaluator = Watched(Judged(pool, open_objective(config.objective, limits)), watch)
    try:
        about = about_data(setup, prepared.config.front_end_apart)
        for line in about:
            tell(line)
        keep_data(folder, setup, about)
        study = assemble(prepared, folder, evaluator, tell, lambda a, b: done("trainings", a, b))

        def shown() -> None:
            show(folder, setup, study, tell, board)
            watch.rounded(study.records)

        tell(f"searching {config.target.space} for {config.target.task} on {config.target.device}: {limits.text()}")
        for line in (*about_core(setup), accelerator.said(config.target.accelerator)):
            tell(line)
        study.after_round = shown
        study.stopped = lambda: watch.stopped
        found = study.run()
        show(folder, setup, study, tell)  # a run that was killed between its last round and this has no tables of it
        best = _chosen(prepared, [r for r in ranked(found) if not over(r, limits)])
        if left := sum(over(r, limits) for r in found if r.ok):
            tell(f"{left} trained networks exceed the limits on the emulated device and are left out")
        if best:
            which = "best" if config.finals == "best" else "best and smaller ones along the front,"
            tell(f"training the {which} {len(best)} in full, {config.final_seeds} seeds each")
        networks = finalise(
            setup,
            limits,
            best,
            evaluator,
            store,
            config.seed,
            config.final_seeds,
            folder.path / files.NETWORKS,
            tell,
            lambda a, b: done("final trainings", a, b),
        )
    finally:
        evaluator.close()
        store.write_note("wall_s", before + time.monotonic() - started)
    result = _result(prepared, store, found, best, networks)
    folder.write_result(result)
    store.close()
    report_on(folder, tell)
    return result


def _chosen(prepared: Prepared, order: list[Record]) -> list[Record]:
    """Return the networks to train in full of those that keep the limits, the best first."""
    config, task = prepared.config, prepared.setup.task
    if config.finals == "best" or not config.top:
        return order[: config.top]
    return along_front(order, config.top, task.kind, task.baseline().metrics[task.kind.metric.name])


def _result(
    prepared: Prepared, store: Store, records: list[Record], best: list[Record], networks: list[FinalNetwork]
) -> Result:
    """Return what ``result.json`` holds of a search's records, the best of them and the final networks."""
    config, setup = prepared.config, prepared.setup
    return Result(
        networks=tuple(networks),
        trainings=len(records),
        failed_trainings=sum(not r.ok for r in records),
        short_trainings=sum(r.short for r in store.records()),
        objective=best[0].objective if best else None,
        higher_is_better=best[0].higher_is_better if best else None,
        best_measured_valid=best[0].measured if best else {},
        baseline=setup.task.baseline().to_json(),
        wall_s=store.note("wall_s"),
        search_s=store.note("search_s"),
        seed=config.seed,
        test_reads=store.note("test_reads") or 0,
        limits=prepared.limits.to_json(),
        front_end=setup.front_end.to_json() if setup.front_end else None,
        config=config.to_json(),
        versions=versions(),
    )


def about_data(setup: Setup, apart: bool = True) -> list[str]:
    """Return what a search says of the task: its data, what needs no network, its front end.

    Args:
        apart: whether limits count the network alone.
    """
    lines = [*setup.task.about(), f"{setup.task.baseline().text()} on the validation part"]
    space, suited = setup.target.space, setup.task.space
    lines += twofold(setup.target.task)
    lines += [f"the input {'x'.join(map(str, setup.task.input_shape))} suits --space {suited}"] * (space != suited)
    if setup.front_end:
        how = "beside" if apart else "counted in"
        lines.append(f"front end, {how} the limits: {setup.front_end.text()}")
        lines += ["limits for the network alone: --front-end-apart"] * (not apart)
    return lines


def keep_data(folder: RunFolder, setup: Setup, lines: list[str]) -> None:
    """Write what is known of the data into the run folder, where the report finds it."""
    data = setup.task.data()
    parts = dict(zip(PARTS, (data.train, data.valid, data.test), strict=True))
    counts: dict[str, tuple[int, ...]] = {name: (len(part),) for name, part in parts.items()}
    if setup.task.classes:
        many = len(setup.task.classes)
        counts = {name: tuple(np.bincount(p.y, minlength=many).tolist()) for name, p in parts.items()}
    folder.write_data(
        DataFound(tuple(lines), setup.task.classes, counts),
        samples.picture(setup.task) if len(setup.task.input_shape) == 3 else "",
    )


def about_core(setup: Setup) -> list[str]:
    """Return what a search says of the device's core: what firmware does without, and whose cycles stand for its."""
    core, runtime = setup.device.core, setup.runtime
    lacks = core.lacks() if runtime.counts_image else []  # else the kernels are not ours
    lines = [f"core {core.name}: {'; '.join(lacks)}"] if lacks else []
    borrowed = runtime.borrowed(core)
    return [*lines, f"computed times: {borrowed}"] if borrowed else lines


def show(folder: RunFolder, setup: Setup, study: Study, say: Say, board: Board | None = None) -> None:
    """Write a study's tables and report as they are after a round."""
    folder.write_tables(setup, study.records, study.store)
    codec = study.strategy.problem.codec
    if codec is not None and study.records:
        folder.write_latent(codec, study.records)
    report_on(folder, say)
    if board:
        board.round(study.store, study.records)


def report_on(folder: RunFolder, say: Say) -> None:
    """Write a run's report; where that is impossible it is said, and no search ends by it."""
    try:
        report.write(folder.path)
    except (ValueError, OSError) as error:
        say(f"the report was not written: {error}")


def over(record: Record, limits: Limits) -> bool:
    """Return whether a network was emulated and exceeded the limits there."""
    if not record.emulated_instructions:
        return False
    return bool(limits.exceeded(*(cost or 0 for cost in cost_row(record, "emulated_"))))


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
            say(f"begins from {trainings} trainings of {name}, beside its own; without: leave --warm-start away")
        scorer = Scorer(setup.space, limits, costs, codec, config.seed, surrogate=config.surrogate, beliefs=beliefs)

    def fits(genes: np.ndarray) -> np.ndarray:
        """Keep the limits as computed, and as the networks emulated so far say that they will be on the device."""
        longer = np.exp(np.maximum(excess(prior + study.records), 0))
        return setup.fits(genes, limits.scaled(1 / longer))

    problem = Problem(setup.space, codec, limits, fits)
    budget = Budget(config.trainings, config.batch, config.wall_s)
    strategy = kind(problem, config.seed)
    loop = AsyncStudy if config.asynchronous else Study
    study = loop(strategy, scorer, evaluator, folder.store(), limits, budget, config.seed, prior, say, done)
    if config.related and scorer and scorer.beliefs:
        samples = setup.space.sample(seeds.rng(config.seed, "related"), SAMPLES)
        best = scorer.beliefs.best(samples[fits(samples)])
        study.first = list(dict.fromkeys(map(tuple, best.tolist())))[:RELATED]
        say(f"trains the {len(study.first)} networks first that those believe to be the best, as --related says")
    if config.fidelities:
        epochs = config.target.recipe(setup.task, SEARCH).epochs
        given = {f.name: getattr(study, f.name) for f in fields(study) if f.init}
        states = folder.path / files.STATES
        return Climb(**given, fidelities=shares(config.fidelities, epochs), kept=True, states=states)
    if config.halving:
        share = setup.task.recipe(SHORT).work / setup.task.recipe(SEARCH).work
        given = {f.name: getattr(study, f.name) for f in fields(study) if f.init}
        study = Halving(**given, halving=config.halving, share=share)
        if scorer:
            scorer.fidelities = (Fidelity(SHORT, share),)
    return study
