"""The package from Python: ``from latent_nas import Study``. What the command line does, without it.

study = Study(task="digits", device="stm32f405", limits={"flash_kb": 32, "ram_kb": 16, "latency_ms": 5})
result = study.run(trainings=24)
print(result.best.measured_exported_int8["accuracy"], result.best.flash_bytes)
result.export("best.onnx")
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latent_nas import plugins
from latent_nas import report as page
from latent_nas.devices import Device
from latent_nas.evaluators import Evaluator
from latent_nas.jobs import deploy, export
from latent_nas.jobs.search import run as job
from latent_nas.jobs.search.config import SearchConfig, new_config
from latent_nas.jobs.search.prepare import Prepared
from latent_nas.jobs.search.resume import FREE
from latent_nas.jobs.summary import FITS, summary
from latent_nas.limits import Limits
from latent_nas.objectives import Objective
from latent_nas.records import Record, front
from latent_nas.runs import files
from latent_nas.runs.folder import RunFolder
from latent_nas.runs.schema import FinalNetwork, read_result
from latent_nas.runtimes import Runtime
from latent_nas.spaces import Space
from latent_nas.strategies import Strategy
from latent_nas.surrogates import Surrogate
from latent_nas.target import MAIN_TARGET, Target
from latent_nas.tasks import Task

if TYPE_CHECKING:
    import pandas


def _quiet(*_: Any) -> None:
    """Take what a job says or has done, and keep it."""


@dataclass(frozen=True, repr=False)
class Network:
    """A final network: trained in full with several seeds, measured on the test part.

    Attributes:
        genes: its place in the space. architecture: the same for people. folder: of the int8 network,
            ``networks/<rank>`` of its run.
        measured_exported_int8: the task's metrics by name, of the network in ``folder`` itself, its first one with what
            the test samples tell of it, ``measured_exported_interval`` (95 %).
        measured_int8, measured_float, measured_beside: the task's metrics by name, means over ``seeds`` seeds;
            ``measured_int8_std``: their spread. Empty where all trainings failed.
        flash_bytes, ram_bytes, latency_ms: computed. fits: whether it keeps all limits.
        details: everything that ``result.json`` says of it.
    """

    genes: tuple[int, ...]
    architecture: Any
    measured_exported_int8: Mapping[str, float]
    measured_exported_interval: tuple[float, ...]
    measured_int8: Mapping[str, float]
    measured_int8_std: Mapping[str, float]
    measured_float: Mapping[str, float]
    measured_beside: Mapping[str, float]
    seeds: int
    flash_bytes: int
    ram_bytes: int
    latency_ms: float
    fits: bool | None
    folder: Path
    details: dict[str, Any]

    @staticmethod
    def of(final: FinalNetwork, folder: Path) -> "Network":
        """Return a network of ``result.json``."""
        taken = {f.name: getattr(final, f.name) for f in fields(Network) if hasattr(final, f.name)}
        return Network(**{**taken, "ram_bytes": final.arena[1]}, folder=folder, details=asdict(final))

    def __repr__(self) -> str:
        measured = ", ".join(f"{name} {value:.4f}" for name, value in self.measured_exported_int8.items())
        return (
            f"Network(int8 {measured or 'not measured'}; flash {self.flash_bytes / 1024:.1f} KB,"
            f" RAM {self.ram_bytes / 1024:.1f} KB, {self.latency_ms:.2f} ms computed; {FITS[self.fits]}; {self.folder})"
        )

    def export(self, file: str | Path) -> Path:
        """Write the int8 network as what the file ends in, .onnx (QDQ) or .tflite, and return the file.

        Raises:
            ValueError: no int8 network there, the file is there already, or the extra of that name is not installed.
        """
        export.export(self.folder, Path(file), None)
        return Path(file)

    def deploy(self, out: str | Path, device: str = "", emulate: bool = False, inputs: int = 10) -> dict[str, Any]:
        """Write the C project, compile it, run it on the emulated device if wanted, and return the report.

        Needs the extra ``mcu``. ``device``: "" is that of the run. ``inputs``: of the validation part, to run there.
        The run keeps the figures, and its report shows them once ``Result.report`` has written it anew.

        Raises:
            ValueError: no compiler or emulator, or it does not fit.
            latent_nas.firmware.Fault: the firmware did what the device can't.
        """
        how = deploy.Build(emulator="unicorn" if emulate else "")
        run, rank = self.folder.parent.parent, int(self.folder.name)
        return deploy.deploy(run, device, Path(out), how, inputs, rank, _quiet)


@dataclass(frozen=True, repr=False)
class Result:
    """What a finished search found; shown, it is the table that ends a search.

    Attributes:
        folder: of the run. networks: the final ones, the best on the validation part first. records: every training of
            the search. details: what ``result.json`` says.
    """

    folder: Path
    networks: tuple[Network, ...]
    records: tuple[Record, ...]
    details: dict[str, Any]

    @staticmethod
    def open(folder: str | Path) -> "Result":
        """Return the result of a run folder.

        Raises:
            ValueError: it is none, or not finished.
        """
        run, _ = RunFolder.open(Path(folder))
        file = run.path / files.RESULT
        try:
            found = read_result(json.loads(file.read_text(encoding="utf-8")), str(file))
        except (OSError, json.JSONDecodeError):
            raise ValueError(
                f"{folder} is not finished: it has no result.json; latent-nas search --resume {folder}"
            ) from None
        networks = (Network.of(final, files.network(run.path, i)) for i, final in enumerate(found.networks, 1))
        store = run.store()
        records = tuple(r for r in store.records() if r.fidelity == "search")
        store.close()
        return Result(run.path, tuple(networks), records, found.to_json())

    def __repr__(self) -> str:
        details = json.loads(json.dumps(self.details))  # as a file would hold it, without tuples
        return summary(read_result(details, str(self.folder)), self.folder)

    def _repr_html_(self) -> str:
        """Return the final networks as a table, as notebooks show it."""
        metrics = list(dict.fromkeys(name for n in self.networks for name in n.measured_exported_int8))
        head = ["", *(f"int8 {name}" for name in metrics), "flash, KB", "RAM, KB", "ms, computed", "limits"]
        rows = [
            [
                str(rank),
                *(f"{n.measured_exported_int8.get(name, float('nan')):.4f}" for name in metrics),
                f"{n.flash_bytes / 1024:.1f}",
                f"{n.ram_bytes / 1024:.1f}",
                f"{n.latency_ms:.2f}",
                FITS[n.fits],
            ]
            for rank, n in enumerate(self.networks, 1)
        ]
        lines = ["".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows]
        titles = "".join(f"<th>{escape(name)}</th>" for name in head)
        table = "".join(f"<tr>{line}</tr>" for line in (titles, *lines))
        return f"<table>{table}</table><p>{len(self.records)} trainings in {escape(str(self.folder))}</p>"

    def frame(self) -> "pandas.DataFrame":
        """Return every training of the search in a row, as ``history.csv`` has it: metrics, costs, status, genes."""
        import pandas

        return pandas.read_csv(self.folder / files.HISTORY)

    @property
    def best(self) -> Network:
        """The first of the final networks.

        Raises:
            ValueError: there is none: all trainings failed, or ``top`` was 0.
        """
        if not self.networks:
            raise ValueError("there is no final network; were trainings failing, or was top=0?")
        return self.networks[0]

    @property
    def front(self) -> tuple[Record, ...]:
        """The trainings that no other beats in the measured objective, flash, RAM and latency all at once."""
        return tuple(front(list(self.records)))

    def export(self, file: str | Path) -> Path:
        """Write the best network as ONNX or TFLite, see ``Network.export``."""
        return self.best.export(file)

    def report(self, file: str | Path | None = None) -> Path:
        """Write the run's HTML report anew, by default ``report.html`` in its folder, and return the file."""
        return page.write(self.folder, None if file is None else Path(file))


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
        runtime: None is the one that goes with ``measure``. objective: what to maximise. surrogate: what predicts
            accuracy. plugins: files of further plugins, which are found by their names: operators, readers.
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

    def run(
        self,
        trainings: int = 24,
        batch: int = 4,
        top: int = 3,
        final_seeds: int = 3,
        out: str | Path | None = None,
        ray: str = "",
        asynchronous: bool = False,
    ) -> Result:
        """Search, train the best in full, and return what was found; the run folder holds everything.

        Args:
            trainings: true trainings to spend before the final ones, ``batch`` a round. top: networks to train in full,
                with ``final_seeds`` seeds each. out: run folder; default: runs/<time>-<strategy>. A folder of the same
                search that was stopped is continued, with more trainings where they are asked for. ray: train on a
                cluster, "host:port" of its head or "local" (extra ``ray``). asynchronous: let no worker wait for a slow
                one; results then depend on timing.

        Raises:
            ValueError: a wrong name or setting, limits that nothing meets, no cluster at ``ray``, or ``out`` holds
                something else.
        """
        given = [f"{name}={value}" for name, value in (self.limits or {}).items()]
        parts = {kind: plugins.reference(kind, part) for kind, part in self._parts().items()}
        config = new_config(
            Target(parts.get("spaces", ""), parts["tasks"], parts["devices"], parts.get("runtimes", "")),
            trainings=trainings,
            limits=Limits.parse(given) if self.limits is not None else None,
            strategy=parts["strategies"],
            batch=batch,
            workers=self.workers,
            seed=self.seed,
            top=top,
            final_seeds=final_seeds,
            measure=parts["evaluators"],
            objective=parts["objectives"],
            surrogate=parts["surrogates"],
            plugins=tuple(plugins.reference("plugins", str(file)) for file in self.plugins),
            ray=ray,
            asynchronous=asynchronous,
        )
        prepared, folder = self._folder(config, Path(out) if out else None)
        job.search(prepared, folder, print if self.verbose else _quiet, _quiet)
        return Result.open(folder.path)

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

    def _folder(self, config: SearchConfig, place: Path | None) -> tuple[Prepared, RunFolder]:
        """Return the search and its run folder, a new one or that of the same search."""
        if place is None or not (place / files.CONFIG).exists():
            return job.begin(config, place)
        prepared, folder = job.resumed(place, **{name: getattr(config, name) for name in FREE if name != "wall_s"})
        if prepared.config != config:
            raise ValueError(f"{place} holds another search; choose another out, or ask for the same again")
        return prepared, folder
