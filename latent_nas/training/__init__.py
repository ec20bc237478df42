"""True training: float training, int8 quantisation as microcontrollers do it, and what both measure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from latent_nas import seeds
from latent_nas.accelerator import CPU, device
from latent_nas.graph import Graph
from latent_nas.graph.channels import FEWEST
from latent_nas.tasks import Part, Recipe, Task
from latent_nas.training import aware

if TYPE_CHECKING:
    from latent_nas.training.network import Network
    from latent_nas.training.prune import Pruned
    from latent_nas.training.quantise import QuantisedNetwork
    from latent_nas.training.stage import Stage

CALIBRATION = 512  # training samples that tell the activations' ranges
FLOAT = "float"  # folder beside an int8 network's files, with the float network that it was made from


class TrainingFailed(Exception):
    """A training that gave no network; the message says why."""


class Unsuited(TrainingFailed, ValueError):
    """A network that has not what its recipe asks for, as convolutions for branches; the message says what."""


class CanNotFit(TrainingFailed, ValueError):
    """A network that can't be pruned to its limits; the message says by how much it misses them."""

    @staticmethod
    def by(ratio: float) -> "CanNotFit":
        """Return the error of a network whose fewest channels still take so much of the limit that binds."""
        return CanNotFit(
            f"with {FEWEST} channels wherever any can go, the network still takes {ratio:.2f} of the limit; choose a"
            " wider limit or another network"
        )


@dataclass(frozen=True)
class Trained:
    """A trained and quantised network with what was measured.

    Attributes:
        network: int8. model: the float network that it was made from.
        float_metrics, int8_metrics: all of the task's metrics on the judging part, by name.
        curve: validation score after each epoch, more being better. epochs: how many were run to get these weights.
        qat_epochs: of quantisation-aware training behind the int8 network, 0 where it has none. without_qat: what the
            int8 network measured before, where that was tried.
        eight_bits: what the network measured with weights of 8 bits, where they have fewer; eight_bit_ends: whether the
            first and the last layer keep 8 then.
        pruned: how channels were taken away, None where none were; graph and weights are then those of ``model``.
        outputs, answers: of the float and the int8 network to the judging part, (n, outputs) and their form for the
            task's kind.
    """

    network: "QuantisedNetwork"
    model: "Network"
    curve: tuple[float, ...]
    epochs: int
    float_metrics: dict[str, float]
    int8_metrics: dict[str, float]
    outputs: np.ndarray
    answers: np.ndarray
    qat_epochs: int = 0
    without_qat: Mapping[str, float] = field(default_factory=dict)
    eight_bits: Mapping[str, float] = field(default_factory=dict)
    eight_bit_ends: bool = False
    pruned: "Pruned | None" = None

    def with_network(self, network: "QuantisedNetwork", task: Task, part: Part, **others: Any) -> "Trained":
        """Return the training with another int8 network, measured on ``part``, and other fields."""
        answers = network.outputs(part.x)
        metrics = task.kind.measure(answers, part.y)
        return replace(self, network=network, int8_metrics=metrics, answers=answers, **others)


def train(
    graph: Graph,
    task: Task,
    recipe: Recipe,
    seed: int,
    learn: Part,
    judge: Part,
    stop_at: int | None = None,
    keep: Path | None = None,
    watch: Callable[[np.ndarray], None] = lambda history: None,
    accelerator: str = CPU,
    pause: int | None = None,
    qat_epochs: int = 0,
    tuning: Callable[[np.ndarray], None] = lambda history: None,
    lesson: tuple[Part, Part] | None = None,
    say: Callable[[str], None] = lambda line: None,
    weight_bits: int = 8,
    eight_bit_ends: bool | None = None,
    excess: Callable[[Graph], float] | None = None,
) -> Trained:
    """Train a network on ``learn``, quantise it with activations calibrated there, and measure both on ``judge``.

    Where it is to fit limits that it exceeds, it is pruned before. Where the recipe asks for quantisation-aware
    training, that follows, and is kept if ``judge`` finds it better.

    Args:
        stop_at: epochs to run without looking at ``judge``, on the recipe's schedule; None: early stopping by
            ``judge``, weights of the best epoch.
        qat_epochs: of quantisation-aware training where ``stop_at`` is given. tuning: as ``watch``, of that training.
        lesson: what the recipe's teachers learn from and are judged on; None: ``learn`` and ``judge``. say: is told
            whether there are teachers.
        weight_bits: of convolutions and dense layers; with fewer than 8, ``judge`` decides whether the first and the
            last keep 8, see ``narrow.narrowed``. eight_bit_ends: whether they do, where that is decided already, as it
            is where ``stop_at`` is given.
        excess: cost / limit of the limit that binds, of a float graph, to prune the network to; None: as it is.
        keep, watch, pause: of ``fit.fit``. accelerator: where the float network learns; all else is done on the CPU.

    Raises:
        TrainingFailed: the loss or the outputs stopped being finite. CanNotFit: it can't be pruned so far. Unsuited: it
            has not what the recipe asks for.
        ValueError: a recipe that can't be followed, or no such device here.
    """
    import torch

    from latent_nas.training.fit import fit
    from latent_nas.training.narrow import narrowed
    from latent_nas.training.prune import prune
    from latent_nas.training.stage import Stage, silent
    from latent_nas.training.teacher import teach

    suits(recipe, graph)
    learn = subset(task, learn, recipe.share)
    if torch.get_num_threads() != 1:  # small operators are far slower with more
        torch.set_num_threads(1)
    where, teacher = device(accelerator), None
    if recipe.teachers:
        teacher = teach(graph, task, recipe, learn, lesson or (learn, judge), where, say)
    judged_on = None if stop_at else judge
    floats = Stage(task, recipe, seed, learn, judged_on, stop_at, keep, watch, teacher, where)
    model, curve, epochs = fit(graph, floats, pause=pause)
    pruned = None
    if excess is not None:
        pruned = prune(model, excess, replace(floats.named("pruned"), watch=silent))
        model = pruned.model if pruned else model
    seen = _calibration(task, learn)
    plain = _quantised(model, task, seen, learn, judge, curve=tuple(curve), epochs=epochs, pruned=pruned)
    integers = replace(floats, stop_at=qat_epochs if stop_at else None, watch=tuning)
    if weight_bits < 8:
        return narrowed(plain, weight_bits, integers, judge, seen, bool(eight_bit_ends) if stop_at else eight_bit_ends)
    if qat_epochs if stop_at else aware.wanted(task, recipe.qat, plain.float_metrics, plain.int8_metrics):
        return _tuned(plain, integers, judge)
    return plain


def _calibration(task: Task, learn: Part) -> np.ndarray:
    """Return the training inputs (n, ...) that tell the activations' ranges: with what a kind makes, as in training."""
    seen, _ = task.kind.batch(learn.x[:CALIBRATION], learn.y[:CALIBRATION], seeds.rng(0, "calibration"))
    return seen


def _quantised(
    model: "Network", task: Task, calibration: np.ndarray, learn: Part, judge: Part, **others: Any
) -> Trained:
    """Return the training of a float network with its int8 network, both measured on ``judge``.

    Raises:
        TrainingFailed: the float network's outputs are not finite.
    """
    from latent_nas.training.quantise import quantise

    outputs = model.outputs(judge.x)
    if not np.isfinite(outputs).all():
        raise TrainingFailed("the trained network's outputs are not finite")
    network = quantise(model.graph, model, calibration, task.kind.output_range(learn.y))
    answers = network.outputs(judge.x)
    return Trained(
        network=network,
        model=model,
        float_metrics=task.kind.measure(outputs, judge.y),
        int8_metrics=task.kind.measure(answers, judge.y),
        outputs=outputs,
        answers=answers,
        **others,
    )


def _tuned(plain: Trained, stage: "Stage", judge: Part) -> Trained:
    """Return a training after quantisation-aware training, or as it was where ``judge`` may choose and chooses that."""
    task, before = stage.task, plain.int8_metrics
    made = aware.tune(plain.model.graph, plain.model, plain.network, stage.named("qat"))
    tuned = plain.with_network(made.network, task, judge, qat_epochs=made.epochs, without_qat=before)
    if stage.judge is not None and task.kind.signed(tuned.int8_metrics) <= task.kind.signed(before):
        return replace(plain, without_qat=before)
    return tuned


def check(recipe: Recipe, task: Task, graph: Graph | None = None) -> None:
    """Raise ValueError for a recipe that can't be followed: a name that there is not, or what the data don't have.

    Args:
        graph: of the network, which some options need something of.
    """
    from latent_nas.training import optimisers, schedule, teacher
    from latent_nas.training.augment import Augmentation

    aware.check(recipe.qat)
    optimisers.check(recipe)
    schedule.check(recipe, judged=True)
    Augmentation.of(recipe, task)
    if recipe.unaugmented_epochs and not (recipe.augment or recipe.augmentation):
        raise ValueError(
            "unaugmented_epochs is for recipes with augment or augmentation, and this one has neither; leave it out"
        )
    teacher.check(recipe, task)
    for name in ("branches", "whiten") if len(task.input_shape) == 1 else ():
        if getattr(recipe, name):
            raise ValueError(f"{name} is for convolutions, which networks of text have none of; leave it out")
    if recipe.balanced_sampling and not task.kind.has_classes:
        raise ValueError(f"balanced_sampling is for classes, not for {task.kind.name}; leave it out")
    if graph is not None:
        suits(recipe, graph)


def suits(recipe: Recipe, graph: Graph) -> None:
    """Raise Unsuited where a network has not what a recipe asks for."""
    if recipe.branches:
        from latent_nas.training import branches

        branches.check(recipe.branches, graph)
    if recipe.whiten:
        from latent_nas.training import whiten

        whiten.check(graph)


def subset(task: Task, part: Part, share: float) -> Part:
    """Return a share of a part as the task's kind draws it, the same samples whatever the seed of the training.

    Raises:
        ValueError: the share is not above 0 and at most 1.
    """
    if not 0 < share <= 1:
        raise ValueError(f"a recipe's share is above 0 and at most 1, got {share}")
    if share == 1:
        return part
    rows = task.kind.subset(part.y, share, seeds.rng(0, "subset"))
    return Part(part.x[rows], part.y[rows])
