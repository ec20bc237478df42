"""What the JSON of a run folder holds: frozen dataclasses, each with the version of the format.

``version`` is missing in what release 0.1 wrote; ``release_0_1`` says that in the words of today. Records are in the
store, see ``records.Record``, and a search's configuration is ``jobs.search.config.SearchConfig``.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

from latent_nas import sealed
from latent_nas.runs import release_0_1
from latent_nas.runs.checked import checked

VERSION = 2  # of the files of a run folder
Kind = TypeVar("Kind")
Metrics = Mapping[str, float]  # by the metric's name


@dataclass(frozen=True)
class FinalNetwork:
    """A final network: trained in full with several seeds, measured on the test part.

    Attributes:
        genes, architecture: canonical, and the same for people.
        measured_float, measured_int8, measured_beside: means over ``seeds`` trainings; ..._std their spread. Empty
            where all of them failed. measured_int8_by_seed: every training's, by its seed.
        exported_seed: of the network that ``networks/<rank>`` holds. measured_exported_int8: what it measured itself;
            ..._interval: 95 % of its first metric, as far as so many ``samples`` of the test part tell; ..._recall: the
            share of every class that it tells, by the class's name.
        collapsed_seeds: of trainings that had learnt nothing and were done again with other seeds.
        measured_valid_int8, measured_search_int8: on the validation part, of the full and of the search's training;
            the second with 8-bit weights whatever ``weight_bits``.
        ram_bytes: by the region that the arena lies in; ram_low_bytes, ram_high_bytes: the range around it, of which
            limits count the upper end, None in runs of before. latency_ms, latency_error_ms, ...: computed;
            energy_uj: None where nobody knows the power.
        binding: the limit that binds, how much of it is used, and the layer that takes most of it.
        firmware: what it took on the emulated device, or why there is none; None where it was not tried.
        fits: whether all limits are kept; None where that could not be checked.
        emulated_above_bytes: by how much its whole image is above them.
        emulated_limited: what its firmware took, by the names of limits, where they count that; else empty.
        qat_epochs: of quantisation-aware training behind the int8 networks; 0 is none.
        weight_bits: of convolutions and dense layers; eight_bit_ends: whether the first and the last keep 8 where that
            is fewer. measured_valid_eight_bits: on the validation part, with 8 bits everywhere then.
        narrow_layers: how many of its layers have 4 bits because its genes say so.
        channels: before and after pruning of the network that is kept, of every layer that makes its own; the
            architecture is that before. Computed costs are those of the kept network.
        like_first: whether validation can't tell it from the first: its value is within the 95 % interval of that
            one's, or better; None of the first, and where it is not known.
    """

    genes: tuple[int, ...]
    architecture: Mapping[str, Any]
    measured_on: str
    measured_float: Metrics
    measured_float_std: Metrics
    measured_int8: Metrics
    measured_int8_std: Metrics
    measured_int8_by_seed: Mapping[str, Metrics]
    seeds: int
    measured_valid_int8: Metrics
    measured_search_int8: Metrics
    epochs: int
    flash_bytes: int
    ram_bytes: Mapping[str, int]
    latency_ms: float
    latency_error_ms: float
    macs: int
    parameters: int
    code_bytes: int
    runtime_ram_bytes: int
    fits: bool | None
    measured_beside: Metrics = field(default_factory=dict)
    measured_beside_std: Metrics = field(default_factory=dict)
    exported_seed: int | None = None
    measured_exported_int8: Metrics = field(default_factory=dict)
    measured_exported_interval: tuple[float, ...] = ()
    measured_exported_recall: Metrics = field(default_factory=dict)
    ram_low_bytes: int | None = None
    ram_high_bytes: int | None = None
    energy_uj: float | None = None
    energy_error_uj: float | None = None
    samples: int = 0
    collapsed_seeds: tuple[int, ...] = ()
    binding: Mapping[str, Any] | None = None
    firmware: Mapping[str, Any] | None = None
    emulated_above_bytes: Mapping[str, int] = field(default_factory=dict)
    emulated_limited: Metrics = field(default_factory=dict)
    like_first: bool | None = None
    qat_epochs: int = 0
    weight_bits: int = 8
    eight_bit_ends: bool = False
    narrow_layers: int = 0
    channels: tuple[tuple[int, int], ...] = ()
    measured_valid_eight_bits: Metrics = field(default_factory=dict)

    @property
    def arena(self) -> tuple[str, int]:
        """The region that its arena lies in, and what is computed of its RAM, in bytes."""
        return next(iter(self.ram_bytes.items()))

    @property
    def weights(self) -> str:
        """How wide its weights are in words, "" where all have 8 bits."""
        if self.narrow_layers:
            return f"4-bit weights in {self.narrow_layers} layer{'s' * (self.narrow_layers > 1)}"
        but = " but in the first and the last layer" if self.eight_bit_ends else ""
        return f"{self.weight_bits}-bit weights{but}" if self.weight_bits < 8 else ""

    @property
    def size(self) -> float:
        """A number that goes up with computed flash, RAM and latency."""
        return sum(math.log(max(value, 1e-9)) for value in self.limited.values())

    @property
    def limited(self) -> dict[str, float]:
        """What is computed of what limits count, by their names."""
        ram = self.arena[1] if self.ram_high_bytes is None else self.ram_high_bytes
        return {"flash_bytes": self.flash_bytes, "ram_bytes": ram, "latency_ms": self.latency_ms}

    @property
    def counted(self) -> dict[str, float]:
        """What limits count, by their names: emulated where they count the firmware and it ran, else computed."""
        return {**self.limited, **self.emulated_limited}

    @property
    def counted_how(self) -> str:
        """Where ``counted`` comes from: "emulated" or "computed"."""
        return "emulated" if self.emulated_limited else "computed"


@dataclass(frozen=True)
class Result:
    """``result.json``: what a search or a validation found.

    Attributes:
        networks: the best on the validation part first. trainings, failed_trainings: of the search, in full.
            short_trainings: beside them. Of a validation there are failed ones alone, where none was lost.
        objective, higher_is_better: what was optimised; None where no training succeeded. best_measured_valid: all that
            was measured of the best network of the search, by name, with 8-bit weights.
        baseline: what can be reached without a network, see ``tasks.kinds.Baseline``.
        test_reads: trainings that have read the test part. limits: in force. front_end: its computed costs.
        config: of the search. versions: of the packages that the result depends on.
    """

    networks: tuple[FinalNetwork, ...]
    trainings: int = 0
    failed_trainings: int = 0
    short_trainings: int = 0
    objective: str | None = None
    higher_is_better: bool | None = None
    best_measured_valid: Metrics = field(default_factory=dict)
    baseline: Mapping[str, Any] = field(default_factory=dict)
    wall_s: float | None = None
    search_s: float | None = None
    seed: int = 0
    test_reads: int = 0
    limits: Mapping[str, float | None] = field(default_factory=dict)
    front_end: Mapping[str, Any] | None = None
    config: Mapping[str, Any] | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    version: int = VERSION

    def to_json(self) -> dict[str, Any]:
        """Return plain values, read back by ``read_result``."""
        return asdict(self)


@dataclass(frozen=True)
class Architecture:
    """``best_architecture.json``: one trained network for people and programs.

    Attributes:
        graph: deployed, see ``Graph.from_json``. layers: MACs, bytes and cycles of each, computed.
        weight_bits: of the graph and all costs. measured_weight_bits: of the int8 network that was measured, 8 where a
            search's own training measured it. Neither is written where all is of 8 bits.
        measured_on, fidelity, seed: of its training. latency_ms, ...: computed; emulated_...: of its firmware.
    """

    space: str
    task: str
    genes: tuple[int, ...]
    architecture: Mapping[str, Any]
    graph: tuple[Mapping[str, Any], ...]
    layers: tuple[Mapping[str, Any], ...]
    measured_on: str
    fidelity: str
    seed: int
    measured_float: Metrics
    measured_int8: Metrics
    device: str
    runtime: str
    flash_bytes: int
    ram_bytes: int
    region: str | None
    latency_ms: float
    latency_error_ms: float
    macs: int
    parameters: int
    measured_beside: Metrics = field(default_factory=dict)
    emulated_flash_bytes: int | None = None
    emulated_ram_bytes: int | None = None
    emulated_instructions: int | None = None
    emulated_latency_ms: float | None = None
    ram_low_bytes: int | None = None
    ram_high_bytes: int | None = None
    energy_uj: float | None = None
    energy_error_uj: float | None = None
    weight_bits: int = 8
    measured_weight_bits: int = 8
    version: int = VERSION

    def to_json(self) -> dict[str, Any]:
        """Return plain values, read back by ``read_architecture``."""
        left_out = ("weight_bits", "measured_weight_bits") if self.weight_bits == 8 else ()
        return {name: value for name, value in asdict(self).items() if name not in left_out}


@dataclass(frozen=True)
class Prediction:
    """What was predicted of a network before it was trained; bounds are None where few labels allow none."""

    genes: tuple[int, ...]
    predicted_objective: float
    predicted_low: float | None
    predicted_high: float | None
    measured_objective: float


@dataclass(frozen=True)
class Round:
    """What a finished round of a study showed, in the unit of the objective.

    Attributes:
        objective, higher_is_better: what was optimised; None while no training has succeeded.
        trainings, failed: of the round. short: short trainings beside them, with ``--fidelity`` or ``--halving``.
        rank_correlation: Kendall's, of predictions and measurements. optimism: mean of predicted - measured.
        coverage: share of measurements inside the intervals. None where there was nothing to compare.
    """

    round: int
    trainings: int
    failed: int
    objective: str | None
    higher_is_better: bool | None
    best_measured_objective: float | None
    rank_correlation: float | None = None
    optimism: float | None = None
    coverage: float | None = None
    predictions: tuple[Prediction, ...] = ()
    short: int = 0


@dataclass(frozen=True)
class Episodes:
    """Episodes of an agent at work: per episode the codes (steps + 1, slots) it went through, and their scores."""

    codes: tuple[tuple[tuple[int, ...], ...], ...]
    scores: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Journal:
    """What a strategy did in a round: of an agent, how its training went by step, and episodes of it at work."""

    school: tuple[Metrics, ...] = ()
    episodes: Episodes | None = None


@dataclass(frozen=True)
class Emulated:
    """What a firmware did on the emulated device; times in ms from the least to the most."""

    bit_exact: bool
    inputs: int
    instructions: int
    emulated_ms: tuple[float, float]
    instructions_by_operator: Mapping[str, int]
    peak_stack_bytes: int | None = None


@dataclass(frozen=True)
class OnBoard:
    """What a user's own board did with a firmware, or a program in its place, of which nothing is measured.

    Attributes:
        measured_ms, measured_cycles: of an inference, from the least to the most; None where nothing counts there.
    """

    answered_by: str
    real_chip: bool
    bit_exact: bool
    inputs: int
    self_test_wrong: int | None = None
    measured_cycles: tuple[int, int] | None = None
    measured_ms: tuple[float, float] | None = None
    measured_clock_hz: float | None = None
    measured_stack_bytes: int | None = None


@dataclass(frozen=True)
class Firmware:
    """``report.json`` of a firmware, as far as a run's report shows it."""

    device: str
    kernels: str
    flash_bytes: int
    ram_bytes: int
    arena_bytes: int
    rank: int | None = None
    emulated: Emulated | None = None
    board: OnBoard | None = None


@dataclass(frozen=True)
class DataFound:
    """``data.json``: what a search found in its data when it began.

    Attributes:
        lines: for people. classes: their names, () where there are none. counts: samples of each class, or of all, by
            the part's name.
    """

    lines: tuple[str, ...]
    classes: tuple[str, ...] = ()
    counts: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    version: int = VERSION


def read_data(data: Any, place: str) -> DataFound:
    """Return what a ``data.json`` holds.

    Raises:
        ValueError: it is damaged, or of a later release.
    """
    versioned(data, place)
    return checked(DataFound, data, place)


def read_result(data: Any, place: str) -> Result:
    """Return what a ``result.json`` holds, of this release or of 0.1.

    Raises:
        ValueError: it is damaged, or of a later release.
    """
    return _read(Result, data, place, release_0_1.result)


def read_architecture(data: Any, place: str) -> Architecture:
    """Return what a ``best_architecture.json`` holds, of this release or of 0.1.

    Raises:
        ValueError: it is damaged, or of a later release.
    """
    return _read(Architecture, data, place, release_0_1.architecture)


def read_round(data: Any, place: str, objective: str, higher_is_better: bool) -> Round:
    """Return what a round's findings in the store say, of this release or of 0.1.

    Args:
        objective, higher_is_better: of the records, which findings of release 0.1 don't say.

    Raises:
        ValueError: they are damaged.
    """
    return checked(Round, release_0_1.findings(data, objective, higher_is_better), place)


def read_journal(data: Any, place: str) -> Journal:
    """Return a strategy's journal of a round.

    Raises:
        ValueError: it is damaged.
    """
    return checked(Journal, data, place)


def read_firmware(data: Any, place: str) -> Firmware:
    """Return what a firmware's ``report.json`` holds.

    Raises:
        ValueError: it is damaged.
    """
    return checked(Firmware, sealed.unseal(data, place), place)


def versioned(data: Mapping[str, Any], place: str) -> int:
    """Return the version of a file's format; 1 is that of release 0.1, which wrote none.

    Raises:
        ValueError: it is of a later release than this one.
    """
    version = data.get("version", 1)
    if not isinstance(version, int) or version > VERSION:
        raise ValueError(
            f"{place} is of format {version!r}, this release reads up to {VERSION}; install the release that wrote it"
        )
    return version


def _read(kind: type[Kind], data: Any, place: str, older: Callable[[Mapping[str, Any]], dict[str, Any]]) -> Kind:
    if not isinstance(data, Mapping):
        raise ValueError(f"{place} is not what a search writes; restore it from a copy")
    found = checked(kind, older(data) if versioned(data, place) == 1 else data, place)
    sealed.unseal(data, place)
    return found
