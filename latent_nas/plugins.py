"""Plugins are found by their place: a file in a folder of the package is a plugin of that kind.

A Python plugin is a module that ends in ``Plugin = ItsClass``; a data plugin is a TOML file.
"""

import importlib
import sys
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:  # the standard library has it from 3.11 on
    import tomli as tomllib

PACKAGE = Path(__file__).parent


def names(kind: str) -> list[str]:
    """Return the sorted names of all plugins of a kind, e.g. ``names("spaces")``."""
    files = (p for p in (PACKAGE / kind).iterdir() if p.suffix in {".py", ".toml"} and not p.name.startswith("_"))
    return sorted(p.stem for p in files if p.suffix == ".toml" or "\nPlugin = " in p.read_text(encoding="utf-8"))


def load(kind: str, name: str) -> Any:
    """Return the plugin: the class of a Python file, the table (dict) of a TOML file.

    Raises:
        ValueError: there is no such plugin; the message names those there are.
    """
    if name not in names(kind):
        one = f"{kind[:-3]}y" if kind.endswith("ies") else kind.removesuffix("s")
        raise ValueError(f"no {one} {name!r}; there are: {', '.join(names(kind))}")
    file = PACKAGE / kind / f"{name}.toml"
    if file.exists():
        return {"name": name, **toml(file)}
    return importlib.import_module(f"latent_nas.{kind}.{name}").Plugin


def table(kind: str, name: str) -> dict[str, Any]:
    """Return the table of a data plugin, its name in it, or of a file of one's own: a path that ends in ".toml".

    Raises:
        ValueError: there is no such plugin, which names those there are, or no such file, or it is no TOML.
    """
    if not name.endswith(".toml"):
        found: dict[str, Any] = load(kind, name)
        return found
    try:
        return {"name": Path(name).stem, **toml(Path(name))}
    except FileNotFoundError:
        raise ValueError(f"there is no file {name}; {kind} known by name: {', '.join(names(kind))}") from None


def located(name: str) -> str:
    """Return the name of a data plugin as it is, the path of a file of one's own from the root."""
    return str(Path(name).resolve()) if name.endswith(".toml") else name


def toml(file: Path) -> dict[str, Any]:
    """Return the table of a TOML file.

    Raises:
        ValueError: it is none.
    """
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{file} is no TOML: {error}") from None
