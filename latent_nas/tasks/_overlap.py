"""Windows of series that overlap: found by their values, so that no two of them stand in two parts of the split."""

import numpy as np

LEAST = 8  # different steps that two windows must share: fewer may be equal by chance, or of a wave
SHARE = 8  # ... and at least this fraction of a window
MOST = 20_000_000  # steps of all windows, beyond which none are looked for
OFTEN = 0.1  # of the windows must overlap, else it is chance


def overlaps(x: np.ndarray) -> np.ndarray:
    """Return the pairs (k, 2) of rows of x (n, steps, 1, channels) of which the second begins inside the first.

    Exact: the shared steps are equal, bit for bit, and not the same few over and over.
    """
    n, steps = len(x), int(x.shape[1])
    none = np.empty((0, 2), np.int64)
    shared = max(LEAST, steps // SHARE)
    if x.ndim != 4 or x.shape[2] != 1 or steps < 2 * LEAST or n * steps > MOST or n < 2:
        return none
    flat = np.ascontiguousarray(x.reshape(n, steps, -1), np.float32)
    with np.errstate(over="ignore"):
        step = _hashed(flat)
        chunk = np.zeros((n, steps - shared + 1), np.uint64)
        for j in range(shared):
            chunk = chunk * np.uint64(0x9E3779B97F4A7C15) + step[:, j : j + chunk.shape[1]]
    still = np.zeros(chunk.shape, bool)
    if shared > 1:
        moves = (np.diff(flat, axis=1) != 0).any(axis=2)
        count = np.cumsum(np.pad(moves, ((0, 0), (1, 0))), axis=1)
        still = count[:, shared - 1 :] - count[:, : chunk.shape[1]] == 0
    starts: dict[int, list[int]] = {}
    for first in np.flatnonzero(~still[:, 0]).tolist():
        starts.setdefault(int(chunk[first, 0]), []).append(first)
    found = np.isin(chunk[:, 1:], np.array([*starts], np.uint64)) & ~still[:, 1:]
    pairs = []
    for row, before in np.argwhere(found).tolist():
        offset = before + 1
        for other in starts[int(chunk[row, offset])]:
            shared_steps = flat[row, offset:]
            if other == row or not np.array_equal(shared_steps, flat[other, : steps - offset]):
                continue
            if len(np.unique(shared_steps, axis=0)) >= LEAST:
                pairs.append((row, other))
    often = len({row for pair in pairs for row in pair}) >= OFTEN * n
    return np.array(pairs, np.int64) if pairs and often else none


def _hashed(flat: np.ndarray) -> np.ndarray:
    """Return a number for every step of (n, steps, channels), (n, steps) uint64."""
    bits = flat.view(np.uint32).astype(np.uint64)
    total = np.zeros(flat.shape[:2], np.uint64)
    for channel in range(flat.shape[2]):
        total = (total ^ bits[..., channel]) * np.uint64(0xD6E8FEB86659FD93) + np.uint64(channel + 1)
    return total


def components(n: int, pairs: np.ndarray) -> np.ndarray:
    """Return the number of the chain that each of n rows is in, (n,), given pairs (k, 2) of neighbours."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    links = coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    labels: np.ndarray = connected_components(links, directed=False)[1]
    return labels.astype(np.int64)
