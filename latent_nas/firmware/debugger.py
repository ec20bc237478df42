"""What a firmware says to a debugger over semihosting, as a ``-DBENCH`` build does."""

from typing import Any

from latent_nas.firmware import Fault
from latent_nas.firmware.machine import Machine

SEMIHOSTING = 0xBEAB  # bkpt #0xab
WRITE0, EXIT = 4, 0x18


class Debugger:
    """Listens to a machine."""

    def __init__(self, machine: Machine) -> None:
        self._machine, self._said, self._ended = machine, "", False

    def listen(self) -> str:
        """Return what the firmware says from its start until it asks to end.

        Raises:
            Fault: it did what the device can't, or never ended.
        """
        machine = self._machine
        hook = machine.uc.hook_add(machine.lib.UC_HOOK_INTR, self._interrupt)
        stack_pointer, at = machine.start
        machine.uc.reg_write(machine.arm.UC_ARM_REG_SP, stack_pointer)
        try:
            while not self._ended:  # every word to the debugger stops the core, which then goes on behind it
                machine.go(at, 0, whole=False)
                at = machine.uc.reg_read(machine.arm.UC_ARM_REG_PC) & ~1
                if not self._ended:
                    at = self._asked(at)
        finally:
            machine.uc.hook_del(hook)
        return self._said

    def _asked(self, at: int) -> int:
        """Do what the breakpoint at an address asks of a debugger; return the address behind it."""
        machine = self._machine
        if machine.word(at) & 0xFFFF != SEMIHOSTING:
            raise Fault(f"stopped at {at:#010x} in {machine.elf.function_at(at)}")
        operation, argument = (machine.uc.reg_read(r) for r in (machine.arm.UC_ARM_REG_R0, machine.arm.UC_ARM_REG_R1))
        if operation == WRITE0:
            text = bytearray()
            while byte := machine.uc.mem_read(argument + len(text), 1)[0]:
                text.append(byte)
            self._said += text.decode()
        elif operation == EXIT:
            self._ended = True
        else:
            raise Fault(f"asked the debugger for {operation:#x}, at {at:#010x} in {machine.elf.function_at(at)}")
        return at + 2

    def _interrupt(self, uc: Any, number: int, data: Any) -> None:
        uc.emu_stop()
