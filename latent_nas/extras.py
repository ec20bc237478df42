"""Optional libraries: imported where they are used; one that is not installed is missed in a line."""

import importlib
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

MODULES = {"mcu": ("ziglang", "unicorn")}  # of extras that a command is shown without


def need(module: str, extra: str) -> Any:
    """Return an imported module of an optional library.

    Raises:
        ValueError: it is not installed; the message says what to install.
    """
    try:
        return importlib.import_module(module)
    except ImportError:
        package = module.split(".", maxsplit=1)[0]
        raise ValueError(f"{package} is not installed; it is in the extra {extra}: {install(extra)}") from None


def missing(extra: str) -> bool:
    """Return whether an extra of ``MODULES`` is not installed."""
    return any(find_spec(module) is None for module in MODULES[extra])


def install(extra: str) -> str:
    """Return the command that installs an extra, with this environment's pip as it can be typed here."""
    pip = Path(sys.executable).with_name("pip")
    if not pip.exists():
        called = f"{sys.executable} -m pip"
    elif shutil.which("pip") == str(pip):
        called = "pip"
    else:
        called = str(pip.relative_to(Path.cwd()) if pip.is_relative_to(Path.cwd()) else pip)
    return f'{called} install "latent_nas[{extra}]"'
