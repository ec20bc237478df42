"""The decoder as it is used: a row of a table is looked up for each code, then one product, then the best choices."""

import numpy as np

from latent_nas.codec.choices import Choices
from latent_nas.codec.perceptron import Perceptron
from latent_nas.kernels import add_rows

BLOCK = 256  # rows at a time: the core's cache holds what is between two steps


class Decoder:
    """From codes or latents to genes, not yet canonical."""

    def __init__(self, net: Perceptron, choices: Choices, codebook: np.ndarray) -> None:
        """Take the decoder's network, one output per column of ``choices``, and the codebook (slots, codes, dim)."""
        self._choices, self._net = choices, choices.above(net)
        slots, codes, dim = codebook.shape
        added = codebook @ self._net.first.reshape(slots, dim, -1)
        self._table = np.ascontiguousarray(added.reshape(slots * codes, -1))
        self._starts = np.arange(slots) * codes

    def of_codes(self, codes: np.ndarray) -> np.ndarray:
        """Return genes (n, genes) of codes (n, slots)."""
        genes, rows = np.empty((len(codes), len(self._choices.sizes)), np.int64), codes + self._starts
        held = np.empty((min(BLOCK, len(rows)), self._table.shape[1]), np.float32)
        for start in range(0, len(codes), BLOCK):
            block = slice(start, start + BLOCK)
            first = held[: len(rows[block])]
            first[:] = self._net.bias
            add_rows(self._table, rows[block], first)
            genes[block] = self._choices.pick(*self._net.ends(first))
        return genes

    def of_latent(self, flat: np.ndarray) -> np.ndarray:
        """Return genes (n, genes) of latents (n, slots * dim) float32."""
        return self._choices.pick(*self._net.ends(flat @ self._net.first + self._net.bias))
