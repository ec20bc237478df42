"""What the folder of `latent-nas train` says in the end: one network, one seed, its metrics by name."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from latent_nas import sealed
from latent_nas.runs.checked import checked
from latent_nas.runs.schema import VERSION, Metrics, versioned


@dataclass(frozen=True)
class TrainingResult:
    """``result.json`` of a single training.

    Attributes:
        network, task: names or files, as they were given. objective: the metric that chose the epoch.
        measured_valid_float, measured_valid_int8: the task's metrics by name, of the network that is kept.
        qat_epochs: of quantisation-aware training behind the int8 network, 0 where it has none.
        measured_valid_without_qat: what the int8 network measured before; empty where that was not tried.
        weight_bits: of the int8 network, 4 where asked for; measured_valid_eight_bits: what it measured with 8 then.
        channels: before and after pruning, of every layer that makes its own; () where none was pruned.
            pruning_epochs: that it learnt on for. measured_valid_before_pruning: the float network's first metric.
        flash_bytes, ram_high_bytes, latency_ms: computed of a pruned network, as limits count them; 0 of others.
        measured_test_int8: the same on the test part; empty where it was not read.
        epochs: behind the weights that are kept. curve: the float network's objective after each epoch, in its unit.
        samples, valid_samples: that were learnt from and judged on.
        trained_parameters: weights that training moves. parameters, macs: of the deployed graph.
        versions: of the packages that the result depends on.
    """

    network: str
    task: str
    objective: str
    measured_valid_float: Metrics
    measured_valid_int8: Metrics
    epochs: int
    curve: tuple[float, ...]
    samples: int
    valid_samples: int
    trained_parameters: int
    parameters: int
    macs: int
    seed: int
    wall_s: float
    versions: Mapping[str, str]
    measured_test_int8: Metrics = field(default_factory=dict)
    qat_epochs: int = 0
    weight_bits: int = 8
    measured_valid_eight_bits: Metrics = field(default_factory=dict)
    measured_valid_without_qat: Metrics = field(default_factory=dict)
    channels: tuple[tuple[int, int], ...] = ()
    pruning_epochs: int = 0
    measured_valid_before_pruning: float | None = None
    flash_bytes: int = 0
    ram_high_bytes: int = 0
    latency_ms: float = 0.0
    version: int = VERSION

    def to_json(self) -> dict[str, Any]:
        """Return plain values, read back by ``read_training``."""
        return asdict(self)


def read_training(data: Any, place: str) -> TrainingResult:
    """Return what the ``result.json`` of a single training holds.

    Raises:
        ValueError: it is damaged, of a later release, or of release 0.1, which named no metric.
    """
    if isinstance(data, Mapping) and versioned(data, place) == 1:
        raise ValueError(f"{place} was written by release 0.1, which called every metric an accuracy; train once more")
    found = checked(TrainingResult, data, place)
    sealed.unseal(data, place)
    return found
