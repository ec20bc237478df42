"""What decides a search: its configuration, and what goes without saying in a new one."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from latent_nas import plugins, sealed, shipped
from latent_nas.firmware.naming import checked_prefix
from latent_nas.jobs.ranks import FINALS
from latent_nas.jobs.search import presets
from latent_nas.jobs.where import trained_on
from latent_nas.judge.accuracy import FULL as SURROGATE
from latent_nas.limits import Limits
from latent_nas.nearest import meant
from latent_nas.operators._weights import check_bits
from latent_nas.ranges import check_least
from latent_nas.records import FULL, SEARCH
from latent_nas.runs.checked import checked
from latent_nas.spaces import narrows
from latent_nas.strategies import full_strategy
from latent_nas.strategies.settings import configured, settings
from latent_nas.target import MAIN_LIMITS, MAIN_TARGET, Target
from latent_nas.tasks import open_task
from latent_nas.tasks._changes import told
from latent_nas.tasks._names import fronts_of, full_name
from latent_nas.training import aware

EARLIER = {"agent": "ppo"}  # settings whose default has changed since, and what it was


@dataclass(frozen=True)
class SearchConfig:
    """Everything that decides a search's result, and how many processes it uses.

    Attributes:
        trainings: true trainings to spend. batch: of a round. limits: hard, the device's own apply as well.
        wall_s: no new round after so many seconds. workers: processes; 0 is one per core.
        top: networks trained in full at the end, with ``final_seeds`` seeds. finals: one of ``ranks.FINALS``, the best
            networks, or those along the front of quality and size. codec: folder, or "" for the shipped one.
        warm_start: tables of records to begin with, by their files or as ``shipped.table`` has them; those of other
            tasks on the same space are sources, see ``judge.transfer``. related: whether these tasks are alike, so that
            their best networks go first.
        front_end_apart: whether limits count the network alone, without the front end of audio, as runs of before 0.2
            did; ``new_config`` counts both.
        warm_sha256: of these tables as they were when the search began, in their order; () where it is not known.
        settings: of the strategy, as in "reinforce.entropy=0.01".
        measure: the evaluator: "training", "emulate" to run every trained network on the emulated device as well, or
            "analog". ray: address of a cluster that trains, "local", or "".
        asynchronous: whether a free worker goes on without waiting for the others; then results depend on timing.
        data: hash of the task's data where it may change. halving: short trainings for one of full length, which the
            best gets; 0 is none. fidelities: short trainings as "epochs=SHARE" of a full one, from which promoted
            networks go on; ``trainings`` then are full-training equivalents.
        objective: what of a training is maximised. prefix: of the names in C that firmware of the run has, "" for the
            usual one. front_found: what ``front=auto`` took and by what figures, a line. surrogate: the full one of
            accuracy. plugins: further files of the user's own, whose plugins are found by name.
        search_recipe, final_recipe: what its trainings and the task's full ones follow as "optimiser=muon", () in runs
            of before that was kept.
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
    warm_start: tuple[str, ...] = ()
    related: bool = False
    front_end_apart: bool = True
    settings: tuple[str, ...] = ()
    measure: str = "training"
    ray: str = ""
    asynchronous: bool = False
    data: str = ""
    halving: int = 0
    fidelities: tuple[str, ...] = ()
    objective: str = "metric"
    surrogate: str = SURROGATE
    plugins: tuple[str, ...] = ()
    warm_sha256: tuple[str, ...] = ()
    prefix: str = ""
    finals: str = "best"
    front_found: str = ""
    search_recipe: tuple[str, ...] = ()
    final_recipe: tuple[str, ...] = ()

    def check(self) -> "SearchConfig":
        """Return itself, or raise ValueError that names the first setting out of range or unknown."""
        for file in self.plugins:
            plugins.bring(file)
        check_least(1, trainings=self.trainings, batch=self.batch, final_seeds=self.final_seeds)
        check_least(0, workers=self.workers, seed=self.seed, top=self.top, halving=self.halving)
        if self.wall_s is not None and not (math.isfinite(self.wall_s) and self.wall_s > 0):
            raise ValueError(f"the time budget is a positive number of seconds, got {self.wall_s}")
        aware.check(self.target.qat)
        check_bits("a search", self.target.weight_bits)
        check_least(0, child_epochs=self.target.search_epochs)
        if self.halving == 1:
            raise ValueError(f"halving is 0 (none) or at least 2, got {self.halving}")
        if self.halving and self.asynchronous:
            raise ValueError("--halving promotes the best of a round, which --async has none of; leave one out")
        if (self.fidelities or self.halving) and narrows(self.target.space):
            raise ValueError(
                f"short trainings of space {self.target.space!r} say little, as only fine-tuning shows what 4 bits"
                f" lose; leave {'--fidelity' if self.fidelities else '--halving'} out"
            )
        if self.fidelities:
            self._check_fidelities()
        if self.related and not self.warm_start:
            raise ValueError("--related says that the tasks of --warm-start are alike, and there is none; name one")
        if self.related and self.asynchronous:
            raise ValueError("--related picks the first round, which --async has none of; leave one out")
        if self.finals not in FINALS:
            raise ValueError(f"finals {self.finals!r}; there are: {', '.join(FINALS)}{meant(self.finals, FINALS)}")
        if self.prefix:
            checked_prefix(self.prefix)
        configured(self.strategy, self.settings)
        plugins.load("objectives", self.objective)
        plugins.load("surrogates", self.surrogate)
        if not plugins.load("evaluators", self.measure).trains:
            raise ValueError(f"evaluator {self.measure!r} trains nothing; a search wants training, emulate or analog")
        return self

    def _check_fidelities(self) -> None:
        """Raise ValueError where short trainings can't be weighed, or can't be left and gone on with."""
        for asked, option in ((self.halving, "--halving"), (self.asynchronous, "--async")):
            if asked:
                raise ValueError(f"--fidelity plans rounds of its own, which {option} does otherwise; leave one out")
        if not configured(self.strategy, self.settings).judged:
            raise ValueError(
                f"strategy {self.strategy!r} asks no judge, who weighs short trainings against full ones; --fidelity"
                " goes with latent_rl, argmax and incumbent"
            )
        if not plugins.load("evaluators", self.measure).pauses:
            raise ValueError(f"--measure {self.measure} can't leave a training and go on; leave --fidelity away")
        if self.ray not in ("", "local"):
            raise ValueError(
                "--fidelity leaves trainings on this machine, which a Ray cluster can't read; leave one out"
            )

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
            limits = Limits.from_json(data["limits"])
            for name in (*data["target"].values(), *data.get("plugins", ()), *data.values()):
                if isinstance(name, str):
                    plugins.vouched(name, "the run")
            if isinstance(before := data.get("warm_start"), str):  # one path, up to 0.3
                data = {**data, "warm_start": [before] if before else []}
            plain = checked(SearchConfig, {**data, "limits": {}}, "config.json")  # every type
            if unknown := sorted(set(data) - {field.name for field in fields(SearchConfig)}):
                raise TypeError(f"it has {', '.join(unknown)}")
            return as_begun(replace(plain, limits=limits), data).check()
        except (KeyError, TypeError) as error:
            raise ValueError(f"the run's config.json is not one of this version: {error}") from None


def as_begun(read: SearchConfig, saved: Mapping[str, Any]) -> SearchConfig:
    """Return the configuration of a config.json, with defaults that have changed since its run began as settings.

    Args:
        read: of ``saved`` by today's defaults. saved: as it lies there; without "related" it is from before the Q agent
            was the default.
    """
    if "related" in saved:
        return read
    for file in read.plugins:
        plugins.bring(file)
    kind = plugins.load("strategies", read.strategy)
    named = {text.partition("=")[0].strip().rpartition(".")[2] for text in read.settings}
    begun = {name: value for name, value in EARLIER.items() if name in settings(kind) and name not in named}
    return replace(read, settings=(*read.settings, *(f"{kind.name}.{n}={value}" for n, value in begun.items())))


def new_config(
    target: Target,
    preset: str = "",
    trainings: int | None = None,
    child_epochs: int | None = None,
    limits: Limits | None = None,
    **others: Any,
) -> SearchConfig:
    """Return the configuration of a new search, pinned.

    Args:
        target: its runtime may be "", which is ``MAIN_TARGET``'s, and its space "", which is the task's.
        trainings, child_epochs: None is what the preset says. limits: None is what goes with objective and task.
        others: attributes of ``SearchConfig``.

    Raises:
        ValueError: a wrong name or number of epochs.
    """
    for file in others.get("plugins", ()):  # the data may want a reader among them
        plugins.bring(file)
    chosen = presets.load(preset)
    if child_epochs is not None:
        check_least(1, child_epochs=child_epochs)
    runtime = target.runtime or MAIN_TARGET.runtime
    where = trained_on(target.accelerator, others.get("measure", SearchConfig.measure), others.get("ray", ""))
    epochs = chosen.child_epochs if child_epochs is None else child_epochs
    fronts = fronts_of(target.task)
    plain = next(iter(fronts.values()), target.task)
    target = target if target.space else replace(target, space=open_task(plain).space)
    if limits is None:
        limits = default_limits(plain, others.get("objective", SearchConfig.objective))
    config = SearchConfig(
        replace(target, runtime=runtime, search_epochs=epochs, accelerator=where),
        trainings=chosen.trainings if trainings is None else trainings,
        limits=limits,
        **{"front_end_apart": False, **others},
    )
    if fronts:
        from latent_nas.jobs.search import front

        config = front.chosen(config.check(), fronts)
    return pinned(config)


def pinned(config: SearchConfig) -> SearchConfig:
    """Return the configuration with names in full, and the hashes of its data and of the tables it begins with.

    Raises:
        ValueError: a wrong name, or a table that can't be read.
    """
    where = config.target
    device, runtime = plugins.called("devices", where.device), plugins.called("runtimes", where.runtime)
    task, space = full_name(where.task), plugins.called("spaces", where.space)
    target = replace(where, space=space, task=task, device=device, runtime=runtime)
    strategy, objective = full_strategy(config.strategy), plugins.called("objectives", config.objective)
    surrogate = plugins.called("surrogates", config.surrogate)
    measure, own = plugins.called("evaluators", config.measure), tuple(map(plugins.located, config.plugins))
    named = replace(config, strategy=strategy, objective=objective, surrogate=surrogate, plugins=own, measure=measure)
    opened = open_task(target.task)
    tables = tuple(sealed.of_file(shipped.table(name)) for name in named.warm_start)
    named = replace(named, target=target, data=opened.fingerprint, warm_sha256=tables)
    return replace(named, search_recipe=told(target.recipe(opened, SEARCH)), final_recipe=told(opened.recipe(FULL)))


def default_limits(task: str, objective: str) -> Limits:
    """Return what a search keeps to that is told no limits: those of an objective that weighs costs, or of the task.

    Raises:
        ValueError: no such task or objective.
    """
    own: Limits = plugins.load("objectives", objective).own
    return open_task(task).limits if own == Limits() else own
