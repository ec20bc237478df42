"""Classification: outputs are logits of classes, the largest one is the answer."""

from typing import TYPE_CHECKING

import numpy as np

from latent_nas.tasks.kinds import Baseline, Evidence, Kind, Metric

if TYPE_CHECKING:
    import torch

    from latent_nas.tasks import Recipe


class Classification(Kind):
    """Targets are classes (n,) int64."""

    name = "classify"
    metrics = (Metric("accuracy"),)

    def loss(
        self, outputs: "torch.Tensor", targets: "torch.Tensor", recipe: "Recipe", weight: "torch.Tensor | None" = None
    ) -> "torch.Tensor":
        """Return the cross entropy of logits (n, classes)."""
        from torch.nn import functional

        return functional.cross_entropy(outputs, targets, weight=weight, label_smoothing=recipe.label_smoothing)

    def measure(self, outputs: np.ndarray, targets: np.ndarray) -> dict[str, float]:
        """Return the accuracy of logits (n, classes)."""
        return {"accuracy": float((outputs.argmax(axis=1) == targets).mean())}

    def baseline(self, train: np.ndarray, judged: np.ndarray) -> Baseline:
        """Return the largest class of the training part."""
        largest = int(np.bincount(train).argmax())
        return Baseline(f"always the largest class ({largest})", {"accuracy": float((judged == largest).mean())})

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
        pairs = targets * classes + outputs.argmax(axis=1)
        counts = np.bincount(pairs, minlength=classes**2).astype(float)
        return {"confusion": counts.reshape(classes, classes).tolist()}
