"""Cores: one TOML file each, with all that the project knows of a processor.

How firmware is compiled for it, which kernels it can run, who emulates it, and how long it takes where nobody has
measured. A new core is one file; a runtime that has measured it adds a row of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from latent_nas import plugins
from latent_nas.cores._cycles import CLASSES, CycleModel
from latent_nas.cores._fields import check_fields

__all__ = ["CLASSES", "Core", "CycleModel", "Instructions", "Near", "open_core"]


@dataclass(frozen=True)
class Near:
    """The core whose measured cycles stand for those of a core that a runtime has no row for.

    Attributes:
        core: its name, or the path of its file. scale: cycles here per cycle there.
        error: what that adds to the relative error. source: where the scale is from.
    """

    core: str
    scale: float
    error: float
    source: str


@dataclass(frozen=True)
class Instructions:
    """How many cycles one instruction takes, from ``low`` to ``high``, and why."""

    low: float
    high: float
    why: str


@dataclass(frozen=True)
class Core:
    """A processor.

    Attributes:
        zig_target, zig_cpu: of ``zig cc -target ... -mcpu=...``. gcc_flags: of arm-none-eabi-gcc.
        float_abi: "hard" where calls pass floats in registers of an FPU, else "soft". The kernels have no floats.
        dsp: it has SMLAD and its kin, and runs the fast kernels. mve: it has the vector extension (Helium).
        compiler_library: firmware links the compiler's library, for what the core has no instruction for.
        unicorn: the emulator's model, as in ``UC_CPU_ARM_<model>``.
        cycles_per_instruction: emulators count instructions only. cycle_model: the same by class of instruction, of
            boards that were measured, each with its clock; empty where none was.
        front_end: cycles per count of ``FrontEnd.work``; front_end_error: how far they may be off, relative.
        near: None for a core that runtimes have to measure.
        cpuid_parts: what the register CPUID of such a core has as its part number; () where nobody has said.
        folder: of its file, from which a path in ``near`` is read.
    """

    name: str
    description: str
    source: str
    zig_target: str
    zig_cpu: str
    gcc_flags: tuple[str, ...]
    float_abi: str
    dsp: bool
    mve: bool
    compiler_library: bool
    unicorn: str
    cycles_per_instruction: Instructions
    front_end: Mapping[str, float] = field(hash=False)
    front_end_error: float
    near: Near | None = None
    cpuid_parts: tuple[int, ...] = ()
    cycle_model: tuple[CycleModel, ...] = ()
    folder: Path = Path()

    def kernels(self, plain: bool = False) -> str:
        """Return which kernels it runs: "smlad", or "plain" where it has no DSP extension or they are asked for."""
        return "smlad" if self.dsp and not plain else "plain"

    def cycles(self, instructions: int, mix: Mapping[str, int] | None, clock_hz: float) -> tuple[float, float, str]:
        """Return the cycles of a firmware, how far they may be off, relative, and why.

        Args:
            mix: its instructions by class, see ``CLASSES``; None where they were not told apart.
            clock_hz: of its device; the model of the board with the nearest clock is taken. A core without a model
                that runs the kernels of ``near`` takes that core's, scaled, with both errors.
        """
        if mix is not None and self.cycle_model:
            model = min(self.cycle_model, key=lambda one: abs(one.clock_mhz * 1e6 - clock_hz))
            return model.total(mix), model.error, f"by class of instruction, as fitted to {model.source}"
        other = self.neighbour
        if mix is not None and self.near and other and other.cycle_model and self.dsp == other.dsp:
            cycles, error, why = other.cycles(instructions, mix, clock_hz)
            wider = (error**2 + self.near.error**2) ** 0.5
            return cycles * self.near.scale, wider, f"{self.near.scale} times {other.name}'s: {self.near.source}; {why}"
        each = self.cycles_per_instruction
        return (each.low + each.high) / 2 * instructions, (each.high - each.low) / (each.high + each.low), each.why

    def lacks(self) -> list[str]:
        """Return what firmware does without on this core, each in a few words; empty for a core with DSP and FPU."""
        lacks = [] if self.dsp else ["no DSP extension, so plain C kernels"]
        lacks += [] if self.float_abi == "hard" else ["soft float"]
        return [*lacks, *(["the compiler's library for what has no instruction"] if self.compiler_library else [])]

    @cached_property
    def neighbour(self) -> "Core | None":
        """The core of ``near``, opened."""
        return open_core(self.near.core, self.folder) if self.near else None


def open_core(name: "str | Core", folder: Path = Path()) -> Core:
    """Return the core of ``cores/<name>.toml``, of a file of your own: a path that ends in ".toml", or as it is.

    Args:
        folder: from which a relative path is read: that of the file that names the core.

    Raises:
        ValueError: there is no such core, and the message names those there are; or the file is not of one.
    """
    if isinstance(name, str) and name.endswith(".toml"):
        name, folder = str(folder / name), (folder / name).parent
    table = plugins.load("cores", name)
    if isinstance(table, Core):
        return table
    try:
        check_fields(table)
    except ValueError as error:
        raise ValueError(f"{name} is not the file of a core: {error}; see latent_nas/cores") from None
    return _core(table, folder)


def _core(table: dict[str, Any], folder: Path) -> Core:
    front_end = dict(table.pop("front_end"))
    near = table.pop("near", None)
    return Core(
        gcc_flags=tuple(table.pop("gcc_flags")),
        cycles_per_instruction=Instructions(**table.pop("cycles_per_instruction")),
        front_end_error=front_end.pop("error"),
        front_end=front_end,
        near=near and Near(**near),
        cycle_model=tuple(CycleModel(**model) for model in table.pop("cycle_model", ())),
        cpuid_parts=tuple(table.pop("cpuid_parts", ())),
        folder=folder,
        **table,
    )
