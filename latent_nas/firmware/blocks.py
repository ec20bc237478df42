"""Instructions of an emulated firmware, counted by basic block; those that an IT skips are among them."""

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from latent_nas.extras import need
from latent_nas.firmware.compile import host_library
from latent_nas.firmware.elf import Elf
from latent_nas.firmware.instructions import WIDE, mix


class _Counter(ctypes.Structure):
    _fields_ = [(n, ctypes.c_uint64) for n in ("base", "slots", "current", "end")] + [
        (n, ctypes.c_void_p) for n in ("last", "enter", "counts", "passed", "bytes")
    ]


@dataclass(frozen=True)
class Count:
    """Instructions of one inference: of all of it, per operator function and per function of the ELF file.

    Attributes:
        mix: of all of it by class, (len(instructions.CLASSES),). mix_by_operator: the same of each operator function.
    """

    instructions: int
    by_operator: dict[str, int]
    by_function: dict[str, int]
    mix: np.ndarray
    mix_by_operator: dict[str, np.ndarray]


class Blocks:
    """Counts the blocks that an emulator of unicorn's runs, per operator and place in the code."""

    def __init__(self, uc: Any, elf: Elf, operators: Sequence[str]) -> None:
        """Begin to count.

        Args:
            uc: the emulator, the firmware loaded. operators: names of the operators' functions, in their order.
        """
        self._elf, self._operators = elf, tuple(operators)
        address, halfwords = code_of(uc, elf)
        slots = len(halfwords)
        self._enter = np.zeros(slots, np.uint16)
        for i, name in enumerate(self._operators, 1):
            self._enter[(elf.address(name) - address) // 2] = i
        self._counts = np.zeros((len(self._operators) + 1, slots), np.uint64)
        self._passed = np.zeros_like(self._counts)
        self._bytes = np.zeros(slots, np.uint32)  # of the block that begins at a slot
        self._code = halfwords
        self._wide = halfwords >> 11 >= WIDE
        arrays = (self._enter, self._counts, self._passed, self._bytes)
        self._state = _Counter(address, slots, 0, 0, None, *(array.ctypes.data for array in arrays))
        self._library = hooks()
        add_hook(uc, need("unicorn", "mcu").UC_HOOK_BLOCK, self._library.on_block, self._state)

    def begin(self) -> None:
        """Forget what was counted."""
        self._counts[:] = 0
        self._passed[:] = 0
        self._state.current, self._state.last = 0, None

    def counted(self) -> tuple[np.ndarray, np.ndarray]:
        """Return what was counted since ``begin``, for ``restore``."""
        return self._counts.copy(), self._passed.copy()

    def restore(self, counted: tuple[np.ndarray, np.ndarray]) -> None:
        """Go back to what was counted then."""
        self._counts[:], self._passed[:] = counted
        self._state.current, self._state.last = 0, None

    def instructions(self) -> int:
        """Return the instructions since ``begin``."""
        return int((self._counts * self._sizes()).sum())

    def count(self) -> Count:
        """Return the instructions since ``begin`` by operator and by function."""
        each = self._counts * self._sizes()
        totals = each.sum(axis=1)
        functions: dict[str, int] = {}
        slots = each.sum(axis=0)
        for slot in np.flatnonzero(slots):
            name = self._elf.function_at(self._state.base + 2 * int(slot))
            functions[name] = functions.get(name, 0) + int(slots[slot])
        operators = {name: int(n) for name, n in zip(self._operators, totals[1:], strict=True)}
        mixes = mix(self._code, np.where(self._counts.any(axis=0), self._bytes, 0), self._counts, self._passed)
        by_operator = dict(zip(self._operators, mixes[1:], strict=True))
        return Count(int(totals.sum()), operators, functions, mixes.sum(axis=0), by_operator)

    def _sizes(self) -> np.ndarray:
        """Return the instructions of the blocks that begin at a slot and have run."""
        sizes = np.zeros(len(self._bytes), np.uint64)
        for slot in np.flatnonzero(self._counts.any(axis=0)):
            sizes[slot] = self._instructions(int(slot), int(self._bytes[slot]))
        return sizes

    def _instructions(self, slot: int, size: int) -> int:
        at, end, found = slot, slot + size // 2, 0
        while at < end:
            at += 2 if self._wide[at] else 1
            found += 1
        return found


def hooks() -> ctypes.CDLL:
    """Return the compiled functions that unicorn calls: Python in their place would take most of the time."""
    return ctypes.CDLL(str(host_library(Path(__file__).with_name("count.c"))))


def add_hook(uc: Any, kind: int, function: Any, state: ctypes.Structure) -> int:
    """Let unicorn call a compiled function with a state, everywhere; return the hook's handle."""
    from unicorn.unicorn_py3.unicorn import uclib

    handle = ctypes.c_size_t()
    pointers = ctypes.cast(function, ctypes.c_void_p), ctypes.cast(ctypes.byref(state), ctypes.c_void_p)
    everywhere = ctypes.c_uint64(1), ctypes.c_uint64(0)
    status = uclib.uc_hook_add(uc._uch, ctypes.byref(handle), kind, *pointers, *everywhere)
    assert status == 0, f"unicorn refuses the hook: {status}"
    return handle.value


def code_of(uc: Any, elf: Elf) -> tuple[int, np.ndarray]:
    """Return where the code begins, and its halfwords (slots,) uint16."""
    code = next(s for s in elf.sections if s.name == ".text")
    return code.address, np.frombuffer(bytes(uc.mem_read(code.address, code.bytes // 2 * 2)), np.uint16)
