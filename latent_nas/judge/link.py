"""The scale on which accuracies are modelled: near the best small differences count, far below large ones don't."""

from dataclasses import asdict, dataclass

import numpy as np

SOFT = 0.2
LEAST = -10.0  # t of 22,000 scales below the top


@dataclass(frozen=True)
class Link:
    """t = -log(SOFT + (top - y) / scale), of labels y in any unit, higher being better.

    Attributes:
        top: the best label. scale: the median distance of the labels from it.
    """

    top: float
    scale: float

    @staticmethod
    def of(y: np.ndarray) -> "Link":
        """Return the link of labels (n,); of equal ones with a tenth of their size as scale."""
        top = float(np.max(y))
        below = top - np.asarray(y, float)
        scale = float(np.median(below)) or float(below.mean()) or abs(top) / 10 or 1.0
        return Link(top, scale)

    def forward(self, y: np.ndarray) -> np.ndarray:
        """Return t of y, no better than can be."""
        distance = np.maximum(SOFT + (self.top - y) / self.scale, 1e-3)
        return -np.log(distance)

    def back(self, t: np.ndarray) -> np.ndarray:
        """Return y of t; it stays below top + SOFT * scale, and above what no label is worth modelling for."""
        return self.top + self.scale * (SOFT - np.exp(-np.maximum(t, LEAST)))

    def to_json(self) -> dict[str, float]:
        """Return the fields."""
        return asdict(self)
