"""Batch normalisation: a float-side operator that deployment folds into the weights before it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from latent_nas.operators import Operator, Shape, image

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class BatchNorm(Operator):
    """Normalises each channel by its running mean and variance."""

    kind: ClassVar[str] = "batch_norm"
    epsilon: float = 1e-5

    def shape(self, *inputs: Shape) -> Shape:
        """Return the input's shape."""
        self.check_arity(*inputs)
        image(self.kind, *inputs)
        return inputs[0]

    def weight_shapes(self, *inputs: Shape) -> dict[str, Shape]:
        """Return weight and bias, one per channel (none of them is left after folding)."""
        return {"weight": (inputs[0][2],), "bias": (inputs[0][2],)}

    def module(self, *inputs: Shape) -> "nn.Module":
        """Return torch's batch normalisation."""
        from torch import nn

        return nn.BatchNorm2d(inputs[0][2], eps=self.epsilon)

    def fold(self, weights: dict[str, np.ndarray], own: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the weights and biases of the convolution before it with this normalisation multiplied in.

        Args:
            weights: "weight" (filters, ...), "bias" (filters,). own: "weight", "bias", "running_mean", "running_var".
        """
        factor = own["weight"] / np.sqrt(own["running_var"] + self.epsilon)
        return {
            "weight": weights["weight"] * factor.reshape(-1, *[1] * (weights["weight"].ndim - 1)),
            "bias": (weights["bias"] - own["running_mean"]) * factor + own["bias"],
        }

    def int8(self, constants: dict[str, np.ndarray], *xs: np.ndarray) -> np.ndarray:
        """Never deployed."""
        raise ValueError("batch_norm has no integer form; deploy the graph first, which folds it")


Plugin = BatchNorm
