"""Which part of the split every sample of your own data is in, by what the data are for."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from latent_nas import seeds
from latent_nas.readers import PARTS, Raw
from latent_nas.tasks._groups import SHARE, dealt, in_time
from latent_nas.tasks._overlap import components, overlaps

TRAIN, VALID, TEST = range(3)
NORMAL, ANOMALY = "normal", "anomaly"
SHOWN = 5  # classes that are named
NONE = "None"  # as Python writes it; people call a class "none"
MISSING = ("nan", "na", "n/a", "null", "?", "<na>", "#n/a")
LEAST = 8  # samples of a regression, or normal ones, below which nothing can be said of them


def kind_of(raw: Raw, asked: str) -> str:
    """Return what data are for, one of ``readers.KINDS``: what was asked, what they say, or what they look like.

    They look like anomaly detection where there is only one class, the only one of the training part is called
    "normal", or the classes are "normal" and "anomaly".
    """
    if asked or raw.kind or raw.targets:
        return asked or raw.kind or "regress"
    called = [name.lower() for name in raw.classes]
    trained = {called[i] for i in raw.y[raw.part == TRAIN]}
    normal = trained == {NORMAL} or len(called) == 1 or sorted(called) == [ANOMALY, NORMAL]
    return "anomaly" if normal else "classify"


def as_anomalies(raw: Raw, normal: str) -> Raw:
    """Return data of any classes as normal samples (class 0) and anomalies (class 1).

    Args:
        normal: name of the normal class, or "" for the one called "normal".

    Raises:
        ValueError: there is no such class.
    """
    matching = [i for i, name in enumerate(raw.classes) if name == normal or (not normal and name.lower() == NORMAL)]
    notes = raw.notes
    if not matching and not normal and len(raw.classes) == 1:
        matching = [0]
        said = f"there is only class {raw.classes[0]!r}: its samples are taken as normal, for anomaly detection"
        notes = (*notes, f"{said} (a classification wants two classes)")
    if not matching:
        classes = ", ".join(map(repr, raw.classes[:10]))
        wanted = f"a class {normal!r}" if normal else "a class 'normal', or --normal CLASS"
        raise ValueError(f"anomaly detection wants {wanted}; the classes are {classes}")
    return replace(raw, y=(raw.y != matching[0]).astype(np.int64), classes=(NORMAL, ANOMALY), notes=notes)


def alike(classes: Sequence[str]) -> list[str]:
    """Return a line where names of classes are one number, or differ by capitals, spaces or the form of characters.

    And one for each that is called as programs write a label that is not there.
    """
    spelt: dict[str, list[str]] = {}
    for name in classes:
        plain = unicodedata.normalize("NFKC", name).casefold()
        key = f"{float(name)}" if _is_number(name) else "".join(plain.split())
        spelt.setdefault(key, []).append(name)
    pairs = [" and ".join(map(repr, names)) for names in spelt.values() if len(names) > 1]
    missing = [name for name in classes if name == NONE or name.casefold() in MISSING]
    return [
        *(f"class {name!r} is called as a missing label is: leave these samples out if it is one" for name in missing),
        *[f"{'; '.join(pairs[:SHOWN])} are classes of their own, though spelt alike: correct them if they are one"]
        * bool(pairs),
    ]


def large_enough(raw: Raw, kept: np.ndarray, torn: int) -> tuple[Raw, np.ndarray, list[str]]:
    """Return data of classes and its rows less classes with too few samples to split, and a line for each of those.

    Args:
        kept: rows (n,) of ``raw``. torn: how many rows were dropped because they were in several classes.

    Raises:
        ValueError: fewer than two classes are left.
    """
    if len(raw.classes) < 2:
        only = f"only class {raw.classes[0]!r}" if raw.classes else "no class"
        raise ValueError(f"there is {only}; wanted two or more")
    given = set(raw.part[kept].tolist()) - {-1}
    need = 1 + len({VALID, TEST} - given)
    y, trained = raw.y[kept], raw.part[kept] <= TRAIN
    held = np.bincount(y[trained], minlength=len(raw.classes)).tolist()
    small = [i for i, n in enumerate(held) if n < need]
    if not small:
        return raw, kept, []
    left = [i for i in range(len(raw.classes)) if i not in small]
    if len(left) < 2:
        first, n = raw.classes[small[0]], held[small[0]]
        dropped = f" ({torn} of the {raw.what} have the same content in several classes and were dropped)" * bool(torn)
        numbers = all(_is_number(name) for name in raw.classes) and not given
        raise ValueError(
            f"class {first!r} has {n} sample{'s' * (n != 1)} to split; every class needs {need} or more that are not"
            f" duplicates: add some, or remove the class{dropped}{'; if they are numbers: --kind regress' * numbers}"
        )
    where = " in train" * bool(given)
    notes = [
        f"class {raw.classes[i]!r} is left out: it has {held[i]} sample{'s' * (held[i] != 1)}{where}, every class needs"
        f" {need} or more"
        for i in small[:SHOWN]
    ]
    notes += [f"{len(small) - SHOWN} further classes are left out for the same reason"] * (len(small) > SHOWN)
    place = {old: new for new, old in enumerate(left)}
    for at in sorted(given - {TRAIN}):
        own = sorted({raw.classes[i] for i in y[raw.part[kept] == at]})
        if not {raw.classes[i] for i in left}.intersection(own):
            raise ValueError(
                f"part {PARTS[at]!r} has none of the classes of train ({_listed(raw.classes[i] for i in left)}),"
                f" but {_listed(own)}; where they are the same, spell them alike"
            )
    mapped = np.array([place.get(int(v), -1) for v in raw.y], np.int64)
    classes = tuple(raw.classes[i] for i in left)
    return replace(raw, y=mapped, classes=classes), kept[mapped[kept] >= 0], notes


def _listed(names: Iterable[str]) -> str:
    held = list(names)
    return ", ".join(map(repr, held[:SHOWN])) + f" and {len(held) - SHOWN} more" * (len(held) > SHOWN)


def split(raw: Raw, kind: str, kept: np.ndarray, seed: int) -> tuple[np.ndarray, bool, list[str]]:
    """Return the part of every kept row (n,), -1 for none; whether validation was drawn row by row; and what to say.

    What stands in which part depends on the rows' content and order in ``kept``, and on nothing else.

    Args:
        kept: rows (n,) of ``raw``.

    Raises:
        ValueError: parts without "train", too few samples to fill all parts, or groups that can't be kept together.
    """
    part = raw.part[kept].copy()
    given = set(part.tolist()) - {-1}
    if given and TRAIN not in given:
        raise ValueError(f"the data has a part {PARTS[min(given)]!r} but no part 'train'")
    part[part == -1] = TRAIN
    missing = [p for p in (VALID, TEST) if p not in given]
    order = seeds.rng(seed, "own data", "split").permutation(len(part))
    pairs = overlaps(raw.x[kept])
    apart, notes = _kept_together(raw, kind, kept, part, missing, pairs, seed)
    if kind == "regress":
        notes += _numbers(part, missing, order, bool(given), seed, apart)
    elif kind == "anomaly":
        notes += _anomalies(raw, kept, part, missing, order, seed, apart)
    else:
        notes += _classes(raw, kept, part, missing, order, bool(given), seed, apart)
    notes += _no_overlap(raw.what, part, pairs, bool(given))
    return part, VALID in missing and apart is None, notes


def _kept_together(
    raw: Raw, kind: str, kept: np.ndarray, part: np.ndarray, missing: Sequence[int], pairs: np.ndarray, seed: int
) -> tuple[np.ndarray | None, list[str]]:
    """Return the part of every row (n,) so that no group stands in two, None where there are none; and what to say."""
    group = None if raw.group is None else raw.group[kept]
    if not missing or (group is None and not len(pairs)):
        return None, []
    links = [pairs] if len(pairs) else []
    if group is not None:
        first = {g: i for i, g in reversed(list(enumerate(group.tolist())))}
        links.append(np.array([(first[g], i) for i, g in enumerate(group.tolist())], np.int64))
    chains = components(len(part), np.concatenate(links))
    chains = np.unique(chains, return_index=True, return_inverse=True)[1][chains]  # by their first row
    mine = np.flatnonzero((part == TRAIN) & ((raw.y[kept] == 0) if kind == "anomaly" else True))
    y = raw.y[kept][mine] if kind == "classify" else None
    found = dealt(chains[mine], y, missing, seed)
    what = raw.groups or "chains of overlapping windows"
    count = len(np.unique(chains[mine]))
    if found is not None:
        whole = part.copy()
        whole[mine] = found
        said = f"{' and '.join(PARTS[p] for p in missing)}: about {SHARE:.0%} each in whole groups of {what}"
        also = f", drawn with seed {seed}" + " ('--group none' draws every sample by itself)" * (not len(pairs))
        return whole, [f"{said}: {count} groups, none in two parts{also}"]
    parts = len(missing) + 1
    few = f"every class needs {parts} or more of them, there are {count} for all classes together"
    if raw.asked:
        raise ValueError(f"{raw.groups} can't be kept within one part each: {few}; record more, or say --group none")
    if len(pairs):
        whole = part.copy()
        whole[mine] = in_time(kept[mine], np.zeros(len(mine), int) if y is None else y, missing)
        said = f"windows overlap and come from too few recordings to keep them whole ({few}), so the parts follow each"
        return whole, [f"{said} other in time: of every class the first {1 - SHARE * len(missing):.0%} are for train"]
    return None, [f"{what} can't be kept within one part each ({few}): samples of one stand in several parts"]


def _no_overlap(what: str, part: np.ndarray, pairs: np.ndarray, given: bool) -> list[str]:
    """Take samples out that overlap with one of a later part, and say so.

    Raises:
        ValueError: no sample of a part is left.
    """
    torn = pairs[(part[pairs[:, 0]] != part[pairs[:, 1]]) & (part[pairs] >= 0).all(axis=1)]
    if not len(torn):
        return []
    sides = np.take_along_axis(torn, part[torn].argmin(axis=1)[:, None], axis=1)
    earlier = np.unique(sides)
    counts = ", ".join(f"{n} of {PARTS[p]}" for p in range(3) if (n := int((part[earlier] == p).sum())))
    part[earlier] = -1
    for p, name in enumerate(PARTS):
        if not (part == p).any():
            raise ValueError(
                f"every one of the {what} in part {name!r} overlaps with one of {'a' if given else 'the next'} part;"
                " give whole recordings to each part, or no parts at all"
            )
    return [f"{counts} are left out of the {what}, as they overlap with windows of {'a' if given else 'the next'} part"]


def _is_number(name: str) -> bool:
    try:
        float(name)
    except ValueError:
        return False
    return True


def _classes(
    raw: Raw,
    kept: np.ndarray,
    part: np.ndarray,
    missing: Sequence[int],
    order: np.ndarray,
    given: bool,
    seed: int,
    apart: np.ndarray | None,
) -> list[str]:
    """Move a share of every class from training to each missing part."""
    if apart is not None:
        part[:] = apart
        return []
    y = raw.y[kept]
    for number in range(len(raw.classes)):
        _deal(part, order[(y[order] == number) & (part[order] == TRAIN)], missing)
    return _drawn("of every class", missing, given, seed)


def _numbers(
    part: np.ndarray, missing: Sequence[int], order: np.ndarray, given: bool, seed: int, apart: np.ndarray | None
) -> list[str]:
    """Move a share of the samples from training to each missing part."""
    mine = order[part[order] == TRAIN]
    if len(mine) < LEAST + len(missing):
        raise ValueError(f"there are {len(mine)} samples to split; a regression needs {LEAST + len(missing)} or more")
    if apart is not None:
        part[:] = apart
        return []
    _deal(part, mine, missing)
    return _drawn("of the samples", missing, given, seed)


def _anomalies(
    raw: Raw,
    kept: np.ndarray,
    part: np.ndarray,
    missing: Sequence[int],
    order: np.ndarray,
    seed: int,
    apart: np.ndarray | None,
) -> list[str]:
    """Move a share of the normal samples to each missing part, and all anomalies out of training."""
    y = raw.y[kept]
    normal = order[(y[order] == 0) & (part[order] == TRAIN)]
    if len(normal) < LEAST + len(missing):
        only = "" if y.any() else "; there is one class only, a classification wants two"
        raise ValueError(
            f"there are {len(normal)} normal samples to split; anomaly detection needs {LEAST + len(missing)} or"
            f" more{only}"
        )
    odd = order[(y[order] == 1) & (part[order] == TRAIN)]
    notes = []
    if apart is not None:
        part[:] = apart
    else:
        _deal(part, normal, missing)
        notes = _drawn("of the normal samples", missing, len(missing) < 2, seed)
    part[odd] = -1
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
