"""Reading pickles that hold numbers and text only: nothing of them is run, no class of theirs is made."""

import io
import pickle
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np


class _Number:
    """What a pickled ``numpy.dtype`` becomes here: the text it was made of, as "f8"."""

    def __init__(self, text: Any, *_: Any) -> None:
        self.text = str(text)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.order = str(state[1]).replace("|", "")  # "<" or ">"; a byte has none


def _scalar(kind: _Number, raw: bytes) -> float | int | bool:
    if not isinstance(kind, _Number) or kind.text not in {"f2", "f4", "f8", "i1", "i2", "i4", "i8", "b1"}:
        raise pickle.UnpicklingError("a number of an unknown kind")
    value: float | int | bool = np.frombuffer(raw, getattr(kind, "order", "") + kind.text, 1)[0].item()
    return value


ALLOWED: dict[tuple[str, str], Callable[..., Any]] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("numpy", "dtype"): _Number,
    ("numpy.core.multiarray", "scalar"): _scalar,
    ("numpy._core.multiarray", "scalar"): _scalar,
}


class _Plain(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ALLOWED:
            raise pickle.UnpicklingError(f"it names {module}.{name}")
        return ALLOWED[module, name]


def plain(raw: bytes, called: str) -> Any:
    """Return what a pickle holds: dictionaries, lists, tuples, numbers, text.

    Args:
        called: the file's name, for the error.

    Raises:
        ValueError: it holds anything else, or is not a pickle.
    """
    try:
        return _Plain(io.BytesIO(raw)).load()
    except Exception as error:  # noqa: BLE001 -- what a damaged pickle raises is not foreseeable
        raise ValueError(
            f"{called} holds more than numbers and text, or is damaged ({error}); nothing was run"
        ) from None
