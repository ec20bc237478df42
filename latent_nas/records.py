"""Records: what a true training measured of a network, beside what was computed of it."""

import math
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from latent_nas import __version__
from latent_nas.units import cost_row

REASON = 200
INITIALS = {"auc", "f1", "mae", "r2", "rmse"}
SHORT, SEARCH, FULL = "short", "search", "full"  # fidelities: a first look at a network, a search's own, a final one


@dataclass(frozen=True)
class Record:
    """One training of one network.

    Attributes:
        genes: canonical. space, task: names. seed: of the training. fidelity: the recipe, "search" or "full"; any
            other, as "short" or a column of a table, is a cheaper look.
        part: what was measured on: "valid" (trained on train) or "test" (trained on train and valid).
        status: "ok"; "failed", which it would again; or "lost": its worker died or ran out of memory, so that it is
            tried again when the run goes on. reason: why.
        measured_float, measured_int8: the task's metrics by name, of the float and of the int8 network on that part;
            empty where failed or not measured.
        measured_beside: what else was measured, by name, e.g. "analog_accuracy_1d", or an objective made of several.
        recipe: what it learnt by where that is no plain recipe's, as "learning_rate=0.02", its epochs always; () where
            that was not noted.
        objective: which of ``measured`` the search optimises. higher_is_better: its direction.
        emulated_flash_bytes, emulated_ram_bytes, emulated_instructions, emulated_latency_ms: of the whole firmware,
            compiled and run on the emulated device; the time is the middle of its error bar. None where it was not.
        flash_bytes, ram_bytes, latency_ms: computed for device and runtime; macs, parameters: of the deployed graph.
        qat_epochs: of quantisation-aware training behind the int8 network, after the float one's; 0 is none.
            measured_without_qat: of the int8 network before; empty where none was tried.
        eight_bit_ends: whether the first and the last layer keep weights of 8 bits where the others have fewer.
            measured_eight_bits: of the network with 8 bits everywhere; empty where it has them.
        channels: before and after pruning, of every layer that makes its own; () where it was not.
        curve: the float network's first metric on the validation part after each epoch, so that more is better.
        epochs: of the best one. wall_s: of the training.
        round: of the study that asked for it.
        samples: that were judged on; 0 where it was not noted.
        interval, learned, evidence: of a final training's int8 network, the first one of a full training's as well. The
            95 % interval of the first metric that so many samples allow; that metric on samples that were learnt from,
            None where not measured; what a report draws of it, see ``tasks.kinds.Kind.evidence``.
    """

    genes: tuple[int, ...]
    space: str
    task: str
    seed: int
    fidelity: str = "search"
    part: str = "valid"
    status: str = "ok"
    reason: str = ""
    measured_float: Mapping[str, float] = field(default_factory=dict)
    measured_int8: Mapping[str, float] = field(default_factory=dict)
    measured_beside: Mapping[str, float] = field(default_factory=dict)
    objective: str = "int8_accuracy"
    higher_is_better: bool = True
    device: str = ""
    runtime: str = ""
    flash_bytes: int = 0
    ram_bytes: int = 0
    latency_ms: float = 0.0
    macs: int = 0
    parameters: int = 0
    epochs: int = 0
    curve: tuple[float, ...] = ()
    wall_s: float = 0.0
    round: int = 0
    versions: Mapping[str, str] = field(default_factory=dict)
    emulated_flash_bytes: int | None = None
    emulated_ram_bytes: int | None = None
    emulated_instructions: int | None = None
    emulated_latency_ms: float | None = None
    samples: int = 0
    interval: tuple[float, ...] = ()
    learned: float | None = None
    evidence: Mapping[str, list[list[float]]] = field(default_factory=dict)
    qat_epochs: int = 0
    measured_without_qat: Mapping[str, float] = field(default_factory=dict)
    eight_bit_ends: bool = False
    measured_eight_bits: Mapping[str, float] = field(default_factory=dict)
    channels: tuple[tuple[int, int], ...] = ()
    recipe: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the training gave a network."""
        return self.status == "ok"

    @property
    def lost(self) -> bool:
        """Whether nothing is known of the network, as its worker did not bring it back."""
        return self.status == "lost"

    @property
    def short(self) -> bool:
        """Whether it was a cheaper look than a search's own trainings: evidence, no result."""
        return self.fidelity not in (SEARCH, FULL)

    @property
    def measured(self) -> dict[str, float]:
        """All that was measured: "float_accuracy", "int8_accuracy", ..., and what ``measured_beside`` holds."""
        floats = {f"float_{name}": value for name, value in self.measured_float.items()}
        integers = {f"int8_{name}": value for name, value in self.measured_int8.items()}
        return {**floats, **integers, **self.measured_beside}

    @property
    def measured_objective(self) -> float | None:
        """The objective as it was measured, in its own unit; None where it was not."""
        return self.measured.get(self.objective)

    @property
    def score(self) -> float | None:
        """The objective so that more is better; None where it was not measured, or is not a finite number."""
        value = self.measured_objective
        if value is None or not math.isfinite(value):
            return None
        return value if self.higher_is_better else -value

    def to_json(self) -> dict[str, Any]:
        """Return a dictionary of plain values, read back by ``from_json``."""
        return {name: dict(value) if isinstance(value, Mapping) else value for name, value in vars(self).items()}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "Record":
        """Return the record of ``to_json``; fields that an older version did not write have their defaults."""
        plain = _of_release_0_1(data) if "measured_int8_accuracy" in data else dict(data)
        tuples = {name: tuple(data.get(name, ())) for name in ("genes", "curve", "interval", "recipe")}
        tuples["channels"] = tuple(tuple(pair) for pair in data.get("channels", ()))
        return Record(**{**plain, **tuples})


def _of_release_0_1(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a record that release 0.1 wrote: accuracies, one number to maximise, loose metrics."""
    plain = dict(data)
    accuracies = {kind: plain.pop(f"measured_{kind}_accuracy") for kind in ("float", "int8")}
    metrics, wanted = dict(plain.pop("measured_metrics", {})), plain.pop("measured_objective", None)
    confusion = [list(row) for row in plain.pop("confusion", ())]
    floats, integers = ({} if v is None else {"accuracy": v} for v in accuracies.values())
    beside = {name: value for name, value in metrics.items() if name.startswith("analog_")}
    integers |= {name: value for name, value in metrics.items() if name not in beside}
    plain |= {"measured_float": floats, "measured_int8": integers, "measured_beside": beside}
    if wanted is not None:  # one of the metrics, negated where less is better, or something made of several
        named = {**{f"int8_{name}": value for name, value in integers.items()}, **beside}
        same = [(name, sign > 0) for sign in (1, -1) for name, value in named.items() if value == sign * wanted]
        plain["objective"], plain["higher_is_better"] = same[0] if same else ("objective", True)
        if not same:
            beside["objective"] = wanted
    return plain | ({"evidence": {"confusion": confusion}} if confusion else {})


def reason_of(text: str) -> str:
    """Return why a training came to nothing as a record holds it: a line of ``REASON`` characters at most."""
    return text.splitlines()[0][:REASON]


def ranked(records: list[Record]) -> list[Record]:
    """Return the records that are ok, the best objective first, equal ones by latency, flash, RAM."""
    good = [r for r in records if r.ok and r.score is not None]
    return sorted(good, key=lambda r: (-(r.score or 0), r.latency_ms, r.flash_bytes, r.ram_bytes, r.genes))


def front(records: list[Record]) -> list[Record]:
    """Return the records that no other beats in measured objective, flash, RAM and latency all at once."""
    good = ranked(records)
    points = np.array([(-(r.score or 0), *cost_row(r)) for r in good])
    return [
        record
        for record, point in zip(good, points, strict=True)
        if not ((points <= point).all(axis=1) & (points < point).any(axis=1)).any()
    ]


def objective_of(records: Sequence[Record]) -> tuple[str, bool]:
    """Return what records' objective is called and whether higher is better; that of accuracies where there are none.

    Raises:
        ValueError: the records have several objectives.
    """
    names = {(r.objective, r.higher_is_better) for r in records if r.ok}
    if len(names) > 1:
        raise ValueError(f"the records have several objectives: {', '.join(sorted(name for name, _ in names))}")
    return names.pop() if names else ("int8_accuracy", True)


def words(name: str) -> str:
    """Return the name of something measured for people: "int8 accuracy", "int8 bits per character", "int8 RMSE"."""
    return " ".join(word.upper() if word in INITIALS else word for word in name.split("_"))


def versions() -> dict[str, str]:
    """Return the versions of the interpreter and of the packages that a result depends on."""
    return dict(_versions())


@cache
def _versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "latent_nas": __version__}
    for name in (
        "torch",
        "numpy",
        "scikit-learn",
        "xgboost-cpu",
        "xgboost",
        "stable-baselines3",
        "gymnasium",
        "networkx",
    ):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
