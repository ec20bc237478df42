"""Data of your own as a task: ``PATH`` or ``PATH?input=48x48x1&front=mfcc``, any option left out."""

import glob
import io
import json
import os
import re
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from latent_nas import artifacts, plugins
from latent_nas.front_end import KINDS as FRONTS
from latent_nas.limits import Limits
from latent_nas.preprocessing import PIXEL, SOUND, VALUE, Preprocessing
from latent_nas.readers import PARTS, Raw, Wanted, reader_of
from latent_nas.spectral import SpectralFrontEnd
from latent_nas.tasks import Data, Part, Recipe, Task
from latent_nas.tasks._checks import Findings, checked
from latent_nas.tasks._few import EPOCHS_FROM, FOLDS, NETWORKS_FROM, folds
from latent_nas.tasks._few import lines as said_of_few
from latent_nas.tasks._front import LEAST, MOST_POINTS, unscaled, with_front_end
from latent_nas.tasks._source import AUTO, FEATURES, RAW, SPECTRAL, Source
from latent_nas.tasks.kinds.anomaly import OUTPUTS, Anomaly
from latent_nas.tasks.kinds.classify import UNEVEN, Classification
from latent_nas.tasks.kinds.regress import Regression

ABOUT = ("front_end", "shift", "gain", "sha256", "pixels", "columns", "resize", "grey")  # kept by ``save``
SAMPLE = 32768  # of 16 bits, where a recording is 1
STEPS = (300, 1200)  # of training in a search and in full, at least


class OwnTask(Task):
    """Classes, numbers or anomalies, from a user's own files.

    Attributes:
        source: where they lie. findings: what was found in them.
    """

    limits = Limits(flash_bytes=64 * 1024, ram_bytes=64 * 1024, latency_ms=60.0)

    def __init__(self, source: Source) -> None:
        self.source = source
        self._data, self.findings = _loaded(str(source), _stamp(source.path))
        found = self.findings
        self.input_shape, self.classes = found.input_shape, found.classes
        if found.kind == "regress":
            self.kind, self.outputs = Regression.of(self._data.train.y, tuple(found.targets)), len(found.targets)
        elif found.kind == "anomaly":
            self.kind, self.outputs = Anomaly(), OUTPUTS
        else:
            uneven = source.metric == "balanced_accuracy" if source.metric else found.imbalance >= UNEVEN
            self.kind, self.outputs = Classification(uneven), len(found.classes)
        if source.metric and found.kind != "classify":
            raise ValueError(f"data option 'metric' chooses how classes are judged; these data are for {found.kind}")
        self.front_end, self.fingerprint = found.front_end, found.sha256
        stem = re.sub(r"[^A-Za-z0-9_.-]+", "_", source.path.stem) or "data"
        self.name = f"{stem}-{found.sha256[:8]}"  # type: ignore[misc]  # never the name of a task that ships
        few = len(self._data.valid) < EPOCHS_FROM
        self.recipes = recipes(  # type: ignore[misc]
            len(self._data.train), found.kind, found.imbalance >= UNEVEN, few
        )
        if source.folds > 1 and not self._foldable:
            why = "anomalies" if found.kind == "anomaly" else "validation samples that are given, or whole groups"
            raise ValueError(f"data option folds={source.folds} deals samples anew, which {why} forbid; leave it out")

    def data(self) -> Data:
        """Return the three parts."""
        return self._data

    def folds(self, data: Data) -> tuple[tuple[Part, Part], ...]:
        """Return train and validation, or where the latter has few samples pairs that judge all of both together."""
        if self._folds == 1:
            return super().folds(data)
        return folds(data, self._folds, self.kind.name == "classify", self.source.split_seed)

    @property
    def _foldable(self) -> bool:
        return self.findings.drawn and self.findings.kind != "anomaly"

    @property
    def _folds(self) -> int:
        """How many pairs of parts ``folds`` makes."""
        few = len(self._data.valid) < NETWORKS_FROM and self._foldable
        return self.source.folds or (FOLDS if few else 1)

    def preprocessing(self) -> Preprocessing:
        """Return what readers and check did to the files' values, as numbers."""
        found, wanted = self.findings, self.source.wanted
        shift, gain = found.shift or (0.0,), found.gain or (1.0,)
        spectral = isinstance(found.front_end, SpectralFrontEnd)
        raw = PIXEL if found.pixels else SOUND if found.front_end and not spectral else VALUE
        sound = found.what == "recordings"
        unit = "pixel, 0 to 255" if found.pixels else "16-bit sample" if sound else "as in the files"
        if found.front_end and not spectral:
            unit = f"16-bit sample at {found.front_end.rate} Hz"
        if sound and not found.front_end:  # read as -1 to 1
            shift, gain = tuple(SAMPLE * s for s in shift), tuple(g / SAMPLE for g in gain)
        series = {"window": self.input_shape[0], "hop": wanted.hop or wanted.window} if self.input_shape[1] == 1 else {}
        return Preprocessing(
            tuple(self.input_shape), raw, unit, shift, gain, found.columns, found.resize, found.grey,
            front_end=found.front_end, **({} if found.front_end else series),
        )  # fmt: skip

    def raw(self, x: np.ndarray) -> np.ndarray | None:
        """Return the raw data of inputs (n, *input_shape), read from the files again.

        Samples that are in none of them, as anomalies that were made, are turned back by shift and gain; None where
        those are recordings.
        """
        seen = self.preprocessing()
        if seen.raw == PIXEL:
            return seen.raw_of(x)
        reader = reader_of(self.source.path)
        again = reader.read(self.source.path, self.source.read)
        if isinstance(seen.front_end, SpectralFrontEnd):
            if again.front_end is not None or again.x.shape[1:] != seen.front_end.raw_shape:
                return None  # what is left are the features
            series = unscaled(again)
            again = with_front_end(replace(again, x=series), seen.front_end)
        shift, gain = self._scale(again)
        rows = {one.tobytes(): i for i, one in enumerate(((again.x - shift) * gain).astype(np.float32))}
        at = [rows.get(np.ascontiguousarray(one, np.float32).tobytes()) for one in x]
        if isinstance(seen.front_end, SpectralFrontEnd):
            return None if None in at else series[[i for i in at if i is not None]]
        if seen.front_end is not None:
            if None in at or not isinstance(reader, plugins.load("readers", "recordings")):
                return None
            files = [self.source.path / again.names[i] for i in at if i is not None]
            return np.stack([reader.audio(file, seen.front_end) for file in files])
        raw, unit = seen.raw_of(x), SAMPLE if again.what == "recordings" else 1
        for i, row in enumerate(at):
            raw[i] = raw[i] if row is None else again.x[row] * np.float32(unit)
        return raw

    def _scale(self, raw: Raw) -> tuple[np.ndarray, np.ndarray]:
        """Return shift and gain of what a reader gives, so that they are broadcast along what they vary with."""
        shape = [1, 1, 1]
        for axis in raw.keep:
            shape[axis - 1] = raw.x.shape[axis]
        found = self.findings
        known = (np.array(v, np.float32).reshape(shape) for v in (found.shift, found.gain))
        return tuple(known) if raw.keep else (np.float32(0), np.float32(1))  # type: ignore[return-value]

    def about(self) -> list[str]:
        """Return what was found in the data."""
        lines = self.findings.lines()
        if self.findings.kind != "anomaly":
            lines += said_of_few(len(self._data.valid), self._folds, self.source.folds > 0, self.kind.has_classes)
        if self.kind.metric.name == "balanced_accuracy" and not self.source.metric:
            lines.append(
                "networks are chosen by balanced accuracy, the mean recall of the classes, as these differ in size;"
                " '?metric=accuracy' behind the path takes the share of all samples"
            )
        if self.kind.name == "regress" and self.kind.metric.name == "r2":
            lines.append(
                "networks are chosen by R2, the mean over the targets, as these differ in size: the mean error would be"
                " that of the largest"
            )
        return lines

    def findings_json(self) -> dict[str, Any]:
        """Return what was found in the data."""
        return self.findings.to_json()

    def save(self, out: Path) -> None:
        """Write what was checked as an .npz that reads back to the same data, split and scale."""
        parts = dict(zip(PARTS, (self._data.train, self._data.valid, self._data.test), strict=True))
        arrays: dict[str, Any] = {f"x_{name}": part.x for name, part in parts.items()}
        arrays |= {f"y_{name}": part.y for name, part in parts.items()}
        about = {k: v for k, v in self.findings.to_json().items() if k in ABOUT}
        about["kind"] = self.findings.kind
        arrays |= (
            {"classes": np.array(self.classes)} if self.classes else {"targets": np.array([*self.findings.targets])}
        )
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays, about=np.array(json.dumps(about)))
        artifacts.write(out, buffer.getvalue())


def _stamp(path: Path) -> int:
    """Return a number that is another one when files have changed: the path, or all below, or beside it of its kind."""
    files = [os.path.join(at, name) for at, _, names in os.walk(path) for name in (*names, "")]
    if not path.is_dir():
        files = [str(file) for file in path.parent.glob(f"*{glob.escape(path.suffix)}") if file.is_file()]
    stamps = list[tuple[str, int, int]]()
    for file in sorted(files):
        with suppress(OSError):  # a link to nothing, or a file that is gone by now
            stat = os.stat(file)
            stamps.append((file, stat.st_size, stat.st_mtime_ns) if os.path.basename(file) else (file, 0, 0))
    return hash(tuple(stamps))


@lru_cache(2)
def _loaded(source: str, stamp: int) -> tuple[Data, Findings]:
    """Return the data of a source and what was found in them; kept until another ``stamp`` says that files changed."""
    parsed = Source.parse(source)
    reader = reader_of(parsed.path)
    if parsed.wanted.front == AUTO:
        raise ValueError(
            f"front={AUTO} is for a search, which tries front ends and names the one it takes; name one here"
        )
    read = parsed.read
    if read.front == RAW and "front" not in reader.uses:
        read = replace(read, front=Wanted.front)  # as it would be without
    wanted, plain = vars(read), vars(Wanted())
    unused = [k for k in wanted if wanted[k] != plain[k] and k not in reader.uses]
    odd = [k for k in unused if k != "kind" or wanted[k] == "regress"]  # classes can be taken for anomalies anywhere
    if odd:
        raise ValueError(f"data option {odd[0]!r} does not apply to {reader.about}")
    if parsed.features is not None and "front" in reader.uses:
        raise ValueError(f"front={SPECTRAL} is for series; of {reader.about} say front=log_mel, mfcc or raw")
    raw = reader.read(parsed.path, read)
    kind, normal = parsed.wanted.kind, parsed.normal
    return checked(raw, parsed.split_seed, parsed.strict, kind, normal, parsed.features, "missing" in reader.uses)


def fronts(source: Source) -> dict[str, str]:
    """Return the names of the tasks that ``front=auto`` stands for, by their front ends; nothing where it is not asked.

    Raises:
        ValueError: data that can't be read, or that have no front end.
    """
    if source.wanted.front != AUTO:
        return {}
    if "front" in reader_of(source.path).uses:
        return {name: str(replace(source, wanted=replace(source.wanted, front=name))) for name in FRONTS}
    plain = replace(source.wanted, front=Wanted.front, rate=0)
    tasks = {RAW: str(replace(source, wanted=plain, **{name: getattr(Source, name) for name in FEATURES}))}
    steps, width, _ = OwnTask(Source.parse(tasks[RAW])).input_shape
    if width != 1 or steps == 1:
        raise ValueError(f"front={AUTO} is for series and recordings; {source.path} holds neither: leave it out")
    spectral = replace(source, wanted=replace(source.wanted, front=SPECTRAL))
    tasks[SPECTRAL] = str(spectral)
    if not source.frame:
        others = [frame for frame in (steps, steps // 4) if LEAST <= frame <= MOST_POINTS]
        tasks |= {f"{SPECTRAL} frame={frame}": str(replace(spectral, frame=frame)) for frame in others}
    return tasks


def recipes(n: int, kind: str, unbalanced: bool, few: bool = False) -> dict[str, Recipe]:
    """Return recipes for n training samples: fewer epochs the more there are, so that a search stays a search.

    Of few samples an epoch is a step or two, so they get as many epochs as make ``STEPS``.

    Args:
        few: whether validation has too few samples to choose an epoch.
    """
    if kind == "anomaly":  # every step makes its anomalies anew, so small data last for more epochs
        epochs = int(np.clip(round(3200 / n), 3, 60))
        steady: dict[str, Any] = {"batch": 16, "learning_rate": 6e-3, "patience": 40}
        return {
            "search": Recipe(epochs=epochs, average=0.95, **steady),
            "full": Recipe(epochs=3 * epochs, average=0.97, **steady),
        }
    batch = int(np.clip(2 ** round(np.log2(n / 32)), 16, 64))
    epochs = int(np.clip(round(20_000 / n), 3, max(25, STEPS[0] * batch // n)))
    share = min(1.0, 12_000 / n)
    full_epochs = int(np.clip(round(200_000 / n), 8, max(50, STEPS[1] * batch // n)))
    classes = kind == "classify"  # numbers gain nothing by Muon, see docs/results/recipes.md
    steps: dict[str, Any] = {"optimiser": "muon", "learning_rate": 0.04} if classes else {"learning_rate": 6e-3}
    usual = steps | {"batch": batch, "to_end": few, "balanced": classes and unbalanced}
    short = Recipe(epochs=epochs, average=0.9, share=share, **usual)
    full = Recipe(epochs=full_epochs, average=0.97, patience=max(full_epochs // 4, 6), **usual)
    if not classes:
        return {"search": short, "full": full}
    return {"search": replace(short, warmup=min(epochs / 10, 1)), "full": replace(full, learning_rate=0.02)}
