"""One network trained for a task: any named one, or any genes; kept after every epoch, resumed to the same result."""

import csv
import io
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from latent_nas import accelerator, artifacts, plugins, sealed, seeds
from latent_nas.graph import Graph
from latent_nas.graph.deploy import deploy
from latent_nas.jobs import fitting
from latent_nas.jobs.curves import svg
from latent_nas.jobs.moved import check_there
from latent_nas.limits import Limits
from latent_nas.operators._weights import check_bits
from latent_nas.ranges import check_least
from latent_nas.records import versions, words
from latent_nas.runs import files, own
from latent_nas.runs.checked import checked
from latent_nas.runs.folder import RunFolder, new_path
from latent_nas.runs.trained import TrainingResult
from latent_nas.tasks import Part, Recipe, open_task
from latent_nas.tasks.kinds import Metric
from latent_nas.training.aware import AUTO
from latent_nas.training.aware import said as qat_said

Say = Callable[[str], None]
Done = Callable[[str, int, int], None]


@dataclass(frozen=True)
class TrainConfig:
    """Everything that decides a training's result, beside its graph.

    Attributes:
        network: name or file, as it was given. samples, valid_samples: so many of those parts, drawn by the seed; 0 is
            all. test: whether the test part is read at the end. data: hash of the task's data where it may change.
        accelerator: the kind of device that trains, "cpu", "cuda" or "mps".
        weight_bits: of convolutions and dense layers, 8 or 4.
        prune_to: limits as "flash_kb=12", to which it is pruned, of it and the task's front end. device, runtime: that
            they are of; "" without any.

    Raises:
        ValueError: a number out of range, or no such limit.
    """

    network: str
    task: str
    recipe: Recipe
    seed: int = 0
    samples: int = 0
    valid_samples: int = 0
    test: bool = False
    data: str = ""
    accelerator: str = accelerator.CPU
    weight_bits: int = 8
    prune_to: tuple[str, ...] = ()
    device: str = ""
    runtime: str = ""

    def __post_init__(self) -> None:
        check_least(0, seed=self.seed, samples=self.samples, valid_samples=self.valid_samples)
        accelerator.check(self.accelerator)
        check_bits("train", self.weight_bits)
        Limits.parse(self.prune_to)
        if not self.prune_to and (self.device or self.runtime):
            raise ValueError("device and runtime are of the limits of prune_to, and there are none; leave them out")

    @property
    def excess(self) -> Callable[[Graph], float] | None:
        """Cost / limit of the limit that binds, of a float graph; None where there is none."""
        if not self.prune_to:
            return None
        return fitting.excess(self.prune_to, self.task, self.device, self.runtime, self.weight_bits)


def recipe_of(task: str, fidelity: str, **changes: Any) -> Recipe:
    """Return a task's recipe with changes; those that are None change nothing, a patience is followed.

    Where nothing else is said, int8 that loses much is fine-tuned (``qat="auto"``).

    Raises:
        ValueError: no such task, it has no such recipe, or a value is out of range.
    """
    known = open_task(task).recipes
    if fidelity not in known:
        raise ValueError(f"task {task!r} has no recipe {fidelity!r}; there are: {', '.join(known)}")
    asked = {"qat": AUTO} | {name: value for name, value in changes.items() if value is not None}
    if "patience" in asked:
        asked["to_end"] = False
    return replace(known[fidelity], **asked)


def begin(config: TrainConfig, graph: Graph, out: Path | None) -> RunFolder:
    """Return a new run folder that holds all that the training is decided by: ``out``, or runs/<time>-<network>.

    Raises:
        ValueError: the task's data can't be had, a recipe that can't be followed, or something is there already.
    """
    from latent_nas import training

    open_task(config.task).data()
    training.check(config.recipe, open_task(config.task), graph)
    if config.excess:
        fitting.check(config.excess, graph)
    place = out or new_path(Path(config.network).stem)
    config = replace(config, data=open_task(config.task).fingerprint)
    decides = {**asdict(config), "graph": _hash(graph)}
    return RunFolder.create(place, {"training": decides}, graph=graph.to_json())


def resumed(path: Path, task: str = "") -> tuple[TrainConfig, Graph, RunFolder]:
    """Return what ``begin`` has put into a folder.

    Args:
        task: where its data lies by now, if it has moved; "" where it was.

    Raises:
        ValueError: the folder is none of a training, or is damaged; or its data is another.
    """
    own.bring(path)
    config, graph = _saved(path)
    if task and task != config.task:
        if not config.data:
            raise ValueError(f"--task can't change in a training that goes on; it began with {config.task}")
        config = replace(config, task=task)
    check_there(config.task, config.data)
    accelerator.resolve(config.accelerator)
    if config.data and (now := open_task(config.task).fingerprint) != config.data:
        raise ValueError(
            f"the data at {config.task} is not that which the training began with (sha256 {config.data[:12]}..., now"
            f" {now[:12]}...); put it back, say where it is with --task PATH, or begin another training"
        )
    return config, graph, RunFolder(path)


def _hash(graph: Graph) -> str:
    return sha256(json.dumps(graph.to_json(), sort_keys=True).encode()).hexdigest()


def _saved(path: Path) -> tuple[TrainConfig, Graph]:
    try:
        text = (path / files.CONFIG).read_text(encoding="utf-8")
        config = sealed.unseal(json.loads(text), files.CONFIG)["training"]
        plugins.vouched(config["task"], str(path))
        graph = Graph.from_json(json.loads((path / files.GRAPH).read_text(encoding="utf-8")))
        if config.get("graph") not in (None, _hash(graph)):
            raise ValueError(f"{files.GRAPH} has changed since the training began")
        return checked(TrainConfig, config, files.CONFIG), graph
    except OSError as error:
        raise ValueError(f"{path} is not a folder of `latent-nas train`: {error.strerror}: {error.filename}") from None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        reason = f"its files name no {error}" if isinstance(error, KeyError) else error
        raise ValueError(
            f"{path} is not a folder of `latent-nas train`: {reason}; for a search: `latent-nas search --resume`"
        ) from None


def train(config: TrainConfig, graph: Graph, folder: RunFolder, say: Say, done: Done) -> TrainingResult:
    """Train, quantise and measure a network in its folder, and return what ``result.json`` then holds.

    No other process may work on the folder meanwhile.

    The folder gets ``checkpoint.safetensors``, ``metrics.csv`` and ``curves.svg`` after every epoch, and at the end the
    float weights in ``float``, the int8 network in ``int8`` and ``result.json``.

    Raises:
        ValueError: the training gave no network.
    """
    with folder.locked():
        return _train(config, graph, folder, say, done)


def _train(config: TrainConfig, graph: Graph, folder: RunFolder, say: Say, done: Done) -> TrainingResult:
    from latent_nas import training  # imports torch when it trains
    from latent_nas.training.metadata import metadata_of
    from latent_nas.training.narrow import said as narrow_said
    from latent_nas.training.prune import said as prune_said

    task, started = open_task(config.task), time.perf_counter()
    data = task.data()
    learn = _some(data.train, config.samples, config.seed, "train")
    judge = _some(data.valid, config.valid_samples, config.seed, "valid")
    metric = task.kind.metric

    def watch(rows: np.ndarray) -> None:
        _write(folder, config, metric, rows)
        done("epochs", len(rows), config.recipe.epochs)
        rate, loss, score, seconds = rows[-1]
        value = f"{words(metric.name)} {metric.signed(score):.4f}"
        say(f"epoch {len(rows)}: loss {loss:.4f}, validation {value}, rate {rate:.2g}, {seconds:.0f} s")

    def tuning(rows: np.ndarray) -> None:
        rate, loss, score, seconds = rows[-1]
        value = f"int8 validation {words(metric.name)} {metric.signed(score):.4f}"
        say(f"fine-tuning epoch {len(rows)}: loss {loss:.4f}, {value}, rate {rate:.2g}, {seconds:.0f} s")

    say(f"training {config.network} on {len(learn)} samples of {config.task}, judged on {len(judge)}")
    say(accelerator.said(config.accelerator))
    keep = folder.path / files.CHECKPOINT
    try:
        trained = training.train(
            graph,
            task,
            config.recipe,
            config.seed,
            learn,
            judge,
            keep=keep,
            watch=watch,
            accelerator=config.accelerator,
            tuning=tuning,
            say=say,
            weight_bits=config.weight_bits,
            eight_bit_ends=False if config.prune_to else None,  # wider ends may not fit
            excess=config.excess,
        )
    except training.CanNotFit as error:
        raise ValueError(str(error)) from None
    except training.TrainingFailed as error:
        raise ValueError(
            f"{error}: {config.network} learnt nothing at a learning rate of {config.recipe.learning_rate:g}; try a"
            f" smaller --learning-rate and another --out ({folder.path / files.METRICS} has the epochs)"
        ) from None
    if config.prune_to:
        say(prune_said(task, trained.pruned, trained.float_metrics[metric.name]))
    if trained.eight_bits:
        measured = trained.float_metrics, trained.eight_bits, trained.int8_metrics
        say(narrow_said(task, config.weight_bits, trained.eight_bit_ends, *measured, trained.qat_epochs))
    elif before := trained.without_qat:
        say(qat_said(task, trained.float_metrics, before, trained.int8_metrics, trained.qat_epochs))
    small = deploy(trained.model.graph).graph
    about = metadata_of(task, trained.network, {f"valid_{name}": v for name, v in trained.int8_metrics.items()})
    named = {"network": config.network, "task": config.task, "seed": config.seed}
    trained.network.save(folder.path / files.INT8, named, about.files())
    made = {"network": config.network, "task": config.task, "seed": config.seed, "recipe": asdict(config.recipe)}
    trained.model.save(folder.path / training.FLOAT, made)
    tested: dict[str, float] = {}
    if config.test:
        say("the test part is read, once")
        tested = task.kind.measure(trained.network.outputs(data.test.x), data.test.y)
    result = TrainingResult(
        network=config.network,
        task=config.task,
        objective=metric.name,
        measured_valid_float=trained.float_metrics,
        measured_valid_int8=trained.int8_metrics,
        measured_test_int8=tested,
        epochs=trained.epochs,
        qat_epochs=trained.qat_epochs,
        weight_bits=config.weight_bits,
        measured_valid_eight_bits=dict(trained.eight_bits),
        measured_valid_without_qat=dict(trained.without_qat),
        **fitting.figures(trained, config.device, config.runtime),
        curve=tuple(map(metric.signed, trained.curve)),
        samples=len(learn),
        valid_samples=len(judge),
        trained_parameters=trained_parameters(trained.model.graph),
        parameters=small.parameters,
        macs=small.macs,
        seed=config.seed,
        wall_s=round(time.perf_counter() - started, 3),
        versions=versions(),
    )
    folder.write_json(files.RESULT, sealed.seal(result.to_json()))
    return result


def summary(result: TrainingResult, folder: Path) -> str:
    """Return what ``result.json`` holds as text for a person."""
    floats, integers = (m[result.objective] for m in (result.measured_valid_float, result.measured_valid_int8))
    tuned = f" (after {result.qat_epochs} epochs of quantisation-aware training)" if result.qat_epochs else ""
    return (
        f"{words(result.objective)} on {result.valid_samples} validation samples: float {floats:.4f}, int8"
        f" {integers:.4f}{tuned}, weights of epoch {result.epochs} of {len(result.curve)};"
        f" {result.trained_parameters:,} trained parameters, {result.macs:,} MACs; {result.wall_s:.0f} s\n"
        f"Run folder: {folder}"
    )


def trained_parameters(graph: Graph) -> int:
    """Return the number of weights that training moves, those of batch norms among them."""
    from latent_nas.training.network import Network

    return sum(p.numel() for p in Network(graph).parameters())


def _some(part: Part, n: int, seed: int, name: str) -> Part:
    """Return n samples of a part, drawn by the seed; all of them for 0.

    Raises:
        ValueError: there are fewer.
    """
    if not n:
        return part
    if n > len(part):
        raise ValueError(f"the {name} part has {len(part)} samples, wanted {n}")
    chosen = np.sort(seeds.rng(seed, "samples", name).permutation(len(part))[:n])
    return Part(part.x[chosen], part.y[chosen])


def _write(folder: RunFolder, config: TrainConfig, metric: Metric, history: np.ndarray) -> None:
    """Write the metrics and the picture of an unfinished or finished training, (epochs, len(checkpoint.HISTORY))."""
    rates, losses, scores, seconds = history.T
    values = np.array([metric.signed(score) for score in scores])
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("epoch", "learning_rate", "train_loss", f"measured_valid_float_{metric.name}", "wall_s"))
    epochs = range(1, len(history) + 1)
    writer.writerows(zip(epochs, *(column.tolist() for column in (rates, losses, values, seconds)), strict=True))
    artifacts.write(folder.path / files.METRICS, text.getvalue())
    panels = [("training loss", losses), (f"validation {words(metric.name)}", values), ("learning rate", rates)]
    title = f"{config.network} on {config.task}, seed {config.seed}"
    artifacts.write(folder.path / files.CURVES, svg(title, panels, logarithmic=("learning rate",)))
