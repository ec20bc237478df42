"""Random numbers by counter: a row's draws depend on its seed and episode alone, not on the rows beside it."""

import numpy as np


def uniform(seeds: np.ndarray, episodes: np.ndarray, n: int) -> np.ndarray:
    """Return (rows, n) numbers in [0, 1) by SplitMix64 (Steele et al. 2014)."""
    state = _mix(np.asarray(seeds).astype(np.uint64)) + np.asarray(episodes).astype(np.uint64)
    state = _mix(state)[:, None] + np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return (_mix(state) >> np.uint64(11)).astype(float) * 2.0**-53


def _mix(z: np.ndarray) -> np.ndarray:
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
