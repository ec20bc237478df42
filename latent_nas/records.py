"""Records: what a true training measured of a network, beside what was computed of it."""

import platform
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from latent_nas import __version__
from latent_nas.units import cost_row

SHORT, SEARCH = "short", "search"  # fidelities: a first look at a network, and what a search measures


@dataclass(frozen=True)
class Record:
    """One training of one network.

    Attributes:
        genes: canonical. space, task: names. seed: of the training. fidelity: the recipe, "short", "search" or "full".
        part: what was measured on: "valid" (trained on train) or "test" (trained on train and valid).
        status: "ok" or "failed"; reason: why it failed.
        measured_float_accuracy, measured_int8_accuracy: on that part, fractions; None where failed.
        measured_objective: what a search maximises where that is not the int8 accuracy, in its own unit: of a task or a
            table its metric, negated where smaller is better. measured_metrics: of the int8 network, all of a task's
            metrics by name, where it has several.
        emulated_flash_bytes, emulated_ram_bytes, emulated_instructions, emulated_latency_ms: of the whole firmware,
            compiled and run on the emulated device; the time is the upper end of its range. None where it was not.
        flash_bytes, ram_bytes, latency_ms: computed for device and runtime; macs, parameters: of the deployed graph.
        curve: validation accuracy after each epoch. epochs: of the best one. wall_s: of the training.
        round: of the study that asked for it.
        confusion: of a final training, how often the int8 network took class (row) for class (column); () for none.
    """

    genes: tuple[int, ...]
    space: str
    task: str
    seed: int
    fidelity: str = "search"
    part: str = "valid"
    status: str = "ok"
    reason: str = ""
    measured_float_accuracy: float | None = None
    measured_int8_accuracy: float | None = None
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
    versions: dict[str, str] = field(default_factory=dict)
    measured_objective: float | None = None
    emulated_flash_bytes: int | None = None
    emulated_ram_bytes: int | None = None
    emulated_instructions: int | None = None
    emulated_latency_ms: float | None = None
    measured_metrics: dict[str, float] = field(default_factory=dict)
    confusion: tuple[tuple[int, ...], ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the training gave an accuracy."""
        return self.status == "ok"

    @property
    def objective(self) -> float | None:
        """What a search maximises, measured: ``measured_objective``, or the int8 accuracy where that is None."""
        return self.measured_int8_accuracy if self.measured_objective is None else self.measured_objective

    def to_json(self) -> dict[str, Any]:
        """Return a dictionary of plain values."""
        return {**vars(self), "versions": dict(self.versions), "measured_metrics": dict(self.measured_metrics)}

    @staticmethod
    def from_json(data: dict[str, Any]) -> "Record":
        """Return the record of ``to_json``; fields that an older version did not write have their defaults."""
        confusion = tuple(tuple(row) for row in data.get("confusion", ()))
        lists = {"genes": tuple(data["genes"]), "curve": tuple(data["curve"]), "confusion": confusion}
        return Record(**{**data, **lists})


def objective_of(records: Iterable[Record]) -> tuple[str, float]:
    """Return the name of what records' objective is, and 1 if it is that number or -1 if less of it is better.

    "int8_accuracy", the name of one of their metrics, or "objective" where it is none of these.
    """
    held = [r for r in records if r.ok and r.measured_objective is not None]
    if not held:
        return "int8_accuracy", 1.0
    for name in held[0].measured_metrics:
        for sign in (1.0, -1.0):
            if all(r.measured_metrics.get(name) == sign * (r.measured_objective or 0.0) for r in held):
                return name, sign
    return "objective", 1.0


def ranked(records: list[Record]) -> list[Record]:
    """Return the records that are ok, the best measured objective first, equal ones by latency, flash, RAM."""
    good = [r for r in records if r.ok and r.objective is not None]
    return sorted(good, key=lambda r: (-(r.objective or 0), r.latency_ms, r.flash_bytes, r.ram_bytes, r.genes))


def front(records: list[Record]) -> list[Record]:
    """Return the records that no other beats in measured objective, flash, RAM and latency all at once."""
    good = ranked(records)
    points = np.array([(-(r.objective or 0), *cost_row(r)) for r in good])
    return [
        record
        for record, point in zip(good, points, strict=True)
        if not ((points <= point).all(axis=1) & (points < point).any(axis=1)).any()
    ]


def versions() -> dict[str, str]:
    """Return the versions of the interpreter and of the packages that a result depends on."""
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
