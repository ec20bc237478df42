"""The best network met in every cell of a grid of costs (MAP-Elites, Mouret and Clune 2015).

What one set of limits leaves out is kept for another: the grid holds good networks of all sizes.
"""

from dataclasses import dataclass

import numpy as np

from latent_nas.env.rows import LOG_COSTS, PLAIN

CELLS = 10  # per cost


@dataclass
class Elites:
    """The grid.

    Attributes:
        low, high: log costs that it spans, (3,); what lies beyond belongs to the cells at the rim.
        codes: (cells, slots). genes: (cells, g). judged: (cells, JUDGED), as in ``Rows``. taken: (cells,) bool.
    """

    low: np.ndarray
    high: np.ndarray
    codes: np.ndarray
    genes: np.ndarray
    judged: np.ndarray
    taken: np.ndarray

    @staticmethod
    def empty(log_costs: np.ndarray, slots: int, genes: int, judged: int) -> "Elites":
        """Return a grid without networks that spans the log costs (n, 3) of random ones up to their 60th percentile."""
        n = CELLS**3
        return Elites(
            log_costs.min(axis=0),
            np.quantile(log_costs, 0.6, axis=0),
            np.zeros((n, slots), np.int64),
            np.zeros((n, genes), np.int64),
            np.full((n, judged), -np.inf),
            np.zeros(n, bool),
        )

    def add(self, codes: np.ndarray, genes: np.ndarray, judged: np.ndarray) -> None:
        """Take in what is better than its cell's: codes (n, slots), genes (n, g), judged (n, JUDGED)."""
        place = (judged[:, LOG_COSTS] - self.low) / np.maximum(self.high - self.low, 1e-9) * CELLS
        place = np.clip(place.astype(np.int64), 0, CELLS - 1) @ np.array([CELLS * CELLS, CELLS, 1])
        rows = np.flatnonzero(judged[:, PLAIN] > self.judged[place, PLAIN])
        rows = rows[np.argsort(judged[rows, PLAIN], kind="stable")]  # of several for one cell the last stays
        place = place[rows]
        self.codes[place], self.genes[place], self.judged[place] = codes[rows], genes[rows], judged[rows]
        self.taken[place] = True

    def compact(self) -> "Elites":
        """Return the grid without its empty cells, to be kept; nothing can be added to it."""
        where = np.flatnonzero(self.taken)
        return Elites(self.low, self.high, self.codes[where], self.genes[where], self.judged[where], self.taken[where])

    def worth(self, limits: np.ndarray, weight: float, margin: float) -> np.ndarray:
        """Return each network's pessimistic score under limits (m, 3), (m, cells); -inf for empty cells."""
        excess = self.judged[:, LOG_COSTS] - np.log(limits)[:, None] + margin
        excess = np.where(self.taken[:, None], np.maximum(excess, 0), 0)
        return np.asarray(self.judged[:, PLAIN] - weight * excess.sum(axis=2))

    def best(self, limits: np.ndarray, n: int, weight: float, margin: float) -> np.ndarray:
        """Return the cells of the n best networks under each row of limits (m, 3), the best first, (m, n)."""
        worth = self.worth(limits, weight, margin)
        return np.argsort(-worth, axis=1, kind="stable")[:, : min(n, int(self.taken.sum()))]
