"""Progression of diabetes after one year: the 442 patients that come with scikit-learn, a table of ten columns."""

from functools import lru_cache
from typing import Any, ClassVar

import numpy as np

from latent_nas import seeds
from latent_nas.preprocessing import Preprocessing
from latent_nas.tasks import Data, Part, Recipe, Task
from latent_nas.tasks.kinds.regress import Regression

TRAIN, VALID = 262, 90  # patients; the other 90 are the test part
NOISE = 0.3  # on inputs in training; chosen on validation among 0, 0.3 and 0.6


class Diabetes(Task):
    """One number per patient (Efron et al. 2004, "Least angle regression"), from 25 to 346; drawn once into the parts.

    The table's row is one step of ten values, for the space ``mcu_cnn1d``.
    """

    name = "diabetes"
    input_shape = (1, 10, 1)
    outputs = 1
    recipes: ClassVar[dict[str, Recipe]] = {
        "search": Recipe(epochs=20, batch=32, learning_rate=4e-3, average=0.95, weight_decay=0.1, augment=True),
        "full": Recipe(
            epochs=40, batch=32, learning_rate=2e-3, average=0.97, weight_decay=0.1, patience=12, augment=True
        ),
    }

    def __init__(self) -> None:
        self.kind = Regression.of(_split()[0].train.y, ("progression",))

    def data(self) -> Data:
        """Return inputs of mean 0 and standard deviation 1 on the training part, targets as they are."""
        return _split()[0]

    def preprocessing(self) -> Preprocessing:
        """Return mean and standard deviation of the ten columns, in their own units."""
        return _split()[1]

    def augmented(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the inputs in noise of 0.3 standard deviations: 262 patients are soon learnt by heart."""
        return (x + NOISE * rng.normal(size=x.shape)).astype(np.float32)


@lru_cache(1)
def _split() -> tuple[Data, Preprocessing]:
    from sklearn.datasets import load_diabetes

    table = load_diabetes(scaled=False)
    x, y = table.data, table.target
    order = seeds.rng(0, "diabetes", "split").permutation(len(y))
    rows = np.split(order, [TRAIN, TRAIN + VALID])
    mean, std = x[rows[0]].mean(axis=0), x[rows[0]].std(axis=0)
    x = (x - mean) / std
    columns: dict[str, Any] = {
        "shift": tuple(mean.tolist()),
        "gain": tuple((1 / std).tolist()),
        "columns": tuple(table.feature_names),
    }
    seen = Preprocessing(Diabetes.input_shape, unit="as in the table", **columns)
    x, y = x.reshape(-1, 1, x.shape[1], 1).astype(np.float32), y.reshape(-1, 1).astype(np.float32)
    return Data(*(Part(x[i], y[i]) for i in map(np.sort, rows))), seen


Plugin = Diabetes
