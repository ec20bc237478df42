"""The main job: search, recalibrate, train the best in full, prove that they fit."""

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from latent_nas import plugins, report
from latent_nas.codec import Codec
from latent_nas.evaluators import Evaluator, Target
from latent_nas.limits import Limits
from latent_nas.objectives import Judged, open_objective
from latent_nas.pipeline import dataset, models
from latent_nas.pipeline.board import Board
from latent_nas.pipeline.final import finalise
from latent_nas.pipeline.folder import RunFolder
from latent_nas.pipeline.reach import check_reachable
from latent_nas.pipeline.setup import MAIN_LIMITS, MAIN_TARGET, Setup
from latent_nas.records import SEARCH, SHORT, Record, versions
from latent_nas.scorer import Scorer
from latent_nas.strategies import Problem, full_strategy
from latent_nas.strategies._settings import configured
from latent_nas.study import Budget, Study, ranked
from latent_nas.study.asynchronous import AsyncStudy
from latent_nas.study.halving import Halving
from latent_nas.surrogates.recalibrate import excess
from latent_nas.tasks import full_name, open_task

LEAST_SHORT = 2000  # samples seen by a short training
Say = Callable[[str], None]
Done = Callable[[str, int, int], None]


@dataclass(frozen=True)
class SearchConfig:
    """Everything that decides a search's result, and how many processes it uses.

    Attributes:
        trainings: true trainings to spend. batch: of a round. limits: hard, the device's own apply as well.
        wall_s: no new round after so many seconds. workers: processes; 0 is one per core.
        top: networks trained in full at the end, with ``final_seeds`` seeds. codec: folder, or "" for the shipped one.
        warm_start: a table of records to begin with, or "" for none. settings: of the strategy, as in
            "reinforce.entropy=0.01".
        measure: the evaluator: "training", "emulate" to run every trained network on the emulated device as well, or
            "analog". ray: address of a cluster that trains, "local", or "".
        asynchronous: whether a free worker goes on without waiting for the others; then results depend on timing.
        data: hash of the task's data where it may change. halving: short trainings for one of full length, which the
            best gets; 0 is none. objective: what of a training is maximised.
    """

    target: Target = MAIN_TARGET
    strategy: str = "latent_rl"
    trainings: int = 24
    batch: int = 4
    limits: Limits = field(default_factory=lambda: MAIN_LIMITS)
    wall_s: float | None = None
    workers: int = 0
    seed: int = 0
    top: int = 3
    final_seeds: int = 3
    codec: str = ""
    warm_start: str = ""
    settings: tuple[str, ...] = ()
    measure: str = "training"
    ray: str = ""
    asynchronous: bool = False
    data: str = ""
    halving: int = 0
    objective: str = "metric"

    def check(self) -> "SearchConfig":
        """Return itself, or raise ValueError that names the first setting out of range or unknown."""
        for name, least in (
            ("trainings", 1),
            ("batch", 1),
            ("workers", 0),
            ("seed", 0),
            ("top", 0),
            ("final_seeds", 1),
        ):
            if getattr(self, name) < least:
                raise ValueError(f"{name.replace('_', '-')} is at least {least}, got {getattr(self, name)}")
        if self.wall_s is not None and not (math.isfinite(self.wall_s) and self.wall_s > 0):
            raise ValueError(f"the time budget is a positive number of seconds, got {self.wall_s}")
        if self.target.search_epochs < 0:
            raise ValueError(f"child-epochs is at least 1, got {self.target.search_epochs}")
        if self.halving < 0 or self.halving == 1:
            raise ValueError(f"halving is 0 (none) or at least 2, got {self.halving}")
        if self.halving and self.asynchronous:
            raise ValueError("--halving promotes the best of a round, which --async has none of; leave one out")
        configured(self.strategy, self.settings)
        plugins.load("objectives", self.objective)
        if not plugins.load("evaluators", self.measure).trains:
            raise ValueError(f"evaluator {self.measure!r} trains nothing; a search wants training, emulate or analog")
        return self

    def to_json(self) -> dict[str, Any]:
        """Return plain values, read back by ``from_json``."""
        return {**asdict(self), "limits": self.limits.to_json()}

    @staticmethod
    def from_json(data: dict[str, Any]) -> "SearchConfig":
        """Return the configuration of ``to_json``.

        Raises:
            ValueError: a key is missing or unknown.
        """
        try:
            parts: dict[str, Any] = {"target": Target(**data["target"]), "limits": Limits.from_json(data["limits"])}
            parts["settings"] = tuple(data.get("settings", ()))
            return SearchConfig(**{**data, **parts}).check()
        except (KeyError, TypeError) as error:
            raise ValueError(f"the run's config.json is not one of this version: {error}") from None


def search(config: SearchConfig, folder: RunFolder, say: Say, done: Done, board: Board | None = None) -> dict[str, Any]:
    """Run or continue a search in a run folder and return what ``result.json`` holds.

    Args:
        say: is told events in a line. done: is told (what, finished, wanted). board: gets every round.

    Raises:
        ValueError: a wrong name or setting, or limits that nothing meets; before any training.
    """
    started = time.monotonic()

    def tell(line: str) -> None:
        folder.log(line)
        say(line)

    setup, limits = prepare(config)
    store = folder.store()
    before = max(store.note("wall_s") or 0.0, store.note("search_s") or 0.0)  # a killed run has noted its rounds only
    pool: Evaluator = plugins.load("evaluators", config.measure)(config.target, config.workers, config.ray)
    evaluator = Judged(pool, open_objective(config.objective, limits))
    try:
        for line in setup.task.about():
            tell(line)
        ears = setup.front_end
        if ears is not None:
            tell(f"front end, beside the limits: {ears.text()}")
        study = assemble(config, setup, limits, folder, evaluator, tell, lambda a, b: done("trainings", a, b))
        tell(f"searching {config.target.space} for {config.target.task} on {config.target.device}: {_text(limits)}")
        study.after_round = lambda: show(folder, setup, study, tell, board)
        found = study.run()
        show(folder, setup, study, tell)  # a run that was killed between its last round and this has no tables of it
        best = [r for r in ranked(found) if not over(r, limits)][: config.top]
        if left := sum(over(r, limits) for r in found if r.ok):
            tell(f"{left} trained networks exceed the limits on the emulated device and are left out")
        if best:
            tell(f"training the best {len(best)} in full, {config.final_seeds} seeds each")
        networks = finalise(
            setup,
            limits,
            best,
            evaluator,
            store,
            config.seed,
            config.final_seeds,
            folder.path / "networks",
            tell,
            lambda a, b: done("final trainings", a, b),
        )
    finally:
        evaluator.close()
        store.write_note("wall_s", before + time.monotonic() - started)
    result = {
        "networks": networks,
        "trainings": len(found),
        "failed_trainings": sum(not r.ok for r in found),
        "best_measured_valid_int8_accuracy": best[0].measured_int8_accuracy if best else None,
        "wall_s": store.note("wall_s"),
        "search_s": store.note("search_s"),
        "seed": config.seed,
        "test_reads": store.note("test_reads") or 0,
        "limits": limits.to_json(),
        "front_end": ears and ears.to_json(),
        "config": config.to_json(),
        "versions": versions(),
    }
    folder.write_json("result.json", result)
    store.close()
    report_on(folder, tell)
    return result


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


def prepare(config: SearchConfig) -> tuple[Setup, Limits]:
    """Return the opened target and the limits in force, everything checked that can be checked before training."""
    setup = Setup(config.check().target).check()
    if config.data and config.data != setup.task.fingerprint:
        raise ValueError(
            f"the data at {config.target.task} has changed since the run began (sha256 {config.data[:12]}..., now"
            f" {setup.task.fingerprint[:12]}...); put it back, or begin another run"
        )
    limits = config.limits.tighten(setup.device.limits).tighten(plugins.load("objectives", config.objective).own)
    for outputs in setup.space.all_outputs:
        setup.task.check(outputs)
    if config.halving:
        _check_halving(setup)
    if config.codec:
        Codec.load(Path(config.codec), setup.space)
    if config.warm_start:
        _table(config)
    plugins.load("evaluators", config.measure).check(config.target)
    if config.ray:
        plugins.load("crews", "ray").check(config.ray)
    check_reachable(setup, limits)
    return setup, limits


def _check_halving(setup: Setup) -> None:
    """Raise ValueError where a short training would see too little to say anything."""
    seen = len(setup.task.data().train) * setup.task.recipe(SHORT).work
    if seen < LEAST_SHORT:
        raise ValueError(
            f"halving is for larger data: a short training on {setup.task.name} would see {seen:.0f} samples, and under"
            f" {LEAST_SHORT} say nothing; leave --halving away"
        )


def over(record: Record, limits: Limits) -> bool:
    """Return whether a network was emulated and exceeded the limits there."""
    if not record.emulated_instructions:
        return False
    emulated = record.emulated_flash_bytes, record.emulated_ram_bytes, record.emulated_latency_ms
    return bool(limits.exceeded(*(cost or 0 for cost in emulated)))


def pinned(config: SearchConfig) -> SearchConfig:
    """Return the configuration with names in full and its data's path and hash: refused where the data changes."""
    device, runtime = plugins.located(config.target.device), plugins.located(config.target.runtime)
    target = replace(config.target, task=full_name(config.target.task), device=device, runtime=runtime)
    strategy = full_strategy(config.strategy)
    return replace(config, target=target, strategy=strategy, data=open_task(target.task).fingerprint)


def assemble(
    config: SearchConfig,
    setup: Setup,
    limits: Limits,
    folder: RunFolder,
    evaluator: Evaluator,
    say: Say,
    done: Callable[[int, int], None],
) -> Study:
    """Return the study of a configuration, ready to run."""
    kind = configured(config.strategy, config.settings)
    objective = open_objective(config.objective, limits)
    prior = [objective.judge(record) for record in _warm(config, setup)] if config.warm_start else []
    codec = scorer = None
    if kind.judged:
        named = Path(config.codec) if config.codec else None
        codec = models.codec(setup, named, folder.path / "codec", config.seed, say)
        scorer = Scorer(setup.space, limits, models.cost_surrogate(setup, config.seed, say), codec, config.seed)

    def fits(genes: np.ndarray) -> np.ndarray:
        """Keep the limits as computed, and as the networks emulated so far say that they will be on the device."""
        longer = np.exp(np.maximum(excess(prior + study.records), 0))
        return setup.fits(genes, limits.scaled(1 / longer))

    problem = Problem(setup.space, codec, limits, fits)
    budget = Budget(config.trainings, config.batch, config.wall_s)
    strategy = kind(problem, config.seed)
    loop = AsyncStudy if config.asynchronous else Study
    study = loop(strategy, scorer, evaluator, folder.store(), limits, budget, config.seed, prior, say, done)
    if config.halving:
        share = setup.task.recipe(SHORT).work / setup.task.recipe(SEARCH).work
        given = {f.name: getattr(study, f.name) for f in fields(study) if f.init}
        study = Halving(**given, halving=config.halving, share=share)
    return study


def default_limits(task: str, objective: str) -> Limits:
    """Return what a search keeps to that is told no limits: those of an objective that weighs costs, or of the task.

    Raises:
        ValueError: no such task or objective.
    """
    own: Limits = plugins.load("objectives", objective).own
    return open_task(task).limits if own == Limits() else own


def _warm(config: SearchConfig, setup: Setup) -> list[Record]:
    """Return a table's records with costs as they are now for this device."""
    return dataset.with_costs(setup, _table(config))


def _table(config: SearchConfig) -> list[Record]:
    records = dataset.read(Path(config.warm_start))
    wanted = (config.target.space, config.target.task)
    if {(r.space, r.task) for r in records} != {wanted}:
        raise ValueError(f"{config.warm_start} is not a table of space {wanted[0]!r} and task {wanted[1]!r}")
    return records


def _text(limits: Limits) -> str:
    units = {"flash_bytes": (1024, "KB flash"), "ram_bytes": (1024, "KB RAM"), "latency_ms": (1, "ms")}
    held = [f"{v / units[k][0]:g} {units[k][1]}" for k, v in limits.to_json().items() if v is not None]
    return "at most " + ", ".join(held)


def override(config: SearchConfig, workers: int | None, ray: str | None = None) -> SearchConfig:
    """Return a resumed run's configuration with other workers, which change no result."""
    workers = config.workers if workers is None else workers
    return replace(config, workers=workers, ray=config.ray if ray is None else ray).check()
