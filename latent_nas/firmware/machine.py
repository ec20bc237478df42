"""A device with a firmware in its flash: memory, the core's registers, and what a chip would fault at."""

from typing import Any

import numpy as np

from latent_nas.cores import Core
from latent_nas.devices import Device
from latent_nas.extras import need
from latent_nas.firmware import Fault, boot
from latent_nas.firmware.compile import check_toolchain
from latent_nas.firmware.elf import Elf

SYSTEM = 0xE000E000  # the core's own registers
MAY_WRITE = (0xD88, 0xDFC)  # of them CPACR, which lets the FPU be used, and DEMCR, which begins the trace
DWT, CYCCNT = 0xE0001000, 4  # the core's counter, which counts instructions here
MODEL = "UC_CPU_ARM_"
MOST_SECONDS = 60


def check_tools(core: Core) -> None:
    """Return if firmware for a core can be compiled and emulated here without further tools.

    Raises:
        ValueError: the extra is not installed, or the emulator has no model of the core.
    """
    check_toolchain("zig")
    model_of(core)


def model_of(core: Core) -> int:
    """Return the emulator's number of a core's model.

    Raises:
        ValueError: unicorn is not installed, or has no such model; the message names those it has.
    """
    need("unicorn", "mcu")
    models = {
        name.removeprefix(MODEL): number
        for name, number in vars(need("unicorn.arm_const", "mcu")).items()
        if name.startswith(MODEL)
    }
    if core.unicorn not in models:
        there = ", ".join(sorted(name for name in models if "_M" in name))
        raise ValueError(f"unicorn has no model {core.unicorn!r}, which core {core.name!r} names; there are: {there}")
    return int(models[core.unicorn])


class Machine:
    """What is there before anything runs, and how code runs from an address to another.

    Attributes:
        uc, lib, arm: the emulator, its library and its names of registers. start: stack pointer and entry.
    """

    def __init__(self, elf: Elf, device: Device) -> None:
        """Map the device's memory and load the firmware.

        Raises:
            ValueError: unicorn is not installed. Fault: the firmware can't start.
        """
        self.elf, self.device = elf, device
        self.lib, self.arm = need("unicorn", "mcu"), need("unicorn.arm_const", "mcu")
        # Not UC_MODE_MCLASS: it makes a Cortex-M33 of every model, which runs what the others have not.
        self.uc = self.lib.Uc(self.lib.UC_ARCH_ARM, self.lib.UC_MODE_THUMB)
        self.uc.ctl_set_cpu_model(model_of(device.core))
        self.uc.mem_map(device.flash_address, device.flash_bytes, self.lib.UC_PROT_READ | self.lib.UC_PROT_EXEC)
        for region in device.regions:
            self.uc.mem_map(region.address, region.bytes, self.lib.UC_PROT_READ | self.lib.UC_PROT_WRITE)
        self._written: tuple[int, int] | None = None
        self.uc.mmio_map(SYSTEM, 0x1000, lambda *_: 0, None, self._system, None)
        self.uc.mmio_map(DWT, 0x1000, self._cycles, None, lambda *_: None, None)
        for address, content in elf.segments:
            self.uc.mem_write(address, content)
        self.start, self._stop = boot.start(elf, device), 0
        self._bad: tuple[str, int, int] | None = None
        self.uc.hook_add(self.lib.UC_HOOK_MEM_INVALID, self._invalid)

    def instructions(self) -> int:
        """Return how many have run, which the core's counter of cycles says here; 0 where nobody counts."""
        return 0

    def check_frames(self) -> None:
        """Raise Fault where a caller's frame was written; looked at before another fault is said."""

    def _cycles(self, uc: Any, offset: int, size: int, data: Any) -> int:
        return self.instructions() & 0xFFFFFFFF if offset == CYCCNT else 0

    def _system(self, uc: Any, offset: int, size: int, value: int, data: Any) -> None:
        """Note a write to a register of the core that no firmware of ours has to write to."""
        if offset not in MAY_WRITE and self._written is None:
            self._written = SYSTEM + offset, uc.reg_read(self.arm.UC_ARM_REG_PC)

    def paint(self, value: int) -> None:
        """Fill all RAM with a byte."""
        for region in self.device.regions:
            self.uc.mem_write(region.address, bytes([value]) * region.bytes)

    def read(self, address: int, n: int) -> np.ndarray:
        """Return n bytes of memory as int8."""
        return np.frombuffer(bytes(self.uc.mem_read(address, n)), np.int8)

    def word(self, address: int) -> int:
        """Return a word of memory."""
        return int.from_bytes(self.uc.mem_read(address, 4), "little")

    def place(self, address: int) -> str:
        """Return in words which instruction lies at an address, and in which function."""
        return f"by the instruction at {address:#010x} in {self.elf.function_at(address)}"

    def go(self, start: int, stop: int, whole: bool = True) -> None:
        """Run from an address to another.

        Args:
            whole: it has to get there.

        Raises:
            Fault: it did what the device can't, or did not get there in time.
        """
        try:
            if stop != self._stop:  # blocks are translated with the stop in them
                self.uc.ctl_flush_tb()
            self._stop = stop
            self.uc.emu_start(start | 1, stop, timeout=MOST_SECONDS * 1_000_000)
            if self._written:
                register, by = self._written
                raise Fault(f"write to {register:#010x}, one of the system's own registers, {self.place(by)}")
            address = self.uc.reg_read(self.arm.UC_ARM_REG_PC)
            if whole and address != stop:
                where = f"{address:#010x} in {self.elf.function_at(address)}"
                raise Fault(f"not done after {MOST_SECONDS} s of emulation, at {where}")
        except self.lib.UcError as error:
            self.check_frames()
            address = self.uc.reg_read(self.arm.UC_ARM_REG_PC)
            what = f"{error}"
            if self._bad:
                kind, bad, address = self._bad
                what = f"{kind} of unmapped or protected memory at {bad:#010x}"
            raise Fault(f"{what}, by the instruction at {address:#010x} in {self.elf.function_at(address)}") from None

    def _invalid(self, uc: Any, access: int, address: int, size: int, value: int, data: Any) -> bool:
        writes = {self.lib.UC_MEM_WRITE_UNMAPPED, self.lib.UC_MEM_WRITE_PROT}
        fetches = {self.lib.UC_MEM_FETCH_UNMAPPED, self.lib.UC_MEM_FETCH_PROT}
        kind = "write" if access in writes else "fetch" if access in fetches else "read"
        self._bad = (kind, address, uc.reg_read(self.arm.UC_ARM_REG_PC))
        return False
