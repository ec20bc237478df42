"""An epoch of float training: batches in the order of the seed, the optimiser's steps, averaged weights."""

import copy
import math

import numpy as np
import torch

from latent_nas import seeds
from latent_nas.accelerator import CUDA
from latent_nas.tasks import Part, Recipe, Task
from latent_nas.training import TrainingFailed, mixed_precision, schedule
from latent_nas.training.augment import Augmentation
from latent_nas.training.augment.mix import mixed
from latent_nas.training.batch import Batch
from latent_nas.training.graphed import Graphed
from latent_nas.training.network import Network, to_tensor
from latent_nas.training.optimisers import descend, set_rate
from latent_nas.training.optimisers import optimiser as make
from latent_nas.training.teacher import Teacher


class Learner:
    """A network that learns a part of the data as a recipe says.

    Attributes:
        model: the network that is trained.
        judged: the one that is evaluated and returned: its moving average, or itself where the recipe has none.
    """

    def __init__(
        self, model: Network, task: Task, recipe: Recipe, seed: int, learn: Part, teacher: Teacher | None = None
    ) -> None:
        """Put the data where the model is, once, and a teacher that knows them."""
        self.model, self.task, self.recipe, self.seed, self.learn = model, task, recipe, seed, learn
        self.optimiser = make(model, recipe)
        self.judged = copy.deepcopy(model) if recipe.average else model
        self._averaged = _floats(self.judged), _floats(model)
        self._device = model.device
        self._x, self._y = to_tensor(learn.x).to(self._device), torch.from_numpy(learn.y).to(self._device)
        weighs = recipe.balanced and not recipe.balanced_sampling
        weights = task.kind.class_weights(learn.y, task.outputs) if weighs else None
        self._weight = None if weights is None else torch.from_numpy(weights).to(self._device)
        self._teacher = teacher.to(self._device) if teacher else None
        self._order = seeds.rng(seed, "training", "order")
        self._augmentation = Augmentation.of(recipe, task)
        if recipe.bf16:
            mixed_precision.warn(self._device.type)
        self._graphed = Graphed() if self._device.type == CUDA else None

    def skip(self, epochs: int) -> None:
        """Draw what so many finished epochs had drawn."""
        for _ in range(epochs):
            self._drawn()

    def epoch(self, epoch: int, curve: list[float]) -> tuple[float, float]:
        """Train for one epoch, and return the last learning rate and the mean loss.

        Args:
            curve: score after each epoch so far, which some schedules look at.

        Raises:
            TrainingFailed: the loss is not finite.
        """
        self.model.train()
        count = math.ceil(len(self.learn) * self.recipe.epoch_share)
        steps = math.ceil(count / self.recipe.batch)
        varied = seeds.rng(self.seed, "training", "augment", epoch)
        augmented = epoch < self.recipe.epochs - self.recipe.unaugmented_epochs
        rate = 0.0
        total: float | torch.Tensor = 0.0
        for step, rows in enumerate(np.array_split(self._drawn()[:count], steps)):
            rate = self.recipe.learning_rate * schedule.share(self.recipe, epoch + step / steps, curve)
            set_rate(self.optimiser, rate)
            loss = self._step(self.batch(rows, varied, augmented))
            # a GPU is not waited for before the epoch's end
            total = total + (loss.double() if self._device.type == CUDA else _finite(loss.item(), epoch)) * len(rows)
            if self.judged is not self.model:
                done = epoch * steps + step + 1
                _move(*self._averaged, 1 - min(self.recipe.average, done / (done + 9)))
        return rate, _finite(float(total), epoch) / len(self.learn)

    def _drawn(self) -> np.ndarray:
        """Return the samples of an epoch (n,), by number, in their order."""
        if self.recipe.balanced_sampling:
            return evenly(self.learn.y, self._order)
        return self._order.permutation(len(self.learn))

    def batch(self, rows: np.ndarray, varied: np.random.Generator, augmented: bool = True) -> Batch:
        """Return what a step is given: the samples of these numbers (n,), made up as the kind says.

        Args:
            augmented: whether they are varied first, as the recipe says.
        """
        kind, augment = self.task.kind, self.recipe.augment and augmented
        vary = self._augmentation if augmented else None
        inputs = targets = others = shares = None
        if augment or kind.makes_batches or (vary and vary.varies):
            x = self.learn.x[rows]
            x = self.task.augmented(x, varied) if augment else x
            x = vary(x, varied) if vary else x
            made = kind.batch(x, self.learn.y[rows], varied)
            inputs, targets = to_tensor(made[0]), torch.from_numpy(made[1])
        if vary and vary.mixed:
            inputs, others, own = mixed(self._x[rows] if inputs is None else inputs, vary.mixed, varied)
            shares = torch.tensor([own, 1 - own])
        return Batch(torch.from_numpy(rows), inputs, targets, others, shares).to(self._device)

    def loss(self, batch: Batch) -> torch.Tensor:
        """Return the loss of a batch, ()."""
        inputs = self._x[batch.rows] if batch.inputs is None else batch.inputs
        targets = self._y[batch.rows] if batch.targets is None else batch.targets
        outputs, soft = mixed_precision.outputs(self.model, inputs, self.recipe.bf16), self._soft(batch)
        loss = self._distance(outputs, targets, soft)
        if batch.others is None or batch.shares is None:
            return loss
        return batch.shares[0] * loss + batch.shares[1] * self._distance(outputs, targets[batch.others], soft)

    def _soft(self, batch: Batch) -> torch.Tensor | None:
        """Return what the teacher says of a batch: of the samples, or of the inputs that were made of them."""
        if self._teacher is None:
            return None
        return (
            self._teacher.known[batch.rows] if batch.inputs is None else self._teacher(batch.inputs, self.recipe.bf16)
        )

    def _distance(self, outputs: torch.Tensor, targets: torch.Tensor, soft: torch.Tensor | None) -> torch.Tensor:
        """Return the loss of outputs, with a teacher's answers as the recipe weighs them."""
        kind, recipe = self.task.kind, self.recipe
        hard = kind.loss(outputs, targets, recipe, self._weight)
        if soft is None:
            return hard
        return (1 - recipe.distil) * hard + recipe.distil * kind.soft_loss(outputs, soft, recipe.temperature)

    def _step(self, batch: Batch) -> torch.Tensor:
        """Take a step as the device is best sent it, and return the loss before it, ()."""
        return self._graphed(self._descend, batch) if self._graphed else self._descend(batch)

    def _descend(self, batch: Batch) -> torch.Tensor:
        """Take a step, and return the loss before it, (); tensors in and out, nothing is waited for."""
        loss = self.loss(batch)
        self.optimiser.zero_grad()
        loss.backward()
        descend(self.optimiser)
        return loss.detach()


def _finite(loss: float, epoch: int) -> float:
    """Return a loss.

    Raises:
        TrainingFailed: it is not finite.
    """
    if not math.isfinite(loss):
        raise TrainingFailed(f"the loss became {loss} in epoch {epoch + 1}")
    return loss


def evenly(classes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return as many rows (n,) as there are samples, every class equally often (but for what is cut), in a drawn order.

    Args:
        classes: of the samples (n,). A class's samples are drawn in turn, all of them before one comes again.
    """
    kinds = np.unique(classes)
    each = -(-len(classes) // len(kinds))
    rows = []
    for kind in kinds:
        own = np.flatnonzero(classes == kind)
        turns = [rng.permutation(own) for _ in range(-(-each // len(own)))]
        rows.append(np.concatenate(turns)[:each])
    found: np.ndarray = rng.permutation(np.concatenate(rows))
    return found[: len(classes)]


@torch.no_grad()
def _move(average: list[torch.Tensor], model: list[torch.Tensor], share: float) -> None:
    """Move the average's weights and running statistics a share of the way to the model's."""
    torch._foreach_lerp_(average, model, share)


def _floats(model: Network) -> list[torch.Tensor]:
    return [v for v in (*model.parameters(), *model.buffers()) if v.is_floating_point()]
