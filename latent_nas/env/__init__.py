"""The environment: an agent edits the latent of a network, a judge's change of opinion is its reward.

``EditEnv`` (gymnasium) and ``BatchedEditEnv`` (gymnasium.vector) are two faces of one core, ``EditCore``. The
environment asks a codec and a judge; it fits nothing and knows no learner.
"""

from typing import Protocol

import numpy as np


class LatentCodec(Protocol):
    """What the environment asks of a codec; ``codebook`` is (slots, codes, dim)."""

    slots: int
    codes: int
    dim: int
    codebook: np.ndarray

    def encode(self, genes: np.ndarray) -> np.ndarray:
        """Return codes (n, slots) of genes (n, g)."""

    def latent(self, codes: np.ndarray) -> np.ndarray:
        """Return latents (n, slots, dim) of codes (n, slots)."""

    def decode_codes(self, codes: np.ndarray) -> np.ndarray:
        """Return canonical genes (n, g) of codes (n, slots)."""
