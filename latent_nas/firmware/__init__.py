"""Firmware: a self-contained C project of an int8 network, compiled for a device, run on an emulated one.

``export`` writes the project, ``compile`` builds it, ``elf`` reads what was built, ``emulate`` runs it. Compiler
(ziglang) and emulator (unicorn) are Python packages, the extra ``mcu``.
"""


class Fault(Exception):
    """A firmware that did what the device can't: the message names address and function."""


class Overflow(ValueError):
    """A firmware that does not fit a region of the device; the message says which and by how many bytes."""
