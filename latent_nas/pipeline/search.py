"""The main job: search, recalibrate, train the best in full, prove that they fit."""

import math
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from latent_nas import plugins, report
from latent_nas.codec import Codec
from latent_nas.evaluators import Evaluator, Target
from latent_nas.limits import Limits
from latent_nas.pipeline import dataset, models
from latent_nas.pipeline.board import Board
from latent_nas.pipeline.final import finalise
from latent_nas.pipeline.folder import RunFolder
from latent_nas.pipeline.reach import check_reachable
from latent_nas.pipeline.setup import MAIN_LIMITS, MAIN_TARGET, Setup
from latent_nas.records import Record, versions
from latent_nas.scorer import Scorer
from latent_nas.strategies import Problem, Strategy
from latent_nas.study import Budget, Study, ranked

Say = Callable[[str], None]
Done = Callable[[str, int, int], None]


@dataclass(frozen=True)
class SearchConfig:
    """Everything that decides a search's result, and how many processes it uses.

    Attributes:
        trainings: true trainings to spend. batch: of a round. limits: hard, the device's own apply as well.
        wall_s: no new round after so many seconds. workers: processes; 0 is one per core.
        top: networks trained in full at the end, with ``final_seeds`` seeds. codec: folder, or "" for the shipped one.
        warm_start: a table of records to begin with, or "" for none.
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
        plugins.load("strategies", self.strategy)
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
            parts = {"target": Target(**data["target"]), "limits": Limits.from_json(data["limits"])}
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
    before = store.note("wall_s") or 0.0
    evaluator: Evaluator = plugins.load("evaluators", "training")(config.target, config.workers or os.cpu_count() or 1)
    try:
        study = assemble(config, setup, limits, folder, evaluator, tell, lambda a, b: done("trainings", a, b))
        tell(f"searching {config.target.space} for {config.target.task} on {config.target.device}: {_text(limits)}")
        study.after_round = lambda: show(folder, setup, study, tell, board)
        found = study.run()
        show(folder, setup, study, tell)  # a run that was killed between its last round and this has no tables of it
        best = ranked(found)[: config.top]
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
    limits = config.limits.tighten(setup.device.limits)
    if config.codec:
        Codec.load(Path(config.codec), setup.space)
    if config.warm_start:
        _table(config)
    check_reachable(setup, limits)
    return setup, limits


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
    kind: type[Strategy] = plugins.load("strategies", config.strategy)
    prior: list[Record] = _warm(config, setup) if config.warm_start else []
    codec = scorer = None
    if kind.judged:
        named = Path(config.codec) if config.codec else None
        codec = models.codec(setup, named, folder.path / "codec", config.seed, say)
        scorer = Scorer(setup.space, limits, models.cost_surrogate(setup, config.seed, say), codec, config.seed)
    problem = Problem(setup.space, codec, limits, lambda genes: setup.fits(genes, limits))
    budget = Budget(config.trainings, config.batch, config.wall_s)
    strategy = kind(problem, config.seed)
    return Study(strategy, scorer, evaluator, folder.store(), limits, budget, config.seed, prior, say, done)


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


def override(config: SearchConfig, workers: int | None) -> SearchConfig:
    """Return a resumed run's configuration with another number of processes, which changes no result."""
    return config if workers is None else replace(config, workers=workers)
