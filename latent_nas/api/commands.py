"""Commands from Python that are not searches: candidates, one training, a bench on a table, a runtime, an export."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latent_nas.accelerator import resolve
from latent_nas.api.given import plain, texts
from latent_nas.api.study import quiet
from latent_nas.jobs import calibrate as layers
from latent_nas.jobs import calibrate_network, train_config
from latent_nas.jobs import export as exporting
from latent_nas.jobs import query as asking
from latent_nas.jobs import train as training
from latent_nas.jobs.bench.config import BenchConfig
from latent_nas.jobs.bench.regret import Standing, standings
from latent_nas.jobs.bench.run import bench as run_bench
from latent_nas.jobs.bench.run import summary as bench_summary
from latent_nas.jobs.networks import open_source
from latent_nas.limits import Limits, settings
from latent_nas.runs.trained import TrainingResult
from latent_nas.strategies import full_strategy
from latent_nas.target import MAIN_TARGET, Target, open_target, with_space
from latent_nas.tasks import open_task

if TYPE_CHECKING:
    import pandas


def query(
    limits: Mapping[str, float] | None = None,
    task: str = MAIN_TARGET.task,
    device: str = MAIN_TARGET.device,
    runtime: str = MAIN_TARGET.runtime,
    space: str = "",
    top: int = 10,
    queries: int = 2000,
    seed: int = 0,
    front_end_apart: bool = False,
) -> "pandas.DataFrame":
    """Return candidates of the surrogates within limits, a row each, the best first; nothing is trained.

    What is predicted is called so, as ``predicted_int8_accuracy``; bytes and ms are computed of the network itself.

    Args:
        limits: e.g. {"flash_kb": 32, "ram_kb": 16, "latency_ms": 5}; None: those of the task.
        queries: architectures to score. front_end_apart: limits count the network without the front end of audio or
            series.

    Raises:
        ValueError: limits that nothing meets, or a task and device for which no surrogates are there.
    """
    import pandas

    setup = open_target(with_space(Target(space, task, device, runtime)), anew=True).check()
    given = Limits.parse(settings(limits)) if limits else setup.task.limits
    bounds = given.tighten(setup.device.limits)
    found = asking.candidates(setup, bounds, top, queries, None, None, None, seed, front_end_apart)
    return pandas.DataFrame(found["candidates"])


def train(
    network: str | Path,
    task: str = "",
    fidelity: str = "full",
    seed: int = 0,
    out: str | Path | None = None,
    test: bool = False,
    accelerator: str = "auto",
    weight_bits: int = 8,
    prune_to: Mapping[str, float] | None = None,
    device: str = "",
    runtime: str = "",
    **recipe: Any,
) -> TrainingResult:
    """Train one network for a task and return what was measured; its folder holds weights and the int8 network.

    Args:
        network: a name or file, as ``latent-nas train`` takes it. task: default: what the file names, else digits.
        fidelity: the task's recipe to begin with.
        out: run folder; default: runs/<time>-<network>. test: whether the test part is read, once, at the end.
        accelerator: where it is trained: "auto", "cpu", "cuda" or "mps".
        weight_bits: 8, or 4 for weights that take half the flash, fine-tuned.
        prune_to: limits as {"flash_kb": 12}, to which it is pruned once it is trained; those of ``device`` hold as
            well, by the costs of ``runtime``, which nothing else looks at. Defaults: what the file names, else
            stm32f405 and native.
        recipe: what of it is otherwise, as epochs=30, schedule="one-cycle", qat="never".

    Raises:
        ValueError: a wrong name or setting, or the training gave no network.
    """
    source = open_source(network)
    task = task or source.task or MAIN_TARGET.task
    asked = train_config.recipe_of(task, fidelity, **recipe)
    limits = tuple(settings(prune_to))
    config = train_config.TrainConfig(
        str(network),
        task,
        asked,
        seed,
        test=test,
        accelerator=resolve(accelerator),
        weight_bits=weight_bits,
        prune_to=limits,
        device=(device or source.device or MAIN_TARGET.device) if limits else "",
        runtime=(runtime or source.runtime or MAIN_TARGET.runtime) if limits else "",
    )
    graph = source.bound(task, "").graph_for(open_task(task))
    folder = train_config.begin(config, graph, Path(out) if out else None)
    return training.train(config, graph, folder, quiet, quiet)


@dataclass(frozen=True, repr=False)
class Bench:
    """Strategies compared on a table; shown, it is the table that the command prints.

    Attributes:
        details: what the bench's file says. standings: by strategy, see ``Standing``.
    """

    details: dict[str, Any]
    standings: dict[str, Standing]

    def __repr__(self) -> str:
        return bench_summary(self.details)

    def frame(self) -> "pandas.DataFrame":
        """Return the best value so far after every training: a row per strategy, seed and training."""
        import pandas

        rows = [
            {"strategy": run["strategy"], "seed": run["seed"], "training": i, "best": value}
            for run in self.details["runs"]
            for i, value in enumerate(run["incumbents"], 1)
        ]
        return pandas.DataFrame(rows)


def bench(
    table: str | Path, objective: str, out: str | Path, strategies: Sequence[str] = ("random", "evolution"), **more: Any
) -> Bench:
    """Compare strategies on a table of trained networks and return what came of it; runs that ``out`` holds are kept.

    Args:
        table: CSV, CSV.GZ or Parquet. objective: its column. out: file of the results (JSON).
        more: attributes of ``BenchConfig``, as trainings=150, seeds=20, space="nasbench201".

    Raises:
        ValueError: a wrong table or setting, or ``out`` is of another bench.
    """
    names = tuple(full_strategy(name) for name in texts(strategies))
    config = BenchConfig(str(table), objective, names, **{name: plain(value) for name, value in more.items()})
    details = run_bench(config, Path(out), quiet, quiet)
    return Bench(details, standings(details["runs"], details["table"]["optimum"], config.trainings))


def calibrate(
    out: str | Path,
    runtime: str,
    measurements: str | Path | None = None,
    networks: Mapping[str, str] | None = None,
    device: str = "",
    base: str = "cmsis_nn",
    board: str | None = None,
    force: bool = False,
) -> dict[str, Any]:
    """Make a runtime of measured layers, or of whole networks that were measured, and return how far it is off.

    Args:
        out: folder for the runtime's .toml. runtime: the new one's name; with ``networks`` the one to scale.
        measurements: CSV of layers. networks: what each took, as {"model.onnx": "latency_ms=53"}, on ``device``.
        base, board: with ``measurements``: what gives the rest, and whose rows count. force: take what looks wrong.

    Raises:
        ValueError: neither or both of ``measurements`` and ``networks``, or they can't be read.
    """
    if bool(networks) == bool(measurements):
        raise ValueError("calibrate wants either measurements, or networks with the device that they were measured on")
    if networks:
        if not device:
            raise ValueError("networks want the device that they were measured on; see `latent-nas devices`")
        taken = list(networks), list(networks.values())
        return calibrate_network.calibrate(*taken, device, runtime, "", Path(out), None, force)
    return layers.calibrate(Path(str(measurements)), runtime, base, board, Path(out))


def export(source: str | Path, file: str | Path, rank: int = 1, calibration: str | Path | None = None) -> Path:
    """Write a network as what the file ends in, .onnx (QDQ) or .tflite, and return the file.

    Args:
        source: a run folder, the folder of an int8 network, or an .onnx or .tflite file. rank: of a run's networks.
        calibration: data (.npz) that a float file is quantised with.

    Raises:
        ValueError: no int8 network there, the file is there already, or the extra of that name is not installed.
    """
    exporting.export(source, Path(file), None, rank, Path(calibration) if calibration else None)
    return Path(file)
