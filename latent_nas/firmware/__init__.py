"""Firmware: a self-contained C project of an int8 network, compiled for a device, run on an emulated one.

``export`` writes the project, ``compile`` builds it, ``elf`` reads what was built, ``emulate`` runs it. Compiler
(ziglang) and emulator (unicorn) are Python packages, the extra ``mcu``.
"""

import importlib
from types import ModuleType


class Fault(Exception):
    """A firmware that did what the device can't: the message names address and function."""


def need(package: str) -> ModuleType:
    """Return an imported package of the extra ``mcu``.

    Raises:
        ValueError: it is not installed; the message says what to install.
    """
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError:
        raise ValueError(f'{package} is not installed; it is in the extra mcu: pip install "latent_nas[mcu]"') from None
