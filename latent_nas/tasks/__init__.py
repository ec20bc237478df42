"""Tasks: one file each, with the data, the fixed split, the recipe, the loss and the metrics."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from latent_nas import plugins
from latent_nas.operators import Shape

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Part:
    """Inputs x, NHWC float32 (or tokens, int64), and targets y, (n,) int64."""

    x: np.ndarray
    y: np.ndarray

    def __len__(self) -> int:
        return len(self.y)


@dataclass(frozen=True)
class Data:
    """The three parts of a task. ``test`` is read by final validation only."""

    train: Part
    valid: Part
    test: Part

    @property
    def learn(self) -> Part:
        """Train and validation together, for final training."""
        return Part(np.concatenate([self.train.x, self.valid.x]), np.concatenate([self.train.y, self.valid.y]))


@dataclass(frozen=True)
class Metric:
    """What a task measures: its name, unit and whether more is better."""

    name: str
    unit: str = "fraction"
    higher_is_better: bool = True


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    Attributes:
        epochs: at most; the cosine schedule ends there. batch: samples a step.
        optimiser: "sgd" (Nesterov momentum 0.9) or "adamw". learning_rate: its peak.
        warmup: epochs of linear rise. patience: epochs without a better validation score before stopping.
        label_smoothing: of the cross entropy. balanced: weigh classes inversely to their number.
        average: decay of the exponential moving average of the weights that is evaluated; 0 is none.
    """

    epochs: int
    batch: int = 64
    optimiser: str = "adamw"
    learning_rate: float = 3e-3
    weight_decay: float = 1e-2
    warmup: float = 1.0
    patience: int = 10
    label_smoothing: float = 0.0
    balanced: bool = False
    average: float = 0.0


class Task(ABC):
    """A learning problem with one split, fixed once for all seeds."""

    name: ClassVar[str]
    input_shape: Shape
    outputs: int
    metrics: ClassVar[tuple[Metric, ...]] = (Metric("accuracy"),)  # the first one is the objective
    recipes: ClassVar[dict[str, Recipe]]  # by fidelity: "search" and "full" at least

    @abstractmethod
    def data(self) -> Data:
        """Return train, valid and test."""

    def loss(
        self, outputs: "torch.Tensor", targets: "torch.Tensor", recipe: Recipe, weight: "torch.Tensor | None" = None
    ) -> "torch.Tensor":
        """Return the mean loss of a batch: cross entropy of logits (n, outputs) and classes (n,)."""
        from torch.nn import functional

        return functional.cross_entropy(outputs, targets, weight=weight, label_smoothing=recipe.label_smoothing)

    def score(self, outputs: np.ndarray, targets: np.ndarray) -> float:
        """Return the first metric of outputs (n, outputs), float or integer: here the accuracy."""
        return float((outputs.argmax(axis=1) == targets).mean())

    def confusion(self, outputs: np.ndarray, targets: np.ndarray) -> np.ndarray | None:
        """Return how often class (row) was taken for class (column), (outputs, outputs); None where there are none."""
        if outputs.ndim != 2 or targets.ndim != 1:
            return None
        pairs = targets * self.outputs + outputs.argmax(axis=1)
        return np.bincount(pairs, minlength=self.outputs**2).reshape(self.outputs, self.outputs)


def open_task(name: str) -> Task:
    """Return a task by name.

    Raises:
        ValueError: no such task; the message names those there are.
    """
    task: Task = plugins.load("tasks", name)()
    return task
