"""What a runtime is made of: its kernels, its rows of cores, and how far they may be off."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from latent_nas.cores import Near


@dataclass(frozen=True)
class Error:
    """How far computed cycles are from measured ones, relative: the median and the 90th percentile."""

    median: float
    p90: float


@dataclass(frozen=True)
class RamError:
    """How far the RAM of tensors and scratch that a runtime takes is from what is computed, relative to that.

    Attributes:
        scale: what is most likely, 1.0 where the plan is the runtime's own. low, high: the ends of a range that holds
            nine networks in ten. source: what it is from.
    """

    scale: float = 1.0
    low: float = 1.0
    high: float = 1.0
    source: str = ""

    def __post_init__(self) -> None:
        if not 0 < self.low <= self.scale <= self.high:
            raise ValueError(f"ram: wanted 0 < low <= scale <= high, got {self.low}, {self.scale}, {self.high}")


EXACT = RamError()  # the plan is the runtime's own, to the byte


@dataclass(frozen=True)
class Kernel:
    """One routine.

    Attributes:
        cycles: per calibrated core and term of ``Operator.work``, cycles per count; no coefficient is none.
        error: per calibrated core, of those cycles, for layers that the calibration has not seen.
        scratch_bytes: per term of ``Operator.work``, bytes of the arena that it needs while it runs.
        code_bytes: flash, once per model. calls: the kernel whose code it runs too, and is not in its own; "" for none.
        table_bytes: flash, of every operator that it runs.
        channel_bytes: flash of a channel's factor, in place of the runtime's; None is that.
        source: what the cycles are from. slow: what they are times at a clock below ``Runtime.slow_below_mhz``.
    """

    cycles: Mapping[str, Mapping[str, float]]
    error: Mapping[str, Error]
    scratch_bytes: Mapping[str, float] = field(default_factory=dict)
    code_bytes: int = 0
    source: str = ""
    table_bytes: int = 0
    slow: float = 1.0
    calls: str = ""
    channel_bytes: int | None = None


@dataclass(frozen=True)
class CoreRow:
    """A core's cycles are those of a calibrated core (``like``, perhaps itself) times ``factor``.

    ``error`` is what that adds to a kernel's relative error: another core, or another chip with the same one.
    ``cycles`` is what one inference takes beside its kernels, ``softmax`` each output of a softmax that closes it.
    ``code_bytes`` is what an image's code takes more (or less) than the runtime's and its kernels' say. ``by_clock``:
    ``Kernel.slow`` holds for this core.
    """

    like: str
    factor: float
    error: float
    source: str = ""
    cycles: float = 0.0
    softmax: float = 0.0
    code_bytes: int = 0
    by_clock: bool = True

    def scaled(self, near: Near) -> "CoreRow":
        """Return the row of a core that this one's stands for, with the wider error."""
        return replace(self.times(near.scale), error=self.error + near.error)

    def times(self, factor: float) -> "CoreRow":
        """Return the row with all cycles times a factor."""
        return replace(self, factor=self.factor * factor, cycles=self.cycles * factor, softmax=self.softmax * factor)
