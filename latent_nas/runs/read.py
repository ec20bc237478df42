"""What a run folder holds, read leniently: what is missing or damaged is said, the rest is shown."""

import json
import shlex
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from latent_nas import artifacts
from latent_nas.costs import Costs, costs
from latent_nas.devices import Device, open_device
from latent_nas.graph import Graph
from latent_nas.limits import Limits
from latent_nas.records import Record, ranked
from latent_nas.runs import own, release_0_1
from latent_nas.runs.scale import Scale
from latent_nas.runtimes import open_runtime
from latent_nas.store import Store
from latent_nas.training.quantise import KIND

LATENT = "latent.safetensors"
FIRMWARE = "firmware"


@dataclass
class Run:
    """A run folder.

    Attributes:
        config, result: of the files of these names; {} where there are none.
        records: of the search, in the order of training. checks: full trainings on the train part, measured on the
            validation part. finals: those on both, measured on the test part.
        findings: of every finished round. journals: of the strategy, by round. latent: arrays of the codec, or {}.
        firmware: what ``latent-nas deploy`` found. problems: what could not be read, in a line each.
    """

    path: Path
    config: dict[str, Any] = field(default_factory=dict)
    result: dict[str, Any] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)
    checks: list[Record] = field(default_factory=list)
    finals: list[Record] = field(default_factory=list)
    findings: list[dict[str, Any]] = field(default_factory=list)
    journals: dict[int, dict[str, Any]] = field(default_factory=dict)
    latent: dict[str, np.ndarray] = field(default_factory=dict)
    firmware: list[dict[str, Any]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @staticmethod
    def read(path: Path) -> "Run":
        """Return what is in a folder.

        Raises:
            ValueError: it is no run folder: neither a configuration nor a store.
        """
        path = Path(path)
        if not (path / "config.json").is_file() and not (path / "study.sqlite").is_file():
            raise ValueError(
                f"{path} is not a run folder: it has neither config.json nor study.sqlite; `latent-nas search` makes"
                " one"
            )
        run = Run(path)
        try:
            own.bring(path)
        except ValueError as error:  # what needs the run's own plugins is left out
            run.problems.append(str(error))
        run.config = run._json("config.json", "what was asked is unknown")
        if (path / "result.json").exists():
            run.result = run._json("result.json", "the final networks are left out")
        run._read_store()
        if (path / LATENT).exists():
            try:
                run.latent = artifacts.unpack((path / LATENT).read_bytes())
            except ValueError as error:
                run.problems.append(f"{LATENT} is damaged, the latent map is left out: {error}")
        made = (path / FIRMWARE).glob("*/report.json")  # by the search, in a folder of the network's rank
        ranks = {file: {"rank": file.parent.name} for file in made} | {p: {} for p in (path / FIRMWARE).glob("*.json")}
        reports = [(rank, run._json(str(file.relative_to(path)), "left out")) for file, rank in sorted(ranks.items())]
        run.firmware = [{**found, **rank} for rank, found in reports if found]
        return run

    def _json(self, name: str, loss: str) -> dict[str, Any]:
        try:
            found = json.loads((self.path / name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            self.problems.append(f"{name} is missing: {loss}")
            return {}
        except (json.JSONDecodeError, UnicodeDecodeError):
            self.problems.append(f"{name} is damaged: {loss}")
            return {}
        if not isinstance(found, dict):
            self.problems.append(f"{name} is not what a search writes: {loss}")
            return {}
        return found

    def _read_store(self) -> None:
        file = self.path / "study.sqlite"
        if not file.is_file() or not file.stat().st_size:  # a Store would make tables in an empty file
            self.problems.append("study.sqlite is missing or empty: no training is known")
            return
        try:
            store = Store(file)
            records, self.findings, self.journals = store.records(), store.findings(), store.journals()
            store.close()
        except (ValueError, TypeError, KeyError) as error:
            self.problems.append(f"no training is known: {error}")
            return
        self.records = [r for r in records if r.fidelity == "search" and r.part == "valid"]
        self.checks = [r for r in records if r.fidelity == "full" and r.part == "valid"]
        self.finals = [r for r in records if r.part == "test"]
        self.findings = [
            release_0_1.findings(f, self.scale.objective, self.scale.higher_is_better) for f in self.findings
        ]

    @property
    def finished(self) -> bool:
        """Whether the search came to its end."""
        return bool(self.result.get("networks") is not None)

    @property
    def wanted(self) -> int | None:
        """How many trainings the search may spend; None where that is unknown."""
        return self.config.get("trainings")

    @cached_property
    def best(self) -> list[Record]:
        """The trained networks, the best measured first."""
        return ranked(self.records)

    @cached_property
    def numbers(self) -> dict[tuple[int, ...], int]:
        """The number of every trained network's training, from 1."""
        return {r.genes: i for i, r in enumerate(self.records, 1)}

    @cached_property
    def predictions(self) -> dict[tuple[int, ...], dict[str, Any]]:
        """What was predicted of a network before it was trained, by its genes."""
        return {tuple(p["genes"]): p for f in self.findings for p in f.get("predictions", ())}

    @cached_property
    def scale(self) -> Scale:
        """How what was maximised is shown."""
        return Scale.of([*self.records, *self.checks, *self.finals])

    @cached_property
    def sane(self) -> dict[tuple[int, ...], dict[str, Any]]:
        """The predictions that can be true: one that can't would leave a chart nothing else to show."""
        low, high = -0.5, 1.5
        if not self.scale.share:
            known = [r.measured_objective for r in self.best if r.measured_objective is not None] or [0.0]
            room = 3 * (max(known) - min(known)) or 1.0
            low, high = min(known) - room, max(known) + room
        return {genes: p for genes, p in self.predictions.items() if low < p["predicted_objective"] < high}

    @cached_property
    def networks(self) -> list[dict[str, Any]]:
        """The final networks that were measured, as in ``result.json``."""
        networks = [release_0_1.network(n) for n in self.result.get("networks") or []]
        return [n for n in networks if n["seeds"]]

    @cached_property
    def limits(self) -> Limits:
        """The limits in force, the device's own among them."""
        held = self.result.get("limits") or self.config.get("limits") or {}
        limits = Limits.from_json(held)
        return limits.tighten(self.device.limits) if self._name("device") else limits

    def _name(self, what: str) -> str:
        known = [getattr(r, what) for r in [*self.records, *self.checks, *self.finals]]
        return str(self.config.get("target", {}).get(what) or next((k for k in known if k), ""))

    @cached_property
    def target(self) -> dict[str, str]:
        """Names of space, task, device and runtime; "" where unknown."""
        return {what: self._name(what) for what in ("space", "task", "device", "runtime")}

    @cached_property
    def device(self) -> Device:
        """The device.

        Raises:
            ValueError: it is unknown here.
        """
        return open_device(self._name("device"))

    @cached_property
    def graph(self) -> Graph:
        """The deployed graph of the chosen network: the first of the final ones, else the best of the search.

        Raises:
            ValueError: there is none yet, or its file is damaged.
        """
        final = self.path / "networks" / "1"
        if self.finished and (final / artifacts.MANIFEST).exists():
            return Graph.from_json(json.loads(artifacts.load(final, KIND).files["graph.json"]))
        name = "best_architecture.json"
        if not (self.path / name).exists():
            raise ValueError("no network has been trained yet")
        found = self._json(name, "the chosen network can't be drawn")
        if "graph" not in found:
            raise ValueError(f"{name} holds no graph; continue the run with `latent-nas search --resume`")
        return Graph.from_json(found["graph"])

    @cached_property
    def costs(self) -> Costs:
        """What the chosen network costs.

        Raises:
            ValueError: as ``graph``, or device or runtime are unknown here.
        """
        return costs(self.graph, self.device, open_runtime(self._name("runtime")))

    @property
    def chosen(self) -> str:
        """Which network ``graph`` is, in words."""
        if self.finished and (self.path / "networks" / "1").exists():
            return "the first of the final networks"
        return f"the best network so far (training {self.numbers[self.best[0].genes]})" if self.best else "none yet"

    @property
    def resume(self) -> str:
        """The command that continues the run."""
        return f"latent-nas search --resume {shlex.quote(str(self.path))}"
