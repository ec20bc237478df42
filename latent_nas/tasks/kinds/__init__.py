"""Kinds of task, one file each: what outputs mean, the loss, the metrics, the trivial baseline, the evidence to show.

A task has data and recipes; everything that depends on what its targets are is its kind's.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from latent_nas import seeds
from latent_nas.records import words

if TYPE_CHECKING:
    import torch

    from latent_nas.tasks import Recipe

DRAWS = 200  # of the samples, for an interval
Evidence = dict[str, list[list[float]]]  # what a report draws of a final network, by the name of the picture


@dataclass(frozen=True)
class Metric:
    """What a task measures.

    Attributes:
        name: as in records and file headers. unit: "fraction" (of 1), "bits", that of the targets, or "" for none.
        higher_is_better: its direction.
    """

    name: str
    unit: str = "fraction"
    higher_is_better: bool = True

    def signed(self, value: float) -> float:
        """Return the value so that more is better."""
        return value if self.higher_is_better else -value


@dataclass(frozen=True)
class Baseline:
    """What can be reached without a network.

    Attributes:
        words: what it does, e.g. "always the largest class (3)". metrics: what it measures, by name.
        answer: the class that it always gives; None if there is none.
    """

    words: str
    metrics: Mapping[str, float]
    answer: int | None = None

    def named(self, classes: Sequence[str]) -> "Baseline":
        """Return it with its answer called by name; as it is where classes have none."""
        if self.answer is None or self.answer >= len(classes):
            return self
        return replace(self, words=self.words.replace(f"({self.answer})", f"({classes[self.answer]})"))

    def text(self) -> str:
        """Return it for people: "without a network (always the largest class (3)): accuracy 0.1020"."""
        values = ", ".join(f"{words(name)} {value:.4f}" for name, value in self.metrics.items())
        return f"without a network ({self.words}): {values}"

    def to_json(self) -> dict[str, object]:
        """Return plain values."""
        return {"words": self.words, "metrics": dict(self.metrics), "text": self.text()}


class Kind(ABC):
    """What follows from the meaning of a network's outputs.

    Attributes:
        name: of its file. metrics: the first one is what a search optimises.
    """

    name: ClassVar[str]
    metrics: tuple[Metric, ...]

    @property
    def metric(self) -> Metric:
        """The metric that a search optimises."""
        return self.metrics[0]

    @abstractmethod
    def loss(
        self, outputs: "torch.Tensor", targets: "torch.Tensor", recipe: "Recipe", weight: "torch.Tensor | None" = None
    ) -> "torch.Tensor":
        """Return the mean loss of a batch; ``weight``: that of every class, where the recipe balances classes."""

    @abstractmethod
    def measure(self, outputs: np.ndarray, targets: np.ndarray) -> dict[str, float]:
        """Return all metrics by name, of real outputs (n, ...) and targets (n, ...)."""

    @abstractmethod
    def baseline(self, train: np.ndarray, judged: np.ndarray) -> Baseline:
        """Return what needs no network: learnt from training targets, measured on the judging part's."""

    def wrong(self, targets: np.ndarray, outputs: int) -> str:
        """Return what is wrong with targets (n, ...) of networks with so many outputs, as "is ..."; "" if nothing."""
        return ""

    def score(self, outputs: np.ndarray, targets: np.ndarray) -> float:
        """Return the first metric so that more is better: what early stopping and a search look at."""
        return self.signed(self.measure(outputs, targets))

    def signed(self, measured: Mapping[str, float]) -> float:
        """Return the first metric of ``measure`` so that more is better."""
        return self.metric.signed(measured[self.metric.name])

    def interval(self, outputs: np.ndarray, targets: np.ndarray) -> tuple[float, float]:
        """Return the 95 % interval of the first metric that so many samples allow: they are drawn anew, 200 times."""
        rng, name = seeds.rng(0, "interval"), self.metric.name
        drawn = (self.drawn(targets, rng) for _ in range(DRAWS))
        values = [self.measure(outputs[rows], targets[rows])[name] for rows in drawn]
        low, high = np.percentile(values, (2.5, 97.5))
        return float(low), float(high)

    def drawn(self, targets: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return as many rows (n,) as there are samples, drawn with replacement."""
        return rng.integers(len(targets), size=len(targets))

    def batch(self, x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Return what a training step learns from, given samples x (n, ...) and targets y (n, ...): as they are."""
        return x, y

    teaches: ClassVar[bool] = False  # whether there is a ``soft_loss``

    def soft_loss(self, outputs: "torch.Tensor", soft: "torch.Tensor", temperature: float) -> "torch.Tensor":
        """Return the mean distance of outputs (n, outputs) from a teacher's, where the kind ``teaches``."""
        raise ValueError(f"there is no distillation for {self.name}")

    makes_batches: ClassVar[bool] = False  # whether ``batch`` does anything
    learns_all: ClassVar[bool] = (
        True  # whether final trainings learn from validation data too; else it decides something
    )

    def class_weights(self, targets: np.ndarray, outputs: int) -> np.ndarray | None:
        """Return the weight of every class (outputs,) that makes all count the same; None where there are none."""
        return None

    has_classes: ClassVar[bool] = False  # whether targets are classes (n,)

    def subset(self, targets: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
        """Return the rows (k,) of a share of the samples, sorted: drawn, at least one."""
        order = rng.permutation(len(targets))
        return np.sort(order[: max(round(share * len(order)), 1)])

    def output_range(self, targets: np.ndarray) -> tuple[float, float] | None:
        """Return the least and largest output that int8 must be able to say; None: as seen on calibration data."""
        return None

    def agreement(self, outputs: np.ndarray, floats: np.ndarray) -> dict[str, float]:
        """Return in what an int8 network's outputs (n, outputs), as reals, agree with its float network's."""
        return {"argmax": float((outputs.argmax(axis=-1) == floats.argmax(axis=-1)).mean())}

    def decided(self, valid: tuple[np.ndarray, np.ndarray], judged: tuple[np.ndarray, np.ndarray]) -> dict[str, float]:
        """Return what outputs and targets of validation decide, e.g. a threshold, and how that does on others."""
        return {}

    def evidence(self, outputs: np.ndarray, targets: np.ndarray, classes: int) -> Evidence:
        """Return what a report draws, by name: e.g. "confusion", how often class (row) was taken for class (column)."""
        return {}
