"""Float training: SGD or AdamW, cosine schedule with warm-up, averaged weights, early stopping, best-epoch weights."""

import copy
import math
from collections.abc import Callable

import numpy as np
import torch

from latent_nas import seeds
from latent_nas.graph import Graph
from latent_nas.tasks import Part, Recipe, Task
from latent_nas.training import TrainingFailed
from latent_nas.training.network import Network, to_tensor


def fit(
    graph: Graph,
    task: Task,
    recipe: Recipe,
    seed: int,
    learn: Part,
    judge: Part | None,
    stop_at: int | None,
    prepare: Callable[[Network], None] | None = None,
) -> tuple[Network, list[float], int]:
    """Return the trained network, the score on ``judge`` after each epoch, and the epochs behind its weights.

    Args:
        prepare: is given the new network before it learns, e.g. to make its weights noisy.

    Raises:
        TrainingFailed: the loss is not finite.
    """
    with seeds.isolated(seeds.derive(seed, "training")):
        model = Network(graph).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if prepare:
            prepare(model)
        order = seeds.rng(seed, "training", "order")
        x, y = to_tensor(learn.x), torch.from_numpy(learn.y)
        weight = _class_weights(learn.y, task.outputs) if recipe.balanced else None
        steps = math.ceil(len(learn) / recipe.batch)
        optimiser = _optimiser(model, recipe)
        judged = copy.deepcopy(model) if recipe.average else model  # the one that is evaluated and returned
        curve: list[float] = []
        best_state = None
        for epoch in range(stop_at or recipe.epochs):
            model.train()
            for step, batch in enumerate(np.array_split(order.permutation(len(learn)), steps)):
                for group in optimiser.param_groups:
                    group["lr"] = recipe.learning_rate * _schedule(epoch + step / steps, recipe)
                optimiser.zero_grad()
                loss = task.loss(model(x[batch]), y[batch], recipe, weight)
                if not torch.isfinite(loss):
                    raise TrainingFailed(f"the loss became {loss.item()} in epoch {epoch + 1}")
                loss.backward()
                optimiser.step()
                if judged is not model:
                    done = epoch * steps + step + 1
                    _move(judged, model, 1 - min(recipe.average, done / (done + 9)))
            if judge is None:
                continue
            curve.append(task.score(judged.outputs(judge.x), judge.y))
            best = int(np.argmax(curve))
            if best == epoch:
                best_state = {k: v.clone() for k, v in judged.state_dict().items()}
            elif epoch - best >= recipe.patience:
                break
        if best_state is not None:
            judged.load_state_dict(best_state)
        return judged, curve, stop_at or int(np.argmax(curve)) + 1


def _schedule(epoch: float, recipe: Recipe) -> float:
    if epoch < recipe.warmup:
        return (epoch + 0.1) / (recipe.warmup + 0.1)
    return 0.5 * (1 + math.cos(math.pi * (epoch - recipe.warmup) / max(recipe.epochs - recipe.warmup, 1e-9)))


def _optimiser(model: Network, recipe: Recipe) -> torch.optim.Optimizer:
    decayed = [p for p in model.parameters() if p.ndim > 1]
    plain = [p for p in model.parameters() if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": plain, "weight_decay": 0.0}]
    if recipe.optimiser == "sgd":
        return torch.optim.SGD(groups, lr=recipe.learning_rate, momentum=0.9, nesterov=True, fused=True)
    if recipe.optimiser == "adamw":
        return torch.optim.AdamW(groups, lr=recipe.learning_rate, fused=True)
    raise ValueError(f'optimiser {recipe.optimiser!r}; there are: "adamw", "sgd"')


def _class_weights(y: np.ndarray, classes: int) -> torch.Tensor:
    counts = np.maximum(np.bincount(y, minlength=classes), 1)
    return torch.from_numpy((len(y) / (classes * counts)).astype(np.float32))


@torch.no_grad()
def _move(average: Network, model: Network, share: float) -> None:
    """Move the average's weights and running statistics a share of the way to the model's."""
    torch._foreach_lerp_(_floats(average), _floats(model), share)


def _floats(model: Network) -> list[torch.Tensor]:
    return [v for v in (*model.parameters(), *model.buffers()) if v.is_floating_point()]
