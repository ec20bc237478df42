"""Series and rows varied at random: (n, steps, 1, channels) and (n, 1, columns, 1) float32."""

import numpy as np

from latent_nas.tasks import Task
from latent_nas.training.augment import Way


def noise(x: np.ndarray, size: float, rng: np.random.Generator, task: Task) -> np.ndarray:
    """Return inputs with normal noise of so many of the batch's standard deviations."""
    return x + rng.standard_normal(x.shape, np.float32) * np.float32(size * x.std())


def time_shift(x: np.ndarray, steps: float, rng: np.random.Generator, task: Task) -> np.ndarray:
    """Return inputs earlier or later by up to so many steps; the first and the last value stand for those beyond."""
    most, length = round(steps), x.shape[1]
    moved = np.arange(length) + rng.integers(-most, most + 1, size=(len(x), 1))
    return x[np.arange(len(x))[:, None], np.clip(moved, 0, length - 1)]


def scaling(x: np.ndarray, size: float, rng: np.random.Generator, task: Task) -> np.ndarray:
    """Return series whose channels are multiplied by factors of mean 1 and that standard deviation, as raw data."""
    zero = _zero(task)
    factors = 1 + size * rng.standard_normal((len(x), 1, 1, x.shape[3]))
    return ((x - zero) * factors + zero).astype(np.float32)


def rotation(x: np.ndarray, degrees: float, rng: np.random.Generator, task: Task) -> np.ndarray:
    """Return series whose sensors of three axes each are turned about one axis by up to so many degrees, as raw data.

    Channels are taken three by three, as x, y, z of one sensor.
    """
    axis = rng.standard_normal((len(x), 3))
    axis /= np.linalg.norm(axis, axis=1, keepdims=True)
    angle = np.deg2rad(rng.uniform(-degrees, degrees, (len(x), 1, 1)))
    cross = np.cross(np.eye(3)[None], axis[:, None])  # Rodrigues' formula
    turn = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    gain, zero = _gain(task), _zero(task)
    raw = ((x - zero) / gain).reshape(*x.shape[:3], -1, 3)
    turned = np.einsum("nij,nswcj->nswci", turn, raw).reshape(x.shape)
    return (turned * gain + zero).astype(np.float32)


def _gain(task: Task) -> np.ndarray:
    seen = task.preprocessing()
    return np.asarray(seen.gain if seen else (1.0,), np.float64)


def _zero(task: Task) -> np.ndarray:
    """Return what a raw value of 0 is as an input, for every channel or for all."""
    seen = task.preprocessing()
    return -np.asarray(seen.shift if seen else (0.0,), np.float64) * _gain(task)


ROWS = {"noise": Way(0.1, 5, "standard deviations", noise)}
WAYS = {
    "timeshift": Way(4, 100_000, "steps", time_shift),
    "scaling": Way(0.1, 1, "standard deviation of the factors", scaling),
    "rotation": Way(15, 180, "degrees", rotation),
    **ROWS,
}
