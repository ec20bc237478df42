"""Strategies compared on a table of trained networks: every strategy, every seed, the same number of trainings."""

import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from latent_nas import artifacts, plugins
from latent_nas.crews.local import start_worker
from latent_nas.jobs.bench.contest import Contest, trained_codec
from latent_nas.ranges import check_least
from latent_nas.spaces import open_space
from latent_nas.strategies.settings import configured
from latent_nas.tables import read
from latent_nas.tables.columns import columns
from latent_nas.tables.space import TableSpace

Say = Callable[[str], None]
Done = Callable[[str, int, int], None]
MARKS = (10, 25, 50, 100, 150, 192, 300, 500, 1000)  # trainings at which the summary looks


@dataclass(frozen=True)
class BenchConfig:
    """Everything that decides the runs, and how many processes they use.

    Attributes:
        table: file. objective: column. strategies: names. trainings: of a run. seeds: runs of a strategy, 0, 1, ...
        space: whose graphs and features the genes have, or "". report: column read of what was found, or "".
        minimise: whether less of the objective is better. limits: column -> the most it may be. batch: of a round;
            0 is each strategy's own. stop: whether a run ends when it has found the optimum.
        front: column of a cost to trade the objective against, or "". inputs: columns that surrogates may see of
            every network, since no training is behind them; "proxy." stands for all that begin so.
        workers: processes; 0 is one per core. settings: of the strategies, as in "reinforce.entropy=0.01".
    """

    table: str
    objective: str
    strategies: tuple[str, ...]
    trainings: int = 150
    seeds: int = 20
    space: str = ""
    report: str = ""
    minimise: bool = False
    limits: tuple[tuple[str, float], ...] = ()
    batch: int = 0
    stop: bool = False
    front: str = ""
    inputs: tuple[str, ...] = ()
    workers: int = 0
    settings: tuple[str, ...] = ()

    def check(self) -> "BenchConfig":
        """Return itself, or raise ValueError that names the first setting that is unknown or out of range."""
        check_least(1, trainings=self.trainings, seeds=self.seeds)
        check_least(0, batch=self.batch, workers=self.workers)
        if not self.strategies or len(set(self.strategies)) < len(self.strategies):
            raise ValueError(
                f"strategies are names, each once, as in random,evolution; got {','.join(self.strategies)}"
            )
        for name in self.strategies:
            configured(name, self.settings, self.strategies)
        return self

    def decisive(self) -> dict[str, Any]:
        """Return what decides the result, as plain values."""
        found = asdict(self)
        del found["workers"], found["table"]
        if not self.settings:  # so that files from before there were any can be continued
            del found["settings"]
        digest = sha256()
        with open(self.table, "rb") as file:
            while part := file.read(1 << 20):
                digest.update(part)
        plain: dict[str, Any] = json.loads(json.dumps({**found, "table_sha256": digest.hexdigest()}))
        return plain


def parse_limits(settings: list[str]) -> tuple[tuple[str, float], ...]:
    """Return the limits of ``["cost.macs_m=50"]``.

    Raises:
        ValueError: one that is not NAME=NUMBER, or a name twice.
    """
    found: dict[str, float] = {}
    for setting in settings:
        name, _, text = setting.partition("=")
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not name or not np.isfinite(value):
            raise ValueError(f"--max wants a column and a number, as in cost.macs_m=50; got {setting!r}")
        if name in found:
            raise ValueError(f"--max names {name} twice")
        found[name] = value
    return tuple(found.items())


def bench(config: BenchConfig, out: Path, say: Say, done: Done) -> dict[str, Any]:
    """Carry out the runs that ``out`` does not hold yet, keep each as it ends, and return what the file then holds.

    Raises:
        ValueError: wrong settings or a wrong table, before anything is written; or ``out`` is of another bench.
    """
    match = open_contest(config.check())
    decisive = config.decisive()
    result: dict[str, Any] = {"config": decisive, "table": match.summary(), "runs": []}
    if out.exists():
        result["runs"] = _held(out, decisive)
    artifacts.writable(out)
    jobs = [(s, seed) for s in config.strategies for seed in range(config.seeds)]
    held = {(r["strategy"], r["seed"]) for r in result["runs"]}
    missing = [job for job in jobs if job not in held]
    if held and missing:
        say(f"{out} holds {len(held)} of {len(jobs)} runs; going on")
    done("runs", len(jobs) - len(missing), len(jobs))
    codec = Path()
    if any(plugins.load("strategies", strategy).judged for strategy, _ in missing):
        codec = trained_codec(match, out, say)
    for run in _runs(config, match, codec, missing):
        result["runs"].append(run)
        result["runs"].sort(key=lambda r: (config.strategies.index(r["strategy"]), r["seed"]))
        artifacts.write(out, json.dumps(result) + "\n")
        done("runs", len(jobs) - len(missing) + 1, len(jobs))
        missing = missing[1:]
    return result


def open_contest(config: BenchConfig) -> Contest:
    """Return what a configuration's runs share.

    Raises:
        ValueError: a wrong table, space or column.
    """
    known = open_space(config.space, *plugins.load("spaces", config.space).published) if config.space else None
    limits = dict(config.limits)
    inputs = _inputs(config)
    also = tuple(column for column in (config.report, *inputs) if column)
    needed = (*limits, *([config.front] if config.front else []))
    table = read(Path(config.table), config.objective, also, needed)
    space = TableSpace(table, known, inputs)
    return Contest(
        space,
        config.objective,
        config.report,
        config.minimise,
        limits,
        config.trainings,
        config.batch,
        config.stop,
        config.front,
        config.settings,
    )


def _inputs(config: BenchConfig) -> tuple[str, ...]:
    """Return the columns that ``inputs`` names.

    Raises:
        ValueError: there are none such, or one is a metric or the objective.
    """
    there = columns(Path(config.table)) if config.inputs else []
    found: list[str] = []
    for name in config.inputs:
        named = [c for c in there if c == name or (name.endswith(".") and c.startswith(name))]
        if not named:
            raise ValueError(f"{config.table} has no column {name!r}; there are: {', '.join(there)}")
        found += [c for c in named if c not in found]
    for name in found:
        if not name.startswith(("proxy.", "cost.")) or name == config.objective:
            raise ValueError(f"an input is known before any training, as proxy.NAME or cost.NAME are; got {name!r}")
    return tuple(found)


def _held(out: Path, decisive: dict[str, Any]) -> list[dict[str, Any]]:
    try:
        found = json.loads(out.read_text(encoding="utf-8"))
        before, runs = dict(found["config"]), list(found["runs"])
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, ValueError, OSError):
        raise ValueError(f"{out} is there and is no file of a bench; choose another --out") from None
    other = sorted(k for k in {*before, *decisive} if before.get(k) != decisive.get(k))
    if other:
        raise ValueError(
            f"{out} is of a bench with other {', '.join(other)}; repeat its arguments or choose another --out"
        )
    return runs


def _runs(config: BenchConfig, match: Contest, codec: Path, jobs: list[tuple[str, int]]) -> Iterator[dict[str, Any]]:
    """Yield the runs in the order in which they end."""
    workers = min(config.workers or os.cpu_count() or 1, len(jobs))
    if workers <= 1:
        for strategy, seed in jobs:
            yield match.run(strategy, seed, codec)
        return
    with _one_thread_each():
        pool = ProcessPoolExecutor(workers, get_context("spawn"), initializer=_start, initargs=(config,))
        done = 0
        try:
            for future in as_completed([pool.submit(_run, *job, codec) for job in jobs]):
                done += 1
                yield future.result()
        finally:
            pool.shutdown(wait=done == len(jobs), cancel_futures=True)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["OMP_NUM_THREADS"]
        else:
            os.environ["OMP_NUM_THREADS"] = before


_OPEN: list[Contest] = []  # of a worker process


def _start(config: BenchConfig) -> None:
    start_worker(any(plugins.load("strategies", name).judged for name in config.strategies))
    _OPEN.append(open_contest(config))


def _run(strategy: str, seed: int, codec: Path) -> dict[str, Any]:
    return _OPEN[0].run(strategy, seed, codec)


def summary(result: dict[str, Any]) -> str:
    """Return the runs as a table for a person, a line per strategy."""
    trainings = max(len(r["incumbents"]) for r in result["runs"])
    marks = sorted({*(m for m in MARKS if m < trainings), trainings})[-5:]
    table = result["table"]
    reached = f"optimum {table['optimum']:g} of {table['networks']} networks in {table['rows']} rows"
    head = f"{'strategy':<18}{'median to optimum':>18}{'reached':>9}" + "".join(f"{f'at {m}':>11}" for m in marks)
    lines = [reached, head]
    for name in result["config"]["strategies"]:
        runs = [r for r in result["runs"] if r["strategy"] == name]
        to = [r["trainings_to_optimum"] or np.inf for r in runs]
        median = float(np.median(to))
        means = [np.mean([r["incumbents"][min(m, len(r["incumbents"])) - 1] for r in runs]) for m in marks]
        lines.append(
            f"{name:<18}{f'{median:g}' if np.isfinite(median) else '-':>18}{np.isfinite(to).mean():>9.0%}"
            + "".join(f"{mean:>11.5g}" for mean in means)
        )
    return "\n".join(lines)
