"""Loops over rows, compiled to machine code by numba.

A hot path that numpy walks in a hundred passes over memory is one loop here, written for one network. The first call
compiles it, in a second or two; the result is kept beside the file, or in the user's cache where that can't be written.
What calls a compiled function of another file is not compiled again when that one changes: touch it.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import numba

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Return the function compiled on its first call, for arrays of numbers; sums may be taken in another order.

    Give it arrays that are contiguous and writable: every other kind of array is compiled once more.
    """
    made: Any
    try:
        made = numba.njit(function, cache=True, error_model="numpy", fastmath=FAST)
    except RuntimeError:  # there is nowhere to keep it, so every process compiles for itself
        made = numba.njit(function, error_model="numpy", fastmath=FAST)
    compiled_one: F = made
    return compiled_one


# Enough to use all lanes of the core for a sum; NaN and infinity stay what they are.
FAST = {"reassoc", "contract", "nsz", "arcp"}
