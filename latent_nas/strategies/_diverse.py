"""Choosing a batch of which no two members are near each other in the latent."""

import numpy as np


def spread(latent: np.ndarray, worth: np.ndarray, n: int, strength: float = 1.0) -> np.ndarray:
    """Return indices of n rows by worth, each lowered near those chosen before it.

    A greedy batch under local penalisation (after González et al. 2016): a chosen row takes
    ``strength * s * exp(-d / l)`` off a row at distance d, with s the standard deviation of the worth and l the median
    distance between rows.

    Args:
        latent: (m, ...). worth: (m,), the higher the better. n: at most m.
    """
    flat = latent.reshape(len(latent), -1).astype(float)
    worth = worth.astype(float).copy()
    scale = strength * float(worth.std())
    apart = distances(flat, flat[:64])
    length = float(np.median(apart[apart > 1e-6])) if (apart > 1e-6).any() else 1.0
    chosen: list[int] = []
    for _ in range(min(n, len(flat))):
        best = int(worth.argmax())
        chosen.append(best)
        worth -= scale * np.exp(-distances(flat, flat[best : best + 1])[:, 0] / length)
        worth[best] = -np.inf
    return np.array(chosen, np.int64)


def distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return Euclidean distances (n, m) of rows a (n, d) and b (m, d)."""
    squares = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T
    return np.asarray(np.sqrt(np.maximum(squares, 0)))
