"""Quantisation-aware training: an int8 network that loses too much goes on learning as the integers that it is."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from latent_nas import seeds
from latent_nas.graph import Graph
from latent_nas.nearest import meant
from latent_nas.records import words
from latent_nas.tasks import Recipe, Task

if TYPE_CHECKING:
    from latent_nas.training.network import Network
    from latent_nas.training.quantise import QuantisedNetwork
    from latent_nas.training.stage import Stage

AUTO, ALWAYS, NEVER = "auto", "always", "never"
POLICIES = (AUTO, ALWAYS, NEVER)
LOST = 0.003  # of what there is to gain, from which "auto" fine-tunes: 0.3 points of an accuracy
LEAST = 3  # epochs
SHARE, RATE = 0.2, 5e-4  # of the recipe's epochs; peak learning rate of Adam
NARROW_SHARE, NARROW_RATE = 0.5, 2e-3  # of weights with fewer than 8 bits, which have farther to go
NARROW_LOST = 0.005  # as LOST, against 8 bits, from which the first and the last layer keep theirs


@dataclass(frozen=True)
class Tuned:
    """What fine-tuning made.

    Attributes:
        network: int8. epochs: behind its weights. curve: int8 validation score after each, more being better.
    """

    network: "QuantisedNetwork"
    epochs: int
    curve: tuple[float, ...]


def check(policy: str) -> None:
    """Raise ValueError for a policy that there is not."""
    if policy not in POLICIES:
        raise ValueError(f"qat is one of {', '.join(POLICIES)}, got {policy!r}{meant(policy, POLICIES)}")


def wanted(task: Task, policy: str, floats: Mapping[str, float], integers: Mapping[str, float]) -> bool:
    """Return whether a network is to be fine-tuned: under "auto" where int8 loses more than ``LOST`` against float.

    That is a share of 1, or, of metrics that have a unit, of what needs no network scores.
    """
    check(policy)
    if policy != AUTO:
        return policy == ALWAYS
    return lost(task, floats, integers) > LOST + 1e-9


def lost(task: Task, before: Mapping[str, float], after: Mapping[str, float]) -> float:
    """Return by how much the first metric is worse after than before, as a share: see ``wanted``."""
    metric = task.kind.metric
    span = 1.0 if metric.unit in ("fraction", "") else abs(task.baseline().metrics[metric.name])
    return (task.kind.signed(before) - task.kind.signed(after)) / span


def said(
    task: Task, floats: Mapping[str, float], before: Mapping[str, float], after: Mapping[str, float], epochs: int
) -> str:
    """Return what was decided for a network, in a line: metrics on validation of float, and of int8 before and after.

    Args:
        epochs: of fine-tuning that are kept; 0 is none.
    """
    name = task.kind.metric.name
    lost = f"int8 {words(name)} {before[name]:.4f} on validation, float {floats[name]:.4f}"
    if not epochs:
        return f"quantisation-aware training: {lost}; fine-tuning brought nothing and is left out"
    many = f"{epochs} epoch{'s' * (epochs > 1)}"
    return f"quantisation-aware training: {lost}; fine-tuned for {many}: int8 {after[name]:.4f}"


def recipe_of(recipe: Recipe, bits: int = 8) -> Recipe:
    """Return the recipe of fine-tuning after a training by ``recipe``: a few epochs from a low rate down to 0.

    Args:
        bits: of the narrowest weights.
    """
    share, rate = (SHARE, RATE) if bits == 8 else (NARROW_SHARE, NARROW_RATE)
    epochs = max(round(share * recipe.epochs), LEAST)
    plain = replace(recipe.lasting(epochs), optimiser="adam", learning_rate=rate, weight_decay=0.0, schedule="cosine")
    return replace(plain, warmup=0.0, patience=epochs, bf16=False)  # float32 holds its integers, bfloat16 does not


def tune(graph: Graph, model: "Network", network: "QuantisedNetwork", stage: "Stage") -> Tuned:
    """Train an int8 network further, on the CPU, where its integers are exact.

    Args:
        graph, model: float, which ``network`` was made from.
        stage: with the recipe that ``model`` was trained by; its ``judge`` sees the int8 score.

    Raises:
        TrainingFailed: the loss is not finite.
    """
    from latent_nas.training.fake_quantised import FakeQuantised
    from latent_nas.training.fit import follow
    from latent_nas.training.quantise import weights_of
    from latent_nas.training.stage import CPU

    held = stage.task.kind.output_range(stage.learn.y) is not None
    with seeds.isolated(seeds.derive(stage.seed, "aware")):
        fake = FakeQuantised(network, weights_of(graph, model), held)
        bits = min(node.operator.bits for node in network.graph.nodes)
        tuned, curve, epochs = follow(fake, replace(stage, recipe=recipe_of(stage.recipe, bits), device=CPU))
    assert isinstance(tuned, FakeQuantised)
    return Tuned(tuned.integers(), epochs, tuple(curve))
