"""Next-token prediction: outputs are logits of tokens, and vocabularies are compared by bits per character."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from latent_nas import seeds
from latent_nas.tasks.kinds import Baseline, Kind, Metric
from latent_nas.tasks.kinds.confusion import Z
from latent_nas.tasks.vocabulary import Vocabulary

if TYPE_CHECKING:
    import torch

    from latent_nas.tasks import Recipe

UNSCORED = -1  # a target that no loss and no metric counts
ROWS = 256  # windows measured at once
GROUPS = 20  # of windows, for an interval


@dataclass(frozen=True)
class Text(Kind):
    """Targets are tokens (n, tokens) int64.

    Attributes:
        vocabulary: that of a network, by its number of outputs.
    """

    vocabulary: Callable[[int], Vocabulary]
    name: ClassVar[str] = "text"
    metrics: tuple[Metric, ...] = (
        Metric("bits_per_character", "bits", higher_is_better=False),
        Metric("accuracy"),
    )

    def loss(
        self, outputs: "torch.Tensor", targets: "torch.Tensor", recipe: "Recipe", weight: "torch.Tensor | None" = None
    ) -> "torch.Tensor":
        """Return the mean cross entropy of logits (n, tokens, vocabulary)."""
        from torch.nn import functional

        flat = outputs.flatten(0, 1), targets.flatten()
        return functional.cross_entropy(*flat, ignore_index=UNSCORED, label_smoothing=recipe.label_smoothing)

    def measure(self, outputs: np.ndarray, targets: np.ndarray) -> dict[str, float]:
        """Return bits per character and next-character accuracy of logits (n, tokens, vocabulary).

        Bits are those of all scored tokens over their characters, whatever the vocabulary. For the accuracy the
        probabilities of tokens that begin with the same character are added up: is the likeliest character the next?
        """
        vocabulary = self.vocabulary(outputs.shape[-1])
        bits, right, characters, scored = 0.0, 0, 0, 0
        first = vocabulary.first
        begins = np.zeros((len(first), first.max() + 1), np.float32)
        begins[np.arange(len(first)), first] = 1
        for rows in range(0, len(outputs), ROWS):
            y = targets[rows : rows + ROWS]
            counted = y != UNSCORED
            y, logits = y[counted], outputs[rows : rows + ROWS][counted].astype(np.float32)
            p = np.exp(logits - logits.max(axis=1, keepdims=True))
            p /= p.sum(axis=1, keepdims=True)
            bits -= float(np.log2(np.maximum(p[np.arange(len(y)), y], 1e-30).astype(np.float64)).sum())
            right += int(((p @ begins).argmax(axis=1) == first[y]).sum())
            characters, scored = characters + int(vocabulary.lengths[y].sum()), scored + len(y)
        return {"bits_per_character": bits / characters, "accuracy": right / scored}

    def interval(self, outputs: np.ndarray, targets: np.ndarray) -> tuple[float, float]:
        """Return the 95 % interval of the first metric that so many windows allow, from the spread of 20 groups."""
        rows = seeds.rng(0, "interval").permutation(len(targets))
        groups = np.array_split(rows, min(GROUPS, len(rows)))
        values = [self.measure(outputs[group], targets[group])[self.metric.name] for group in groups]
        if len(values) < 2:
            return values[0], values[0]
        half = Z * float(np.std(values, ddof=1)) / len(values) ** 0.5
        return float(np.mean(values)) - half, float(np.mean(values)) + half

    def baseline(self, train: np.ndarray, judged: np.ndarray) -> Baseline:
        """Return how often every token stands in the training part, whatever is before it; targets are characters."""
        counts = np.bincount(train[train != UNSCORED]).astype(np.float64)
        p = (counts + 1) / (counts + 1).sum()  # so that none is impossible
        y = judged[judged != UNSCORED]
        p, y = np.append(p, p.min()), np.minimum(y, len(p))
        bits, right = -float(np.log2(p[y]).mean()), float((y == int(p.argmax())).mean())
        return Baseline("how often every character occurs", {"bits_per_character": bits, "accuracy": right})
