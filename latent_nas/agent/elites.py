"""The best network met in every cell of a grid of costs (MAP-Elites, Mouret and Clune 2015).

What one set of limits leaves out is kept for another: the grid holds good networks of all sizes.
"""

from dataclasses import dataclass

import numpy as np

from latent_nas.compiled import compiled
from latent_nas.env import LatentCodec
from latent_nas.env.core import EditCore
from latent_nas.env.rows import JUDGED, LOG_COSTS, PLAIN
from latent_nas.spaces import Space

CELLS = 24  # per cost
SPAN = 0.6  # quantile of random networks' costs up to which the grid reaches
BATCH = 1024  # mutations judged at once


@dataclass
class Elites:
    """The grid.

    Attributes:
        low, high: log costs that it spans, (3,); what lies beyond belongs to the cells at the rim.
        codes: (cells, slots), -1 where they were not asked for yet. genes: (cells, g). judged: (cells, JUDGED), as in
            ``Rows``. taken: (cells,) bool.
    """

    low: np.ndarray
    high: np.ndarray
    codes: np.ndarray
    genes: np.ndarray
    judged: np.ndarray
    taken: np.ndarray

    @staticmethod
    def empty(log_costs: np.ndarray, slots: int, genes: int) -> "Elites":
        """Return a grid without networks of so many slots and genes, over the log costs (n, 3) of random ones."""
        n = CELLS**3
        low, high = log_costs.min(axis=0), np.quantile(log_costs, SPAN, axis=0)
        nothing = np.full((n, slots), -1), np.zeros((n, genes), np.int64), np.full((n, JUDGED), -np.inf)
        return Elites(low, high, *nothing, np.zeros(n, bool))

    def add(self, codes: np.ndarray, genes: np.ndarray, judged: np.ndarray) -> None:
        """Take in what is better than its cell's: codes (n, slots) or -1, genes (n, g), judged (n, JUDGED)."""
        place = (judged[:, LOG_COSTS] - self.low) / np.maximum(self.high - self.low, 1e-9) * CELLS
        place = np.clip(place.astype(np.int64), 0, CELLS - 1) @ np.array([CELLS * CELLS, CELLS, 1])
        rows = np.flatnonzero(judged[:, PLAIN] > self.judged[place, PLAIN])
        rows = rows[np.argsort(judged[rows, PLAIN], kind="stable")]  # of several for one cell the last stays
        place = place[rows]
        self.codes[place], self.genes[place], self.judged[place] = codes[rows], genes[rows], judged[rows]
        self.taken[place] = True

    def fill(self, core: EditCore, space: Space, rng: np.random.Generator, queries: int) -> None:
        """Spend so many queries on gene mutations of the networks it holds: MAP-Elites, every cell as likely."""
        while queries > 0:
            held = np.flatnonzero(self.taken)
            parents = held[rng.integers(len(held), size=min(BATCH, queries))]
            genes = space.mutate(self.genes[parents], rng)
            self.add(np.full((len(genes), self.codes.shape[1]), -1), genes, core.judge_open(genes))
            queries -= len(genes)

    def coded(self, cells: np.ndarray, codec: LatentCodec) -> np.ndarray:
        """Return the codes (n, slots) of the networks in cells (n,)."""
        missing = np.unique(cells[self.codes[cells, 0] < 0])
        if len(missing):
            self.codes[missing] = codec.encode(self.genes[missing])
        return self.codes[cells]

    def front(self) -> "Elites":
        """Return the networks that no other beats in score and all costs, to be kept; nothing can be added to it.

        Under any limits the best of the grid is among them.
        """
        where = np.flatnonzero(self.taken)
        where = where[np.argsort(-self.judged[where, PLAIN], kind="stable")]
        seen = np.column_stack([-self.judged[where, PLAIN], self.judged[where, LOG_COSTS]])
        where = where[~_beaten(seen)]
        kept = (a[where] for a in (self.codes, self.genes, self.judged, self.taken))
        return Elites(self.low, self.high, *kept)

    def worth(self, limits: np.ndarray, weight: float, margin: float) -> np.ndarray:
        """Return each network's pessimistic score under limits (m, 3), (m, cells); -inf for empty cells."""
        found = np.full((len(limits), len(self.taken)), -np.inf)
        _, found[:, self.taken] = self._worth(limits, weight, margin)
        return found

    def best(self, limits: np.ndarray, n: int, weight: float, margin: float) -> np.ndarray:
        """Return the cells of the n best networks under each row of limits (m, 3), the best first, (m, n)."""
        held, worth = self._worth(limits, weight, margin)
        n = min(n, len(held))
        some = np.argpartition(-worth, n - 1, axis=1)[:, :n]
        order = np.argsort(-np.take_along_axis(worth, some, axis=1), axis=1, kind="stable")
        return held[np.take_along_axis(some, order, axis=1)]

    def _worth(self, limits: np.ndarray, weight: float, margin: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the cells that are taken (k,), and the scores of their networks under limits (m, 3), (m, k)."""
        held = np.flatnonzero(self.taken)
        seen = np.column_stack([self.judged[held, PLAIN], self.judged[held, LOG_COSTS]])
        worth = np.empty((len(limits), len(held)))
        _worth(seen, np.log(limits) - margin, weight, worth)
        return held, worth


@compiled
def _worth(seen: np.ndarray, bounds: np.ndarray, weight: float, out: np.ndarray) -> None:
    """Fill in the pessimistic scores (m, n) of features (n, 4) under bounds of the log costs (m, 3)."""
    for i in range(len(bounds)):
        a, b, c = bounds[i, 0], bounds[i, 1], bounds[i, 2]
        for j in range(len(seen)):
            excess = max(seen[j, 1] - a, 0.0) + max(seen[j, 2] - b, 0.0) + max(seen[j, 3] - c, 0.0)
            out[i, j] = seen[j, 0] - weight * excess


def _beaten(seen: np.ndarray) -> np.ndarray:
    """Return which rows (n, k), where less is better, sorted by the first, are not better than an earlier row; (n,)."""
    beaten = np.zeros(len(seen), bool)
    for i in range(1, len(seen)):
        beaten[i] = (seen[:i][~beaten[:i]] <= seen[i]).all(axis=1).any()
    return beaten
