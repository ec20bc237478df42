"""Recordings or series behind a front end varied at random, (n, frames, values, 1) float32."""

import numpy as np

from latent_nas.tasks import Task
from latent_nas.training.augment import Way
from latent_nas.training.augment.series import noise, time_shift


def gain(x: np.ndarray, decibels: float, rng: np.random.Generator, task: Task) -> np.ndarray:
    """Return recordings louder or softer by up to so many decibels; their MFCC, which lack the zeroth, stay."""
    assert task.front_end is not None
    if task.front_end.kind == "mfcc":
        return x
    seen = task.preprocessing()
    each = np.asarray(seen.gain if seen else (1.0,), np.float32).reshape(1, 1, -1, 1)
    louder = rng.uniform(-decibels, decibels, (len(x), 1, 1, 1)) / 10  # bands are logarithms of power to base 10
    return (x + louder * each).astype(np.float32)


def specaugment(x: np.ndarray, share: float, rng: np.random.Generator, task: Task) -> np.ndarray:
    """Return recordings with up to that share of frames and of bands set to 0, in one piece each (Park et al. 2019)."""
    frames, bands = (_masked(side, share, len(x), rng) for side in x.shape[1:3])
    return np.where((frames[:, :, None] | bands[:, None, :])[..., None], np.float32(0), x)


def _masked(side: int, share: float, n: int, rng: np.random.Generator) -> np.ndarray:
    length = rng.integers(int(share * side) + 1, size=(n, 1))
    first = np.floor(rng.random((n, 1)) * (side - length + 1))
    places = np.arange(side)
    return (places >= first) & (places < first + length)


WAYS = {
    "timeshift": Way(4, 1000, "frames", time_shift),
    "gain": Way(6, 40, "decibels", gain),
    "specaugment": Way(0.2, 0.9, "share of frames and of bands", specaugment),
    "noise": Way(0.1, 5, "standard deviations", noise),
}
FRAMES = {name: way for name, way in WAYS.items() if name != "gain"}  # of spectral features, not all of them powers
