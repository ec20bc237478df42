"""The environment: an agent edits the latent of a network, a judge's change of opinion is its reward.

``EditEnv`` (gymnasium) and ``BatchedEditEnv`` (gymnasium.vector) are two faces of one core, ``EditCore``. The
environment asks a codec and a scorer; it fits nothing and knows no learner.
"""

from typing import Any, Protocol

import numpy as np


class Judge(Protocol):
    """What the environment asks of a scorer."""

    def __call__(self, genes: np.ndarray, limits: np.ndarray | None = None) -> Any:
        """Return arrays (n,) of genes (n, g): pessimistic, acquisition, penalty, predicted_<...>.

        ``limits`` (n, 3): flash_bytes, ram_bytes, latency_ms per row; inf where open.
        """


class LatentCodec(Protocol):
    """What the environment asks of a codec; ``codebook`` is (slots, codes, dim)."""

    slots: int
    codes: int
    dim: int
    codebook: np.ndarray

    def encode(self, genes: np.ndarray) -> np.ndarray:
        """Return codes (n, slots) of genes (n, g)."""

    def decode_codes(self, codes: np.ndarray) -> np.ndarray:
        """Return canonical genes (n, g) of codes (n, slots)."""
