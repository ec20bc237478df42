"""How this command line is typed where it was typed now, for lines that say what to type next."""

import os
import shlex
import shutil
import sys
from pathlib import Path

NAME = "latent-nas"


def called() -> str:
    """Return ``latent-nas`` where the shell finds this one by its name, else its path from here."""
    program = Path(sys.argv[0])
    if program.name != NAME:
        return f"{_from_here(Path(sys.executable))} -m latent_nas"
    found = shutil.which(NAME)
    if found and program.exists() and Path(found).samefile(program):
        return NAME
    return _from_here(program)


def _from_here(path: Path) -> str:
    near = os.path.relpath(path)
    return shlex.quote(str(path) if near.startswith("..") else near)
