"""The scale on which accuracies are modelled: near the best small differences count, far below large ones don't."""

from dataclasses import asdict, dataclass

import numpy as np

SOFT = 0.2
LEAST = -10.0  # t of 22,000 scales below the top


@dataclass(frozen=True)
class Link:
    """t = -log(SOFT + (top - y) / scale), of labels y in any unit, higher being better.

    Attributes:
        top: the best label. scale: the median distance of the labels from it. worst: the worst one; None: not known.
    """

    top: float
    scale: float
    worst: float | None = None

    @staticmethod
    def of(y: np.ndarray) -> "Link":
        """Return the link of labels (n,); of equal ones with a tenth of their size as scale."""
        top = float(np.max(y))
        below = top - np.asarray(y, float)
        scale = float(np.median(below)) or float(below.mean()) or abs(top) / 10 or 1.0
        return Link(top, scale, float(np.min(y)))

    def forward(self, y: np.ndarray) -> np.ndarray:
        """Return t of y, no better than can be."""
        distance = np.maximum(SOFT + (self.top - y) / self.scale, 1e-3)
        return -np.log(distance)

    def back(self, t: np.ndarray) -> np.ndarray:
        """Return y of t; it stays below top + SOFT * scale, and above what no label is worth modelling for."""
        return self.top + self.scale * (SOFT - np.exp(-np.maximum(t, LEAST)))

    def plausible(self, y: np.ndarray) -> np.ndarray:
        """Return what is believed of y, no worse than the worst label, for people to read.

        A process that extrapolates from few labels may say an accuracy of -7; the next label of n is worse than all
        of them with a chance of 1 / (n + 1).
        """
        return y if self.worst is None else np.maximum(y, self.worst)

    def to_json(self) -> dict[str, float | None]:
        """Return the fields."""
        return asdict(self)
