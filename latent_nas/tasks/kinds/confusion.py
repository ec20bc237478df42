"""What a confusion matrix says: how often class (row) was taken for class (column), (classes, classes)."""

import math

import numpy as np

Z = 1.959964  # standard deviations of a normal distribution that hold 95 % of it


def matrix_of(answers: np.ndarray, targets: np.ndarray, classes: int) -> np.ndarray:
    """Return the counts (classes, classes) int64 of answers (n,) and targets (n,), both classes."""
    return np.bincount(targets * classes + answers, minlength=classes**2).reshape(classes, classes)


def recalls(matrix: np.ndarray) -> np.ndarray:
    """Return the share of every class that was told (classes,); NaN of a class without samples."""
    with np.errstate(invalid="ignore"):
        found: np.ndarray = np.diag(matrix) / matrix.sum(axis=1)
    return found


def accuracy(matrix: np.ndarray) -> float:
    """Return the share of all samples that was told."""
    return float(np.trace(matrix) / matrix.sum())


def balanced_accuracy(matrix: np.ndarray) -> float:
    """Return the mean recall of the classes that have samples."""
    return float(np.nanmean(recalls(matrix)))


def f1(matrix: np.ndarray) -> float:
    """Return the mean over classes, those with samples or answers, of 2 right / (samples + answers), macro F1."""
    both = matrix.sum(axis=0) + matrix.sum(axis=1)
    return float((2 * np.diag(matrix)[both > 0] / both[both > 0]).mean())


def accuracy_interval(matrix: np.ndarray) -> tuple[float, float]:
    """Return the 95 % interval of the accuracy that so many samples allow."""
    return wilson(float(np.trace(matrix)), int(matrix.sum()))


def balanced_interval(matrix: np.ndarray) -> tuple[float, float]:
    """Return the 95 % interval of the balanced accuracy: every recall's, their squared distances added.

    Source: Zou and Donner 2008, "Construction of confidence limits about effect measures".
    """
    held = matrix[matrix.sum(axis=1) > 0]
    right, counts = np.diag(matrix)[matrix.sum(axis=1) > 0], held.sum(axis=1)
    ends = np.array([wilson(float(r), int(n)) for r, n in zip(right, counts, strict=True)])
    below, above = np.sqrt((np.abs(ends.T - right / counts) ** 2).sum(axis=1)) / len(held)
    mean = balanced_accuracy(matrix)
    return max(mean - float(below), 0.0), min(mean + float(above), 1.0)


def wilson(right: float, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share, ``right`` of n samples: right as well where all or none are.

    Source: Wilson 1927, "Probable inference, the law of succession, and statistical inference".
    """
    share = right / n
    middle = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * math.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    return max(middle - half, 0.0), min(middle + half, 1.0)
