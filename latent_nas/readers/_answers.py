"""The answers of an array file: classes (n,), whichever way they were stored, or numeric targets (n, targets)."""

import numpy as np

FEW = 20  # whole numbers up to which floats may well be classes


def one_hot(y: np.ndarray) -> bool:
    """Return whether every row of y (n, classes) has a single 1 and else zeros."""
    if y.ndim != 2 or y.shape[1] < 2 or y.dtype.kind not in "buif" or not len(y):
        return False
    return bool(((y == 0) | (y == 1)).all() and (y.sum(axis=1) == 1).all())


def answers(wants: str, n: int, y: np.ndarray | None, kind: str, hot: bool) -> tuple[np.ndarray, list[str]]:
    """Return classes (n,) or numeric targets (n, targets), and what to say of how they were stored.

    Args:
        wants: begins the message that refuses others. n: samples. kind: one of ``readers.KINDS``, or "" for what they
            look like. hot: whether all parts are one-hot.

    Raises:
        ValueError: nothing, or another shape or type.
    """
    if y is None:
        raise ValueError(f"{wants} ({n},) classes or numeric targets; got nothing")
    if hot and kind != "regress" and len(y) == n:
        return y.argmax(axis=1), ["y is one-hot and taken as classes ('?kind=regress' takes it as numbers)"]
    whole = y.dtype.kind == "f" and np.isfinite(y).all() and (y == np.round(y)).all()
    if kind == "regress" or (not kind and y.dtype.kind == "f"):
        if y.dtype.kind not in "uif" or y.shape[:1] != (n,) or y.ndim > 2 or not y.size:
            raise ValueError(f"{wants} numbers ({n},) or ({n}, targets); got {y.dtype} {y.shape}")
        few = not kind and whole and y.size == n and len(np.unique(y)) <= FEW
        said = "y holds whole numbers stored as floats, taken as numbers ('?kind=classify' takes them as classes)"
        return y.reshape(n, -1), [said] if few else []
    notes = []
    if y.shape == (n, 1):
        y, notes = y.reshape(n), ["y of one column is taken as classes"]
    if whole:
        y = y.astype(np.int64)
    if y.dtype.kind == "S":
        y = np.char.decode(y, "utf-8", "replace")
    if y.shape != (n,) or y.dtype.kind == "f":
        raise ValueError(f"{wants} ({n},) classes; got {y.dtype} {y.shape}")
    return y, notes
