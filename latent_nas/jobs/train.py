"""One network trained for a task: any named one, or any genes; kept after every epoch, resumed to the same result."""

import csv
import io
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from latent_nas import accelerator, artifacts, sealed, seeds
from latent_nas.graph import Graph
from latent_nas.graph.deploy import deploy
from latent_nas.jobs import fitting
from latent_nas.jobs.curves import svg
from latent_nas.jobs.train_config import TrainConfig
from latent_nas.records import versions, words
from latent_nas.runs import files
from latent_nas.runs.folder import RunFolder
from latent_nas.runs.trained import TrainingResult
from latent_nas.tasks import Part, Task, open_task
from latent_nas.tasks.kinds import Metric
from latent_nas.tasks.stated import check_stated
from latent_nas.training import aware

if TYPE_CHECKING:
    from latent_nas.training import Trained

Say = Callable[[str], None]
Done = Callable[[str, int, int], None]


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
    task, started = open_task(config.task), time.perf_counter()
    check_stated(task)
    data = task.data()
    learn = _some(data.train, config.samples, config.seed, "train")
    judge = _some(data.valid, config.valid_samples, config.seed, "valid")
    say(f"training {config.network} on {len(learn)} samples of {config.task}, judged on {len(judge)}")
    say(accelerator.said(config.accelerator))
    trained = _trained(config, graph, task, learn, judge, folder, say, done)
    for line in _decisions(config, task, trained):
        say(line)
    _save(config, task, trained, folder)
    tested: dict[str, float] = {}
    if config.test:
        say("the test part is read, once")
        tested = task.kind.measure(trained.network.outputs(data.test.x), data.test.y)
    small = deploy(trained.model.graph).graph
    result = TrainingResult(
        network=config.network,
        task=config.task,
        objective=task.kind.metric.name,
        measured_valid_float=trained.float_metrics,
        measured_valid_int8=trained.int8_metrics,
        measured_test_int8=tested,
        epochs=trained.epochs,
        qat_epochs=trained.qat_epochs,
        weight_bits=config.weight_bits,
        measured_valid_eight_bits=dict(trained.eight_bits),
        measured_valid_without_qat=dict(trained.without_qat),
        **fitting.figures(trained, config.device, config.runtime),
        curve=tuple(map(task.kind.metric.signed, trained.curve)),
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


def _trained(
    config: TrainConfig, graph: Graph, task: Task, learn: Part, judge: Part, folder: RunFolder, say: Say, done: Done
) -> "Trained":
    """Return the training of a network, whose epochs are written and told as they end.

    Raises:
        ValueError: the training gave no network.
    """
    from latent_nas import training  # imports torch when it trains

    metric = task.kind.metric

    def tell(what: str, score_of: str, rows: np.ndarray) -> None:
        rate, loss, score, seconds = rows[-1]
        value = f"{score_of} {words(metric.name)} {metric.signed(score):.4f}"
        say(f"{what} {len(rows)}: loss {loss:.4f}, {value}, rate {rate:.2g}, {seconds:.0f} s")

    def watch(rows: np.ndarray) -> None:
        _write(folder, config, metric, rows)
        done("epochs", len(rows), config.recipe.epochs)
        tell("epoch", "validation", rows)

    try:
        return training.train(
            graph,
            task,
            config.recipe,
            config.seed,
            learn,
            judge,
            keep=folder.path / files.CHECKPOINT,
            watch=watch,
            accelerator=config.accelerator,
            tuning=lambda rows: tell("fine-tuning epoch", "int8 validation", rows),
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


def _decisions(config: TrainConfig, task: Task, trained: "Trained") -> list[str]:
    """Return what was decided on the validation part, in lines: of pruning, narrow weights and fine-tuning."""
    from latent_nas.training import narrow, prune  # they import torch

    floats, integers, epochs = trained.float_metrics, trained.int8_metrics, trained.qat_epochs
    lines = [prune.said(task, trained.pruned, floats[task.kind.metric.name])] if config.prune_to else []
    if eight := trained.eight_bits:
        bits, ends = config.weight_bits, trained.eight_bit_ends
        lines.append(narrow.said(task, bits, ends, floats, eight, integers, epochs))
    elif before := trained.without_qat:
        lines.append(aware.said(task, floats, before, integers, epochs))
    return lines


def _save(config: TrainConfig, task: Task, trained: "Trained", folder: RunFolder) -> None:
    """Write the int8 network, with all that travels with it, and the float one that it was made from."""
    from latent_nas.training import FLOAT
    from latent_nas.training.metadata import metadata_of

    about = metadata_of(task, trained.network, {f"valid_{name}": v for name, v in trained.int8_metrics.items()})
    named = {"network": config.network, "task": config.task, "seed": config.seed}
    trained.network.save(folder.path / files.INT8, named, about.files())
    trained.model.save(folder.path / FLOAT, named | {"recipe": asdict(config.recipe)})


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
