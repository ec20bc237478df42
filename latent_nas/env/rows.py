"""Episodes under way, as arrays."""

from dataclasses import dataclass, fields

import numpy as np

PESSIMISTIC, ACCURACY, LOG_COSTS, ACQUISITION, PLAIN, JUDGED = 0, 1, slice(2, 5), 5, 6, 7  # columns of the judged


@dataclass
class Rows:
    """n episodes under way.

    Attributes:
        codes: (n, slots). latent: (n, slots, dim), or (n, 0, dim) where it is always that of the codes.
        limits: (n, 3). left: steps left, (n,).
        judged: pessimistic score, predicted accuracy, natural log of the predicted costs, acquisition, and the
            pessimistic score before the penalty; (n, JUDGED).
        past: the last actions, the latest first, -1 for none; (n, history).
    """

    codes: np.ndarray
    latent: np.ndarray
    limits: np.ndarray
    left: np.ndarray
    judged: np.ndarray
    past: np.ndarray

    def take(self, where: np.ndarray) -> "Rows":
        """Return a copy of the episodes ``where``, (m,) indices."""
        return Rows(*(getattr(self, field.name)[where] for field in fields(self)))

    def put(self, where: np.ndarray, rows: "Rows") -> None:
        """Replace the episodes ``where``, (m,) indices."""
        for field in fields(self):
            getattr(self, field.name)[where] = getattr(rows, field.name)
