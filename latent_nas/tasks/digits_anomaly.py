"""One digit is normal, all others are anomalies: ``digits_anomaly:3``; the images that come with scikit-learn."""

from typing import ClassVar

import numpy as np

from latent_nas.preprocessing import Preprocessing
from latent_nas.tasks import Data, Part, Recipe, Task
from latent_nas.tasks.digits import Digits
from latent_nas.tasks.kinds.anomaly import OUTPUTS, Anomaly


class DigitsAnomaly(Task):
    """The split of ``digits``; training has the normal digit only (about 80 images), validation and test have all."""

    name = "digits_anomaly"
    mirrors = False
    input_shape = (8, 8, 1)
    outputs = OUTPUTS
    classes = ("normal", "anomaly")
    kind = Anomaly()
    recipes: ClassVar[dict[str, Recipe]] = {
        "search": Recipe(epochs=40, batch=16, learning_rate=6e-3, average=0.95, patience=40),
        "full": Recipe(epochs=120, batch=16, learning_rate=6e-3, average=0.97, patience=40),
    }

    def __init__(self, digit: str = "0") -> None:
        """Choose the normal digit.

        Raises:
            ValueError: it is none of the ten.
        """
        if digit not in list("0123456789"):
            raise ValueError(f"digits_anomaly wants a digit from 0 to 9 that is normal, got {digit!r}")
        self.digit = int(digit)

    def data(self) -> Data:
        """Return pixels from 0 to 1 and whether the image is another digit (1) or not (0)."""
        digits = Digits().data()
        train, valid, test = (
            Part(part.x, (part.y != self.digit).astype(np.int64)) for part in (digits.train, digits.valid, digits.test)
        )
        return Data(Part(train.x[train.y == 0], train.y[train.y == 0]), valid, test)

    def preprocessing(self) -> Preprocessing:
        """Return that of ``digits``."""
        return Digits().preprocessing()


Plugin = DigitsAnomaly
