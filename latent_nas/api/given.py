"""What Python callers give, as configurations keep it: numbers of Python, tuples of texts."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np


def plain(value: Any) -> Any:
    """Return a scalar of numpy as Python's, as JSON keeps it; anything else as it is."""
    return value.item() if isinstance(value, np.generic) else value


def texts(values: str | Path | Sequence[str | Path]) -> tuple[str, ...]:
    """Return one or several texts or paths as a tuple: one alone is no sequence of its letters.

    Raises:
        ValueError: neither.
    """
    several = [values] if isinstance(values, (str, Path)) else values
    if not isinstance(several, Sequence):
        raise ValueError(f"got {values!r}; wanted a text, a path, or a list of these")
    return tuple(str(value) for value in several if str(value))
