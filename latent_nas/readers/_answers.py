"""Answers as classes or numeric targets, whichever way they were stored, and which of both they look like."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

FEW = 20  # different whole numbers up to which they may well be classes
EACH = 3  # samples of a class, on average, below which many whole numbers are a quantity
QUANTITY = re.compile(r"([+-]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?)\s*([^\s\d.,+-]\S*)?")  # 1,061.3 mV


def measured(labels: Sequence[Any] | np.ndarray) -> bool:
    """Return whether answers look like a measured quantity: numbers that are not whole, or many that seldom repeat."""
    values = _numbers(labels)
    if values is None or not np.isfinite(values).all() or not len(values):
        return False
    if not (values == np.round(values)).all():
        return True
    kinds = len(np.unique(values))
    return (kinds > FEW and len(values) < EACH * kinds) or kinds == len(values) > FEW // 2


def with_unit(labels: Sequence[str]) -> str:
    """Return how answers are numbers that no program reads, with an example; "" where they are others, or few."""
    found = [QUANTITY.fullmatch(label.strip()) for label in labels]
    if not all(found) or len({match[2] for match in found if match}) != 1:
        return ""
    plain = [float(match[1].replace(",", "")) for match in found if match]
    odd = next((label for label in labels if not _is_plain(label)), "")
    if not odd or len(set(plain)) <= FEW or not measured(plain):
        return ""
    return f"with a comma for thousands ({odd!r})" if odd[-1].isdigit() else f"with a unit ({odd!r})"


def _is_plain(label: str) -> bool:
    return _numbers([label]) is not None


def _numbers(labels: Sequence[Any] | np.ndarray) -> np.ndarray | None:
    """Return answers as numbers (n,), or None where one is not; 1_2 is a name, though Python reads 12."""
    if any(isinstance(label, str) and "_" in label for label in labels):
        return None
    try:
        return np.array([float(label) for label in labels])
    except (ValueError, TypeError):
        return None


def said_of(what: str, labels: Sequence[Any] | np.ndarray, numbers: bool) -> list[str]:
    """Return a line where whole numbers could have been taken the other way.

    Args:
        what: holds them, e.g. "y". numbers: whether they are taken as numbers, else as classes.
    """
    values = _numbers(labels)
    if values is None or not (values == np.round(values)).all():
        return []
    count, other = len(np.unique(values)), "classify" if numbers else "regress"
    taken = ("numbers", "classes") if numbers else ("classes", "numbers")
    return [f"{what} holds {count} different whole numbers, taken as {taken[0]} ('--kind {other}': as {taken[1]})"]


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
    if y is None and kind == "anomaly":
        return np.full(n, "normal"), ["there is no y: all samples are taken as normal"]
    if y is None:
        raise ValueError(f"{wants} ({n},) classes or numeric targets; got nothing ('--kind anomaly': all are normal)")
    if hot and kind != "regress" and len(y) == n:
        return y.argmax(axis=1), ["y is one-hot and taken as classes ('--kind regress' takes it as numbers)"]
    notes = []
    if y.shape == (n, 1) and kind != "regress" and not (y.dtype.kind in "uif" and not kind and measured(y[:, 0])):
        y, notes = y.reshape(n), ["y of one column is taken as classes"]
    single = y.dtype.kind in "uif" and y.size == n and y.ndim in (1, 2)
    if kind == "regress" or (not kind and (measured(y.ravel()) if single else y.dtype.kind == "f")):
        if y.dtype.kind == "f" and y.shape[:1] == (n,) and not np.isfinite(y).all():
            raise ValueError(_not_finite(wants, y))
        if y.dtype.kind not in "uif" or y.shape[:1] != (n,) or y.ndim > 2 or not y.size:
            raise ValueError(f"{wants} numbers ({n},) or ({n}, targets); got {y.dtype} {y.shape}")
        return y.reshape(n, -1), []
    if y.dtype.kind == "f" and np.isfinite(y).all() and (y == np.round(y)).all():
        y = y.astype(np.int64)
    if y.dtype.kind == "S":
        y = np.char.decode(y, "utf-8", "replace")
    if y.dtype.kind == "f" and y.shape == (n,) and not np.isfinite(y).all():
        raise ValueError(_not_finite(wants, y))
    if y.shape != (n,) or y.dtype.kind == "f":
        raise ValueError(f"{wants} ({n},) classes; got {y.dtype} {y.shape}")
    return y, notes


def _not_finite(wants: str, y: np.ndarray) -> str:
    """Return what is to be said of targets y (n, ...) of which some are NaN or infinite."""
    row = int(np.flatnonzero(~np.isfinite(y.reshape(len(y), -1)).all(axis=1))[0])
    value = y[row][~np.isfinite(y[row])][0]
    return f"{wants} a finite number or a class in every row; row {row + 1} has {value}: correct it or leave it out"
