"""What a run folder holds, read leniently: what is missing or damaged is said, the rest is shown."""

import json
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from latent_nas import artifacts, sealed
from latent_nas.costs import Costs, costs
from latent_nas.devices import Device, open_device
from latent_nas.graph import Graph
from latent_nas.limits import Limits
from latent_nas.records import Record, ranked
from latent_nas.runs import files, own, schema
from latent_nas.runs.scale import Scale
from latent_nas.runs.schema import DataFound, FinalNetwork, Firmware, Journal, Prediction, Result, Round
from latent_nas.runtimes import open_runtime
from latent_nas.store import Store
from latent_nas.tasks._names import title
from latent_nas.training.quantise import KIND
from latent_nas.units import cost_row

Read = TypeVar("Read")


@dataclass
class Run:
    """A run folder.

    Attributes:
        config, result: of the files of these names; {} and None where there are none.
        records: of the search, in the order of training. short: beside them, of cheaper looks.
        checks: full trainings on the train part, measured on the validation part. finals: those on both, measured on
            the test part.
        rounds: those that were finished. journals: of the strategy, by round. latent: arrays of the codec, or {}.
        firmware: what ``latent-nas deploy`` found. data: what the search found in its data, None of earlier releases.
        problems: what could not be read, in a line each.
    """

    path: Path
    config: dict[str, Any] = field(default_factory=dict)
    result: Result | None = None
    records: list[Record] = field(default_factory=list)
    short: list[Record] = field(default_factory=list)
    checks: list[Record] = field(default_factory=list)
    finals: list[Record] = field(default_factory=list)
    rounds: list[Round] = field(default_factory=list)
    journals: dict[int, Journal] = field(default_factory=dict)
    latent: dict[str, np.ndarray] = field(default_factory=dict)
    firmware: list[Firmware] = field(default_factory=list)
    data: DataFound | None = None
    problems: list[str] = field(default_factory=list)

    @staticmethod
    def read(path: Path, journals: bool = True) -> "Run":
        """Return what is in a folder.

        Args:
            journals: whether the strategy's are read too, which takes half of the time.

        Raises:
            ValueError: it is not a run folder: neither a configuration nor a store.
        """
        path = Path(path)
        if not (path / files.CONFIG).is_file() and not (path / files.STORE).is_file():
            raise ValueError(
                f"{path} is not a run folder: it has neither config.json nor study.sqlite; `latent-nas search` makes"
                " one"
            )
        run = Run(path)
        try:
            own.bring(path)
        except ValueError as error:  # what needs the run's own plugins is left out
            run.problems.append(str(error))
        run.config = run._json(files.CONFIG, "what was asked is unknown", _config) or {}
        if (path / files.RESULT).exists():
            run.result = run._json(files.RESULT, "the final networks are left out", schema.read_result)
        if (path / files.DATA).exists():
            run.data = run._json(files.DATA, "the data are left out", schema.read_data)
        run._read_store(journals)
        if (path / files.LATENT).exists():
            try:
                run.latent = artifacts.unpack((path / files.LATENT).read_bytes())
            except ValueError as error:
                run.problems.append(f"{files.LATENT} is damaged, the latent map is left out: {error}")
        folder = path / files.FIRMWARE
        of_search = sorted(folder.glob(f"*/{files.FIRMWARE_REPORT}"))  # each in a folder of the network's rank
        for file in sorted([*of_search, *folder.glob("*.json")]):
            report = run._json(str(file.relative_to(path)), "left out", schema.read_firmware)
            if report:
                rank = int(file.parent.name) if file in of_search and file.parent.name.isdigit() else report.rank
                run.firmware.append(replace(report, rank=rank))
        return run

    def _json(self, name: str, loss: str, read: Callable[[Any, str], Read]) -> Read | None:
        """Return what a file of the folder holds; None, and a problem more, where it can't be read."""
        try:
            data = json.loads((self.path / name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            self.problems.append(f"{name} is missing: {loss}")
            return None
        except (json.JSONDecodeError, UnicodeDecodeError):
            self.problems.append(f"{name} is damaged: {loss}")
            return None
        try:
            if not isinstance(data, dict):
                raise ValueError(f"{name} is not what a search writes")
            return read(data, name)
        except ValueError as error:
            self.problems.append(f"{error}: {loss}")
            return None

    def _read_store(self, journals: bool) -> None:
        file = self.path / files.STORE
        if not file.is_file() or not file.stat().st_size:  # a Store would make tables in an empty file
            self.problems.append("study.sqlite is missing or empty: no training is known")
            return
        try:
            store = Store(file)
            records, findings, told = store.records(), store.findings(), store.journals() if journals else {}
            store.close()
        except (ValueError, TypeError, KeyError) as error:
            self.problems.append(f"no training is known: {error}")
            return
        self.records = [r for r in records if r.fidelity == "search" and r.part == "valid"]
        self.short = [r for r in records if r.short and r.part == "valid"]
        self.checks = [r for r in records if r.fidelity == "full" and r.part == "valid"]
        self.finals = [r for r in records if r.part == "test"]
        objective, higher_is_better = self.scale.objective, self.scale.higher_is_better
        try:
            self.rounds = [schema.read_round(f, files.STORE, objective, higher_is_better) for f in findings]
            self.journals = {n: schema.read_journal(journal, files.STORE) for n, journal in told.items()}
        except (ValueError, KeyError, TypeError) as error:
            self.problems.append(f"what the rounds showed is left out: {error}")

    @property
    def finished(self) -> bool:
        """Whether the search came to its end."""
        return self.result is not None

    @property
    def wanted(self) -> int | None:
        """How many trainings the search may spend; None where that is unknown."""
        return self.config.get("trainings")

    @cached_property
    def best(self) -> list[Record]:
        """The trained networks, the best measured first; behind all others those that exceed limits of later."""
        return sorted(ranked(self.records), key=self.exceeds)

    def exceeds(self, record: Record) -> bool:
        """Return whether a network exceeds the limits, which may have changed since; no of a board that is unknown."""
        try:
            return bool(self.limits.exceeded(*cost_row(record)))
        except ValueError:
            return False

    @cached_property
    def numbers(self) -> dict[tuple[int, ...], int]:
        """The number of every trained network's training, from 1."""
        return {r.genes: i for i, r in enumerate(self.records, 1)}

    @cached_property
    def predictions(self) -> dict[tuple[int, ...], Prediction]:
        """What was predicted of a network before it was trained, by its genes."""
        return {p.genes: p for one in self.rounds for p in one.predictions}

    @cached_property
    def scale(self) -> Scale:
        """How what was maximised is shown."""
        return Scale.of([*self.records, *self.checks, *self.finals])

    @cached_property
    def sane(self) -> dict[tuple[int, ...], Prediction]:
        """The predictions that can be true: one that can't would leave a chart nothing else to show."""
        low, high = -0.5, 1.5
        if not self.scale.share:
            known = [r.measured_objective for r in self.best if r.measured_objective is not None] or [0.0]
            room = 3 * (max(known) - min(known)) or 1.0
            low, high = min(known) - room, max(known) + room
        return {genes: p for genes, p in self.predictions.items() if low < p.predicted_objective < high}

    @cached_property
    def networks(self) -> list[FinalNetwork]:
        """The final networks that were measured."""
        return [network for network in self.result.networks if network.seeds] if self.result else []

    def behind(self, network: FinalNetwork) -> list[Record]:
        """Return the trainings that the figures of a final network are of, that of the network that is kept first.

        One that had not learnt and was done again with another seed is none of them.
        """
        seeds = network.measured_int8_by_seed
        own = [r for r in self.finals if r.genes == network.genes and (not seeds or str(r.seed) in seeds)]
        return sorted(own, key=lambda r: r.seed != network.exported_seed)

    @cached_property
    def limits(self) -> Limits:
        """The limits in force, the device's own among them."""
        given = (self.result and self.result.limits) or self.config.get("limits") or {}
        limits = Limits.from_json(dict(given))
        return limits.tighten(self.device.limits) if self._name("device") else limits

    def _name(self, what: str) -> str:
        known = [getattr(r, what) for r in [*self.records, *self.checks, *self.finals]]
        return str(self.config.get("target", {}).get(what) or next((k for k in known if k), ""))

    @cached_property
    def target(self) -> dict[str, str]:
        """Names of space, task, device and runtime; "" where unknown."""
        return {what: self._name(what) for what in ("space", "task", "device", "runtime")}

    @property
    def title(self) -> str:
        """What was searched for, for people: "photos on stm32f405"; never a path."""
        device = self.target["device"]
        board = Path(device).stem if device.endswith(".toml") else device
        return f"{title(self.target['task']) or 'a task'} on {board or 'a device'}"

    @cached_property
    def device(self) -> Device:
        """The device.

        Raises:
            ValueError: it is unknown here.
        """
        return open_device(self._name("device"))

    @property
    def weight_bits(self) -> int:
        """Of final networks and in all costs, 8 or fewer; a search's own trainings measure 8."""
        finals = self.result.networks if self.result else ()
        asked = self.config.get("target", {}).get("weight_bits") or self.config.get("weight_bits")
        return finals[0].weight_bits if finals else int(asked or 8)

    @cached_property
    def ranks(self) -> dict[tuple[int, ...], int]:
        """The ranks of the final networks that were measured, from 1, by their genes."""
        return {n.genes: rank for rank, n in enumerate(self.result.networks, 1) if n.seeds} if self.result else {}

    def kept(self, rank: int) -> Graph | None:
        """Return the deployed graph of the final network of a rank; None where none is kept.

        Raises:
            ValueError: its file is damaged.
        """
        final = files.network(self.path, rank)
        if not (self.finished and (final / artifacts.MANIFEST).exists()):
            return None
        return Graph.from_json(json.loads(artifacts.load(final, KIND).files["graph.json"]))

    @cached_property
    def graph(self) -> Graph:
        """The deployed graph of the chosen network: the first of the final ones, else the best of the search.

        Raises:
            ValueError: there is none yet, or its file is damaged.
        """
        if (first := self.kept(1)) is not None:
            return first
        if not (self.path / files.BEST).exists():
            raise ValueError("no network has been trained yet")
        best = self._json(files.BEST, "the chosen network can't be drawn", schema.read_architecture)
        if best is None:
            raise ValueError(f"{self.problems[-1]}; continue the run with `latent-nas search --resume`")
        return Graph.from_json([dict(node) for node in best.graph])

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
        if self.finished and files.network(self.path, 1).exists():
            return "the first of the final networks"
        return f"the best network so far (training {self.numbers[self.best[0].genes]})" if self.best else "none yet"

    @property
    def resume(self) -> str:
        """The command that continues the run."""
        return f"latent-nas search --resume {shlex.quote(str(self.path))}"


def _config(data: dict[str, Any], place: str) -> dict[str, Any]:
    """Return a configuration without the version of its format."""
    data = sealed.unseal(data, place)
    schema.versioned(data, place)
    return {name: value for name, value in data.items() if name != "version"}
