"""Runtimes: what runs a network on a device, one TOML file each, with the cycles of its kernels per core.

A kernel's cycles are a sum over the terms of ``Operator.work``, coefficient times count. All of a runtime is
data, so that a few measurements of another board make another runtime.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from latent_nas import plugins


@dataclass(frozen=True)
class Error:
    """How far computed cycles are from measured ones, relative: the median and the 90th percentile."""

    median: float
    p90: float


@dataclass(frozen=True)
class Kernel:
    """One routine.

    Attributes:
        cycles: per calibrated core and term of ``Operator.work``, cycles per count; no coefficient is none.
        error: per calibrated core, of those cycles, for layers that the calibration has not seen.
        scratch_bytes: per term of ``Operator.work``, bytes of the arena that it needs while it runs.
        code_bytes: flash, once per model.
        source: what the cycles are from.
    """

    cycles: Mapping[str, Mapping[str, float]]
    error: Mapping[str, Error]
    scratch_bytes: Mapping[str, float] = field(default_factory=dict)
    code_bytes: int = 0
    source: str = ""


@dataclass(frozen=True)
class Core:
    """A core's cycles are those of a calibrated core (``like``, perhaps itself) times ``factor``.

    ``error`` is what that adds to a kernel's relative error: another core, or another chip with the same one.
    ``cycles`` is what one inference takes beside its kernels.
    """

    like: str
    factor: float
    error: float
    source: str = ""
    cycles: float = 0.0


@dataclass(frozen=True, eq=False)
class Runtime:
    """What a runtime adds to the bytes of a model, and how long its kernels take.

    Attributes:
        keeps_order: it runs the operators in the order of the file (``graph.nodes``); else in the best order.
        in_place: kinds of operators whose output it writes over an input that nobody needs any more.
        overlays: any operator's output may lie over an input that nobody reads after it, which it follows row by row.
        alignment: every tensor starts at a multiple of it.
        quantisation_bytes_per_channel: per filter of an operator with weights.
        quantisation_bytes_per_tensor: per activation tensor.
        code_bytes: its own flash, without kernels.
        model_bytes, model_bytes_per_operator: of the model's file, beside weights, biases and quantisation.
        ram_bytes, ram_bytes_per_operator, ram_bytes_per_channel: its own RAM, beside tensors and scratch.
        kernels: by the names of ``Operator.kernel``. cores: by the names of devices.
        counts_image: limits count the whole image: code, and the runtime's own RAM, beside the model. False where these
            are only known roughly.
    """

    name: str
    description: str
    source: str
    keeps_order: bool
    in_place: frozenset[str]
    alignment: int
    quantisation_bytes_per_channel: int
    quantisation_bytes_per_tensor: int
    code_bytes: int
    model_bytes: int
    model_bytes_per_operator: int
    ram_bytes: int
    ram_bytes_per_operator: int
    ram_bytes_per_channel: int
    kernels: Mapping[str, Kernel]
    cores: Mapping[str, Core]
    overlays: bool = False
    counts_image: bool = False

    def kernel(self, name: str) -> Kernel:
        """Return a kernel.

        Raises:
            ValueError: the runtime has none of that name; the message names those it has.
        """
        if name not in self.kernels:
            there = ", ".join(sorted(self.kernels))
            raise ValueError(f"runtime {self.name!r} has no kernel {name!r}; there are: {there}")
        return self.kernels[name]

    def cycles(self, name: str, core: str) -> tuple[dict[str, float], Error]:
        """Return a kernel's cycles per count of each term of ``Operator.work`` on a core, and their error.

        Raises:
            ValueError: no such kernel or core, or no cycles of this kernel for this core.
        """
        kernel = self.kernel(name)
        if core not in self.cores:
            there = ", ".join(sorted(self.cores))
            raise ValueError(f"runtime {self.name!r} knows no core {core!r}; there are: {there}")
        near = self.cores[core]
        if near.like not in kernel.cycles:
            there = ", ".join(sorted(kernel.cycles)) or "none"
            raise ValueError(f"{self.name!r} has no cycles of {name!r} on {near.like!r}; there are: {there}")
        error = kernel.error[near.like]
        each = {term: near.factor * value for term, value in kernel.cycles[near.like].items()}
        return each, Error(error.median + near.error, error.p90 + near.error)


def open_runtime(name: str | Runtime) -> Runtime:
    """Return the runtime of ``runtimes/<name>.toml``, of a file of one's own (that ends in ".toml"), or as it is.

    Raises:
        ValueError: there is no such runtime, and the message names those there are; or the file is not of one.
    """
    table = plugins.load("runtimes", name)
    if isinstance(table, Runtime):
        return table
    try:
        return from_table(table)
    except (TypeError, KeyError, AttributeError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else error
        raise ValueError(f"{name} is not the file of a runtime: {reason}; see `latent-nas runtimes`") from None


def from_table(table: dict[str, Any]) -> Runtime:
    """Return the runtime that a table of TOML describes, its name among it."""
    table = dict(table)
    kernels = {
        kind: Kernel(**{**entry, "error": {core: Error(**e) for core, e in entry["error"].items()}})
        for kind, entry in table.pop("kernels").items()
    }
    cores = {core: Core(**entry) for core, entry in table.pop("cores").items()}
    return Runtime(kernels=kernels, cores=cores, in_place=frozenset(table.pop("in_place")), **table)
