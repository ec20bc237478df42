"""True training: float training, int8 quantisation as microcontrollers do it, and what both measure."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from latent_nas import seeds
from latent_nas.graph import Graph
from latent_nas.tasks import Part, Recipe, Task

if TYPE_CHECKING:
    from latent_nas.training.network import Network
    from latent_nas.training.quantise import QuantisedNetwork

FLOAT = "float"  # folder beside an int8 network's files, with the float network that it was made from


class TrainingFailed(Exception):
    """A training that gave no network; the message says why."""


@dataclass(frozen=True)
class Trained:
    """A trained and quantised network with what was measured.

    Attributes:
        network: int8. model: the float network that it was made from.
        float_metrics, int8_metrics: all of the task's metrics on the judging part, by name.
        float_score, int8_score: the first of them, as the task signs it: more is better.
        curve: validation score after each epoch. epochs: how many were run to get these weights.
        confusion: of the int8 network on the judging part, ``Task.confusion``.
    """

    network: "QuantisedNetwork"
    model: "Network"
    float_score: float
    int8_score: float
    curve: tuple[float, ...]
    epochs: int
    float_metrics: dict[str, float]
    int8_metrics: dict[str, float]
    confusion: np.ndarray | None = None


def train(
    graph: Graph,
    task: Task,
    recipe: Recipe,
    seed: int,
    learn: Part,
    judge: Part,
    stop_at: int | None = None,
    keep: Path | None = None,
    watch: Callable[[np.ndarray], None] = lambda history: None,
) -> Trained:
    """Train a network on ``learn``, quantise it with activations calibrated there, and measure both on ``judge``.

    Args:
        stop_at: epochs to run without looking at ``judge``, on the recipe's schedule; None: early stopping by
            ``judge``, weights of the best epoch.
        keep, watch: of ``fit.fit``.

    Raises:
        TrainingFailed: the loss or the outputs stopped being finite.
        ValueError: a recipe that can't be followed.
    """
    import torch

    from latent_nas.training.fit import fit
    from latent_nas.training.quantise import quantise

    learn = subset(learn, recipe.share)
    if torch.get_num_threads() != 1:  # small operators are far slower with more
        torch.set_num_threads(1)
    model, curve, epochs = fit(graph, task, recipe, seed, learn, None if stop_at else judge, stop_at, keep, watch)
    outputs = model.outputs(judge.x)
    if not np.isfinite(outputs).all():
        raise TrainingFailed("the trained network's outputs are not finite")
    network = quantise(graph, model, learn.x[:512])
    answers = network.outputs(judge.x)
    floats, integers = task.measure(outputs, judge.y), task.measure(answers, judge.y)
    scores, confusion = (task.signed(floats), task.signed(integers)), task.confusion(answers, judge.y)
    return Trained(network, model, *scores, tuple(curve), epochs, floats, integers, confusion)


def check(recipe: Recipe) -> None:
    """Raise ValueError for an optimiser or a schedule that there is not."""
    from latent_nas.training import optimisers, schedule

    optimisers.check(recipe)
    schedule.check(recipe, judged=True)


def subset(part: Part, share: float) -> Part:
    """Return a share of a part, every class in proportion, the same samples whatever the seed of the training.

    Raises:
        ValueError: the share is not above 0 and at most 1.
    """
    if not 0 < share <= 1:
        raise ValueError(f"a recipe's share is above 0 and at most 1, got {share}")
    if share == 1:
        return part
    order = seeds.rng(0, "subset").permutation(len(part))
    if part.y.ndim == 1:  # classes: the first of each, as many as are its due
        order = order[np.argsort(part.y[order], kind="stable")]
        starts = np.searchsorted(part.y[order], part.y[order])
        counts = np.bincount(part.y)[part.y[order]]
        kept = order[np.arange(len(order)) - starts < np.ceil(share * counts)]
    else:
        kept = order[: max(round(share * len(order)), 1)]
    kept = np.sort(kept)
    return Part(part.x[kept], part.y[kept])
