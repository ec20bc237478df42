"""The optimisers that a recipe can name; weights decay, biases and norms don't."""

import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from latent_nas.accelerator import CUDA
from latent_nas.tasks import Recipe
from latent_nas.training.muon import Muon, matrices

Rate = float | torch.Tensor  # learning rate
OPTIMISERS: dict[str, Callable[[Any, Rate, bool], torch.optim.Optimizer]] = {
    "adam": lambda groups, rate, graphs: torch.optim.Adam(groups, lr=rate, fused=True, capturable=graphs),
    "adamw": lambda groups, rate, graphs: torch.optim.AdamW(groups, lr=rate, fused=True, capturable=graphs),
    "muon": lambda groups, rate, graphs: Muon(groups, rate, graphs),
    "rmsprop": lambda groups, rate, graphs: torch.optim.RMSprop(
        groups, lr=rate, alpha=0.9, momentum=0.9, capturable=graphs
    ),
    "sgd": lambda groups, rate, graphs: torch.optim.SGD(groups, lr=rate, momentum=0.9, nesterov=True, fused=True),
}


def check(recipe: Recipe) -> None:
    """Raise ValueError for an optimiser that there is not."""
    if recipe.optimiser not in OPTIMISERS:
        raise ValueError(f"no optimiser {recipe.optimiser!r}; there are: {', '.join(OPTIMISERS)}")


def optimiser(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Return the recipe's optimiser of a model's parameters; on a CUDA device its steps can be captured in graphs.

    Raises:
        ValueError: there is none of that name.
    """
    check(recipe)
    decayed = [p for p in model.parameters() if p.ndim > 1]
    plain = [p for p in model.parameters() if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": plain, "weight_decay": 0.0}]
    if recipe.optimiser == "muon":
        turned = matrices(model)
        groups[0]["params"] = [p for p in decayed if all(p is not other for other in turned)]
        groups.insert(0, {"params": turned, "weight_decay": recipe.weight_decay, "orthogonal": True})
    first = next(model.parameters())
    graphs = first.device.type == CUDA
    rate = torch.tensor(recipe.learning_rate, device=first.device) if graphs else recipe.learning_rate
    return OPTIMISERS[recipe.optimiser](groups, rate, graphs)


def descend(optimiser: torch.optim.Optimizer) -> None:
    """Take a step. Torch warns of one that could be captured in a graph and is not, which is so of some by intent."""
    if not optimiser.defaults.get("capturable"):
        optimiser.step()
        return
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "This instance was constructed with capturable")
        optimiser.step()


def set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate of the next step."""
    for group in optimiser.param_groups:
        if isinstance(group["lr"], torch.Tensor):  # which a captured step reads
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate
