"""What an emulator lets pass and a chip or a caller does not: words at odd addresses, writes into callers' frames."""

import ctypes
from typing import Any

import numpy as np

from latent_nas.extras import need
from latent_nas.firmware.blocks import add_hook, code_of, hooks
from latent_nas.firmware.elf import Elf
from latent_nas.firmware.instructions import WIDE, whole_words


class _Watcher(ctypes.Structure):
    _fields_ = (
        *((n, ctypes.c_uint64) for n in ("base", "slots")),
        *((n, ctypes.c_void_p) for n in ("registers", "read")),
        ("at", ctypes.c_uint64),
        ("value", ctypes.c_uint32),
    )


class Words:
    """Watches LDM, STM, LDRD and STRD, which fault unless their address is a multiple of 4; runs are slower by it."""

    def __init__(self, uc: Any, elf: Elf) -> None:
        """Begin to watch."""
        from unicorn.unicorn_py3.unicorn import uclib

        address, code = code_of(uc, elf)
        arm = need("unicorn.arm_const", "mcu")
        numbers = [getattr(arm, f"UC_ARM_REG_{n}") for n in (*(f"R{i}" for i in range(13)), "SP", "LR", "PC")]
        self._registers = np.zeros(len(code), np.int32)
        at = 0
        while at + 1 < len(code):
            register = whole_words(int(code[at]), int(code[at + 1]))
            self._registers[at] = numbers[register] if register >= 0 else 0
            at += 2 if code[at] >> 11 >= WIDE else 1
        read = ctypes.cast(uclib.uc_reg_read, ctypes.c_void_p).value
        self._state = _Watcher(address, len(code), self._registers.ctypes.data, read, 0, 0)
        self._library = hooks()
        kind = need("unicorn", "mcu").UC_HOOK_CODE
        self._uc, self._handle = uc, add_hook(uc, kind, self._library.on_instruction, self._state)

    def end(self) -> tuple[int, int] | None:
        """Watch no longer; return the first instruction that would fault and its address, None if none would."""
        from unicorn.unicorn_py3.unicorn import uclib

        uclib.uc_hook_del(self._uc._uch, ctypes.c_size_t(self._handle))
        self._uc.ctl_flush_tb()
        return (self._state.at, self._state.value) if self._state.at else None


class Frames:
    """Compares the stack above every operator, which is its callers', before and after it.

    Attributes:
        broken: the first address that an operator has changed there, and the stack pointer with which it began.
    """

    def __init__(self, uc: Any, top: int) -> None:
        """Watch operators for which ``begin`` is called; ``top``: where the stack begins."""
        self._uc, self._top, self._returns = uc, top, set[int]()
        self._lib, self._arm = need("unicorn", "mcu"), need("unicorn.arm_const", "mcu")
        self._pointer, self._held = 0, b""
        self.broken: tuple[int, int] | None = None

    def begin(self) -> None:
        """Note the frames above an operator that begins now."""
        self._pointer = self._uc.reg_read(self._arm.UC_ARM_REG_SP)
        self._held = bytes(self._uc.mem_read(self._pointer, self._top - self._pointer))
        back = self._uc.reg_read(self._arm.UC_ARM_REG_LR) & ~1
        if back not in self._returns:
            self._returns.add(back)
            self._uc.hook_add(self._lib.UC_HOOK_CODE, self._end, None, back, back)

    def _end(self, *_: Any) -> None:
        now = bytes(self._uc.mem_read(self._pointer, len(self._held)))
        if now != self._held and self.broken is None:
            first = next(i for i, (a, b) in enumerate(zip(self._held, now, strict=True)) if a != b)
            self.broken = self._pointer + first, self._pointer
        self._held = b""
