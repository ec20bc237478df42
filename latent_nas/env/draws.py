"""Random numbers by counter: a row's draws depend on its seed and episode alone, not on the rows beside it."""

import numpy as np

from latent_nas.compiled import compiled

_GOLDEN, _FIRST, _SECOND = (np.uint64(odd) for odd in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))
_11, _27, _30, _31 = (np.uint64(bits) for bits in (11, 27, 30, 31))


def uniform(seeds: np.ndarray, episodes: np.ndarray, n: int) -> np.ndarray:
    """Return (rows, n) numbers in [0, 1) by SplitMix64 (Steele et al. 2014)."""
    drawn = np.empty((len(seeds), n))
    _draw(np.asarray(seeds).astype(np.uint64), np.asarray(episodes).astype(np.uint64), drawn)
    return drawn


@compiled
def _draw(seeds: np.ndarray, episodes: np.ndarray, drawn: np.ndarray) -> None:
    for row in range(len(drawn)):
        state = _mix(_mix(seeds[row]) + episodes[row])
        for i in range(drawn.shape[1]):
            state += _GOLDEN
            drawn[row, i] = (_mix(state) >> _11) * 2.0**-53


@compiled
def _mix(z: np.uint64) -> np.uint64:
    z = (z ^ (z >> _30)) * _FIRST
    z = (z ^ (z >> _27)) * _SECOND
    return z ^ (z >> _31)
