"""Images varied at random, (n, height, width, channels) float32; what comes in from outside is 0."""

import numpy as np

from latent_nas.tasks import Task
from latent_nas.training.augment import Way
from latent_nas.training.augment.series import noise
from latent_nas.training.augment.warp import affine, elastic


def shift(x: np.ndarray, pixels: float, rng: np.random.Generator, task: Task) -> np.ndarray:
    """Return images moved by up to so many pixels along both sides."""
    most, (height, width) = round(pixels), x.shape[1:3]
    padded = np.pad(x, ((0, 0), (most, most), (most, most), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (height, width), axis=(1, 2))
    down, right = rng.integers(2 * most + 1, size=(2, len(x)))
    return windows[np.arange(len(x)), down, right].transpose(0, 2, 3, 1)


def flip(x: np.ndarray, share: float, rng: np.random.Generator, task: Task) -> np.ndarray:
    """Return that share of the images mirrored, left to right."""
    return np.where(rng.random((len(x), 1, 1, 1)) < share, x[:, :, ::-1], x)


def cutout(x: np.ndarray, pixels: float, rng: np.random.Generator, task: Task) -> np.ndarray:
    """Return images with a square of that side set to 0, centred anywhere (DeVries and Taylor 2017)."""
    down, across = (_span(side, round(pixels), rng.integers(side, size=len(x))) for side in x.shape[1:3])
    return np.where((down[:, :, None] & across[:, None, :])[..., None], np.float32(0), x)


def brightness(x: np.ndarray, most: float, rng: np.random.Generator, task: Task) -> np.ndarray:
    """Return images with up to so many of the batch's standard deviations added or taken away."""
    added = rng.uniform(-most, most, (len(x), 1, 1, 1)) * float(x.std())
    return (x + added).astype(np.float32)


def contrast(x: np.ndarray, most: float, rng: np.random.Generator, task: Task) -> np.ndarray:
    """Return images whose distances from their mean are larger or smaller by up to that share."""
    mean = x.mean(axis=(1, 2, 3), keepdims=True)
    return (mean + (x - mean) * rng.uniform(1 - most, 1 + most, (len(x), 1, 1, 1))).astype(np.float32)


def _span(side: int, length: int, centre: np.ndarray) -> np.ndarray:
    """Return which places of a side (n, side) are in a span of that length around a centre (n,)."""
    first = (centre - length // 2)[:, None]
    places = np.arange(side)
    return (places >= first) & (places < first + length)


WAYS = {
    "shift": Way(2, 64, "pixels", shift),
    "flip": Way(0.5, 1, "share of the images", flip),
    "cutout": Way(8, 256, "pixels of a side", cutout),
    "brightness": Way(0.2, 2, "standard deviations", brightness),
    "contrast": Way(0.2, 1, "share", contrast),
    "affine": Way(10, 45, "degrees", warp=affine),
    "elastic": Way(1, 16, "pixels", warp=elastic),
    "noise": Way(0.1, 5, "standard deviations", noise),
}
