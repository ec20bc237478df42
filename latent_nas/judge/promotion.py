"""Whether the next, dearer look at a network is worth its cost: Gittins' index of a box that is opened in steps.

A network is worth opening up to a prize in hand of sigma where the expected gain over it equals the cost of the next
look, with the right to stop after every one (Weitzman 1979, "Optimal Search for the Best Alternative"; for Gaussian
processes Xie et al. 2024, "Cost-aware Bayesian optimization via the Pandora's box Gittins index"). Of a network with
one full training ahead and std s that is mean + beta * s for a price h(beta) * s of a training: the upper confidence
bound, of which this is the form with costs.
"""

from dataclasses import dataclass

import numpy as np

NODES = np.linspace(-6, 6, 121)  # evenly, as what counts lies far out and has a kink there
WEIGHTS = np.exp(-(NODES**2) / 2) / np.exp(-(NODES**2) / 2).sum()
GRID = 2001  # points of a value function
HALVINGS = 40
LEAST = 1e-6  # std of what nothing is unknown of


def gain(z: np.ndarray) -> np.ndarray:
    """Return E max(Z - z, 0) of a standard normal Z, for z (n,)."""
    from scipy.special import ndtr

    return np.asarray(np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi) - z * ndtr(-z))


def keener(beta: float, cost: np.ndarray) -> np.ndarray:
    """Return how many std above the mean are worth a look of each cost (n,), where ``beta`` are worth one of cost 1."""
    cost = np.asarray(cost, float)
    wanted = gain(np.array(beta)) * cost
    low, high = np.where(cost > 1, beta - 10.0, beta), np.where(cost > 1, beta, beta + 10.0)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        more = gain(middle) > wanted
        low, high = np.where(more, middle, low), np.where(more, high, middle)
    found: np.ndarray = (low + high) / 2
    return found


@dataclass(frozen=True)
class Promotion:
    """What the looks ahead cost and what they teach, on the scale of the surrogate.

    Attributes:
        costs: of every look, the full training last (steps,), in full trainings.
        spreads: std of what each look adds to what was known before it (steps,); the first is not read: before any look
            it is the surrogate's own.
        price: of a full training.
    """

    costs: np.ndarray
    spreads: np.ndarray
    price: float

    def index(self, mean: np.ndarray, std: np.ndarray, step: np.ndarray) -> np.ndarray:
        """Return the index (n,) of networks, on the scale of their mean (n,).

        Args:
            std: of what is not known of them before their next look, (n,). step: which look comes next, (n,).
        """
        found = np.zeros(len(mean))
        for next_ in np.unique(step):
            rows = np.flatnonzero(step == next_)
            spread = np.maximum(std[rows], LEAST)
            found[rows] = mean[rows] - self._threshold(spread, int(next_))
        return found

    def ahead(self, std: np.ndarray, step: np.ndarray, known: np.ndarray) -> np.ndarray:
        """Return the std (n,) that ``index`` wants of networks, given that of the surrogate (n,).

        Args:
            step: which look comes next, (n,). known: whether an earlier one measured the network, (n,): then the
                surrogate's std is what it was; else looks before the next one failed and taught nothing.
        """
        failed = np.sqrt(std**2 + np.concatenate([[0.0], self.spreads[1:] ** 2]).cumsum()[step])
        return np.where(known, self.spreads[step], failed)

    def _threshold(self, std: np.ndarray, step: int) -> np.ndarray:
        """Return by how much the mean may lie above the prize, mostly below 0, where the look just pays, (n,)."""
        reach = 12 * (float(std.max()) + float(self.spreads[1:].sum())) + 2 * self.price
        grid, last = np.linspace(-reach, reach, GRID), len(self.costs) - 1
        worth: np.ndarray | None = None  # of going on after a look, on the grid; None: the gain itself
        for later in range(last, step, -1):
            expected = _expected(grid, worth, grid, np.full(GRID, max(self.spreads[later], LEAST)))
            worth = np.maximum(expected - self.price * self.costs[later], 0)
        low, high = np.full(len(std), -reach), np.full(len(std), reach)
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            pays = _expected(grid, worth, middle, std) > self.price * self.costs[step]
            low, high = np.where(pays, low, middle), np.where(pays, middle, high)
        return (low + high) / 2


def _expected(grid: np.ndarray, worth: np.ndarray | None, at: np.ndarray, std: np.ndarray) -> np.ndarray:
    """Return the expectation (n,) of a function around ``at`` (n,) with std (n,).

    Args:
        worth: the function on the grid, beyond which it grows as its argument does; None for max(., 0).
    """
    if worth is None:
        return np.asarray(std * gain(-at / std))
    points = at[:, None] + std[:, None] * NODES
    beyond = np.maximum(points - grid[-1], 0)
    return np.asarray((np.interp(points, grid, worth) + beyond) @ WEIGHTS)
