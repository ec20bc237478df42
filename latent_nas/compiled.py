"""Loops over rows, compiled to machine code by numba.

A hot path that numpy walks in a hundred passes over memory is one loop here, written for one network. The first call
compiles it, in a second or two; the result is kept beside the file, or in the user's cache where that can't be written.
What is kept carries a checksum: damaged machine code is compiled anew, never run. numba keeps pickles of its own there,
which are trusted as the package's code beside them is; no run folder or artefact brings any.
What calls a compiled function of another file is not compiled again when that one changes: touch it.
"""

import logging
import pickle
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import numba
from numba.core.caching import IndexDataCacheFile

from latent_nas import whole

F = TypeVar("F", bound=Callable[..., Any])
DIGEST = 32  # bytes at the end of a file
log = logging.getLogger("latent_nas")
_said: set[str] = set()


def compiled(function: F) -> F:
    """Return the function compiled on its first call, for arrays of numbers; sums may be taken in another order.

    Give it arrays that are contiguous and writable: every other kind of array is compiled once more.
    """
    made: Any
    try:
        made = numba.njit(function, cache=True, error_model="numpy", fastmath=FAST)
        made._cache._cache_file = Checked(made._cache._cache_file)
    except RuntimeError:  # there is nowhere to keep it, so every process compiles for itself
        made = numba.njit(function, error_model="numpy", fastmath=FAST)
    compiled_one: F = made
    return compiled_one


# Enough to use all lanes of the core for a sum; NaN and infinity stay what they are.
FAST = {"reassoc", "contract", "nsz", "arcp"}


class Checked(IndexDataCacheFile):
    """What numba keeps of one function, with a checksum in every file; what is damaged counts as not there."""

    def __init__(self, plain: IndexDataCacheFile) -> None:
        vars(self).update(vars(plain))

    def _load_index(self) -> dict[Any, str]:
        try:
            version, stamp, overloads = pickle.loads(self._whole(self._index_path))  # noqa: S301 - as numba does
        except OSError:
            return {}
        return dict(overloads) if (version, stamp) == (self._version, self._source_stamp) else {}

    def _save_index(self, overloads: dict[Any, str]) -> None:
        self._keep(self._index_path, self._dump((self._version, self._source_stamp, overloads)))

    def _load_data(self, name: str) -> Any:
        return pickle.loads(self._whole(self._data_path(name)))  # noqa: S301

    def _save_data(self, name: str, data: Any) -> None:
        self._keep(self._data_path(name), self._dump(data))

    def _whole(self, path: str) -> bytes:
        """Return a file's content, or raise OSError where it is not there or is damaged."""
        with open(path, "rb") as file:
            data = file.read()
        if sha256(data[:-DIGEST]).digest() != data[-DIGEST:]:
            _say(f"{path} is damaged or of another release; what it held is compiled again")
            raise OSError(path)
        return data[:-DIGEST]

    def _keep(self, path: str, data: bytes) -> None:
        try:
            whole.write(Path(path), data + sha256(data).digest())
        except ValueError as error:
            _say(f"{error}: until then every process compiles for itself")


def _say(line: str) -> None:
    """Say a line once per kind: there are as many files as functions."""
    kind = line.rpartition("; ")[2]
    if kind not in _said:
        _said.add(kind)
        log.warning(line)
