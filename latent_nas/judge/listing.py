"""All networks of a small space in a list, found by their genes."""

import math

import numpy as np

from latent_nas.spaces import Space

MOST = 2**15  # networks that are scored all at once after every fit


class Listing:
    """The list.

    Attributes:
        genes: every canonical network once, (n, genes).
    """

    def __init__(self, space: Space, genes: np.ndarray) -> None:
        self._steps = np.concatenate([np.cumprod(space.sizes[:0:-1])[::-1], [1]]).astype(np.int64)
        keys = genes @ self._steps
        order = np.argsort(keys, kind="stable")
        self.genes, self._keys = genes[order], keys[order]

    @staticmethod
    def of(space: Space) -> "Listing | None":
        """Return the list of a space of up to ``MOST`` networks, else None."""
        if space.listed is None or len(space.listed) > MOST or math.prod(space.sizes.tolist()) >= 2**62:
            return None
        return Listing(space, space.listed)

    def rows(self, genes: np.ndarray) -> np.ndarray:
        """Return the places (m,) in the list of canonical genes (m, genes)."""
        return np.searchsorted(self._keys, genes @ self._steps)
