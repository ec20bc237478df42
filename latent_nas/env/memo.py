"""A bounded memory of rows already judged, and a set of rows already met, without a Python loop."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from latent_nas.compiled import compiled

_MIX = 0x9E3779B97F4A7C15


@lru_cache(8)
def _factors(width: int) -> np.ndarray:
    odd = np.random.default_rng(0).integers(0, 2**63, width, dtype=np.uint64)
    return odd * np.uint64(2) + np.uint64(1)


def hashed(rows: np.ndarray) -> np.ndarray:
    """Return a hash (n,) uint64 of rows of integers (n, width)."""
    found = np.empty(len(rows), np.uint64)
    _hash(np.require(rows, np.int64, ["C", "W"]).view(np.uint64), _factors(rows.shape[1]), found)
    return found


class Memo:
    """A direct-mapped cache: rows of 64-bit integers -> rows of numbers; a newer row takes the place of an older one.

    Rows are known by a 64-bit hash: two of a million rows share one with a probability of 3e-8.

    Attributes:
        asked: rows looked up. computed: rows that were not there.
    """

    def __init__(self, values: int, bits: int = 16, dtype: type[np.number] = np.float64) -> None:
        """Hold 2**bits rows of ``values`` numbers."""
        self._shift = np.uint64(64 - bits)
        self._keys = np.zeros(2**bits, np.uint64)
        self._values = np.zeros((2**bits, values), dtype)
        self.asked = self.computed = 0

    def __call__(self, keys: np.ndarray, compute: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """Return values (n, v) of keys (n, w); ``compute`` gets the indices of unknown rows once each, gives (m, v)."""
        hashes = hashed(keys) | np.uint64(1)  # 0 means empty
        places = (hashes * np.uint64(_MIX)) >> self._shift
        known = self._keys[places] == hashes
        values = self._values[places]
        unknown = np.flatnonzero(~known)
        self.asked += len(keys)
        if len(unknown):
            _, first, again = np.unique(hashes[unknown], return_index=True, return_inverse=True)
            rows = unknown[first]
            found = np.asarray(compute(rows), values.dtype)
            self.computed += len(rows)
            values[unknown] = found[again]
            self._keys[places[rows]], self._values[places[rows]] = hashes[rows], found
        return values


class Known:
    """A set of rows, known by the same hashes."""

    def __init__(self, hashes: np.ndarray, room: int) -> None:
        """Hold hashes (n,) and have room for so many more."""
        bits = int(2 * (len(hashes) + room) + 1).bit_length()
        self._keys, self._shift = np.zeros(2**bits, np.uint64), np.uint64(64 - bits)
        self.add(hashes, np.arange(len(hashes)), len(hashes))

    def add(self, hashes: np.ndarray, of: np.ndarray, most: int) -> np.ndarray:
        """Add the first unknown of hashes (n,) for each value of ``of`` (n,), ``most`` in all; return which (m,)."""
        found, served = np.empty(most, np.int64), np.zeros(int(of.max(initial=-1)) + 1, np.bool_)
        return found[: _add(self._keys, self._shift, hashes, of, served, found)]


@compiled
def _hash(rows: np.ndarray, factors: np.ndarray, found: np.ndarray) -> None:
    for row in range(len(rows)):
        total = np.uint64(0)
        for i in range(rows.shape[1]):
            total += rows[row, i] * factors[i]
        found[row] = total


@compiled
def _add(
    keys: np.ndarray, shift: np.uint64, hashes: np.ndarray, of: np.ndarray, served: np.ndarray, found: np.ndarray
) -> int:
    """Put hashes (n,) into a table by open addressing; write the rows that were added, return how many."""
    n, last = 0, len(keys) - 1
    for row in range(len(hashes)):
        if n == len(found):
            break
        key = hashes[row] | np.uint64(1)  # 0 means empty
        place = np.int64((key * np.uint64(_MIX)) >> shift)
        while keys[place] != 0 and keys[place] != key:
            place = (place + 1) & last
        if keys[place] == 0 and not served[of[row]]:
            keys[place], served[of[row]], found[n] = key, True, row
            n += 1
    return n
