"""Asks the measuring program (``c/board/main.c``) on a core behind a GDB server, and compares with the reference."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from latent_nas.firmware import Fault
from latent_nas.firmware.board import Answer, NoAnswer
from latent_nas.firmware.board.remote import LR, PC, SP, Remote
from latent_nas.firmware.boot import image
from latent_nas.firmware.elf import Elf
from latent_nas.firmware.export import Project

BEGIN, RUN, OPERATORS, SELF_TEST, SPIN = 1, 2, 3, 4, 5  # of ``board_ask``
PAINT = 0xA5
START_S, RUN_S = 10.0, 120.0
SPINS_S = (0.2, 1.2)  # two, as what it takes to start and stop is the same in both
CPUID, CFSR = 0xE000ED00, 0xE000ED28
COMPONENT_ID = (0xE00FFFF0, (0x0D, 0x10, 0x05, 0xB1))  # of a chip's ROM table (CoreSight architecture, B2.2)
FAULTS = {
    0x000000FF: "memory management fault",
    0x0000FF00: "bus fault",
    0x00010000: "an instruction that the core has not",
    0x00020000: "a jump to an address that is not Thumb's",
    0x00080000: "an instruction of an FPU that is off",
    0x00100000: "stack overflow",
    0x01000000: "an unaligned access",
    0x02000000: "a division by 0",
}


@dataclass(frozen=True)
class Board:
    """A core that runs the measuring program, halted where it waits to be asked."""

    remote: Remote
    elf: Elf
    project: Project

    def start(self, reset: bool) -> None:
        """Run from reset to where the program waits first.

        Args:
            reset: whether the server knows how to; else the core is set to what it would find.

        Raises:
            NoAnswer: the flash holds another program, or the chip another core. Fault: it did what the chip can't.
        """
        remote, device = self.remote, self.project.device
        content = image(self.elf, device)
        for at in range(0, len(content), 1024):
            if remote.read(device.flash_address + at, len(content[at : at + 1024])) != content[at : at + 1024]:
                raise NoAnswer(
                    f"the chip's flash holds another program from {device.flash_address + at:#010x} on: is it a"
                    f" {device.name}? --device names the chip"
                )
        remote.stop_at([self.elf.address("board_turn"), self.elf.address("Fault_Handler")])
        if reset:
            remote.monitor("reset halt")
        if not reset or not device.boot:  # what a boot ROM does comes before ours
            remote.set_register(SP, int.from_bytes(content[:4], "little"))
            remote.set_register(PC, self.elf.entry)
        self._arrive(START_S)

    def ask(self, what: int) -> int:
        """Have something done; return the cycles that it took.

        Raises:
            Fault: it did what the chip can't, or was not done in time. NoAnswer: the board is gone.
        """
        self.write_word("board_ask", what)
        self._leave()
        self._arrive(RUN_S)
        return self.word("board_cycles")

    def word(self, symbol: str) -> int:
        """Return a variable of the program."""
        return self.remote.words(self.elf.address(symbol))[0]

    def write_word(self, symbol: str, value: int) -> None:
        """Write a variable of the program."""
        self.remote.write(self.elf.address(symbol), value.to_bytes(4, "little"))

    def clock_hz(self) -> float | None:
        """Return how fast the core counts by this computer's clock, within about 1 %; None if nothing counts."""
        counts, times = [], []
        for span in SPINS_S:
            self.write_word("board_ask", SPIN)
            self._leave()
            began = time.monotonic()
            self.remote.go(span)
            times.append(time.monotonic() - began)
            counts.append(self.word("board_cycles"))
            self.write_word("board_ask", 0)
            self._arrive(START_S)
        hz = (counts[1] - counts[0]) / (times[1] - times[0])
        return hz if hz > 0 else None

    def who(self) -> tuple[str, bool]:
        """Return what answers, and whether it is a chip.

        Raises:
            NoAnswer: it has another core than the firmware is for.
        """
        core, name = self.project.device.core, self.remote.emulator
        number = self.remote.words(CPUID)[0]
        part = number >> 4 & 0xFFF
        if part and core.cpuid_parts and part not in core.cpuid_parts:
            wanted = " or ".join(f"{one:#x}" for one in core.cpuid_parts)
            raise NoAnswer(
                f"the core says that it is part {part:#x}, a {core.name} is {wanted}: is the board a"
                f" {self.project.device.name}? --device names the chip"
            )
        if name:
            return f"{name}, an emulator", False
        try:
            found = tuple(word & 0xFF for word in self.remote.words(COMPONENT_ID[0], 4))
        except NoAnswer:
            found = ()
        if found != COMPONENT_ID[1]:
            return "a GDB server without a chip's ROM table, so no chip", False
        return f"a chip with {core.name}, CPUID {number:#010x}", True

    def inference(self, x: np.ndarray) -> tuple[np.ndarray, int, int]:
        """Return the int8 outputs (outputs,) of an input, its cycles, and the bytes of stack that it used."""
        network, remote = self.project.network, self.remote
        self.feed(x)
        top, limit = (self.elf.address(f"stack_{end}") for end in ("top", "limit"))
        pointer = remote.register(SP)
        remote.write(limit, bytes([PAINT]) * (pointer - limit))
        cycles = self.ask(RUN)
        stack = remote.read(limit, pointer - limit)
        untouched = len(stack) - len(stack.lstrip(bytes([PAINT])))
        outputs = remote.read(self._arena + self.project.plan.offsets[-1], prod(network.graph.output_shape))
        return np.frombuffer(outputs, np.int8), cycles, top - limit - untouched

    def feed(self, x: np.ndarray) -> None:
        """Write an input where the network reads it."""
        self.remote.write(self._arena + self.project.plan.offsets[0], x.tobytes())

    @property
    def _arena(self) -> int:
        return self.elf.address(f"{self.project.component.prefix}_arena")

    def _leave(self) -> None:
        """Go behind the breakpoint that the core stands on: out of the function that it begins."""
        self.remote.set_register(PC, self.remote.register(LR) & ~1)

    def _arrive(self, wait_s: float) -> None:
        """Run up to where the program waits."""
        arrived = self.remote.go(wait_s)
        at = self.remote.register(PC) & ~1
        if at == self.elf.address("board_turn"):
            return
        where = f"{at:#010x} in {self.elf.function_at(at)}"
        if not arrived:
            raise Fault(f"the chip is not done after {wait_s:g} s, at {where}")
        if self.elf.function_at(at) != "Fault_Handler":
            raise Fault(f"the chip stopped at {where}")
        raise Fault(self._fault())

    def _fault(self) -> str:
        """Return in words what the core faulted at; its registers lie on the stack that it had."""
        remote = self.remote
        at = remote.words(remote.register(SP) + 24)[0] & ~1
        try:
            status = remote.words(CFSR)[0]
        except NoAnswer:
            status = 0
        why = [text for bits, text in FAULTS.items() if status & bits]
        return f"the chip faulted{': ' + why[0] if why else ''}, at {at:#010x} in {self.elf.function_at(at)}"


def answer(board: Board, rows: Sequence[np.ndarray], wanted: np.ndarray, each: int, through: str) -> Answer:
    """Return what a started board gives for inputs as the device takes them.

    Args:
        rows: int8 inputs, or tokens as uint16. wanted: int8 (rows, outputs) of the reference. each: rows of a text,
            which begins anew behind so many; 1 where rows have nothing to do with each other. through: what reached it.

    Raises:
        Fault: the chip did what it can't. NoAnswer: it is gone, or another one.
    """
    who, real = board.who()
    outputs, cycles, stack = np.zeros_like(wanted), [], 0
    idle = board.ask(0)  # what the counting itself takes
    for i, x in enumerate(rows):
        if i % each == 0:
            board.ask(BEGIN)
        outputs[i], took, used = board.inference(x)
        cycles.append(took - idle)
        stack = max(stack, used)
    counts = any(cycle > 0 for cycle in cycles)
    board.feed(rows[0])
    board.ask(OPERATORS)
    names = [name for _, name in board.project.operators]
    by_operator = board.remote.words(board.elf.address("bench_cycles"), len(names))
    wrong = None
    if board.project.component.golden:
        board.ask(SELF_TEST)
        wrong = board.word("board_wrong")
    return Answer(
        who=f"{who}, through {through}",
        real=real,
        outputs=outputs,
        wanted=wanted,
        self_test_wrong=wrong,
        cycles=tuple(cycles) if counts else (),
        by_operator=dict(zip(names, by_operator, strict=True)) if counts else {},
        clock_hz=board.clock_hz() if real and counts else None,
        clock_from="counted against this computer's clock, within about 1 %",
        stack_bytes=stack,
    )
