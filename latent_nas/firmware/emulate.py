"""Runs a firmware on an emulated device: outputs, faults, instructions, and the memory that was touched.

Every region of RAM is painted before a run, so that what it touched shows.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from latent_nas.devices import Device
from latent_nas.firmware import Fault
from latent_nas.firmware.blocks import Blocks, Count
from latent_nas.firmware.debugger import Debugger
from latent_nas.firmware.elf import Elf
from latent_nas.firmware.machine import Machine
from latent_nas.firmware.naming import PREFIX
from latent_nas.firmware.watch import Frames, Words

PUSHED_BYTES = 128  # that an instruction writes below the stack pointer, at most, before it moves it
PAINTS = (0xA5, 0x5A)  # two, as one may be what the firmware writes
HALT = "exchange"
MOST_PIECE = 256  # bytes of a token's text


class Emulator(Machine):
    """One device with a firmware in its flash, run up to the first ``exchange``."""

    def __init__(self, elf: Elf, device: Device, operators: Sequence[str], prefix: str = PREFIX) -> None:
        """Load and start the firmware.

        Args:
            operators: the names of the operators' functions, in their order. prefix: of the network's names.

        Raises:
            ValueError: unicorn is not installed. Fault: the firmware can't start.
        """
        super().__init__(elf, device)
        self.operators, self._prefix = tuple(operators), prefix
        self._watched: Callable[[], None] | None = None
        for name in operators:
            at = elf.address(name)
            self.uc.hook_add(self.lib.UC_HOOK_CODE, self._begins, None, at, at)
        self.paint(PAINTS[0])
        self._lowest_stack = elf.address("stack_top")
        self._blocks = Blocks(self.uc, elf, operators)
        self._frames, self._repeats = Frames(self.uc, elf.address("stack_top")), False
        self.high_water = 0
        if HALT in elf.symbols:  # else built with -DBENCH: runs once, when asked
            self.restart()

    def restart(self) -> None:
        """Run from reset to the first ``exchange``: what was remembered is forgotten.

        Raises:
            Fault: the firmware can't start.
        """
        stack_pointer, entry = self.start
        self.uc.reg_write(self.arm.UC_ARM_REG_SP, stack_pointer)
        self.go(entry, self.elf.address(HALT))
        self.input_address = self.uc.reg_read(self.arm.UC_ARM_REG_R0)
        self.output_address = self.uc.reg_read(self.arm.UC_ARM_REG_R1)

    def text(self, characters: int) -> str:
        """Return the first characters that a firmware says by itself after the start.

        Raises:
            Fault: it did what the device can't, or said what is not text.
        """
        self.restart()
        said, at, emit = b"", self.elf.address(HALT), self.elf.address("emit")
        while len(text := said.decode(errors="ignore")) < characters:
            self.go(at, emit)
            at = self.uc.reg_read(self.arm.UC_ARM_REG_LR) & ~1
            piece = bytes(self.uc.mem_read(self.uc.reg_read(self.arm.UC_ARM_REG_R0), MOST_PIECE)).split(b"\0")[0]
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
        self.go(self.uc.reg_read(self.arm.UC_ARM_REG_LR) & ~1, self.elf.address(HALT))
        self._end(paint)
        return self.output(outputs)

    def answered(self, x: np.ndarray, paint: int = 0) -> tuple[int, int]:
        """Return what the firmware tells its ``answered`` after an inference: whether there is an anomaly, its score.

        Raises:
            Fault: it did what the device can't.
        """
        exchange, arm = self.elf.address(HALT), self.arm
        back = self.uc.reg_read(arm.UC_ARM_REG_LR) & ~1
        state = self.uc.context_save()
        self.go(exchange, back)  # as after the start, so that it knows of an inference
        self.uc.context_restore(state)
        self.run(x, 1, paint)
        state = self.uc.context_save()
        self.go(exchange, self.elf.address("answered"))
        found = self.uc.reg_read(arm.UC_ARM_REG_R0), self.uc.reg_read(arm.UC_ARM_REG_R1)
        self.uc.context_restore(state)
        return found

    def check_words(self) -> None:
        """Run the last inference once more and return if no instruction loads or stores words at other addresses.

        Raises:
            Fault: an LDM, STM, LDRD or STRD has an address that is not a multiple of 4, which faults on every core.
        """
        words = Words(self.uc, self.elf)
        try:
            self.uc.ctl_flush_tb()
            self._repeat()
        finally:
            found = words.end()
        if found:
            at, address = found
            raise Fault(f"words loaded or stored at {address:#010x}, not a multiple of 4, {self.place(at)}")

    def output(self, outputs: int) -> np.ndarray:
        """Return the int8 outputs (outputs,) of the last inference."""
        return self.read(self.output_address, outputs)

    def tensors(self, x: np.ndarray, places: Sequence[tuple[int, int]], paint: int = 0) -> list[np.ndarray]:
        """Return what each operator has written in one inference, (elements,) int8, in the order of the operators.

        Args:
            places: per operator (offset in the arena, elements) of its output.
        """
        arena, found = self._arena[0], list[np.ndarray]()
        before = [(0, 0), *places]  # what is there to be read when an operator begins: the one before it has ended

        def keep() -> None:
            offset, elements = before[len(found)]
            found.append(self.read(arena + offset, elements))

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
                found.append(self.read(self._arena[0] + offset, elements))

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
        self.uc.mem_write(self._arena[0] + offset, x.astype(np.int8).tobytes())
        return Debugger(self).listen()

    def instructions(self) -> int:
        """Return how many have run since the last input."""
        return self._blocks.instructions()

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
            self.uc.mem_write(start, bytes([PAINTS[paint]]) * (end - start))
        self._input, self._before = x.tobytes(), self.uc.context_save()
        self.uc.mem_write(self.input_address, self._input)
        self._blocks.begin()

    def _end(self, paint: int) -> None:
        low, high = self._arena
        arena = self.read(low, high - low).view(np.uint8)
        touched = np.flatnonzero(arena != PAINTS[paint])
        self.high_water = max(self.high_water, int(touched[-1]) + 1 if len(touched) else 0)
        limit = self.elf.address("stack_limit")
        stack = self.read(limit, self.elf.address("stack_top") - limit).view(np.uint8)
        used = np.flatnonzero(stack != PAINTS[0])
        lowest = limit + int(used[0]) if len(used) else self._lowest_stack
        if lowest < self._lowest_stack:
            for by, pointer in self._writers(lowest):
                if pointer > lowest + PUSHED_BYTES:
                    raise Fault(
                        f"write to {lowest:#010x}, in the stack's reserve {pointer - lowest} B below the stack pointer,"
                        f" {self.place(by)}"
                    )
            self._lowest_stack = lowest
        self.check_frames()
        for start, end in self._nobodys():
            memory = self.read(start, end - start).view(np.uint8)
            if len(wrong := np.flatnonzero(memory != PAINTS[paint])):
                address = start + int(wrong[0])
                who = [f", {self.place(by)}" for by, _ in self._writers(address)[:1]]
                raise Fault(f"write to {address:#010x}, which belongs to nobody{''.join(who)}")

    def check_frames(self) -> None:
        """Raise Fault where an operator has written into its callers' frames."""
        if not self._frames.broken or self._repeats:
            return
        (address, pointer), self._frames.broken = self._frames.broken, None
        writers = self._writers(address)
        deeper = [by for by, at in writers if at < pointer] or [by for by, _ in writers]
        who = [f", {self.place(by)}" for by in deeper[:1]]
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
        arm = self.arm

        def note(uc: Any, *_: Any) -> None:
            found.append((uc.reg_read(arm.UC_ARM_REG_PC), uc.reg_read(arm.UC_ARM_REG_SP)))

        hook = self.uc.hook_add(self.lib.UC_HOOK_MEM_WRITE, note, None, address - 3, address)
        try:
            self._repeat()
        except Fault:
            pass  # one is known already, and who wrote is noted
        finally:
            self.uc.hook_del(hook)
            self.uc.ctl_flush_tb()
        return found

    def _repeat(self) -> None:
        """Run the last inference once more, and put back what it leaves behind: RAM, registers, what was counted."""
        state, counted = self.uc.context_save(), self._blocks.counted()
        memory = [(r.address, self.read(r.address, r.bytes).tobytes()) for r in self.device.regions]
        self.uc.mem_write(self.input_address, self._input)
        watched, self._watched = self._watched, None
        self.uc.context_restore(self._before)
        self._repeats = True
        try:
            self.go(self.uc.reg_read(self.arm.UC_ARM_REG_LR) & ~1, self.elf.address(HALT))
        finally:
            self._watched = watched
            self._repeats, self._frames.broken = False, None
            for start, content in memory:
                self.uc.mem_write(start, content)
            self.uc.context_restore(state)
            self._blocks.restore(counted)

    @property
    def _arena(self) -> tuple[int, int]:
        address, size = self.elf.symbols[f"{self._prefix}_arena"]
        return address, address + size

    def _begins(self, uc: Any, address: int, size: int, data: Any) -> None:
        self._frames.begin()
        if self._watched:
            self._watched()
