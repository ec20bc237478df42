"""The judge: what is believed of networks that were not trained, as one value and its parts.

``Scorer`` is the judge that ships. Strategies, environments and agents ask whatever follows ``Judge``.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from latent_nas.spaces import Space


@dataclass(frozen=True)
class Scores:
    """A batch of scored architectures; all arrays are (n,).

    Attributes:
        predicted_accuracy, predicted_std: in the metric's unit. penalty: the same, 0 inside the limits.
        pessimistic: the accuracy kappa std below the mean - penalty: what an agent is rewarded by.
        acquisition: the accuracy beta std above the mean - penalty: what is worth a training.
    """

    predicted_accuracy: np.ndarray
    predicted_std: np.ndarray
    predicted_flash_bytes: np.ndarray
    predicted_ram_bytes: np.ndarray
    predicted_latency_ms: np.ndarray
    penalty: np.ndarray
    pessimistic: np.ndarray
    acquisition: np.ndarray


class Judge(Protocol):
    """What strategies, environments and agents may ask.

    Attributes:
        space: of the genes. weight: penalty per unit of log excess over a limit. margin: log cost by which the limits
            are drawn closer. queries: architectures scored so far.
    """

    space: Space
    weight: float
    margin: float
    queries: int

    @property
    def labels(self) -> int:
        """How many trained networks it has learnt from; 0 before the first."""

    def __call__(self, genes: np.ndarray, limits: np.ndarray | None = None) -> Scores:
        """Return the scores of canonical genes (n, genes), by models that are quick.

        Args:
            limits: per row (n, 3): flash_bytes, ram_bytes, latency_ms, inf for none; default the judge's own.
        """

    def rerank(self, genes: np.ndarray, limits: np.ndarray | None = None) -> Scores:
        """Return the scores by slower and better models, for the few networks that a search brings."""

    def batch(self, genes: np.ndarray, n: int, pending: np.ndarray | None = None) -> np.ndarray:
        """Return the indices (n,) of those of genes (m, genes) to train together, the best first.

        Args:
            pending: networks in training, (k, genes): what they will teach is not worth learning twice.
        """
