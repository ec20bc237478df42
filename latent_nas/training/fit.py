"""Float training: a recipe's optimiser and schedule, averaged weights, early stopping, best-epoch weights."""

import copy
import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from latent_nas import seeds
from latent_nas.graph import Graph
from latent_nas.tasks import Part, Recipe, Task
from latent_nas.training import TrainingFailed, schedule
from latent_nas.training.checkpoint import HISTORY, Checkpoint
from latent_nas.training.network import Network, to_tensor
from latent_nas.training.optimisers import optimiser as make

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
) -> tuple[Network, list[float], int]:
    """Return the trained network, the score on ``judge`` after each epoch, and the epochs behind its weights.

    Args:
        keep: file of the state after every epoch; where it is there, the training goes on from it to the same end.
        watch: is told the history, (epochs, len(checkpoint.HISTORY)), after every epoch.
        prepare: is given the new network before it learns, e.g. to make its weights noisy.

    Raises:
        TrainingFailed: the loss is not finite. ValueError: an unknown optimiser or schedule, or a wrong file.
    """
    schedule.check(recipe, judge is not None)
    with seeds.isolated(seeds.derive(seed, "training")):
        model = Network(graph).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if prepare:
            prepare(model)
        order = seeds.rng(seed, "training", "order")
        x, y = to_tensor(learn.x), torch.from_numpy(learn.y)
        weight = _class_weights(learn.y, task.outputs) if recipe.balanced else None
        steps = math.ceil(len(learn) / recipe.batch)
        optimiser = make(model, recipe)
        judged = copy.deepcopy(model) if recipe.average else model  # the one that is evaluated and returned
        held = Checkpoint(keep, model, judged, optimiser) if keep else None
        history = held.history if held else np.zeros((0, len(HISTORY)))
        best_state = held.best if held else None
        for _ in history:
            order.permutation(len(learn))  # as far as the finished epochs had drawn
        curve = history[:, HISTORY.index("valid_score")].tolist() if judge is not None else []
        for epoch in range(len(history), stop_at or recipe.epochs):
            if curve and len(curve) - 1 - int(np.argmax(curve)) >= max(recipe.patience, 1):
                break
            started, total, rate = time.perf_counter(), 0.0, 0.0
            model.train()
            varied = seeds.rng(seed, "training", "augment", epoch)
            for step, batch in enumerate(np.array_split(order.permutation(len(learn)), steps)):
                rate = recipe.learning_rate * schedule.share(recipe, epoch + step / steps, curve)
                for group in optimiser.param_groups:
                    group["lr"] = rate
                optimiser.zero_grad()
                inputs = to_tensor(task.augmented(learn.x[batch], varied)) if recipe.augment else x[batch]
                loss = task.loss(model(inputs), y[batch], recipe, weight)
                if not torch.isfinite(loss):
                    raise TrainingFailed(f"the loss became {loss.item()} in epoch {epoch + 1}")
                loss.backward()
                optimiser.step()
                total += loss.item() * len(batch)
                if judged is not model:
                    done = epoch * steps + step + 1
                    _move(judged, model, 1 - min(recipe.average, done / (done + 9)))
            score = math.nan
            if judge is not None:
                score = task.score(judged.outputs(judge.x), judge.y)
                curve.append(score)
                if int(np.argmax(curve)) == epoch:
                    best_state = {k: v.clone() for k, v in judged.state_dict().items()}
            row = [rate, total / len(learn), score, time.perf_counter() - started]
            history = np.concatenate([history, [row]])
            if held:
                held.save(history, best_state)
            watch(history)
        if best_state is not None:
            judged.load_state_dict(best_state)
        return judged, curve, stop_at or int(np.argmax(curve)) + 1


def _class_weights(y: np.ndarray, classes: int) -> torch.Tensor:
    counts = np.maximum(np.bincount(y, minlength=classes), 1)
    return torch.from_numpy((len(y) / (classes * counts)).astype(np.float32))


@torch.no_grad()
def _move(average: Network, model: Network, share: float) -> None:
    """Move the average's weights and running statistics a share of the way to the model's."""
    torch._foreach_lerp_(_floats(average), _floats(model), share)


def _floats(model: Network) -> list[torch.Tensor]:
    return [v for v in (*model.parameters(), *model.buffers()) if v.is_floating_point()]
