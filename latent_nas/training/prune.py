"""Structured pruning: a trained network loses the channels that matter least until it fits, and learns on in between.

What a channel matters (``importance``) is held against what it takes of the limit that binds. Channels that must be the
same, as those of a residual sum, go together, and always by fours, as kernels take them. It goes in rounds, since the
channels that are left matter more once others are gone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import log, nan

import numpy as np
import torch

from latent_nas import seeds
from latent_nas.graph import Graph
from latent_nas.graph.channels import FEWEST, depthwise, groups, makes_channels, widths, with_channels
from latent_nas.operators.batch_norm import BatchNorm
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.dense import Dense
from latent_nas.records import words
from latent_nas.tasks import Recipe, Task
from latent_nas.training import CanNotFit
from latent_nas.training.fit import follow
from latent_nas.training.importance import importances
from latent_nas.training.network import Network
from latent_nas.training.stage import Stage

BY = FEWEST  # channels that go at once
STEP, HALF = 1.25, 0.5  # by which cost / limit goes down in a round; of a group's channels that stay at least
SHARE, SHORT, LEAST, RATE = 0.5, 0.1, 2, 0.5  # of the recipe's epochs after the last round and others; of its rate
SIZE = 1e-3  # how much a smaller network is worth beside what it takes of the limit
Excess = Callable[[Graph], float]  # cost / limit of the limit that binds; above 1 a network does not fit


@dataclass(frozen=True)
class Pruned:
    """What pruning made.

    Attributes:
        model: after it has learnt on. epochs: of that, in all rounds. before, cut: the first metric on the judging part
            of the network as it was, and right after the last round; NaN where there is no such part. channels: before
            and after, of every convolution without groups and dense layer but the last, in their order.
    """

    model: Network
    epochs: int
    before: float
    cut: float
    channels: tuple[tuple[int, int], ...]


def prune(model: Network, excess: Excess, stage: Stage) -> Pruned | None:
    """Return a network that fits, made of a trained one on the CPU; None where that fits already.

    Args:
        stage: that ``model`` was trained in; it learns on as there, after every round with a file of its own.

    Raises:
        CanNotFit: no network of fewer channels fits.
        TrainingFailed: the loss is not finite.
    """
    if excess(model.graph) <= 1:
        return None
    task, judge = stage.task, stage.judge

    def score(network: Network) -> float:
        return nan if judge is None else task.kind.metric.signed(task.kind.score(network.outputs(judge.x), judge.y))

    graph, before, epochs, number, last = model.graph, score(model), 0, 0, False
    while not last:
        model = sliced(model, chosen(model.graph, importances(model, task, stage.learn), excess))
        cut, last, number = score(model), excess(model.graph) <= 1, number + 1
        after = replace(stage.named(str(number)), recipe=recipe_of(stage.recipe, judge is not None, last), stop_at=None)
        with seeds.isolated(seeds.derive(stage.seed, "prune", number)):
            model, _, done = follow(model, after)
        epochs += done
    both = zip(graph.nodes[1:-1], model.graph.nodes[1:-1], strict=True)
    pairs = [(one.shape[-1], small.shape[-1]) for one, small in both if makes_channels(graph, one)]
    return Pruned(model, epochs, before, cut, tuple(pairs))


def recipe_of(recipe: Recipe, judged: bool, last: bool) -> Recipe:
    """Return the recipe of learning on after the last round or another: fewer epochs from a lower rate."""
    epochs = max(round((SHARE if last else SHORT) * recipe.epochs), LEAST)
    schedule = "cosine" if recipe.schedule == "plateau" and not judged else recipe.schedule
    plain = replace(recipe.lasting(epochs), branches=0, whiten=False, warmup=min(recipe.warmup, 0.5), schedule=schedule)
    return replace(plain, learning_rate=RATE * recipe.learning_rate, to_end=recipe.to_end or not judged)


def chosen(graph: Graph, importance: Mapping[int, np.ndarray], excess: Excess) -> dict[int, np.ndarray]:
    """Return the channels that stay after a round, in their order, by group: those that matter least go.

    A round ends where the network fits, where cost / limit is down by ``STEP``, or where ``HALF`` of all is gone.

    Raises:
        CanNotFit: none can go, and it does not fit.
    """
    order = {group: np.argsort(-values, kind="stable") for group, values in importance.items()}
    counts = {group: len(values) for group, values in importance.items()}

    least = {group: max(HALF * many, BY) for group, many in counts.items()}
    now, wanted = graph, max(excess(graph) / STEP, 1)
    while (ratio := excess(now)) > wanted:
        best = None
        for group in counts:
            smaller = counts | {group: (counts[group] - 1) // BY * BY}
            if smaller[group] < least[group]:
                continue
            tried = with_channels(graph, smaller)
            lost = importance[group][order[group][smaller[group] : counts[group]]].sum()
            saved = max(log(ratio / excess(tried)), 0) + SIZE * log(now.parameters / tried.parameters)
            if best is None or lost / saved < best[0]:
                best = (lost / saved, smaller, tried)
        if best is None and now is not graph:
            break
        if best is None:
            raise CanNotFit.by(ratio)
        counts, now = best[1], best[2]
    return {group: np.sort(order[group][: counts[group]]) for group in counts}


@torch.no_grad()
def sliced(model: Network, kept: Mapping[int, np.ndarray]) -> Network:
    """Return a trained network with some of its channels, by the names of ``groups``, and their weights."""
    graph, of = model.graph, groups(model.graph)
    with seeds.isolated(0):
        small = Network(with_channels(graph, {group: len(rows) for group, rows in kept.items()}))
    small.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    for node in graph.nodes[1:]:
        own, read = (kept.get(of[i]) for i in (node.id, node.inputs[0]))
        state = model.operators[node.id].state_dict()
        if isinstance(node.operator, (Conv2d, Dense, BatchNorm)):
            single = isinstance(node.operator, BatchNorm) or depthwise(graph, node)
            for name, value in state.items():
                if value.ndim and own is not None:
                    value = value[torch.from_numpy(own)]
                if value.ndim > 1 and read is not None and not single:
                    value = value[:, torch.from_numpy(read)]
                state[name] = value
        small.operators[node.id].load_state_dict(state)
    return small.eval()


def said(task: Task, pruned: Pruned | None, after: float) -> str:
    """Return what was taken away, in a line.

    Args:
        after: the first metric on validation of the network that has learnt on.
    """
    if pruned is None:
        return "pruning: the network is within these limits as it is; nothing is taken away"
    name = words(task.kind.metric.name)
    return (
        f"pruned: {widths(pruned.channels)}; float {name} on validation {pruned.before:.4f} before,"
        f" {pruned.cut:.4f} right after, {after:.4f} after {pruned.epochs} epoch{'s' * (pruned.epochs != 1)}"
        " of learning on"
    )
