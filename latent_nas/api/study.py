"""A search from Python."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latent_nas import crews, plugins
from latent_nas.api.given import plain, texts
from latent_nas.api.result import Result
from latent_nas.devices import Device
from latent_nas.evaluators import Evaluator
from latent_nas.jobs.search import begin, plan
from latent_nas.jobs.search import run as job
from latent_nas.jobs.search.board import Board
from latent_nas.jobs.search.board import check as check_board
from latent_nas.jobs.search.config import SearchConfig, new_config
from latent_nas.jobs.search.prepare import Prepared
from latent_nas.jobs.search.resume import FREE, with_begun
from latent_nas.jobs.search.watch import Watch
from latent_nas.limits import Limits, settings
from latent_nas.objectives import Objective
from latent_nas.records import Record
from latent_nas.runs import files
from latent_nas.runs.folder import RunFolder
from latent_nas.runtimes import Runtime
from latent_nas.spaces import Space
from latent_nas.strategies import Strategy
from latent_nas.surrogates import Surrogate
from latent_nas.target import MAIN_TARGET, Target
from latent_nas.tasks import Task

if TYPE_CHECKING:
    import pandas


NO_LIMITS = Limits()


def quiet(*_: Any) -> None:
    """Take what a job says or has done, and keep it."""


@dataclass(frozen=True)
class Study:
    """A search to run: a space, a task, a device with its runtime, limits and a strategy.

    Every part is a name, the path of a file of your own (.py, or .toml for device and runtime), a class or an object.

    Attributes:
        space: "" is the one that suits the task's input. task: also the path of your own data,
            e.g. "photos/?input=48x48x1". strategy, measure: a class, not an object.
        limits: e.g. {"flash_kb": 32, "ram_kb": 16, "latency_ms": 5}; None: those of the task. The device's own hold
            as well. seed: decides all randomness. workers: training processes, 0 is one per core; changes no result.
        verbose: whether events are printed. measure: "emulate" runs every trained network on the emulated device too.
        runtime: None is native, the kernels of ``deploy``. objective: what to maximise. surrogate: what predicts
            accuracy. plugins: files of further plugins, which are found by their names: operators, readers.
        preset: "fast", "default" or "thorough": how many trainings, and their epochs. child_epochs: of a training; None
            is what the preset says. settings: of the strategy, as in "reinforce.entropy=0.01". warm_start: tables of
            records to begin with, of this task or of others on its space, or "shipped:mcu_cnn-digits". related: whether
            those tasks are alike.
        codec: its folder, "" is the shipped one. halving: short trainings for one of full length, 0 is none.
        accelerator: where networks are trained: "auto", "cpu", "cuda" or "mps".
        qat: quantisation-aware training of final networks: "auto" (where int8 loses more than 0.3 points on
            validation), "always" or "never".
        weight_bits: of final networks, 8 or 4; limits and costs count them.
        recipe: what is otherwise in final trainings, as {"epochs": 80, "augmentation": "shift=2,cutout"}.
        fidelities: short trainings, as "epochs=0.5" or "data=1". front_end_apart: limits count the network without the
            front end of audio.
    """

    space: str | Path | Space | type[Space] = ""
    task: str | Path | Task | type[Task] = MAIN_TARGET.task
    device: str | Path | Device = MAIN_TARGET.device
    runtime: str | Path | Runtime | None = None
    strategy: str | Path | type[Strategy] = "latent_rl"
    limits: Mapping[str, float] | None = None
    seed: int = 0
    workers: int = 0
    verbose: bool = False
    measure: str | Path | type[Evaluator] = "training"
    objective: str | Path | Objective | type[Objective] = "metric"
    surrogate: str | Path | Surrogate | type[Surrogate] = "stack"
    plugins: Sequence[str | Path] = ()
    preset: str = ""
    child_epochs: int | None = None
    settings: Sequence[str] = ()
    warm_start: str | Path | Sequence[str | Path] = ()
    related: bool = False
    front_end_apart: bool = False
    codec: str | Path = ""
    halving: int = 0
    accelerator: str = "auto"
    qat: str = "auto"
    weight_bits: int = 8
    recipe: Mapping[str, Any] = field(default_factory=dict)
    fidelities: Sequence[str] = ()
    _places: list[Path] = field(default_factory=list, init=False, repr=False, compare=False)  # of its runs so far

    def run(
        self,
        trainings: int | None = None,
        batch: int = 4,
        top: int = 3,
        final_seeds: int = 3,
        finals: str = "best",
        prefix: str = "",
        limits: Mapping[str, float] | None = None,
        out: str | Path | None = None,
        ray: str = "",
        asynchronous: bool = False,
        wall_s: float | None = None,
        tensorboard: bool = False,
        on_training: Callable[[Record], Any] | None = None,
        on_round: Callable[[Sequence[Record]], Any] | None = None,
    ) -> Result:
        """Search, train the best in full, and return what was found; the run folder holds everything.

        Called again, it goes on in the same run folder: with more trainings, or after a stop; the same again is what
        was found.

        Args:
            trainings: true trainings to spend before the final ones, ``batch`` a round; None: 24, or the preset's.
            top: networks to train in full, with ``final_seeds`` seeds each. finals: "best", or "front" for the best and
                smaller ones along the front. prefix: of the names in C of the run's firmware, "" is "model".
            limits: from now on, those of them that are named; None: as before.
            out: run folder; default: that of the study's last run, else runs/<time>-<strategy>. One that holds the same
                search is continued.
            ray: train on a cluster, "host:port" of its head or "local" (extra ``ray``). asynchronous: let no worker
                wait for a slow one; results then depend on timing. wall_s: no new round after so many seconds.
            tensorboard: log for TensorBoard in the run folder (extra ``tensorboard``).
            on_training: is told every training as it ends. on_round: is told all trainings after every round. A true
                answer of either ends the search with that round; the final trainings follow.

        Raises:
            ValueError: a wrong name or setting, limits that nothing meets, no cluster at ``ray``, or ``out`` holds
                something else.
        """
        if crews.at_work():
            raise ValueError(
                "a worker process imports this script, which searches as it is imported; put the search under"
                ' if __name__ == "__main__":'
            )
        if tensorboard:
            check_board()
        config = self._config(
            trainings,
            batch=batch,
            top=top,
            final_seeds=final_seeds,
            finals=finals,
            prefix=prefix,
            ray=ray,
            asynchronous=asynchronous,
            wall_s=wall_s,
        )
        anew, watch = Limits.parse(settings(limits)), Watch(on_training, on_round)
        prepared, folder = self._folder(config, Path(out) if out else None, anew)
        self._places.append(folder.path)
        board = Board(folder.path / files.BOARD) if tensorboard else None
        job.search(prepared, folder, print if self.verbose else quiet, quiet, board, watch)
        return Result.open(folder.path)

    def plan(self, trainings: int | None = None, batch: int = 4, top: int = 3, final_seeds: int = 3) -> dict[str, Any]:
        """Return what ``run`` would do, how long it may take, and what share of networks fits; nothing is written.

        One network is trained for one epoch, to know the speed of this machine.

        Raises:
            ValueError: a wrong name or setting, or limits that nothing meets.
        """
        return plan.plan(self._config(trainings, batch=batch, top=top, final_seeds=final_seeds))

    def frame(self) -> "pandas.DataFrame":
        """Return every training of the last run in a row, see ``Result.frame``.

        Raises:
            ValueError: there was no run.
        """
        if not self._places:
            raise ValueError("this study has not run; study.run() does, and Result.open(FOLDER) opens an earlier run")
        return Result.open(self._places[-1]).frame()

    def _config(self, trainings: int | None, **more: Any) -> SearchConfig:
        given = settings(self.limits)
        parts = {kind: plugins.reference(kind, part) for kind, part in self._parts().items()}
        if lacking := next((name for name in ("tasks", "devices") if name not in parts), ""):
            raise ValueError(f"a Study wants a {lacking[:-1]}: a name, a path, a class or an object; got none")
        names = parts.get("spaces", ""), parts["tasks"], parts["devices"], parts.get("runtimes", "")
        if not isinstance(self.recipe, Mapping):
            raise ValueError(f"recipe is {self.recipe!r}; wanted a dict, as {{'epochs': 80}}")
        recipe = tuple(f"{name}={value}" for name, value in self.recipe.items())
        more = {name: plain(value) for name, value in more.items()}
        return new_config(
            Target(
                *names,
                accelerator=self.accelerator,
                qat=self.qat,
                full_recipe=recipe,
                weight_bits=plain(self.weight_bits),
            ),
            self.preset,
            plain(trainings),
            plain(self.child_epochs),
            Limits.parse(given) if self.limits is not None else None,
            strategy=parts["strategies"],
            workers=plain(self.workers),
            seed=plain(self.seed),
            codec=str(self.codec),
            warm_start=texts(self.warm_start),
            related=plain(self.related),
            front_end_apart=plain(self.front_end_apart),
            settings=texts(self.settings),
            measure=parts["evaluators"],
            halving=plain(self.halving),
            fidelities=texts(self.fidelities),
            objective=parts["objectives"],
            surrogate=parts["surrogates"],
            plugins=tuple(plugins.reference("plugins", str(file)) for file in self.plugins),
            **more,
        )

    def _parts(self) -> dict[str, object]:
        """Return the parts that are given, by their kinds."""
        parts = {
            "spaces": self.space,
            "tasks": self.task,
            "devices": self.device,
            "runtimes": self.runtime,
            "strategies": self.strategy,
            "evaluators": self.measure,
            "objectives": self.objective,
            "surrogates": self.surrogate,
        }
        return {kind: part for kind, part in parts.items() if part is not None and part != ""}

    def _folder(self, config: SearchConfig, place: Path | None, anew: Limits = NO_LIMITS) -> tuple[Prepared, RunFolder]:
        """Return the search and its run folder: that of the same search, which goes on, or a new one.

        Args:
            anew: limits in the place of those there were, or of the study's own.
        """
        for before in [place] if place else self._places[-1:]:
            if not (before / files.CONFIG).exists():
                continue
            asked = {name: getattr(config, name) for name in FREE}
            saved = RunFolder.open(before)[1]
            begun = SearchConfig.from_json(saved)
            if self.runtime is None:  # what went without saying is what did so when it began
                config = replace(config, target=replace(config.target, runtime=begun.target.runtime))
            if anew != NO_LIMITS or before in self._places:  # or limits that its last run was given
                config = replace(config, limits=begun.limits)
            if "front_end_apart" not in saved:
                config = replace(config, front_end_apart=begun.front_end_apart)
            hashes = config.warm_sha256 if begun.warm_sha256 else ()  # runs of before kept none
            same = replace(config, settings=with_begun(config.settings, begun), warm_sha256=hashes)
            kept = {name: getattr(begun.target, name) for name in ("kept_search", "kept_full")}
            same = replace(same, target=replace(same.target, **kept))  # ``resumed`` compares recipes
            same = replace(same, search_recipe=begun.search_recipe, final_recipe=begun.final_recipe)
            if replace(begun, **asked) == same:
                if isinstance(self.strategy, (str, Path)) and plugins.is_file(str(self.strategy)):
                    asked["strategy"] = str(self.strategy)  # as it is now, if it was mended
                return begin.resumed(before, **asked, limits=anew)
            if place:
                raise ValueError(f"{place} holds another search; choose another out, or ask for the same again")
        return begin.begin(replace(config, limits=config.limits.changed(anew)), place)
