"""How a network is trained."""

import math
from dataclasses import dataclass, replace

LEAST_BATCH = 16  # of a glance


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    Attributes:
        epochs: at most; the schedule ends there. batch: samples a step.
        optimiser: "sgd" (Nesterov momentum 0.9), "adam", "adamw", "muon" (``training.muon``) or "rmsprop".
            learning_rate: its peak.
        weight_decay: of weights, not of biases and norms; decoupled with "adamw" and "muon", else added to gradients.
        warmup: epochs of linear rise. patience: epochs without a better validation score before stopping.
        label_smoothing: of the cross entropy. balanced: weigh classes inversely to their number.
        average: decay of the exponential moving average of the weights that is evaluated; 0 is none.
        schedule: "cosine", "constant", "step", "plateau" or "one-cycle"; see ``training.schedule``.
        drop: what "step" and "plateau" multiply the rate by. drop_after: epochs from one drop of "step" to the next;
            for "plateau", epochs without a better validation score.
        augment: whether the task varies its training inputs, in its own way.
        augmentation: how else they are varied, by names for the task's kind of data: "shift=2,cutout"; see
            ``training.augment``. unaugmented_epochs: the last so many of the epochs see inputs as they are.
        teachers: networks of an ensemble that is trained first and whose answers are learnt, see ``training.teacher``;
            0 is none. distil: share of the loss that is the distance to these answers.
        temperature: by which both outputs are divided for that.
        to_end: whether nothing stops a training early and the last epoch's weights are taken, not those of the best on
            the validation part.
        qat: whether quantisation-aware training follows: "never", "always", or "auto", where int8 loses more than 0.3
            points against float on the validation part; see ``training.aware``.
        branches: copies of every convolution that learn beside a 1x1 one and the input, and are one convolution
            afterwards, see ``training.branches``; 0 is the convolution alone.
        whiten: whether the first convolution begins with the principal components of what its windows see, see
            ``training.whiten``.
        bf16: whether convolutions and products compute in bfloat16 while a network learns, see
            ``training.mixed_precision``.
        balanced_sampling: whether an epoch draws every class equally often, small ones repeatedly; ``balanced`` then
            weighs nothing.
        share: of the training data that is used, the same samples for every network. epoch_share: of these, what an
            epoch uses, drawn anew for each.

    Raises:
        ValueError: a number out of range.
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
    schedule: str = "cosine"
    drop: float = 0.1
    drop_after: int = 10
    augment: bool = False
    to_end: bool = False
    augmentation: str = ""
    unaugmented_epochs: int = 0
    qat: str = "never"
    teachers: int = 0
    distil: float = 0.7
    temperature: float = 3.0
    branches: int = 0
    whiten: bool = False
    bf16: bool = False
    balanced_sampling: bool = False
    share: float = 1.0
    epoch_share: float = 1.0

    def __post_init__(self) -> None:
        for name, least, most in (
            ("epochs", 1, math.inf),
            ("batch", 1, math.inf),
            ("learning_rate", 0, math.inf),
            ("weight_decay", 0, math.inf),
            ("warmup", 0, math.inf),
            ("patience", 0, math.inf),
            ("label_smoothing", 0, 1),
            ("average", 0, 1),
            ("drop", 0, 1),
            ("drop_after", 1, math.inf),
            ("teachers", 0, 16),
            ("distil", 0, 1),
            ("temperature", 0.1, 100),
            ("branches", 0, 8),
            ("unaugmented_epochs", 0, self.epochs),
        ):
            if not least <= getattr(self, name) <= most:
                bounds = f"at least {least}" if most == math.inf else f"{least} to {most}"
                raise ValueError(f"{name} of a recipe is {bounds}, got {getattr(self, name)}")
        for name in ("share", "epoch_share"):
            if not 0 < getattr(self, name) <= 1:
                raise ValueError(f"{name} of a recipe is above 0 and at most 1, got {getattr(self, name)}")
        if math.isinf(self.learning_rate):
            raise ValueError("learning_rate of a recipe is a finite number, got inf")

    def glance(self, share: float) -> "Recipe":
        """Return a first look at a network: one epoch over a share of the data, in steps as many and as much smaller.

        It has a schedule of its own, so that it ends with small steps; few steps would teach nothing.
        """
        batch = min(self.batch, max(LEAST_BATCH, round(self.batch * share)))
        return replace(self.lasting(1), share=self.share * share, batch=batch, warmup=min(self.warmup, 0.3))

    def lasting(self, epochs: int) -> "Recipe":
        """Return the recipe with another number of epochs, the same share of them unaugmented."""
        return replace(self, epochs=epochs, unaugmented_epochs=round(self.unaugmented_epochs * epochs / self.epochs))

    @property
    def work(self) -> float:
        """Epochs over all of the training data."""
        return self.epochs * self.share * self.epoch_share
