"""Readers of a format's operators, found by their place: every file of a folder may end in a table ``READERS``."""

import importlib
from pathlib import Path
from typing import Any


def tables(package: str) -> dict[str, Any]:
    """Return the readers of all files of a package, by the operator's name; each has one."""
    folder = importlib.import_module(package).__path__[0]
    found: dict[str, Any] = {}
    for file in sorted(Path(folder).glob("*.py")):
        module = importlib.import_module(f"{package}.{file.stem}") if file.stem != "__init__" else None
        own: dict[str, Any] = getattr(module, "READERS", {})
        twice = sorted(found.keys() & own.keys())
        assert not twice, f"{file.name} reads {twice} once more"
        found |= own
    return found
