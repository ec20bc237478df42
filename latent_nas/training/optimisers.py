"""The optimisers that a recipe can name; weights decay, biases and norms don't."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from latent_nas.tasks import Recipe

OPTIMISERS: dict[str, Callable[[Any, float], torch.optim.Optimizer]] = {
    "adam": lambda groups, rate: torch.optim.Adam(groups, lr=rate, fused=True),
    "adamw": lambda groups, rate: torch.optim.AdamW(groups, lr=rate, fused=True),
    "rmsprop": lambda groups, rate: torch.optim.RMSprop(groups, lr=rate, alpha=0.9, momentum=0.9),
    "sgd": lambda groups, rate: torch.optim.SGD(groups, lr=rate, momentum=0.9, nesterov=True, fused=True),
}


def check(recipe: Recipe) -> None:
    """Raise ValueError for an optimiser that there is not."""
    if recipe.optimiser not in OPTIMISERS:
        raise ValueError(f"no optimiser {recipe.optimiser!r}; there are: {', '.join(OPTIMISERS)}")


def optimiser(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Return the recipe's optimiser of a model's parameters.

    Raises:
        ValueError: there is none of that name.
    """
    check(recipe)
    decayed = [p for p in model.parameters() if p.ndim > 1]
    plain = [p for p in model.parameters() if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": plain, "weight_decay": 0.0}]
    return OPTIMISERS[recipe.optimiser](groups, recipe.learning_rate)
