"""Anomaly detection: outputs are a point, and how far it lies from the origin is how odd a sample is.

Networks learn from normal samples and from anomalies made of them, by the loss of hypersphere classifiers (Ruff et al.
2020, "Rethinking assumptions in deep anomaly detection"). The score needs the outputs alone, and of int8 outputs it is
an integer: the sum of (output - zero point) squared.
"""

from typing import TYPE_CHECKING

import numpy as np

from latent_nas import seeds
from latent_nas.tasks.kinds import Baseline, Evidence, Kind, Metric
from latent_nas.tasks.kinds.made import made_of

if TYPE_CHECKING:
    import torch

    from latent_nas.tasks import Recipe

OUTPUTS = 8  # of a network
FALSE_ALARMS = 0.05  # of normal validation samples that the threshold may flag
SHOWN = 400  # samples of a picture


class Anomaly(Kind):
    """Targets are 0 (normal) or 1 (anomaly), (n,) int64; training sees normal samples only."""

    name = "anomaly"
    metrics = (Metric("auc", "fraction"),)
    makes_batches = True
    learns_all = False

    def batch(self, x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Return the normal samples and as many anomalies made of them."""
        return np.concatenate([x, made_of(x, rng)]), np.repeat(np.array([0, 1]), len(x))

    def wrong(self, targets: np.ndarray, outputs: int) -> str:
        """Return what is wrong with targets (n,); "" if nothing."""
        if targets.ndim != 1 or not np.isin(targets, (0, 1)).all():
            return f"is {targets.shape} of {np.unique(targets)[:3].tolist()} ..., wanted (n,) of 0 (normal) and 1"
        return ""

    def loss(
        self, outputs: "torch.Tensor", targets: "torch.Tensor", recipe: "Recipe", weight: "torch.Tensor | None" = None
    ) -> "torch.Tensor":
        """Return the mean of h for normal points and of -log(1 - exp(-h)) for others, h = sqrt(|point|^2 + 1) - 1."""
        import torch

        far = torch.sqrt((outputs**2).sum(dim=1) + 1) - 1
        return torch.where(targets == 0, far, -torch.log(-torch.expm1(-far) + 1e-7)).mean()

    def scores(self, outputs: np.ndarray, zero_point: int = 0) -> np.ndarray:
        """Return how odd every sample is, (n,): exact int64 of int8 outputs (n, outputs), else float64."""
        exact = np.int64 if outputs.dtype == np.int8 else np.float64
        total: np.ndarray = ((outputs.astype(exact) - zero_point) ** 2).sum(axis=1)
        return total

    def measure(self, outputs: np.ndarray, targets: np.ndarray) -> dict[str, float]:
        """Return the area under the ROC curve: how often an anomaly scores above a normal sample, ties half."""
        return {"auc": area(self.scores(outputs), targets)}

    def agreement(self, outputs: np.ndarray, floats: np.ndarray) -> dict[str, float]:
        """Return the rank correlation of the scores; nothing of fewer than two samples."""
        ours, theirs = (np.argsort(np.argsort(self.scores(one))).astype(np.float64) for one in (outputs, floats))
        return {"rank_correlation": float(np.corrcoef(ours, theirs)[0, 1])} if len(outputs) > 1 else {}

    def interval(self, outputs: np.ndarray, targets: np.ndarray) -> tuple[float, float]:
        """Return the 95 % interval of the area that so many normal samples and anomalies allow."""
        odd = int((targets == 1).sum())
        value = area(self.scores(outputs), targets)
        low, above = _lower(value, len(targets) - odd, odd), _lower(1 - value, len(targets) - odd, odd)
        return low, 1 - above

    def drawn(self, targets: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return rows drawn with replacement, as many normal ones and anomalies as there are."""
        parts = [np.flatnonzero(targets == value) for value in (0, 1)]
        return np.concatenate([rng.choice(rows, len(rows)) for rows in parts if len(rows)])

    def baseline(self, train: np.ndarray, judged: np.ndarray) -> Baseline:
        """Return chance: scores that say nothing."""
        return Baseline("scores drawn at random", {"auc": 0.5})

    def threshold(self, scores: np.ndarray, targets: np.ndarray) -> int | float:
        """Return the least score that at most ``FALSE_ALARMS`` of the normal validation samples (n,) exceed."""
        normal = np.sort(scores[targets == 0])
        return normal[len(normal) - 1 - int(FALSE_ALARMS * len(normal))].item()

    def decided(self, valid: tuple[np.ndarray, np.ndarray], judged: tuple[np.ndarray, np.ndarray]) -> dict[str, float]:
        """Return the threshold of validation, and which shares of the judged normal samples and anomalies exceed it."""
        threshold = float(self.threshold(self.scores(valid[0]), valid[1]))
        flagged = self.scores(judged[0]) > threshold
        rates = {"false_alarm_rate": flagged[judged[1] == 0].mean(), "detection_rate": flagged[judged[1] == 1].mean()}
        return {"threshold": threshold, **{name: float(rate) for name, rate in rates.items()}}

    def evidence(self, outputs: np.ndarray, targets: np.ndarray, classes: int) -> Evidence:
        """Return "scores": (score, target) of at most 400 samples."""
        rows = np.sort(seeds.rng(0, "scores").permutation(len(targets))[:SHOWN])
        return {"scores": [[float(s), int(t)] for s, t in zip(self.scores(outputs[rows]), targets[rows], strict=True)]}


def area(scores: np.ndarray, targets: np.ndarray) -> float:
    """Return the area under the ROC curve of scores (n,) against targets (n,) of 0 and 1."""
    normal = np.sort(scores[targets == 0])
    odd = scores[targets == 1]
    below = (np.searchsorted(normal, odd, side="left") + np.searchsorted(normal, odd, side="right")) / 2
    return float(below.mean() / len(normal))


def _lower(value: float, normal: int, odd: int) -> float:
    """Return the lower end of the 95 % interval of an area under the ROC curve (Newcombe 2006, method 5).

    It is the area from which ``value`` is 1.96 standard deviations (Hanley and McNeil 1982) away, so that an area of 1
    of few samples has an interval too, which drawing these anew would not give.
    """

    def near(area: float) -> bool:
        mean = (normal + odd) / 2 - 1
        more = mean * ((1 - area) / (2 - area) + area / (1 + area))
        return value - area < 1.959964 * float(np.sqrt(area * (1 - area) * (1 + more) / (normal * odd)))

    low, high = 0.0, value
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if near(middle) else (middle, high)
    return low
