"""Choosing networks that lie far apart in the latent."""

import numpy as np


def apart(latent: np.ndarray, n: int, taken: np.ndarray) -> list[int]:
    """Return indices of n rows, each the farthest from its nearest among those chosen before it and those taken.

    Args:
        latent: (m, dim). n: at most m. taken: (k, dim); without any the first row is the first chosen.
    """
    nearest = _distances(latent, taken).min(axis=1) if len(taken) else np.full(len(latent), np.inf)
    chosen: list[int] = []
    for _ in range(min(n, len(latent))):
        best = int(nearest.argmax())
        chosen.append(best)
        nearest = np.minimum(nearest, _distances(latent, latent[best : best + 1])[:, 0])
        nearest[chosen] = -np.inf
    return chosen


def _distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return Euclidean distances (n, m) of rows a (n, dim) and b (m, dim)."""
    squares = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T
    return np.asarray(np.sqrt(np.maximum(squares, 0)))
