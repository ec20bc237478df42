"""What decides a bench: its configuration, and the contest that all its runs share."""

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from latent_nas import plugins, sealed
from latent_nas.jobs.bench.contest import Contest
from latent_nas.jobs.bench.source import column_of, sources_of
from latent_nas.judge.fidelity import Fidelity, ladder
from latent_nas.judge.transfer import RELATED
from latent_nas.ranges import check_least
from latent_nas.spaces import open_space
from latent_nas.strategies.settings import configured
from latent_nas.tables import read
from latent_nas.tables.columns import columns
from latent_nas.tables.space import TableSpace

AGENT = "latent_rl.agent"


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
        fidelities: columns of shorter trainings, the cost of one in full trainings beside; ``trainings`` is then a
            budget of full-training equivalents. continued: whether these are the first epochs of the full training,
            which goes on from there and costs the rest alone. sources: tables of other tasks on the same space, FILE or
            FILE=COLUMN where the objective has another column there. related: whether the user says that the tasks are
            alike.
        ray: address of a cluster that carries the runs out, all of whose nodes can read the table, "local", or "".
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
    ray: str = ""
    fidelities: tuple[tuple[str, float], ...] = ()
    continued: bool = False
    sources: tuple[str, ...] = ()
    related: bool = False

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
            if self.fidelities and not plugins.load("strategies", name).judged:
                raise ValueError(
                    f"strategy {name!r} asks no judge, who weighs short trainings against full ones; --fidelity goes"
                    " with latent_rl, argmax and incumbent"
                )
        ladder([Fidelity(*each) for each in self.fidelities])
        if self.objective in dict(self.fidelities):
            raise ValueError(
                f"--fidelity {self.objective} is the objective itself; name the column of a shorter training"
            )
        unjudged = [name for name in self.strategies if not plugins.load("strategies", name).judged]
        if self.sources and len(unjudged) == len(self.strategies):
            raise ValueError(
                f"strategy {unjudged[0]!r} asks no judge, who weighs what other tasks say; --warm-start goes with"
                " latent_rl, argmax and incumbent"
            )
        if self.continued and not self.fidelities:
            raise ValueError("--continued says that --fidelity is the first epochs of a full training; name one")
        if self.related and not self.sources:
            raise ValueError("--related says that the tasks of --warm-start are alike, and there is none; name one")
        if self.ray:
            plugins.load("crews", "ray").check(self.ray)
        return self

    def _named(self) -> set[str]:
        return {text.partition("=")[0].strip() for text in self.settings}

    def _code(self) -> dict[str, str]:
        """Return the hashes of the user's own files among strategies and space, by the names that these go by."""
        parts = [("strategies", name) for name in self.strategies] + [("spaces", self.space)] * bool(self.space)
        texts = {file.path: file.sha256 for file in plugins.packed().files}
        homes = {name: sys.modules.get(plugins.load(kind, name).__module__) for kind, name in parts}
        paths = {name: str(getattr(home, "__file__", "")) for name, home in homes.items()}
        return {name: texts[path] for name, path in paths.items() if path in texts}

    def decisive(self) -> dict[str, Any]:
        """Return what decides the result, as plain values: tables by their content, wherever they lie.

        Raises:
            ValueError: a table that can't be read.
        """
        decides = asdict(self)
        del decides["workers"], decides["ray"], decides["table"]
        for later in (
            "settings",
            "fidelities",
            "continued",
            "sources",
            "related",
        ):  # files from before there were any can be continued
            if not decides[later]:
                del decides[later]
        if AGENT not in self._named() and "latent_rl" in self.strategies:
            decides["agent"] = plugins.load("strategies", "latent_rl").agent  # its default has changed once
        if self.sources:
            told = [column_of(text, self.objective) for text in self.sources]
            decides["sources"] = [{"sha256": sealed.of_file(path), "column": column} for path, column in told]
        if code := self._code():
            decides["code"] = code
        decides["table_sha256"] = sealed.of_file(Path(self.table))
        plain: dict[str, Any] = json.loads(json.dumps(decides))
        return plain


def parse_limits(settings: list[str]) -> tuple[tuple[str, float], ...]:
    """Return the limits of ``["cost.macs_m=50"]``.

    Raises:
        ValueError: one that is not NAME=NUMBER, or a name twice.
    """
    return _numbers("--max", "cost.macs_m=50", settings)


def parse_fidelities(settings: list[str]) -> tuple[tuple[str, float], ...]:
    """Return the fidelities of ``["metric.valid_accuracy_12_epochs=0.06"]``, each a column and its cost.

    Raises:
        ValueError: one that is not COLUMN=COST, or a column twice.
    """
    return _numbers("--fidelity", "metric.valid_accuracy_12_epochs=0.06", settings)


def _numbers(option: str, example: str, settings: list[str]) -> tuple[tuple[str, float], ...]:
    found: dict[str, float] = {}
    for setting in settings:
        name, _, text = setting.partition("=")
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not name or not np.isfinite(value):
            raise ValueError(f"{option} wants a column and a number, as in {example}; got {setting!r}")
        if name in found:
            raise ValueError(f"{option} names {name} twice")
        found[name] = value
    return tuple(found.items())


def open_contest(config: BenchConfig) -> Contest:
    """Return what a configuration's runs share.

    Raises:
        ValueError: a wrong table, space or column.
    """
    known = open_space(config.space, *plugins.load("spaces", config.space).published) if config.space else None
    limits = dict(config.limits)
    inputs = _inputs(config)
    also = tuple(column for column in (config.report, *inputs, *dict(config.fidelities)) if column)
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
        tuple(Fidelity(*each) for each in config.fidelities),
        config.continued,
        sources_of(space, Path(config.table), config.sources, config.objective, config.minimise),
        RELATED if config.related else 0,
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
