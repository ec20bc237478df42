"""Float training: SGD or AdamW, cosine schedule with warm-up, averaged weights, early stopping, best-epoch weights."""

import math

import numpy as np
import torch

from latent_nas import seeds
from latent_nas.graph import Graph
from latent_nas.tasks import Part, Recipe, Task
from latent_nas.training import TrainingFailed
from latent_nas.training.network import Network, to_tensor


def fit(
    graph: Graph, task: Task, recipe: Recipe, seed: int, learn: Part, judge: Part | None, stop_at: int | None
) -> tuple[Network, list[float], int]:
    """Return the trained network, the score on ``judge`` after each epoch, and the epochs behind its weights.

    Raises:
        TrainingFailed: the loss is not finite.
    """
    with seeds.isolated(seeds.derive(seed, "training")):
        model = Network(graph).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        order = seeds.rng(seed, "training", "order")
        x, y = to_tensor(learn.x), torch.from_numpy(learn.y)
        weight = _class_weights(learn.y, task.outputs) if recipe.balanced else None
        steps = math.ceil(len(learn) / recipe.batch)
        optimiser = _optimiser(model, recipe)
        average = _Average(model, recipe.average) if recipe.average else None
        curve: list[float] = []
        best, best_state = -math.inf, None
        for epoch in range(stop_at or recipe.epochs):
            model.train()
            for step, batch in enumerate(np.array_split(order.permutation(len(learn)), steps)):
                for group in optimiser.param_groups:
                    group["lr"] = recipe.learning_rate * _schedule(epoch + step / steps, recipe)
                optimiser.zero_grad()
                loss = task.loss(model(x[batch]), y[batch], recipe, weight)
                if not torch.isfinite(loss):
                    raise TrainingFailed(f"the loss became {loss.item()} in epoch {epoch + 1}")
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
                if average:
                    average.update(model)
            if judge is None:
                continue
            state = average.state() if average else {k: v.clone() for k, v in model.state_dict().items()}
            score = _score(model, state, task, judge)
            curve.append(score)
            if score > best:
                best, best_state = score, state
            elif epoch - int(np.argmax(curve)) >= recipe.patience:
                break
        if judge is None:
            best_state = average.state() if average else model.state_dict()
        assert best_state is not None
        model.load_state_dict(best_state)
        return model, curve, stop_at or int(np.argmax(curve)) + 1


def _score(model: Network, state: dict[str, torch.Tensor], task: Task, judge: Part) -> float:
    """Return the metric of the model with other weights, leaving its own as they are."""
    own = {k: v.clone() for k, v in model.state_dict().items()}
    model.load_state_dict(state)
    score = task.score(model.outputs(judge.x), judge.y)
    model.load_state_dict(own)
    return score


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


class _Average:
    """Exponential moving average of weights and running statistics, warmed up over the first steps."""

    def __init__(self, model: Network, decay: float) -> None:
        self.decay, self.steps = decay, 0
        self.values = [v.detach().clone() for v in _floats(model)]
        self.names = [k for k, v in model.state_dict().items() if v.is_floating_point()]
        self.rest = {k: v.clone() for k, v in model.state_dict().items() if not v.is_floating_point()}

    def update(self, model: Network) -> None:
        """Move the average towards the model."""
        self.steps += 1
        decay = min(self.decay, self.steps / (self.steps + 9))
        torch._foreach_lerp_(self.values, _floats(model), 1 - decay)

    def state(self) -> dict[str, torch.Tensor]:
        """Return a copy of the averaged state."""
        return {k: v.clone() for k, v in zip(self.names, self.values, strict=True)} | self.rest


def _floats(model: Network) -> list[torch.Tensor]:
    return [v for v in model.state_dict().values() if v.is_floating_point()]
