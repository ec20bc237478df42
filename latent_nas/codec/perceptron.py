"""A linear map with one hidden layer beside it: what every part of the codec is, in numpy, without torch."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Perceptron:
    """x -> x W + b + relu(x U + c) V, float32.

    Attributes:
        first: [W | U], (inputs, outputs + hidden). bias: [b | c], (outputs + hidden,). last: V, (hidden, outputs).
    """

    first: np.ndarray
    bias: np.ndarray
    last: np.ndarray

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Return the outputs (n, outputs) of inputs (n, inputs)."""
        straight, bent = self.ends(x @ self.first + self.bias)
        return straight + bent

    def ends(self, both: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return x W + b and relu(x U + c) V, (n, outputs) each, of [x W + b | x U + c], which is written to."""
        outputs = self.last.shape[1]
        hidden = both[:, outputs:]
        np.maximum(hidden, 0, out=hidden)
        return both[:, :outputs], hidden @ self.last

    def arrays(self, name: str) -> dict[str, np.ndarray]:
        """Return the arrays under the names that ``named`` reads."""
        return {f"{name}.first": self.first, f"{name}.bias": self.bias, f"{name}.last": self.last}

    @staticmethod
    def named(arrays: dict[str, np.ndarray], name: str) -> "Perceptron":
        """Return the perceptron stored under a name; KeyError where there is none."""
        return Perceptron(arrays[f"{name}.first"], arrays[f"{name}.bias"], arrays[f"{name}.last"])
