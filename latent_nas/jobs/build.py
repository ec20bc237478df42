"""How a firmware is built and run, and what it is built to; checked before anything is made."""

from dataclasses import dataclass
from pathlib import Path

from latent_nas.devices import Device
from latent_nas.firmware import Overflow, qemu
from latent_nas.firmware.compile import build, check_toolchain
from latent_nas.firmware.export import Project
from latent_nas.firmware.layouts import check as check_layout
from latent_nas.firmware.machine import model_of
from latent_nas.firmware.naming import PREFIX, checked_prefix
from latent_nas.jobs.on_board import OnBoard


@dataclass(frozen=True)
class Build:
    """How a firmware is built and run: ``plain`` without SMLAD, ``toolchain`` "zig" or "gcc".

    ``emulator``: "unicorn", "qemu", or "" for none. board: the user's own, None for none. prefix: of the names in C, ""
    for the run's own, else ``PREFIX``. camera: its frame, "320x240:rgb565", "" for none. layout: one of
    ``layouts.LAYOUTS``.
    """

    plain: bool = False
    toolchain: str = "zig"
    emulator: str = ""
    prefix: str = ""
    layout: str = "demo"
    board: OnBoard | None = None
    camera: str = ""

    def check(self, device: Device) -> "Build":
        """Return itself, or raise ValueError that names what is unknown or not installed."""
        checked_prefix(self.prefix or PREFIX)
        check_layout(self.layout, device)
        if self.emulator not in ("", "unicorn", "qemu"):
            raise ValueError(f'emulator {self.emulator!r}; there are: "unicorn", "qemu"')
        check_toolchain(self.toolchain)
        if self.emulator == "qemu":
            qemu.machine(device)
        elif self.emulator:
            model_of(device.core)
        if self.board:
            self.board.check(device)
        return self


@dataclass(frozen=True)
class Text:
    """What a network of text is to write: so many characters after a prompt, drawn with a seed at a temperature.

    ``prompt``: None is the end of a line, or the first character of a text that has no lines.
    """

    characters: int = 200
    prompt: str | None = None
    seed: int = 0
    temperature: float = 0.8


def linked(firmware: Project, out: Path, how: Build) -> Path:
    """Return the compiled firmware of a project in its folder.

    Raises:
        Overflow: it does not fit: which region, by how many bytes, at which layer. ValueError: the compiler refused it.
    """
    try:
        return build(out, firmware.device.core, how.plain, how.toolchain)
    except Overflow as error:
        raise Overflow(f"{error}; most flash is taken by layer {firmware.heaviest}") from None
