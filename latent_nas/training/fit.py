"""Float training: epochs until the recipe ends or progress does, best-epoch weights, a file to go on from."""

import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from latent_nas import seeds
from latent_nas.graph import Graph
from latent_nas.tasks import Part, Recipe, Task
from latent_nas.training import branches, schedule, whiten
from latent_nas.training.checkpoint import HISTORY, Checkpoint
from latent_nas.training.fold import fold
from latent_nas.training.learner import Learner
from latent_nas.training.network import Network, to_tensor
from latent_nas.training.teacher import Teacher

CPU = torch.device("cpu")
STATISTICS = 512  # training samples, evenly spaced, that tell the statistics of a folded network's norms
Watch = Callable[[np.ndarray], None]


def fit(
    graph: Graph,
    task: Task,
    recipe: Recipe,
    seed: int,
    learn: Part,
    judge: Part | None,
    stop_at: int | None,
    keep: Path | None = None,
    watch: Watch = lambda history: None,
    prepare: Callable[[Network], None] | None = None,
    device: torch.device = CPU,
    pause: int | None = None,
    teacher: Teacher | None = None,
) -> tuple[Network, list[float], int]:
    """Return the trained network, the score on ``judge`` after each epoch, and the epochs behind its weights.

    Args:
        judge: decides when to stop and which epoch's weights are returned; None, or a recipe ``to_end``:
            the last one's.
        stop_at: epochs to run, on the recipe's schedule; None: the recipe's.
        keep: file of the state after every epoch; where it is there, the training goes on from it to the same end.
        watch: is told the history, (epochs, len(checkpoint.HISTORY)), after every epoch, and first that of a file.
        pause: epochs after which a training on the recipe's schedule is left where it is; with ``keep`` it goes on from
            there another time. None: at its end.
        prepare: is given the new network before it learns, e.g. to make its weights noisy.
        teacher: that knows ``learn``.
        device: where it learns; its first weights are those that the seed draws on the CPU, where it is returned.

    Raises:
        TrainingFailed: the loss is not finite. Unsuited: branches or whitening for a network that can't have them.
        ValueError: an unknown optimiser or schedule, or a wrong file.
    """
    schedule.check(recipe, judge is not None)
    with seeds.isolated(seeds.derive(seed, "training")):
        model = Network(graph)
        if recipe.whiten:
            whiten.whiten(model, learn.x)
        if recipe.branches:
            assert not prepare  # analog training refuses them, see ``evaluators.analog``
            branches.branch(model, recipe.branches)
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if prepare:
            prepare(model)
        found, curve, epochs = follow(
            model.to(device), task, recipe, seed, learn, judge, stop_at, keep, watch, pause, teacher
        )
        if recipe.branches:
            rows = np.arange(0, len(learn), -(-len(learn) // STATISTICS))
            found = fold(found, task.kind.batch(learn.x[rows], learn.y[rows], seeds.rng(0, "fold"))[0])
        return found, curve, epochs


def follow(
    model: Network,
    task: Task,
    recipe: Recipe,
    seed: int,
    learn: Part,
    judge: Part | None,
    stop_at: int | None,
    keep: Path | None = None,
    watch: Watch = lambda history: None,
    pause: int | None = None,
    teacher: Teacher | None = None,
) -> tuple[Network, list[float], int]:
    """Train a network that is there, where it lies, and return what ``fit`` returns; draws from torch's generator."""
    learner = Learner(model, task, recipe, seed, learn, teacher)
    judged = learner.judged
    held = Checkpoint(keep, model, judged, learner.optimiser) if keep else None
    history = held.history if held else np.zeros((0, len(HISTORY)))
    best_state = held.best if held else None
    curve = history[:, HISTORY.index("valid_score")].tolist() if judge is not None else []
    seen = None if judge is None else to_tensor(judge.x).to(model.device)
    learner.skip(len(history))
    if len(history):
        watch(history)  # a kill behind the checkpoint has kept its last epoch from whoever is told
    for epoch in range(len(history), pause or stop_at or recipe.epochs):
        if not recipe.to_end and curve and len(curve) - 1 - int(np.argmax(curve)) >= max(recipe.patience, 1):
            break
        started = time.perf_counter()
        rate, loss = learner.epoch(epoch, curve)
        score = math.nan
        if judge is not None and seen is not None:
            score = task.kind.score(judged.outputs(seen), judge.y)
            curve.append(score)
            if not recipe.to_end and int(np.argmax(curve)) == epoch:
                best_state = {k: v.clone() for k, v in judged.state_dict().items()}
        history = np.concatenate([history, [[rate, loss, score, time.perf_counter() - started]]])
        if held:
            held.save(history, best_state)
        watch(history)
    if best_state is not None:
        judged.load_state_dict(best_state)
    judged.to(CPU)
    return judged, curve, stop_at or (len(curve) if recipe.to_end else int(np.argmax(curve)) + 1)
