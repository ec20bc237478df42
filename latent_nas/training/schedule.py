"""How the learning rate goes: a share of its peak, from the time and the scores so far."""

import math
from collections.abc import Callable, Sequence

from latent_nas.tasks import Recipe

RISE, START, END = 0.3, 25.0, 1e4  # of one-cycle: share of the rise; peak / first rate; first / last rate


def share(recipe: Recipe, epoch: float, scores: Sequence[float]) -> float:
    """Return the learning rate as a share of its peak.

    Args:
        epoch: epochs done, with fractions. scores: on the validation part, after each epoch.
    """
    kind = SCHEDULES[recipe.schedule]
    if kind is not _one_cycle and epoch < recipe.warmup:
        return (epoch + 0.1) / (recipe.warmup + 0.1)
    return kind(recipe, epoch, scores)


def check(recipe: Recipe, judged: bool) -> None:
    """Raise ValueError for a schedule that there is not, or that can't be followed.

    Args:
        judged: whether there are validation scores.
    """
    if recipe.schedule not in SCHEDULES:
        raise ValueError(f"no schedule {recipe.schedule!r}; there are: {', '.join(SCHEDULES)}")
    if recipe.schedule == "plateau" and not judged:
        raise ValueError(
            "schedule 'plateau' needs validation scores, and training on train and validation data together"
            " has none; choose another schedule for it"
        )


def _cosine(recipe: Recipe, epoch: float, scores: Sequence[float]) -> float:
    return 0.5 * (1 + math.cos(math.pi * (epoch - recipe.warmup) / max(recipe.epochs - recipe.warmup, 1e-9)))


def _constant(recipe: Recipe, epoch: float, scores: Sequence[float]) -> float:
    return 1.0


def _step(recipe: Recipe, epoch: float, scores: Sequence[float]) -> float:
    return recipe.drop ** (int(epoch) // recipe.drop_after)


def _plateau(recipe: Recipe, epoch: float, scores: Sequence[float]) -> float:
    best, waited, drops = -math.inf, 0, 0
    for score in scores:
        waited = 0 if score > best else waited + 1
        best = max(best, score)
        if waited >= recipe.drop_after:
            waited, drops = 0, drops + 1
    return recipe.drop**drops


def _one_cycle(recipe: Recipe, epoch: float, scores: Sequence[float]) -> float:
    """Rise and fall by half cosines (Smith and Topin 2018); the momentum stays."""
    peak = RISE * recipe.epochs
    rises = epoch < peak
    first, last = (1 / START, 1.0) if rises else (1.0, 1 / START / END)
    done = epoch / peak if rises else (epoch - peak) / max(recipe.epochs - peak, 1e-9)
    return last + (first - last) * 0.5 * (1 + math.cos(math.pi * done))


SCHEDULES: dict[str, Callable[[Recipe, float, Sequence[float]], float]] = {
    "cosine": _cosine,
    "constant": _constant,
    "step": _step,
    "plateau": _plateau,
    "one-cycle": _one_cycle,
}
