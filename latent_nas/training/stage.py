"""What all stages of a training are given: float training, learning on after pruning, fine-tuning of the integers."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from latent_nas.tasks import Part, Recipe, Task
from latent_nas.training.teacher import Teacher

CPU = torch.device("cpu")


def silent(history: np.ndarray) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Stage:
    """A stage of a training; the next one is this one with other fields.

    Attributes:
        recipe: of this stage. seed: of the whole training; every stage draws from it under a name of its own.
        learn: samples to learn.
        judge: samples that decide when to stop and which epoch's weights are returned; None, or a recipe ``to_end``:
            the last one's.
        stop_at: epochs to run, on the recipe's schedule; None: the recipe's.
        keep: file of the state after every epoch; where it is there, the stage goes on from it to the same end.
        watch: is told the history, (epochs, len(checkpoint.HISTORY)), after every epoch, and first that of a file.
        teacher: that knows ``learn``.
        device: where it learns. What is learnt is returned on the CPU.
    """

    task: Task
    recipe: Recipe
    seed: int
    learn: Part
    judge: Part | None = None
    stop_at: int | None = None
    keep: Path | None = None
    watch: Callable[[np.ndarray], None] = silent
    teacher: Teacher | None = None
    device: torch.device = CPU

    def named(self, name: str) -> "Stage":
        """Return the stage with a file of its own, ``keep`` with a name before its suffix; none where none is kept."""
        return replace(self, keep=self.keep and self.keep.with_suffix(f".{name}{self.keep.suffix}"))
