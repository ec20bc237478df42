"""Runs a firmware on an emulated device: outputs, faults, instructions, and the memory that was touched.

Every region of RAM is painted before a run, so that what it touched shows.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from latent_nas.cores import Core
from latent_nas.devices import Device
from latent_nas.extras import need
from latent_nas.firmware import Fault, boot
from latent_nas.firmware.blocks import Blocks, Count
from latent_nas.firmware.compile import check_toolchain
from latent_nas.firmware.elf import Elf
from latent_nas.firmware.naming import PREFIX
from latent_nas.firmware.watch import Frames, Words

SYSTEM = 0xE000E000  # the core's own registers
MAY_WRITE = (0xD88, 0xDFC)  # of them CPACR, which lets the FPU be used, and DEMCR, which begins the trace
PUSHED_BYTES = 128  # that an instruction writes below the stack pointer, at most, before it moves it
DWT, CYCCNT = 0xE0001000, 4  # the core's counter, which counts instructions here
SEMIHOSTING = 0xBEAB  # bkpt #0xab
WRITE0, EXIT = 4, 0x18
PAINTS = (0xA5, 0x5A)  # two, as one may be what the firmware writes
HALT = "exchange"
MODEL = "UC_CPU_ARM_"
MOST_SECONDS = 60
MOST_PIECE = 256  # bytes of a token's text


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


class Emulator:
    """One device with a firmware in its flash, run up to the first ``exchange``."""

    def __init__(self, elf: Elf, device: Device, operators: Sequence[str], prefix: str = PREFIX) -> None:
        """Load and start the firmware.

        Args:
            operators: the names of the operators' functions, in their order. prefix: of the network's names.

        Raises:
            ValueError: unicorn is not installed. Fault: the firmware can't start.
        """
        self.elf, self.device, self.operators, self._prefix = elf, device, tuple(operators), prefix
        self._lib, self._arm = need("unicorn", "mcu"), need("unicorn.arm_const", "mcu")
        # Not UC_MODE_MCLASS: it makes a Cortex-M33 of every model, which runs what the others have not.
        self._uc = self._lib.Uc(self._lib.UC_ARCH_ARM, self._lib.UC_MODE_THUMB)
        self._uc.ctl_set_cpu_model(model_of(device.core))
        self._uc.mem_map(device.flash_address, device.flash_bytes, self._lib.UC_PROT_READ | self._lib.UC_PROT_EXEC)
        for region in device.regions:
            self._uc.mem_map(region.address, region.bytes, self._lib.UC_PROT_READ | self._lib.UC_PROT_WRITE)
        self._written: tuple[int, int] | None = None
        self._uc.mmio_map(SYSTEM, 0x1000, lambda *_: 0, None, self._system, None)
        self._uc.mmio_map(DWT, 0x1000, self._cycles, None, lambda *_: None, None)
        for address, content in elf.segments:
            self._uc.mem_write(address, content)
        self._start, self._stop = boot.start(elf, device), 0
        self._watched: Callable[[], None] | None = None
        self._bad: tuple[str, int, int] | None = None
        self._uc.hook_add(self._lib.UC_HOOK_MEM_INVALID, self._invalid)
        for name in operators:
            at = elf.address(name)
            self._uc.hook_add(self._lib.UC_HOOK_CODE, self._begins, None, at, at)
        self._paint(PAINTS[0])
        self._lowest_stack = elf.address("stack_top")
        self._blocks = Blocks(self._uc, elf, operators)
        self._frames, self._repeats = Frames(self._uc, elf.address("stack_top")), False
        self.high_water, self._said = 0, ""
        if HALT in elf.symbols:  # else built with -DBENCH: runs once, when asked
            self.restart()

    def restart(self) -> None:
        """Run from reset to the first ``exchange``: what was remembered is forgotten.

        Raises:
            Fault: the firmware can't start.
        """
        stack_pointer, entry = self._start
        self._uc.reg_write(self._arm.UC_ARM_REG_SP, stack_pointer)
        self._go(entry, self.elf.address(HALT))
        self.input_address = self._uc.reg_read(self._arm.UC_ARM_REG_R0)
        self.output_address = self._uc.reg_read(self._arm.UC_ARM_REG_R1)

    def text(self, characters: int) -> str:
        """Return the first characters that a firmware says by itself after the start.

        Raises:
            Fault: it did what the device can't, or said what is no text.
        """
        self.restart()
        said, at, emit = b"", self.elf.address(HALT), self.elf.address("emit")
        while len(text := said.decode(errors="ignore")) < characters:
            self._go(at, emit)
            at = self._uc.reg_read(self._arm.UC_ARM_REG_LR) & ~1
            piece = bytes(self._uc.mem_read(self._uc.reg_read(self._arm.UC_ARM_REG_R0), MOST_PIECE)).split(b"\0")[0]
            if not piece:
                raise Fault(f"said nothing after {len(text)} characters")
            said += piece
        return text[:characters]

    def run(self, x: np.ndarray, outputs: int, paint: int = 0) -> np.ndarray:
        """Return the int8 outputs (outputs,) of one input, as the device takes it: int8, or a token as uint16.

        Raises:
            Fault: it did what the device can't.
        """
        self._begin(x, paint)
        self._go(self._uc.reg_read(self._arm.UC_ARM_REG_LR) & ~1, self.elf.address(HALT))
        self._end(paint)
        return self.output(outputs)

    def answered(self, x: np.ndarray, paint: int = 0) -> tuple[int, int]:
        """Return what the firmware tells its ``answered`` after an inference: whether there is an anomaly, its score.

        Raises:
            Fault: it did what the device can't.
        """
        exchange, arm = self.elf.address(HALT), self._arm
        back = self._uc.reg_read(arm.UC_ARM_REG_LR) & ~1
        state = self._uc.context_save()
        self._go(exchange, back)  # as after the start, so that it knows of an inference
        self._uc.context_restore(state)
        self.run(x, 1, paint)
        state = self._uc.context_save()
        self._go(exchange, self.elf.address("answered"))
        found = self._uc.reg_read(arm.UC_ARM_REG_R0), self._uc.reg_read(arm.UC_ARM_REG_R1)
        self._uc.context_restore(state)
        return found

    def check_words(self) -> None:
        """Run the last inference once more and return if no instruction loads or stores words at other addresses.

        Raises:
            Fault: an LDM, STM, LDRD or STRD has an address that is not a multiple of 4, which faults on every core.
        """
        words = Words(self._uc, self.elf)
        try:
            self._uc.ctl_flush_tb()
            self._repeat()
        finally:
            found = words.end()
        if found:
            at, address = found
            raise Fault(f"words loaded or stored at {address:#010x}, not a multiple of 4, {self._place(at)}")

    def output(self, outputs: int) -> np.ndarray:
        """Return the int8 outputs (outputs,) of the last inference."""
        return self._read(self.output_address, outputs)

    def tensors(self, x: np.ndarray, places: Sequence[tuple[int, int]], paint: int = 0) -> list[np.ndarray]:
        """Return what each operator has written in one inference, (elements,) int8, in the order of the operators.

        Args:
            places: per operator (offset in the arena, elements) of its output.
        """
        arena, found = self._arena[0], list[np.ndarray]()
        before = [(0, 0), *places]  # what is there to be read when an operator begins: the one before it has ended

        def keep() -> None:
            offset, elements = before[len(found)]
            found.append(self._read(arena + offset, elements))

        self._watched = keep
        self.run(x, 1, paint)
        self._watched = None
        keep()
        return found[1:]

    def entered(self, x: np.ndarray, offset: int, elements: int, outputs: int, paint: int = 0) -> list[np.ndarray]:
        """Return the int8 input (elements,) that the first operator finds, and the int8 outputs (outputs,).

        Args:
            x: raw data, of a firmware that takes them. offset: of the input in the arena.
        """
        found: list[np.ndarray] = []

        def keep() -> None:
            if not found:
                found.append(self._read(self._arena[0] + offset, elements))

        self._watched = keep
        y = self.run(x, outputs, paint)
        self._watched = None
        return [found[0], y]

    def bench(self, x: np.ndarray, offset: int) -> str:
        """Return what a ``-DBENCH`` build prints over semihosting when it starts with an int8 input in its arena.

        Its counter of cycles counts instructions here.

        Args:
            offset: of the input in the arena.

        Raises:
            Fault: it did what the device can't, or never ended.
        """
        self._uc.mem_write(self._arena[0] + offset, x.astype(np.int8).tobytes())
        self._said, self._ended = "", False
        hook = self._uc.hook_add(self._lib.UC_HOOK_INTR, self._interrupt)
        stack_pointer, at = self._start
        self._uc.reg_write(self._arm.UC_ARM_REG_SP, stack_pointer)
        while not self._ended:  # every word to the debugger stops the core, which then goes on behind it
            self._go(at, 0, whole=False)
            at = self._uc.reg_read(self._arm.UC_ARM_REG_PC) & ~1
            if not self._ended:
                at = self._asked(at)
        self._uc.hook_del(hook)
        return self._said

    def _asked(self, at: int) -> int:
        """Do what the breakpoint at an address asks of a debugger; return the address behind it."""
        if self._word(at) & 0xFFFF != SEMIHOSTING:
            raise Fault(f"stopped at {at:#010x} in {self.elf.function_at(at)}")
        operation, argument = (self._uc.reg_read(r) for r in (self._arm.UC_ARM_REG_R0, self._arm.UC_ARM_REG_R1))
        if operation == WRITE0:
            text = bytearray()
            while byte := self._uc.mem_read(argument + len(text), 1)[0]:
                text.append(byte)
            self._said += text.decode()
        elif operation == EXIT:
            self._ended = True
        else:
            raise Fault(f"asked the debugger for {operation:#x}, at {at:#010x} in {self.elf.function_at(at)}")
        return at + 2

    def _interrupt(self, uc: Any, number: int, data: Any) -> None:
        uc.emu_stop()

    def _word(self, address: int) -> int:
        return int.from_bytes(self._uc.mem_read(address, 4), "little")

    def _cycles(self, uc: Any, offset: int, size: int, data: Any) -> int:
        return self._blocks.instructions() & 0xFFFFFFFF if offset == CYCCNT else 0

    def count(self) -> Count:
        """Return the instructions of the last inference."""
        return self._blocks.count()

    @property
    def peak_stack_bytes(self) -> int:
        """The most stack that was in use since the start."""
        return self.elf.address("stack_top") - self._lowest_stack

    def _begin(self, x: np.ndarray, paint: int) -> None:
        low, high = self._arena
        for start, end in [(low, high), *self._nobodys()]:
            self._uc.mem_write(start, bytes([PAINTS[paint]]) * (end - start))
        self._input, self._before = x.tobytes(), self._uc.context_save()
        self._uc.mem_write(self.input_address, self._input)
        self._blocks.begin()

    def _end(self, paint: int) -> None:
        low, high = self._arena
        arena = self._read(low, high - low).view(np.uint8)
        touched = np.flatnonzero(arena != PAINTS[paint])
        self.high_water = max(self.high_water, int(touched[-1]) + 1 if len(touched) else 0)
        limit = self.elf.address("stack_limit")
        stack = self._read(limit, self.elf.address("stack_top") - limit).view(np.uint8)
        used = np.flatnonzero(stack != PAINTS[0])
        lowest = limit + int(used[0]) if len(used) else self._lowest_stack
        if lowest < self._lowest_stack:
            for by, pointer in self._writers(lowest):
                if pointer > lowest + PUSHED_BYTES:
                    raise Fault(
                        f"write to {lowest:#010x}, in the stack's reserve {pointer - lowest} B below the stack pointer,"
                        f" {self._place(by)}"
                    )
            self._lowest_stack = lowest
        self._check_frames()
        for start, end in self._nobodys():
            memory = self._read(start, end - start).view(np.uint8)
            if len(wrong := np.flatnonzero(memory != PAINTS[paint])):
                address = start + int(wrong[0])
                who = [f", {self._place(by)}" for by, _ in self._writers(address)[:1]]
                raise Fault(f"write to {address:#010x}, which belongs to nobody{''.join(who)}")

    def _check_frames(self) -> None:
        """Raise Fault where an operator has written into its callers' frames."""
        if not self._frames.broken or self._repeats:
            return
        (address, pointer), self._frames.broken = self._frames.broken, None
        writers = self._writers(address)
        deeper = [by for by, at in writers if at < pointer] or [by for by, _ in writers]
        who = [f", {self._place(by)}" for by in deeper[:1]]
        raise Fault(f"write to {address:#010x}, in the stack frame of a caller{''.join(who)}")

    def _nobodys(self) -> list[tuple[int, int]]:
        """Return the spans of RAM, from and to, in which no section of the firmware lies."""
        spans = []
        for region in self.device.regions:
            at, end = region.address, region.address + region.bytes
            for section in sorted(self.elf.sections, key=lambda s: s.address):
                if at <= section.address < end:
                    spans.append((at, section.address))
                    at = section.address + section.bytes
            spans.append((at, end))
        return [(start, end) for start, end in spans if start < end]

    def _writers(self, address: int) -> list[tuple[int, int]]:
        """Return who writes to an address in the last inference, run once more: instructions and stack pointers then.

        That run is for nothing else, as unicorn 2.1 computes other values while it watches memory.
        """
        found: list[tuple[int, int]] = []
        arm = self._arm

        def note(uc: Any, *_: Any) -> None:
            found.append((uc.reg_read(arm.UC_ARM_REG_PC), uc.reg_read(arm.UC_ARM_REG_SP)))

        hook = self._uc.hook_add(self._lib.UC_HOOK_MEM_WRITE, note, None, address - 3, address)
        try:
            self._repeat()
        except Fault:
            pass  # one is known already, and who wrote is noted
        finally:
            self._uc.hook_del(hook)
            self._uc.ctl_flush_tb()
        return found

    def _repeat(self) -> None:
        """Run the last inference once more, and put back what it leaves behind: RAM, registers, what was counted."""
        state, counted = self._uc.context_save(), self._blocks.counted()
        memory = [(r.address, self._read(r.address, r.bytes).tobytes()) for r in self.device.regions]
        self._uc.mem_write(self.input_address, self._input)
        watched, self._watched = self._watched, None
        self._uc.context_restore(self._before)
        self._repeats = True
        try:
            self._go(self._uc.reg_read(self._arm.UC_ARM_REG_LR) & ~1, self.elf.address(HALT))
        finally:
            self._watched = watched
            self._repeats, self._frames.broken = False, None
            for start, content in memory:
                self._uc.mem_write(start, content)
            self._uc.context_restore(state)
            self._blocks.restore(counted)

    def _place(self, address: int) -> str:
        return f"by the instruction at {address:#010x} in {self.elf.function_at(address)}"

    def _system(self, uc: Any, offset: int, size: int, value: int, data: Any) -> None:
        """Note a write to a register of the core that no firmware of ours has to write to."""
        if offset not in MAY_WRITE and self._written is None:
            self._written = SYSTEM + offset, uc.reg_read(self._arm.UC_ARM_REG_PC)

    @property
    def _arena(self) -> tuple[int, int]:
        address, size = self.elf.symbols[f"{self._prefix}_arena"]
        return address, address + size

    def _paint(self, value: int) -> None:
        for region in self.device.regions:
            self._uc.mem_write(region.address, bytes([value]) * region.bytes)

    def _read(self, address: int, n: int) -> np.ndarray:
        return np.frombuffer(bytes(self._uc.mem_read(address, n)), np.int8)

    def _go(self, start: int, stop: int, whole: bool = True) -> None:
        try:
            if stop != self._stop:  # blocks are translated with the stop in them
                self._uc.ctl_flush_tb()
            self._stop = stop
            self._uc.emu_start(start | 1, stop, timeout=MOST_SECONDS * 1_000_000)
            if self._written:
                register, by = self._written
                raise Fault(f"write to {register:#010x}, one of the system's own registers, {self._place(by)}")
            address = self._uc.reg_read(self._arm.UC_ARM_REG_PC)
            if whole and address != stop:
                where = f"{address:#010x} in {self.elf.function_at(address)}"
                raise Fault(f"not done after {MOST_SECONDS} s of emulation, at {where}")
        except self._lib.UcError as error:
            self._check_frames()
            address = self._uc.reg_read(self._arm.UC_ARM_REG_PC)
            what = f"{error}"
            if self._bad:
                kind, bad, address = self._bad
                what = f"{kind} of unmapped or protected memory at {bad:#010x}"
            raise Fault(f"{what}, by the instruction at {address:#010x} in {self.elf.function_at(address)}") from None

    def _begins(self, uc: Any, address: int, size: int, data: Any) -> None:
        self._frames.begin()
        if self._watched:
            self._watched()

    def _invalid(self, uc: Any, access: int, address: int, size: int, value: int, data: Any) -> bool:
        writes = {self._lib.UC_MEM_WRITE_UNMAPPED, self._lib.UC_MEM_WRITE_PROT}
        fetches = {self._lib.UC_MEM_FETCH_UNMAPPED, self._lib.UC_MEM_FETCH_PROT}
        kind = "write" if access in writes else "fetch" if access in fetches else "read"
        self._bad = (kind, address, uc.reg_read(self._arm.UC_ARM_REG_PC))
        return False
