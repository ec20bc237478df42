"""Classification: outputs are logits of classes, the largest one is the answer."""

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from latent_nas.tasks.kinds import Baseline, Evidence, Kind, Metric, confusion

if TYPE_CHECKING:
    import torch

    from latent_nas.tasks import Recipe

UNEVEN = 2.0  # samples of the largest class for one of the smallest from which accuracy is not a measure of a network
MEASURES: dict[str, Callable[[np.ndarray], float]] = {
    "balanced_accuracy": confusion.balanced_accuracy,
    "accuracy": confusion.accuracy,
    "f1": confusion.f1,
}
INTERVALS = {"balanced_accuracy": confusion.balanced_interval, "accuracy": confusion.accuracy_interval}


class Classification(Kind):
    """Targets are classes (n,) int64.

    Args:
        uneven: whether classes differ in size by ``UNEVEN`` or more: the answer of the largest class alone would score
            high then, so a search optimises the balanced accuracy, the mean recall of the classes.
    """

    name = "classify"

    def __init__(self, uneven: bool = False) -> None:
        self.metrics = tuple(map(Metric, MEASURES if uneven else ("accuracy",)))

    def wrong(self, targets: np.ndarray, outputs: int) -> str:
        """Return what is wrong with classes (n,); "" if nothing."""
        if targets.dtype != np.int64 or targets.ndim != 1:
            return f"is {targets.dtype} {targets.shape}, wanted classes (n,) int64"
        least, most = int(targets.min()), int(targets.max())
        if least < 0 or most >= outputs:
            return f"has class {most if most >= outputs else least}, and {outputs} outputs tell 0 to {outputs - 1}"
        return ""

    def loss(
        self, outputs: "torch.Tensor", targets: "torch.Tensor", recipe: "Recipe", weight: "torch.Tensor | None" = None
    ) -> "torch.Tensor":
        """Return the cross entropy of logits (n, classes)."""
        from torch.nn import functional

        return functional.cross_entropy(outputs, targets, weight=weight, label_smoothing=recipe.label_smoothing)

    teaches: ClassVar[bool] = True
    has_classes: ClassVar[bool] = True

    def soft_loss(self, outputs: "torch.Tensor", soft: "torch.Tensor", temperature: float) -> "torch.Tensor":
        """Return the divergence of the softmax of logits (n, classes) from that of a teacher's (Hinton et al. 2015).

        It is multiplied by the square of the temperature, which keeps its gradient's size.
        """
        from torch.nn import functional

        own, wanted = (functional.log_softmax(logits / temperature, dim=1) for logits in (outputs, soft))
        return temperature**2 * functional.kl_div(own, wanted, reduction="batchmean", log_target=True)

    def measure(self, outputs: np.ndarray, targets: np.ndarray) -> dict[str, float]:
        """Return the accuracy of logits (n, classes), of uneven classes the balanced accuracy and macro F1 as well."""
        return self._measured(outputs.argmax(axis=1), targets, outputs.shape[1])

    def interval(self, outputs: np.ndarray, targets: np.ndarray) -> tuple[float, float]:
        """Return the 95 % interval of the first metric, from the counts of the classes."""
        matrix = confusion.matrix_of(outputs.argmax(axis=1), targets, outputs.shape[1])
        return INTERVALS[self.metric.name](matrix)

    def baseline(self, train: np.ndarray, judged: np.ndarray) -> Baseline:
        """Return the largest class of the training part."""
        largest, classes = int(np.bincount(train).argmax()), int(max(train.max(), judged.max())) + 1
        metrics = self._measured(np.full_like(judged, largest), judged, classes)
        return Baseline(f"always the largest class ({largest})", metrics, largest)

    def class_weights(self, targets: np.ndarray, outputs: int) -> np.ndarray:
        """Return weights (outputs,) inverse to the number of samples."""
        counts = np.maximum(np.bincount(targets, minlength=outputs), 1)
        return (len(targets) / (outputs * counts)).astype(np.float32)

    def subset(self, targets: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
        """Return the rows of a share of the samples, every class in proportion and with one sample at least."""
        order = rng.permutation(len(targets))
        order = order[np.argsort(targets[order], kind="stable")]  # the first of each class, as many as are its due
        starts = np.searchsorted(targets[order], targets[order])
        counts = np.bincount(targets)[targets[order]]
        return np.sort(order[np.arange(len(order)) - starts < np.ceil(share * counts)])

    def evidence(self, outputs: np.ndarray, targets: np.ndarray, classes: int) -> Evidence:
        """Return the confusion matrix (classes, classes)."""
        return {"confusion": confusion.matrix_of(outputs.argmax(axis=1), targets, classes).astype(float).tolist()}

    def _measured(self, answers: np.ndarray, targets: np.ndarray, classes: int) -> dict[str, float]:
        matrix = confusion.matrix_of(answers, targets, classes)
        return {metric.name: MEASURES[metric.name](matrix) for metric in self.metrics}
