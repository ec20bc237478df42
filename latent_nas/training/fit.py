"""Float training: epochs until the recipe ends or progress does, best-epoch weights, a file to go on from."""

import math
import time
from collections.abc import Callable

import numpy as np
import torch

from latent_nas import seeds
from latent_nas.graph import Graph
from latent_nas.training import branches, schedule, whiten
from latent_nas.training.checkpoint import HISTORY, Checkpoint
from latent_nas.training.fold import fold
from latent_nas.training.learner import Learner
from latent_nas.training.network import Network, to_tensor
from latent_nas.training.stage import CPU, Stage

STATISTICS = 512  # training samples, evenly spaced, that tell the statistics of a folded network's norms


def fit(
    graph: Graph, stage: Stage, prepare: Callable[[Network], None] | None = None, pause: int | None = None
) -> tuple[Network, list[float], int]:
    """Return the trained network, the score on the judging part after each epoch, and the epochs behind its weights.

    Its first weights are those that the seed draws on the CPU, wherever it learns.

    Args:
        prepare: is given the new network before it learns, e.g. to make its weights noisy.
        pause: epochs after which a training on the recipe's schedule is left where it is; with ``keep`` it goes on from
            there another time. None: at its end.

    Raises:
        TrainingFailed: the loss is not finite. Unsuited: branches or whitening for a network that can't have them.
        ValueError: an unknown optimiser or schedule, or a wrong file.
    """
    task, recipe, learn = stage.task, stage.recipe, stage.learn
    schedule.check(recipe, stage.judge is not None)
    with seeds.isolated(seeds.derive(stage.seed, "training")):
        model = Network(graph)
        if recipe.whiten:
            whiten.whiten(model, learn.x)
        if recipe.branches:
            assert not prepare  # analog training refuses them, see ``evaluators.analog``
            branches.branch(model, recipe.branches)
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if prepare:
            prepare(model)
        trained, curve, epochs = follow(model, stage, pause)
        if recipe.branches:
            rows = np.arange(0, len(learn), -(-len(learn) // STATISTICS))
            trained = fold(trained, task.kind.batch(learn.x[rows], learn.y[rows], seeds.rng(0, "fold"))[0])
        return trained, curve, epochs


def follow(model: Network, stage: Stage, pause: int | None = None) -> tuple[Network, list[float], int]:
    """Train a network that is there and return what ``fit`` returns; draws from torch's generator."""
    task, recipe, judge = stage.task, stage.recipe, stage.judge
    learner = Learner(model.to(stage.device), task, recipe, stage.seed, stage.learn, stage.teacher)
    judged = learner.judged
    held = Checkpoint(stage.keep, model, judged, learner.optimiser) if stage.keep else None
    history = held.history if held else np.zeros((0, len(HISTORY)))
    best_state = held.best if held else None
    curve = history[:, HISTORY.index("valid_score")].tolist() if judge is not None else []
    seen = None if judge is None else to_tensor(judge.x).to(stage.device)
    learner.skip(len(history))
    if len(history):
        stage.watch(history)  # a kill behind the checkpoint has kept its last epoch from whoever is told
    for epoch in range(len(history), pause or stage.stop_at or recipe.epochs):
        if not recipe.to_end and curve and len(curve) - 1 - best(curve) >= max(recipe.patience, 1):
            break
        started = time.perf_counter()
        rate, loss = learner.epoch(epoch, curve)
        score = math.nan
        if judge is not None and seen is not None:
            score = task.kind.score(judged.outputs(seen), judge.y)
            curve.append(score)
            if not recipe.to_end and best(curve) == epoch:
                best_state = {k: v.clone() for k, v in judged.state_dict().items()}
        history = np.concatenate([history, [[rate, loss, score, time.perf_counter() - started]]])
        if held:
            held.save(history, best_state)
        stage.watch(history)
    if best_state is not None:
        judged.load_state_dict(best_state)
    judged.to(CPU)
    chosen = judge is not None and not recipe.to_end
    return judged, curve, stage.stop_at or (best(curve) + 1 if chosen else len(history))


def best(curve: list[float]) -> int:
    """Return the index of the first of the highest scores; NaN, the highest to numpy, counts as the least."""
    return int(np.argmax(np.where(np.isnan(curve), -np.inf, curve)))
