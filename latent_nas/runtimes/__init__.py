"""Runtimes: what runs a network on a device, one TOML file each, with the cycles of its kernels per core.

A kernel's cycles are a sum over the terms of ``Operator.work``, coefficient times count. All of a runtime is
data, so that a few measurements of another board make another runtime.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from latent_nas import plugins
from latent_nas.cores import Core, Near
from latent_nas.runtimes._parts import EXACT, CoreRow, Error, Kernel, RamError

__all__ = ["CoreRow", "Error", "Kernel", "RamError", "Runtime", "from_table", "open_runtime"]

PLANNERS, PADS = ("best", "greedy"), ("none", "explicit", "windows")
MOST_STEPS = 4  # from a core to the nearest that a runtime knows


@dataclass(frozen=True, eq=False)
class Runtime:
    """What a runtime adds to the bytes of a model, and how long its kernels take.

    Attributes:
        keeps_order: it runs the operators in the order of the file (``graph.nodes``); else in the best order.
        in_place: kinds of operators whose output it writes over an input that nobody needs any more.
        overlays: any operator's output may lie over an input that nobody reads after it, which it follows row by row;
            overlay_ratio: where it is at most so many times larger.
        alignment: every tensor starts at a multiple of it.
        quantisation_bytes_per_channel: per filter of an operator with weights.
        quantisation_bytes_per_tensor: per activation tensor.
        per_tensor: kernels whose weights have one scale for all filters in the files that it runs.
        code_bytes: its own flash, without kernels.
        model_bytes, model_bytes_per_operator, model_bytes_per_channel: of the model's file or code, beside weights,
            biases and quantisation.
        ram_bytes, ram_bytes_per_operator, ram_bytes_per_channel: its own RAM, beside tensors and scratch.
        kernels: by the names of ``Operator.kernel``. cores: rows by the cores' names.
        planner: "best" for the lowest arena found, "greedy" for that of TensorFlow Lite Micro's planner.
        pads: what padding is copied, see ``costs.lowered``: "none", "explicit" or "windows".
        ram: how far its RAM is from the plan.
        slow_below_mhz: below this clock the flash waits less, see ``Kernel.slow``; 0 where cycles hold for any clock.
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
    cores: Mapping[str, CoreRow]
    overlays: bool = False
    counts_image: bool = False
    planner: str = "best"
    pads: str = "none"
    ram: RamError = EXACT
    per_tensor: frozenset[str] = frozenset()
    model_bytes_per_channel: int = 0
    slow_below_mhz: float = 0.0
    overlay_ratio: float = math.inf

    def __post_init__(self) -> None:
        for field_, value, known in (("planner", self.planner, PLANNERS), ("pads", self.pads, PADS)):
            if value not in known:
                raise ValueError(f"{field_} is one of {', '.join(known)}, got {value!r}")

    def scales(self, kernel: str, filters: int) -> int:
        """Return how many scales the weights of a kernel's layer have, one per filter at most."""
        return min(filters, 1) if kernel in self.per_tensor else filters

    def including(self, kernels: Mapping[str, Kernel]) -> "Runtime":
        """Return the runtime with further kernels."""
        return replace(self, kernels={**self.kernels, **kernels})

    def kernel(self, name: str) -> Kernel:
        """Return a kernel.

        Raises:
            ValueError: the runtime has none of that name; the message names those it has.
        """
        if name not in self.kernels:
            there = ", ".join(sorted(self.kernels))
            raise ValueError(
                f"runtime {self.name!r} has no kernel {name!r}; there are: {there}. An operator of your own says what"
                " its kernel takes in kernel_costs (CONTRIBUTING.md, An operator)"
            )
        return self.kernels[name]

    def row(self, core: Core) -> CoreRow:
        """Return the row of a core: its own, else the nearest core's, scaled and with a wider error.

        Raises:
            ValueError: there is neither; the message names the cores that have a row.
        """
        return self._row(core)[0]

    def borrowed(self, core: Core) -> str:
        """Return whose cycles stand for those of a core without a row of its own, in a line; "" for one with."""
        steps = self._row(core)[1]
        if not steps:
            return ""
        scale, error = math.prod(near.scale for near in steps), sum(near.error for near in steps)
        return (
            f"runtime {self.name} has no cycles of {core.name}: those of {steps[-1].core} times {scale:.3g}, with an"
            f" error {error:.0%} wider ({steps[0].source})"
        )

    def _row(self, core: Core) -> tuple[CoreRow, list[Near]]:
        """Return a core's row and the steps that led to it."""
        steps: list[Near] = []
        at = core
        while at.name not in self.cores:
            nearest = at.neighbour
            if at.near is None or nearest is None or len(steps) > MOST_STEPS:
                raise ValueError(
                    f"runtime {self.name!r} has no row for core {core.name!r}, nor for one that its file calls near;"
                    f" there are: {', '.join(sorted(self.cores))}. Runtimes that know it: {_knowing(core)}. Give the"
                    ' core\'s file a [near] with core = "..." of these, or measure the core: latent-nas calibrate'
                )
            steps.append(at.near)
            at = nearest
        row = self.cores[at.name]
        for near in steps:
            row = row.scaled(near)
        return row, steps

    def cycles(self, name: str, core: Core, clock_hz: float = math.inf) -> tuple[dict[str, float], Error]:
        """Return a kernel's cycles per count of each term of ``Operator.work`` on a core, and their error.

        Args:
            clock_hz: of the device; the cycles of a slow one are fewer.

        Raises:
            ValueError: no such kernel, no row for the core, or no cycles of this kernel for it.
        """
        row = self.row(core)
        each, error = self.cycles_by(name, row)
        slow = self.kernels[name].slow if row.by_clock and clock_hz < self.slow_below_mhz * 1e6 else 1.0
        return {term: slow * value for term, value in each.items()}, error

    def cycles_by(self, name: str, row: CoreRow) -> tuple[dict[str, float], Error]:
        """Return a kernel's cycles by a core's row, and their error, see ``cycles``."""
        kernel = self.kernel(name)
        if row.like not in kernel.cycles:
            there = ", ".join(sorted(kernel.cycles)) or "none"
            raise ValueError(f"{self.name!r} has no cycles of {name!r} on {row.like!r}; there are: {there}")
        error = kernel.error[row.like]
        each = {term: row.factor * value for term, value in kernel.cycles[row.like].items()}
        return each, Error(error.median + row.error, error.p90 + row.error)


def open_runtime(name: str | Runtime) -> Runtime:
    """Return the runtime of ``runtimes/<name>.toml``, of a file of your own (that ends in ".toml"), or as it is.

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


def _knowing(core: Core) -> str:
    """Return the names of the runtimes that ship and have a row for a core, in words."""
    names = [name for name in plugins.names("runtimes") if core.name in open_runtime(name).cores]
    return ", ".join(names) or "none"


def from_table(table: dict[str, Any]) -> Runtime:
    """Return the runtime that a table of TOML describes, its name among it."""
    table = dict(table)
    kernels = {
        kind: Kernel(**{**entry, "error": {core: Error(**e) for core, e in entry["error"].items()}})
        for kind, entry in table.pop("kernels").items()
    }
    table["ram"] = RamError(**table.get("ram", {}))
    cores = {core: CoreRow(**entry) for core, entry in table.pop("cores").items()}
    table |= {name: frozenset(table.get(name, ())) for name in ("in_place", "per_tensor")}
    return Runtime(kernels=kernels, cores=cores, **table)
