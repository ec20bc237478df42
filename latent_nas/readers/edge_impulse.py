"""Samples as Edge Impulse exports them: JSON or CBOR of its data acquisition format, beside info.labels or by name."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from latent_nas.extras import need
from latent_nas.readers import Raw, Reader, Wanted, number
from latent_nas.readers._folders import files_below
from latent_nas.readers._parts import part_of
from latent_nas.readers._series import Recording, described, grouped, samples

LABELS = "info.labels"
SUFFIXES = {".json", ".cbor"}
LARGEST = 1 << 28  # bytes of one sample


class EdgeImpulse(Reader):
    """Reads ``LABEL.ID.json`` and ``LABEL.ID.cbor``, in training/ and testing/ or not; info.labels decides if there."""

    about = "an export of Edge Impulse (LABEL.ID.json or .cbor, info.labels)"
    uses = ("window", "hop", "length", "group", "missing")

    def takes(self, path: Path) -> bool:
        """Return whether there is a sample in the format below the folder."""
        if not path.is_dir():
            return False
        first = next((file for file in files_below(path) if file.suffix.lower() in SUFFIXES), None)
        if first is None:
            return False
        with open(first, "rb") as stream:
            head = stream.read(4096)
        return b"payload" in head or b"protected" in head

    def example(self, folder: Path) -> Path:
        """Write two samples of each of two classes."""
        for name, sign in (("up", 1), ("down", -1)):
            for n in range(2):
                values = [[sign * i * (n + 1), i] for i in range(4)]
                payload = {"interval_ms": 10, "sensors": [{"name": "x"}, {"name": "y"}], "values": values}
                text = json.dumps({"protected": {"ver": "v1"}, "payload": payload})
                (folder / f"{name}.{n}.json").write_text(text, encoding="utf-8")
        return folder

    def read(self, path: Path, wanted: Wanted) -> Raw:
        """Return (steps, 1, sensors) of every sample."""
        labels, notes = _labels(path)
        skipped: list[tuple[str, str]] = []
        recordings = []
        sensors: tuple[str, ...] = ()
        for file in files_below(path):
            if file.suffix.lower() not in SUFFIXES:
                continue
            name = str(file.relative_to(path))
            try:
                names, values = _sample(file)
                sensors = sensors or names
                if names != sensors:
                    raise ValueError(f"sensors {', '.join(names)}, the first sample has {', '.join(sensors)}")
            except ValueError as error:
                skipped.append((name, str(error)[:120]))
                continue
            label, part = labels.get(name, (file.name.split(".")[0], _part(path, file)))
            recordings.append(Recording(name, values, (label,), part))
        if not recordings:
            raise ValueError(f"{path}: no sample can be read; the first: {': '.join(skipped[0])}")
        found = samples(path, recordings, wanted, "samples")
        y, classes = number([r.answer[0] for r in found.recordings])
        raw = Raw(
            x=found.x,
            y=y,
            classes=classes,
            part=np.array([r.part for r in found.recordings], np.int64),
            names=tuple(r.name for r in found.recordings),
            what="samples",
            skipped=(*skipped, *found.skipped),
            notes=(*notes, f"sensors are {', '.join(sensors)}", *found.notes),
            keep=(3,),
            columns=tuple(sensors),
            **grouped(found, "", wanted),  # type: ignore[arg-type]
        )
        return described(raw)


def _part(root: Path, file: Path) -> int:
    part = part_of(file.relative_to(root).parts[0]) if file.parent != root else None
    return -1 if part is None else part


def _labels(path: Path) -> tuple[dict[str, tuple[str, int]], list[str]]:
    """Return label and part of every file that ``info.labels`` names, and what to say of it."""
    place = path / LABELS
    if not place.is_file():
        return {}, [f"there is no {LABELS}: labels are the files' names up to the first point"]
    try:
        found: dict[str, tuple[str, int]] = {}
        for entry in json.loads(place.read_text(encoding="utf-8"))["files"]:
            label = entry["label"]
            kind = label.get("type", "label") if isinstance(label, Mapping) else "label"
            if kind != "label" and kind != "multi-label":
                raise ValueError(f"{place} has a sample of label type {kind!r}; wanted labels")
            text = label["label"] if isinstance(label, Mapping) else label
            part = part_of(str(entry.get("category", "")))
            found[str(entry["path"])] = str(text), -1 if part is None else part
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        if str(error).startswith(str(place)):
            raise
        raise ValueError(f"{place} is not what Edge Impulse writes: {type(error).__name__} {error}") from None
    return found, []


def _sample(file: Path) -> tuple[tuple[str, ...], np.ndarray]:
    """Return the sensors' names and values (steps, sensors)."""
    if file.stat().st_size > LARGEST:
        raise ValueError(f"{file.stat().st_size >> 20} MB; at most {LARGEST >> 20} MB of a sample are read")
    try:
        payload = _opened(file)["payload"]
        names = tuple(str(sensor["name"]) for sensor in payload["sensors"])
        values = np.array(payload["values"], np.float32)
    except (KeyError, TypeError, RecursionError, UnicodeDecodeError) as error:
        raise ValueError(f"not Edge Impulse's format: {type(error).__name__} {error}") from None
    values = values.reshape(-1, 1) if values.ndim == 1 else values
    if values.ndim != 2 or values.shape[1] != len(names) or not len(values):
        raise ValueError(f"values of shape {values.shape} for {len(names)} sensors")
    if np.isinf(values).any():
        raise ValueError("infinity in it")
    return names, values


def _opened(file: Path) -> Any:
    if file.suffix.lower() == ".json":
        return json.loads(file.read_text(encoding="utf-8"))
    cbor = need("cbor2", "data")
    try:
        return cbor.loads(file.read_bytes())
    except (cbor.CBORDecodeError, RecursionError) as error:
        raise ValueError(f"not CBOR: {' '.join(str(error).split())}") from None


Plugin = EdgeImpulse
