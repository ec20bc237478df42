"""Which part of the split every sample of one's own data is in, by what the data are for."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from latent_nas import seeds
from latent_nas.readers import PARTS, Raw

TRAIN, VALID, TEST = range(3)
SHARE = 0.2  # of every class, for validation and for test each, where the data brings no split
NORMAL, ANOMALY = "normal", "anomaly"
LEAST = 8  # samples of a regression, or normal ones, below which nothing can be said of them


def kind_of(raw: Raw, asked: str) -> str:
    """Return what data are for, one of ``readers.KINDS``: what was asked, what they say, or what they look like.

    They look like anomaly detection where the only class, or the only one of the training part, is called "normal", or
    the classes are "normal" and "anomaly".
    """
    if asked or raw.kind or raw.targets:
        return asked or raw.kind or "regress"
    called = [name.lower() for name in raw.classes]
    trained = {called[i] for i in raw.y[raw.part == TRAIN]}
    normal = trained == {NORMAL} or called == [NORMAL] or sorted(called) == [ANOMALY, NORMAL]
    return "anomaly" if normal else "classify"


def as_anomalies(raw: Raw, normal: str) -> Raw:
    """Return data of any classes as normal samples (class 0) and anomalies (class 1).

    Args:
        normal: name of the normal class, or "" for the one called "normal".

    Raises:
        ValueError: there is no such class.
    """
    matching = [i for i, name in enumerate(raw.classes) if name == normal or (not normal and name.lower() == NORMAL)]
    if not matching:
        classes = ", ".join(map(repr, raw.classes[:10]))
        wanted = f"a class {normal!r}" if normal else "a class 'normal', or --normal CLASS"
        raise ValueError(f"anomaly detection wants {wanted}; the classes are {classes}")
    return replace(raw, y=(raw.y != matching[0]).astype(np.int64), classes=(NORMAL, ANOMALY))


def split(raw: Raw, kind: str, kept: np.ndarray, seed: int, torn: int) -> tuple[np.ndarray, list[str]]:
    """Return the part of every kept row (n,), -1 for none, and what is to be said of it.

    Args:
        kept: rows (n,) of ``raw``. torn: how many rows were dropped because they were in several classes.

    Raises:
        ValueError: parts without "train", or too few samples to fill all parts.
    """
    part = raw.part[kept].copy()
    given = set(part.tolist()) - {-1}
    if given and TRAIN not in given:
        raise ValueError(f"the data has a part {PARTS[min(given)]!r} but no part 'train'")
    part[part == -1] = TRAIN
    missing = [p for p in (VALID, TEST) if p not in given]
    order = seeds.rng(seed, "own data", "split").permutation(len(part))
    if kind == "regress":
        return part, _numbers(part, missing, order, bool(given), seed)
    if kind == "anomaly":
        return part, _anomalies(raw, kept, part, missing, order, seed)
    return part, _classes(raw, kept, part, missing, order, bool(given), seed, torn)


def _classes(
    raw: Raw,
    kept: np.ndarray,
    part: np.ndarray,
    missing: Sequence[int],
    order: np.ndarray,
    given: bool,
    seed: int,
    torn: int,
) -> list[str]:
    """Move a share of every class from training to each missing part."""
    y = raw.y[kept]
    if len(raw.classes) < 2:
        only = f"only class {raw.classes[0]!r}" if raw.classes else "no class"
        raise ValueError(f"there is {only}; wanted two or more")
    for number, name in enumerate(raw.classes):
        held = int(((y == number) & (part == TRAIN)).sum())
        if held <= len(missing):
            dropped = f" ({torn} of the {raw.what} have the same content in several classes and were dropped)"
            raise ValueError(
                f"class {name!r} has {held} sample{'s' * (held != 1)} to split; every class needs {len(missing) + 1} or"
                f" more that are no doubles: add some, or take the class away{dropped if torn else ''}"
            )
    for number in range(len(raw.classes)):
        _deal(part, order[(y[order] == number) & (part[order] == TRAIN)], missing)
    return _drawn("of every class", missing, given, seed)


def _numbers(part: np.ndarray, missing: Sequence[int], order: np.ndarray, given: bool, seed: int) -> list[str]:
    """Move a share of the samples from training to each missing part."""
    mine = order[part[order] == TRAIN]
    if len(mine) < LEAST + len(missing):
        raise ValueError(f"there are {len(mine)} samples to split; a regression needs {LEAST + len(missing)} or more")
    _deal(part, mine, missing)
    return _drawn("of the samples", missing, given, seed)


def _anomalies(
    raw: Raw, kept: np.ndarray, part: np.ndarray, missing: Sequence[int], order: np.ndarray, seed: int
) -> list[str]:
    """Move a share of the normal samples to each missing part, and all anomalies out of training."""
    y = raw.y[kept]
    normal = order[(y[order] == 0) & (part[order] == TRAIN)]
    if len(normal) < LEAST + len(missing):
        raise ValueError(
            f"there are {len(normal)} normal samples to split; anomaly detection needs {LEAST + len(missing)} or more"
        )
    _deal(part, normal, missing)
    odd = order[(y[order] == 1) & (part[order] == TRAIN)]
    part[odd] = -1
    notes = _drawn("of the normal samples", missing, len(missing) < 2, seed)
    for i, p in enumerate(missing):
        part[odd[i :: len(missing)]] = p
    if len(odd):
        fate = f"go to {' and '.join(PARTS[p] for p in missing)}" if missing else "are not used"
        notes.append(f"{len(odd)} anomalies of no part, or of train, {fate}: training sees normal samples only")
    return notes


def _deal(part: np.ndarray, mine: np.ndarray, missing: Sequence[int]) -> None:
    each = max(round(SHARE * len(mine)), 1)
    for i, wanted in enumerate(missing):
        part[mine[i * each : (i + 1) * each]] = wanted


def _drawn(of: str, missing: Sequence[int], given: bool, seed: int) -> list[str]:
    cut = " and ".join(PARTS[p] for p in missing)
    return [f"{cut}: {SHARE:.0%} {of}{' of train' * given} each, drawn with seed {seed}"] if missing else []
