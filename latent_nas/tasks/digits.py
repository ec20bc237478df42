"""Handwritten digits: the 1,797 real 8x8 images that come with scikit-learn."""

from functools import lru_cache
from typing import ClassVar

import numpy as np

from latent_nas import seeds
from latent_nas.preprocessing import PIXEL, Preprocessing
from latent_nas.tasks import Data, Part, Recipe, Task


class Digits(Task):
    """Ten classes of 8x8 grey images (Alpaydin and Kaynak, UCI, 1998): 797 train, 500 valid, 500 test, stratified."""

    name = "digits"
    mirrors = False
    input_shape = (8, 8, 1)
    outputs = 10
    classes = tuple("0123456789")
    recipes: ClassVar[dict[str, Recipe]] = {
        "search": Recipe(epochs=8, batch=48, learning_rate=0.02, average=0.9),
        "full": Recipe(epochs=48, learning_rate=4e-3, average=0.95, patience=16),
    }

    def data(self) -> Data:
        """Return pixels from 0 to 1; the split depends on nothing but this file."""
        return _split()

    def preprocessing(self) -> Preprocessing:
        """Return that pixels are whole numbers from 0 to 16."""
        return Preprocessing(self.input_shape, PIXEL, "pixel, 0 to 16", gain=(1 / 16,))


@lru_cache(1)
def _split() -> Data:
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    x, y = (x / 16).reshape(-1, 8, 8, 1).astype(np.float32), y.astype(np.int64)
    order = seeds.rng(0, "digits", "split").permutation(len(y))
    # One class after another, each shuffled; dealt out in proportion, so every part has every class equally often.
    by_class = [order[y[order] == c] for c in range(10)]
    rank = np.concatenate([(np.arange(len(i)) + 0.5) / len(i) for i in by_class])
    ordered = np.concatenate(by_class)[np.argsort(rank, kind="stable")]
    parts = np.split(ordered, [797, 1297])
    train, valid, test = (Part(x[i], y[i]) for i in map(np.sort, parts))
    return Data(train, valid, test)


Plugin = Digits
