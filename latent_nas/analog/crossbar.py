"""A trained network's weights on crossbars of phase-change memory, and its accuracy as time goes by."""

import copy
from collections.abc import Callable
from typing import TypeVar, cast

import numpy as np
import torch
from torch import nn

from latent_nas import seeds
from latent_nas.analog import DRAWINGS, TIMES_S
from latent_nas.analog.pcm import Pcm

ANALOG = (nn.Conv2d, nn.Linear)  # whose weights are in analog memory
Module = TypeVar("Module", bound=nn.Module)


class Crossbar:
    """One layer's weights, each the difference of two devices of which one is programmed to 0.

    The largest weight takes the largest conductance. Read later, all weights are scaled by one digital factor, so that
    the mean size of what is read is again that of the first read (global drift compensation).
    """

    def __init__(self, weight: np.ndarray, pcm: Pcm, rng: np.random.Generator) -> None:
        """Program the weights, of any shape."""
        self.pcm, self.largest = pcm, float(np.abs(weight).max()) or 1.0
        self._target = np.stack([np.maximum(weight, 0), np.maximum(-weight, 0)]) / self.largest
        self._programmed = pcm.program(self._target, rng)
        self._exponents = pcm.exponents(self._target, rng)
        self._size = np.abs(self._read(0.0, rng)).mean()

    def weight(self, seconds: float, rng: np.random.Generator) -> np.ndarray:
        """Return the weights as they are read and compensated some seconds after the first read."""
        read = self._read(seconds, rng)
        size = np.abs(read).mean()
        return self.largest * read * (self._size / size if size > 0 else 1.0)

    def _read(self, seconds: float, rng: np.random.Generator) -> np.ndarray:
        plus, minus = self.pcm.at(self._programmed, self._exponents, self._target, seconds, rng)
        return np.asarray(plus - minus)


def analog_layers(module: nn.Module) -> list[nn.Module]:
    """Return the layers of a network whose weights are analog, in their order."""
    return [layer for layer in module.modules() if isinstance(layer, ANALOG)]


def accuracies(
    module: Module,
    score: Callable[[Module], float],
    seed: int,
    drawings: int = DRAWINGS,
    pcm: Pcm | None = None,
) -> np.ndarray:
    """Return the scores (drawings, times) of a trained network, programmed anew for every drawing; it is not changed.

    Args:
        score: judges a network, at each of ``TIMES_S`` after programming. pcm: the device; by default as measured.
    """
    device, twin = pcm or Pcm(), copy.deepcopy(module).eval()
    weights = [cast(torch.Tensor, layer.weight) for layer in analog_layers(twin)]
    trained = [weight.detach().numpy().astype(np.float64) for weight in weights]
    found = np.zeros((drawings, len(TIMES_S)))
    for drawing in range(drawings):
        rng = seeds.rng(seed, "pcm", drawing)
        crossbars = [Crossbar(values, device, rng) for values in trained]
        for i, seconds in enumerate(TIMES_S.values()):
            with torch.no_grad():
                for weight, crossbar in zip(weights, crossbars, strict=True):
                    weight.copy_(torch.from_numpy(crossbar.weight(seconds, rng).astype(np.float32)))
            found[drawing, i] = score(twin)
    return found
