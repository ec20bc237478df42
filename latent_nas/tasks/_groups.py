"""Groups of samples dealt to the parts of a split, none to two: by subject, session or recording, or else in time."""

from collections.abc import Sequence

import numpy as np

from latent_nas import seeds

SHARE = 0.2  # of the samples, for each part that is drawn
TRIES = 400  # orders of the groups that are tried
TRAIN = 0


def dealt(group: np.ndarray, y: np.ndarray | None, missing: Sequence[int], seed: int) -> np.ndarray | None:
    """Return the part of every sample (n,), train or one of ``missing``, whole groups each; None where it can't be.

    Every class stands in every part. Of several orders of the groups that one is taken whose parts come closest to a
    fifth of every class.

    Args:
        group: which group a sample is of, (n,), numbered in the order in which they are to be drawn. y: classes (n,),
            or None of a regression. missing: parts to fill.
    """
    kinds = y if y is not None else np.zeros(len(group), np.int64)
    labels, kind = np.unique(kinds, return_inverse=True)
    groups, member = np.unique(group, return_inverse=True)
    if len(groups) <= len(missing):
        return None
    counts = np.zeros((len(groups), len(labels)), np.int64)
    np.add.at(counts, (member.reshape(-1), kind.reshape(-1)), 1)
    if (np.count_nonzero(counts, axis=0) <= len(missing)).any():
        return None
    total, rng = counts.sum(axis=0), seeds.rng(seed, "own data", "groups")
    best: tuple[float, np.ndarray | None] = (np.inf, None)
    for _ in range(TRIES):
        part = _tried(counts, total, missing, rng.permutation(len(groups)))
        held = np.stack([counts[part == p].sum(axis=0) for p in (TRAIN, *missing)])
        if (held == 0).any():
            continue
        off = np.abs(held[1:] / total - SHARE).mean() + np.abs(held[1:].sum(axis=1) / total.sum() - SHARE).mean()
        if off < best[0] - 1e-12:
            best = (float(off), part)
    return None if best[1] is None else best[1][member.reshape(-1)]


def _tried(counts: np.ndarray, total: np.ndarray, missing: Sequence[int], order: np.ndarray) -> np.ndarray:
    """Return the part of every group in an order: each goes to the first part that lacks more than it would gain."""
    part = np.full(len(order), TRAIN)
    lacks = {p: SHARE * total.astype(np.float64) for p in missing}
    for at in order:
        for p in missing:
            if np.minimum(counts[at], np.maximum(lacks[p], 0)).sum() > counts[at].sum() / 2:
                part[at] = p
                lacks[p] = lacks[p] - counts[at]
                break
    return part


def in_time(place: np.ndarray, y: np.ndarray, missing: Sequence[int]) -> np.ndarray:
    """Return the part of every sample (n,): of each class the first in time are for train, the last for ``missing``.

    Args:
        place: the order in time, (n,).
    """
    part = np.full(len(y), TRAIN)
    for label in np.unique(y):
        rows = np.flatnonzero(y == label)
        rows = rows[np.argsort(place[rows], kind="stable")]
        each = max(round(SHARE * len(rows)), 1)
        for i, p in enumerate(reversed(missing)):
            part[rows[len(rows) - (i + 1) * each : len(rows) - i * each]] = p
    return part
