"""What is looked at before data of one's own is used: doubles, leaks, classes, the split, the scale."""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from latent_nas import seeds
from latent_nas.front_end import FrontEnd
from latent_nas.readers import PARTS, Raw
from latent_nas.tasks import Data, Part

TRAIN, VALID, TEST = range(3)
SHARE = 0.2  # of every class, for validation and for test each, where the data brings no split
SHOWN = 5  # names in a line for people


@dataclass(frozen=True)
class Findings:
    """What was found in data of one's own.

    Attributes:
        what: a word for samples. input_shape, classes: of the task. counts: samples of each class in each part.
        skipped: (name, reason). doubles: names that repeat another of their part. leaked: names dropped because they
            are in a later part as well. contradictions: names of one content in several classes, dropped.
        notes: what was changed. sizes: what sizes there were. shift, gain: (x - shift) * gain was done; per what
            varies, or empty. front_end: of audio. sha256: of all that training sees.
    """

    what: str
    input_shape: tuple[int, ...]
    classes: tuple[str, ...]
    counts: dict[str, tuple[int, ...]]
    skipped: tuple[tuple[str, str], ...]
    doubles: tuple[str, ...]
    leaked: tuple[str, ...]
    contradictions: tuple[str, ...]
    notes: tuple[str, ...]
    sizes: dict[str, int]
    shift: tuple[float, ...]
    gain: tuple[float, ...]
    front_end: FrontEnd | None
    sha256: str

    @property
    def imbalance(self) -> float:
        """Samples of the largest class for one of the smallest, in the training part."""
        counts = self.counts["train"]
        return max(counts) / max(min(counts), 1)

    def problems(self) -> list[str]:
        """Return a line for each thing that is wrong with the data and was worked around."""
        listed = [
            ("skipped, can't be read", [f"{name} ({reason})" for name, reason in self.skipped]),
            ("dropped, doubles of others", list(self.doubles)),
            ("dropped, in a later part as well", list(self.leaked)),
            ("dropped, one content in several classes", list(self.contradictions)),
        ]
        return [f"{said}: {len(names)} of the {self.what}: {_some(names)}" for said, names in listed if names]

    def lines(self) -> list[str]:
        """Return all of it for people."""
        total = sum(map(sum, self.counts.values()))
        height, width, channels = self.input_shape
        sizes = ", ".join(f"{n} of {size}" for size, n in list(self.sizes.items())[:SHOWN])
        more = f" and {len(self.sizes) - SHOWN} sizes more" if len(self.sizes) > SHOWN else ""
        shape = f"input {height}x{width}x{channels} ({sizes}{more})"
        found = [f"{total} {self.what} in {len(self.classes)} classes, {shape}"]
        found += [f"  {name}: " + ", ".join(f"{self.counts[p][i]} {p}" for p in PARTS) for i, name in self._shown()]
        if self.imbalance > 2:
            found.append(f"  the largest class is {self.imbalance:.1f} times the smallest; losses are weighed for it")
        return [*found, *self.notes, *self.problems(), f"sha256 {self.sha256[:16]}"]

    def _shown(self) -> list[tuple[int, str]]:
        return list(enumerate(self.classes))[:20]

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        found = {**vars(self), "counts": {k: list(v) for k, v in self.counts.items()}, "imbalance": self.imbalance}
        found |= {k: list(found[k]) for k in ("input_shape", "classes", "doubles", "leaked", "contradictions", "notes")}
        found |= {k: list(found[k]) for k in ("shift", "gain")} | {"skipped": dict(self.skipped)}
        return found | {"front_end": self.front_end and self.front_end.to_json()}


def checked(raw: Raw, seed: int, strict: bool) -> tuple[Data, Findings]:
    """Return the three parts and what was found; doubles never stand in two parts.

    Args:
        seed: of the split, where the data brings none. strict: whether anything skipped or dropped is an error.

    Raises:
        ValueError: fewer than two classes, a class with too few samples, or, if strict, a problem.
    """
    kept, doubles, leaked, contradictions = _single(raw)
    part, notes = _split(raw, kept, seed, len(contradictions))
    rows = [kept[part == p] for p in range(3)]
    shift, gain = _scale(raw.x[rows[TRAIN]], raw.keep)
    shape = [1] * (raw.x.ndim - 1)
    for axis, size in zip(raw.keep, [raw.x.shape[a] for a in raw.keep], strict=True):
        shape[axis - 1] = size
    parts = []
    for at in rows:
        x = raw.x[at]
        if raw.keep:
            x = (x - shift.reshape(shape)) * gain.reshape(shape)
        parts.append(Part(np.ascontiguousarray(x, np.float32), raw.y[at]))
    data = Data(*parts)
    counts = {
        name: tuple(np.bincount(p.y, minlength=len(raw.classes)).tolist()) for name, p in zip(PARTS, parts, strict=True)
    }
    found = Findings(
        what=raw.what,
        input_shape=raw.x.shape[1:],
        classes=raw.classes,
        counts=counts,
        skipped=raw.skipped,
        doubles=doubles,
        leaked=leaked,
        contradictions=contradictions,
        notes=(*raw.notes, *notes),
        sizes=raw.sizes,
        shift=tuple(shift.reshape(-1).tolist()) if raw.keep else raw.shift,
        gain=tuple(gain.reshape(-1).tolist()) if raw.keep else raw.gain,
        front_end=raw.front_end,
        sha256=_digest(data, raw.classes),
    )
    if strict and found.problems():
        raise ValueError(f"{'; '.join(found.problems())} (--strict stops here)")
    return data, found


def _single(raw: Raw) -> tuple[np.ndarray, tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Return the rows to keep (n,), and the names of doubles, of leaks and of contradictions, which are dropped."""
    alike: dict[bytes, list[int]] = {}
    for i, row in enumerate(raw.x):
        alike.setdefault(hashlib.sha256(np.ascontiguousarray(row).tobytes()).digest(), []).append(i)
    kept, doubles, leaked, contradictions = [], list[int](), list[int](), list[int]()
    for rows in alike.values():
        if len(set(raw.y[rows].tolist())) > 1:
            contradictions += rows
            continue
        last = max(rows, key=lambda i: (raw.part[i], -i))  # the later part keeps it: a given test part stays whole
        kept.append(last)
        for i in rows:
            if i != last:
                (doubles if raw.part[i] == raw.part[last] else leaked).append(i)

    def named(rows: list[int]) -> tuple[str, ...]:
        return tuple(raw.names[i] for i in sorted(rows))

    return np.sort(np.array(kept, np.int64)), named(doubles), named(leaked), named(contradictions)


def _split(raw: Raw, kept: np.ndarray, seed: int, torn: int) -> tuple[np.ndarray, list[str]]:
    """Return the part of every kept row (n,), and what is to be said of it; ``torn`` rows were in several classes."""
    y, part, notes = raw.y[kept], raw.part[kept].copy(), []
    if len(raw.classes) < 2:
        only = f"only class {raw.classes[0]!r}" if raw.classes else "no class"
        raise ValueError(f"there is {only}; wanted two or more")
    given = set(part.tolist()) - {-1}
    if given and TRAIN not in given:
        raise ValueError(f"the data has a part {PARTS[min(given)]!r} but no part 'train'")
    part[part == -1] = TRAIN
    missing = [p for p in (VALID, TEST) if p not in given]
    for number, name in enumerate(raw.classes):
        held = int(((y == number) & (part == TRAIN)).sum())
        if held <= len(missing):
            dropped = f" ({torn} of the {raw.what} have the same content in several classes and were dropped)"
            raise ValueError(
                f"class {name!r} has {held} sample{'s' * (held != 1)} to split; every class needs {len(missing) + 1} or"
                f" more that are no doubles: add some, or take the class away{dropped if torn else ''}"
            )
    rng = seeds.rng(seed, "own data", "split")
    order = rng.permutation(len(y))
    for number in range(len(raw.classes)):
        mine = order[(y[order] == number) & (part[order] == TRAIN)]
        each = max(round(SHARE * len(mine)), 1)
        for i, wanted in enumerate(missing):
            part[mine[i * each : (i + 1) * each]] = wanted
    if missing:
        cut = " and ".join(PARTS[p] for p in missing)
        notes.append(f"{cut}: {SHARE:.0%} of every class{' of train' * bool(given)} each, drawn with seed {seed}")
    return part, notes


def _scale(x: np.ndarray, keep: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return shift and gain that give x (n, ...) mean 0 and std 1 along the kept axes; nothing moves where none is."""
    others = tuple(a for a in range(x.ndim) if a not in keep)
    mean, std = x.mean(axis=others, dtype=np.float64), x.std(axis=others, dtype=np.float64)
    return mean.astype(np.float32), np.where(std > 1e-6, 1 / np.maximum(std, 1e-6), 1).astype(np.float32)


def _digest(data: Data, classes: tuple[str, ...]) -> str:
    found = hashlib.sha256("\x1f".join(classes).encode())
    for part in (data.train, data.valid, data.test):
        found.update(repr(part.x.shape).encode() + part.x.tobytes() + part.y.tobytes())
    return found.hexdigest()


def _some(names: list[str]) -> str:
    rest = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + rest
