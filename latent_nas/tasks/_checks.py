"""What is looked at before data of your own is used: duplicates, leaks, targets, the scale; the split is beside it."""

import hashlib
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from latent_nas import seeds
from latent_nas.front_end import FrontEnd
from latent_nas.readers import PARTS, Raw
from latent_nas.spectral import SpectralFrontEnd
from latent_nas.tasks import Data, Part
from latent_nas.tasks._far import far
from latent_nas.tasks._float32 import coarse, still
from latent_nas.tasks._front import Asked, with_features
from latent_nas.tasks._sentinels import sentinels
from latent_nas.tasks._split import TRAIN, alike, as_anomalies, kind_of, large_enough, split
from latent_nas.tasks.kinds.classify import UNEVEN
from latent_nas.tasks.kinds.made import made_of

SHOWN = 5  # names in a line for people
SMALLEST = 1e-30  # spread of values; one below it has a gain that float32 does not hold


@dataclass(frozen=True)
class Findings:
    """What was found in data of your own.

    Attributes:
        kind: what the data are for, one of ``readers.KINDS``. what: a word for samples. input_shape, classes: of the
            task. targets: least and largest value of each numeric target, by name. counts: samples of each class in
            each part, or of all together where there are no classes.
        skipped: (name, reason). duplicates: names that repeat another of their part. leaked: names dropped because they
            are in a later part as well. contradictions: names of one content in several classes, dropped.
        notes: what was changed. sizes: what sizes there were. shift, gain: (x - shift) * gain was done; per what
            varies, or empty. front_end: of audio or series. sha256: of all that training sees.
        drawn: whether validation samples were drawn from those of train one by one, so that others may be.
        pixels, columns, resize, grey: see ``Raw``.
    """

    kind: str
    what: str
    input_shape: tuple[int, ...]
    classes: tuple[str, ...]
    targets: dict[str, tuple[float, float]]
    counts: dict[str, tuple[int, ...]]
    skipped: tuple[tuple[str, str], ...]
    duplicates: tuple[str, ...]
    leaked: tuple[str, ...]
    contradictions: tuple[str, ...]
    notes: tuple[str, ...]
    sizes: dict[str, int]
    shift: tuple[float, ...]
    gain: tuple[float, ...]
    front_end: FrontEnd | SpectralFrontEnd | None
    sha256: str
    drawn: bool = False
    pixels: bool = False
    columns: tuple[str, ...] = ()
    resize: str = ""
    grey: bool = False

    @property
    def imbalance(self) -> float:
        """Samples of the largest class for one of the smallest, in the training part."""
        counts = [n for n in self.counts["train"] if n or self.kind == "classify"]
        return max(counts) / max(min(counts), 1)

    def problems(self) -> list[str]:
        """Return a line for each thing that is wrong with the data and was worked around."""
        listed = [
            ("skipped, can't be read", [f"{name} ({reason})" for name, reason in self.skipped]),
            ("dropped, duplicates of others", list(self.duplicates)),
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
        found = [f"{self._first(total)}, {shape}"]
        found += [f"  {name}: " + ", ".join(f"{self.counts[p][i]} {p}" for p in PARTS) for i, name in self._shown()]
        if self.kind == "classify" and self.imbalance >= UNEVEN:
            found.append(f"  the largest class is {self.imbalance:.1f} times the smallest; losses are weighed for it")
        return [*found, *self.notes, *self.problems(), f"sha256 {self.sha256[:16]}"]

    def _first(self, total: int) -> str:
        """Return the kind of the data and how many there are."""
        if self.kind == "regress":
            ranges = ", ".join(f"{name!r} from {low:g} to {high:g}" for name, (low, high) in self.targets.items())
            return f"regression: target{'s' * (len(self.targets) > 1)} {ranges}; {total} {self.what}"
        if self.kind == "anomaly":
            return f"anomaly detection: {total} {self.what}, training on normal ones only"
        return f"{total} {self.what} in {len(self.classes)} classes"

    def _shown(self) -> list[tuple[int, str]]:
        return list(enumerate(self.classes or ("samples",)))[:20]

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        found = {**vars(self), "counts": {k: list(v) for k, v in self.counts.items()}, "imbalance": self.imbalance}
        found |= {
            k: list(found[k])
            for k in ("input_shape", "classes", "duplicates", "leaked", "contradictions", "notes", "columns")
        }
        found |= {k: list(found[k]) for k in ("shift", "gain")}
        found |= {"targets": {k: list(v) for k, v in self.targets.items()}} | {"skipped": dict(self.skipped)}
        return found | {"front_end": self.front_end and self.front_end.to_json()}


def checked(
    raw: Raw,
    seed: int,
    strict: bool,
    kind: str = "",
    normal: str = "",
    spectral: Asked | None = None,
    missing: bool = False,
) -> tuple[Data, Findings]:
    """Return the three parts and what was found; duplicates never stand in two parts.

    Args:
        seed: of the split, where the data brings none. strict: whether anything skipped or dropped is an error.
        kind: one of ``readers.KINDS``, or "" for what the data look like. normal: class of normal samples.
        spectral: features to make of series, once they are split, so that all front ends have one split.
        missing: whether the reader asks what is to become of empty cells.

    Raises:
        ValueError: features that can't be made, fewer than two classes, a class with too few samples, no normal class
            where one is needed, or, if strict, a problem.
    """
    kind = kind_of(raw, kind)
    if normal and kind != "anomaly":
        raise ValueError(f"a normal class ({normal!r}) is for anomaly detection; ask for it with --kind anomaly")
    if kind == "anomaly":
        raw = as_anomalies(raw, normal)
    odd = sentinels(raw, missing) + far(raw)
    raw, repeated = _averaged(raw)
    kept, duplicates, leaked, contradictions = _single(raw)
    notes, rounded = list[str](), coarse(raw)
    try:
        if kind == "classify":
            raw, kept, notes = large_enough(raw, kept, len(contradictions))
            notes += alike(raw.classes)
        part, drawn, said = split(raw, kind, kept, seed)
    except ValueError as error:  # samples that were rounded together look like one
        raise ValueError("; ".join([str(error), *rounded])) from None
    notes += said + rounded + still(raw)
    rows = [kept[part == p] for p in range(3)]
    if spectral is not None:
        raw = with_features(raw, rows[TRAIN], spectral)
    shift, gain = _scale(raw.x[rows[TRAIN]], raw.keep)
    parts = [_in_order(_scaled(raw, at, shift, gain)) for at in rows]
    if kind == "anomaly":
        parts, made = _with_anomalies(parts)
        parts = [_in_order(part) for part in parts]
        notes += made
    data = Data(*parts)
    counts = {
        name: (len(p),) if kind == "regress" else tuple(np.bincount(p.y, minlength=len(raw.classes)).tolist())
        for name, p in zip(PARTS, parts, strict=True)
    }
    lows, highs = (f(raw.y[kept], axis=0) for f in (np.min, np.max)) if raw.targets else ((), ())
    found = Findings(
        kind=kind,
        what=raw.what,
        input_shape=raw.x.shape[1:],
        classes=raw.classes,
        targets={t: (float(a), float(b)) for t, a, b in zip(raw.targets, lows, highs, strict=True)},
        counts=counts,
        skipped=raw.skipped,
        duplicates=duplicates,
        leaked=leaked,
        contradictions=contradictions,
        notes=(*raw.notes, *odd, *repeated, *notes),
        sizes=raw.sizes,
        shift=tuple(shift.reshape(-1).tolist()) if raw.keep else raw.shift,
        gain=tuple(gain.reshape(-1).tolist()) if raw.keep else raw.gain,
        front_end=raw.front_end,
        pixels=raw.pixels,
        columns=raw.columns,
        resize=raw.resize,
        grey=raw.grey,
        sha256=_digest(data, (*raw.classes, *raw.targets)),
        drawn=drawn,
    )
    if strict and found.problems():
        raise ValueError(f"{'; '.join(found.problems())} (--strict stops here)")
    return data, found


def _scaled(raw: Raw, rows: np.ndarray, shift: np.ndarray, gain: np.ndarray) -> Part:
    """Return the samples of some rows, scaled along the axes that have a scale of their own."""
    x = raw.x[rows]
    if raw.keep:
        shape = [raw.x.shape[a] if a in raw.keep else 1 for a in range(1, raw.x.ndim)]
        x = (x - shift.reshape(shape)) * gain.reshape(shape)
    return Part(np.ascontiguousarray(x, np.float32), raw.y[rows])


def _averaged(raw: Raw) -> tuple[Raw, list[str]]:
    """Return data in which samples of the same content have the same numeric targets: their mean; and what to say."""
    if not raw.targets:
        return raw, []
    _, group = np.unique(raw.x.reshape(len(raw.x), -1), axis=0, return_inverse=True)
    group = group.reshape(-1)
    sums = np.zeros((group.max() + 1, raw.y.shape[1]))
    np.add.at(sums, group, raw.y)
    mean = (sums / np.bincount(group)[:, None])[group].astype(np.float32)
    alike = np.bincount(group)[group] > 1
    differ = alike & ~np.isclose(mean, raw.y, rtol=1e-5, atol=0).all(axis=1)
    y = np.where(alike[:, None], mean, raw.y)
    said = f"{differ.sum()} of the {raw.what} repeat the content of another with another target: the mean is taken"
    return replace(raw, y=y), [said] if differ.any() else []


def _with_anomalies(parts: list[Part]) -> tuple[list[Part], list[str]]:
    """Return the parts, validation and test each with made anomalies where they hold none, and what to say."""
    whole, notes = parts[:1], []
    for name, part in zip(PARTS[1:], parts[1:], strict=True):
        if not part.y.any():
            made = made_of(part.x, seeds.rng(0, "own data", "made anomalies", name))
            part = Part(np.concatenate([part.x, made]), np.repeat(np.array([0, 1]), len(made)))
            notes.append(
                f"{name} has no anomalies: {len(made)} were made from its normal samples, auc is against those"
            )
        elif part.y.all():
            raise ValueError(f"the part {name!r} has no normal sample; anomaly detection needs some in every part")
        whole.append(part)
    return whole, notes


def _single(raw: Raw) -> tuple[np.ndarray, tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Return the rows to keep (n,), and the names of duplicates, of leaks and of contradictions, which are dropped.

    Rows come in an order that their content decides, so that one data set is split alike in whatever files it lies.
    """
    alike: dict[bytes, list[int]] = {}
    for i, row in enumerate(raw.x):
        alike.setdefault(hashlib.sha256(np.ascontiguousarray(row).tobytes()).digest(), []).append(i)
    kept, duplicates, leaked, contradictions = [], list[int](), list[int](), list[int]()
    for _, rows in sorted(alike.items()):
        if raw.classes and len(set(raw.y[rows].tolist())) > 1:
            contradictions += rows
            continue
        last = max(rows, key=lambda i: (raw.part[i], -i))  # the later part keeps it: a given test part stays whole
        kept.append(last)
        for i in rows:
            if i != last:
                (duplicates if raw.part[i] == raw.part[last] else leaked).append(i)

    def named(rows: list[int]) -> tuple[str, ...]:
        return tuple(raw.names[i] for i in sorted(rows))

    return np.array(kept, np.int64), named(duplicates), named(leaked), named(contradictions)


def _in_order(part: Part) -> Part:
    """Return a part's samples in an order that their content decides."""
    order = sorted(range(len(part)), key=lambda i: hashlib.sha256(part.x[i].tobytes()).digest())
    return Part(np.ascontiguousarray(part.x[order]), np.ascontiguousarray(part.y[order]))


def _scale(x: np.ndarray, keep: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return shift and gain that give x (n, ...) mean 0 and std 1 along the kept axes; nothing moves where none is.

    Values have any unit, so that amperes or farads may lie at 1e-12: only those that never vary keep their size.
    """
    others = tuple(a for a in range(x.ndim) if a not in keep)
    mean, std = x.mean(axis=others, dtype=np.float64), x.std(axis=others, dtype=np.float64)
    varies = (x.max(axis=others) > x.min(axis=others)) & (std > SMALLEST)
    return mean.astype(np.float32), (1 / np.where(varies, std, 1)).astype(np.float32)


def _digest(data: Data, classes: tuple[str, ...]) -> str:
    found = hashlib.sha256("\x1f".join(classes).encode())
    for part in (data.train, data.valid, data.test):
        found.update(repr(part.x.shape).encode() + part.x.tobytes() + part.y.tobytes())
    return found.hexdigest()


def _some(names: list[str]) -> str:
    rest = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + rest
