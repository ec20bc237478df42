"""MNIST-1D: 5,000 series of 40 values that stand for digits (Greydanus and Kobak, 2020), computed, not fetched.

The shape of a digit is lengthened, scaled, moved along a longer series, drowned in smooth noise, sheared and sampled
anew. The draws are those of the authors' package with its own settings, so that the series are theirs.
"""

from functools import lru_cache
from typing import ClassVar

import numpy as np

from latent_nas import seeds
from latent_nas.limits import Limits
from latent_nas.preprocessing import VALUE, Preprocessing
from latent_nas.tasks import Data, Part, Recipe, Task

SHAPES = (  # heights of a pen along its way, a digit each
    (5, 6, 6.5, 6.75, 7, 7, 7, 7, 6.75, 6.5, 6, 5),
    (5, 3, 3, 3.4, 3.8, 4.2, 4.6, 5, 5.4, 5.8, 5, 5),
    (5, 6, 6.5, 6.5, 6, 5.25, 4.75, 4, 3.5, 3.5, 4, 5),
    (5, 6, 6.5, 6.5, 6, 5, 5, 6, 6.5, 6.5, 6, 5),
    (5, 4.4, 3.8, 3.2, 2.6, 2.6, 5, 5, 5, 5, 5, 5),
    (5, 3, 3, 3, 3, 5, 6, 6.5, 6.5, 6, 4.5, 5),
    (5, 4, 3.5, 3.25, 3, 3, 3, 3, 3.25, 3.5, 4, 5),
    (5, 7, 7, 6.6, 6.2, 5.8, 5.4, 5, 4.6, 4.2, 5, 5),
    (5, 4, 3.5, 3.5, 4, 5, 5, 4, 3.5, 3.5, 4, 5),
    (5, 4, 3.5, 3.5, 4, 5, 5, 5, 5, 4.7, 4.3, 5),
)
SAMPLES, LENGTH, LONG = 5000, 40, 72  # series, their values, and those of the longer series on the way
PADDING, MOVED = (36, 60), 48  # zeros behind a shape, and values that it is moved by at most
SCALED, SHEARED = 0.4, 0.75  # width of the ranges, around 1 and 0
NOISE, WHITE, SMOOTH = 0.25, 0.02, 2.0  # standard deviations of the noises; of the kernel that smooths, in values
SEED = 42
LEARN, VALID = 4000, 800  # the first 4,000 are the official training part, of which 800 are for validation here


class Mnist1d(Task):
    """Ten classes of series (40, 1, 1): 3,200 train, 800 valid, stratified; the official test part of 1,000."""

    name = "mnist1d"
    input_shape = (LENGTH, 1, 1)
    outputs = 10
    classes = tuple("0123456789")
    limits = Limits(flash_bytes=32 * 1024, ram_bytes=16 * 1024, latency_ms=10.0)
    recipes: ClassVar[dict[str, Recipe]] = {
        "search": Recipe(epochs=15, batch=64, optimiser="muon", learning_rate=0.04, average=0.97),
        "full": Recipe(epochs=80, batch=64, learning_rate=1e-2, average=0.99, warmup=2.0, patience=25),
    }

    def data(self) -> Data:
        """Return series of mean 0 and standard deviation 1 over all of them, as published."""
        return _split()

    def preprocessing(self) -> Preprocessing:
        """Return that the values come as they are."""
        return Preprocessing(self.input_shape, VALUE, "value, of mean 0 and standard deviation 1")


@lru_cache(1)
def _split() -> Data:
    x, y = series()
    x, y = x[:, :, None, None].astype(np.float32), y.astype(np.int64)
    order = seeds.rng(0, "mnist1d", "split").permutation(LEARN)
    by_class = [order[y[order] == digit] for digit in range(len(SHAPES))]
    rank = np.concatenate([(np.arange(len(rows)) + 0.5) / len(rows) for rows in by_class])
    dealt = np.concatenate(by_class)[np.argsort(rank, kind="stable")]  # of every class so many in proportion
    parts = np.sort(dealt[VALID:]), np.sort(dealt[:VALID]), np.arange(LEARN, SAMPLES)
    return Data(*(Part(x[rows], y[rows]) for rows in parts))


def series() -> tuple[np.ndarray, np.ndarray]:
    """Return the series (5000, 40) float64 and their digits (5000,), the 4,000 that learn first."""
    shapes = np.array(SHAPES)
    shapes = (shapes - shapes.mean(axis=1, keepdims=True)) / shapes.std(axis=1, keepdims=True)
    shapes = (shapes - shapes[:, :1]) / 6
    rng = np.random.RandomState(SEED)
    y = np.repeat(np.arange(len(shapes)), SAMPLES // len(shapes))
    x = np.stack([_varied(shapes[digit], rng) for digit in y])
    order = rng.permutation(SAMPLES)
    x, y = x[order], y[order]
    return (x - x.mean()) / x.std(), y


def _varied(shape: np.ndarray, rng: np.random.RandomState) -> np.ndarray:
    """Return a series (40,) of a digit's shape (12,)."""
    from scipy.ndimage import gaussian_filter1d

    zeros = PADDING[0] + int(rng.rand() * (PADDING[1] - PADDING[0] + 1))
    x = _sampled(np.concatenate([shape + 1e-8, np.zeros(zeros)]), LONG)  # so that of the shape nothing is 0
    x = np.roll(x * (1 + SCALED * (rng.rand() - 0.5)), rng.choice(MOVED))
    smooth = gaussian_filter1d(NOISE * rng.randn(LONG), SMOOTH)
    x = np.where(x != 0, x, smooth) + WHITE * rng.randn(LONG)
    return _sampled(x - SHEARED * (rng.rand() - 0.5) * np.linspace(-0.5, 0.5, LONG), LENGTH)


def _sampled(x: np.ndarray, n: int) -> np.ndarray:
    """Return n values of a series, at even distances, between its own on straight lines."""
    return np.interp(np.linspace(0, 1, n), np.linspace(0, 1, len(x)), x)


Plugin = Mnist1d
