"""True training: float training, int8 quantisation as microcontrollers do it, and what both measure."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from latent_nas.graph import Graph
from latent_nas.tasks import Part, Recipe, Task

if TYPE_CHECKING:
    from latent_nas.training.quantise import QuantisedNetwork


class TrainingFailed(Exception):
    """A training that gave no network; the message says why."""


@dataclass(frozen=True)
class Trained:
    """A trained and quantised network with what was measured.

    Attributes:
        network: int8. float_score, int8_score: the task's metric on the judging part.
        curve: validation score after each epoch. epochs: how many were run to get these weights.
        confusion: of the int8 network on the judging part, ``Task.confusion``.
    """

    network: "QuantisedNetwork"
    float_score: float
    int8_score: float
    curve: tuple[float, ...]
    epochs: int
    confusion: np.ndarray | None = None


def train(
    graph: Graph,
    task: Task,
    recipe: Recipe,
    seed: int,
    learn: Part,
    judge: Part,
    stop_at: int | None = None,
) -> Trained:
    """Train a network on ``learn``, quantise it with activations calibrated there, and measure both on ``judge``.

    Args:
        stop_at: epochs to run without looking at ``judge``, on the recipe's schedule; None: early stopping by
            ``judge``, weights of the best epoch.

    Raises:
        TrainingFailed: the loss or the outputs stopped being finite.
    """
    import torch

    from latent_nas.training.fit import fit
    from latent_nas.training.quantise import quantise

    if torch.get_num_threads() != 1:  # small operators are far slower with more
        torch.set_num_threads(1)
    model, curve, epochs = fit(graph, task, recipe, seed, learn, None if stop_at else judge, stop_at)
    outputs = model.outputs(judge.x)
    if not np.isfinite(outputs).all():
        raise TrainingFailed("the trained network's outputs are not finite")
    network = quantise(graph, model, learn.x[:512])
    integers = network.outputs(judge.x)
    scores, confusion = (task.score(outputs, judge.y), task.score(integers, judge.y)), task.confusion(integers, judge.y)
    return Trained(network, *scores, tuple(curve), epochs, confusion)
