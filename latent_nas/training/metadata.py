"""What travels with an int8 network: what it was trained to see, what its outputs mean, and a sample to test it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from latent_nas import artifacts
from latent_nas.preprocessing import Preprocessing
from latent_nas.tasks import Task
from latent_nas.tasks.kinds.anomaly import Anomaly
from latent_nas.tasks.kinds.regress import Regression
from latent_nas.training.quantise import KIND, QuantisedNetwork

ABOUT, GOLDEN = "metadata.json", "golden.safetensors"  # beside the network's own files
GOLDEN_VALUES = 4096  # raw values of a golden sample at most; of a longer one only its int8 input is kept


@dataclass(frozen=True)
class Metadata:
    """What is to be known of a network beside its integers.

    Attributes:
        preprocessing: from raw data to the input; None of text, and where nothing is known.
        classes: names, () where there are none. kind: of the task, "" if unknown. metric: what chose the network.
        measured: int8 metrics by part and name. threshold: of an alarm's score, None where there is none.
        targets, target_shift, target_gain: of a regression, outputs are (target - shift) * gain.
        data_sha256: of the data, "" of tasks that ship. left_out: closing functions of the file it was read from.
        golden_raw: a sample (*shape) as raw data, None where it is too long; golden_input: the same as int8.
        golden_output: the int8 outputs that belong to it.
    """

    preprocessing: Preprocessing | None = None
    classes: tuple[str, ...] = ()
    kind: str = ""
    metric: str = ""
    measured: Mapping[str, float] = field(default_factory=dict)
    threshold: int | None = None
    targets: tuple[str, ...] = ()
    target_shift: tuple[float, ...] = ()
    target_gain: tuple[float, ...] = ()
    data_sha256: str = ""
    left_out: str = ""
    golden_raw: np.ndarray | None = None
    golden_input: np.ndarray | None = None
    golden_output: np.ndarray | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain values, without the golden sample."""
        plain = {name: value for name, value in vars(self).items() if not name.startswith("golden")}
        return plain | {"preprocessing": self.preprocessing and self.preprocessing.to_json()}

    def files(self) -> dict[str, bytes]:
        """Return the files that lie beside a network, read back by ``read``."""
        golden = {name: value for name, value in vars(self).items() if name.startswith("golden") and value is not None}
        text = json.dumps(self.to_json(), indent=1, ensure_ascii=False) + "\n"
        return {ABOUT: text.encode()} | ({GOLDEN: artifacts.pack(golden)} if golden else {})

    @staticmethod
    def read(folder: Path) -> "Metadata | None":
        """Return what lies beside a network; None of one that was written without.

        Raises:
            ValueError: it is damaged.
        """
        files = artifacts.load(folder, KIND).files
        if ABOUT not in files:
            return None
        try:
            return Metadata.from_json(files[ABOUT], artifacts.unpack(files[GOLDEN]) if GOLDEN in files else {})
        except ValueError as error:
            raise ValueError(f"{folder / ABOUT} is damaged ({error}); restore it from a copy, or train again") from None

    @staticmethod
    def from_json(text: str | bytes, golden: Mapping[str, np.ndarray] | None = None) -> "Metadata":
        """Return what ``to_json`` has told, with the arrays of a golden sample where there are any.

        Raises:
            ValueError: it is damaged.
        """
        try:
            data = json.loads(text)
            seen = data["preprocessing"] and Preprocessing.from_json(data["preprocessing"])
            lists = {name: tuple(data[name]) for name in ("classes", "targets", "target_shift", "target_gain")}
            return Metadata(**{**data, **lists, **(golden or {}), "preprocessing": seen})
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(str(error)) from None


def metadata_of(task: Task, network: QuantisedNetwork, measured: Mapping[str, float] | None = None) -> Metadata:
    """Return what travels with a task's network; the golden sample is the first of validation that it gets right."""
    kind, seen = task.kind, task.preprocessing()
    valid = task.data_of(network.graph).valid
    more: dict[str, Any] = {}
    if isinstance(kind, Anomaly):
        scores = kind.scores(network.integers(valid.x), network.quants[-1].zero_point)
        more["threshold"] = int(kind.threshold(scores, valid.y))
    if isinstance(kind, Regression):
        more |= {"targets": kind.names, "target_shift": kind.shift, "target_gain": kind.gain}
    if seen is not None and valid.x.shape[1:] == network.graph.input_shape:
        more |= _golden(task, seen, network)
    return Metadata(
        preprocessing=seen,
        classes=tuple(task.classes),
        kind=kind.name,
        metric=kind.metric.name,
        measured=dict(measured or {}),
        data_sha256=task.fingerprint,
        **more,
    )


def network_sha256(network: QuantisedNetwork) -> str:
    """Return a hash of a network's graph, quantisation and integers: what it computes."""
    found = hashlib.sha256(json.dumps(network.graph.to_json(), sort_keys=True).encode())
    found.update(repr([(q.scale, q.zero_point) for q in network.quants]).encode())
    for i, constants in enumerate(network.constants):
        for name, value in sorted(constants.items()):
            found.update(f"{i} {name} {value.shape} {value.dtype}".encode() + np.ascontiguousarray(value).tobytes())
    return found.hexdigest()


def _golden(task: Task, seen: Preprocessing, network: QuantisedNetwork) -> dict[str, np.ndarray]:
    valid = task.with_raw(task.data().valid)
    raw = task.raw(valid.x[:64])
    if raw is None:
        return {}
    x = seen.integers(raw, network.quants[0])
    y = network.from_integers(x)
    right = y.argmax(axis=-1) == valid.y[: len(y)] if task.kind.name == "classify" else np.ones(len(y), bool)
    at = int(right.argmax())
    kept = {"golden_raw": raw[at]} if raw[at].size <= GOLDEN_VALUES else {}
    return {**kept, "golden_input": x[at], "golden_output": y[at]}
