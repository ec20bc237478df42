"""Plugins: one door for what ships and for what a user brings.

What ships is found by its place: a file in a folder of the package is a plugin of that kind. A Python plugin is a
module that ends in ``Plugin = ItsClass``; a data plugin is a TOML file. What a user brings is the path of such a file,
or a class or an object from Python.
"""

import functools
import importlib
import re
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

from latent_nas.nearest import meant
from latent_nas.plugins import kinds
from latent_nas.plugins.files import OwnFile, raised_at
from latent_nas.plugins.own import OBJECT, OWN, Own
from latent_nas.plugins.references import is_file, located, reference, split
from latent_nas.plugins.travel import Luggage, carried, packed, unpacked
from latent_nas.plugins.trust import Untrusted, named, remember, vouched
from latent_nas.plugins.trust import check as check_trust

if sys.version_info >= (3, 11):
    import tomllib
else:  # the standard library has it from 3.11 on
    import tomli as tomllib

PACKAGE = Path(__file__).parent.parent
PARTS = re.compile(r"(?:[^.,=\[\]{}\n]+\.){99}")  # of a dotted key

__all__ = [
    "Luggage",
    "OwnFile",
    "Untrusted",
    "bring",
    "brought",
    "called",
    "carried",
    "check_trust",
    "forget",
    "is_file",
    "load",
    "located",
    "name_of",
    "named",
    "names",
    "packed",
    "raised_at",
    "reference",
    "remember",
    "split",
    "table",
    "text",
    "toml",
    "trust",
    "unpacked",
    "vouched",
]


def names(kind: str) -> list[str]:
    """Return the sorted names of all plugins of a kind, e.g. ``names("spaces")``; the user's own, once known, too."""
    return sorted({*_shipped(kind), *(name for known, name in OWN.named if known == kind)})


@functools.cache
def _shipped(kind: str) -> list[str]:
    files = (p for p in (PACKAGE / kind).iterdir() if p.suffix in {".py", ".toml"} and not p.name.startswith("_"))
    return [p.stem for p in files if p.suffix == ".toml" or "\nPlugin = " in p.read_text(encoding="utf-8")]


def load(kind: str, plugin: str | Path | object) -> Any:
    """Return a plugin: the class of a Python file, the table (dict) of a TOML file, an object as it is.

    Args:
        plugin: the name of one that ships or that the user brought; the path of a file that ends in ".py" or ".toml",
            or FILE.py#CLASS; what ``reference`` gave; a class or an object.

    Raises:
        ValueError: there is no such plugin, and the message names those there are; or it is not of this kind, and the
            message says in which file and line.
    """
    if not isinstance(plugin, (str, Path)):
        return kinds.checked(kind, plugin)
    name = str(plugin)
    if is_file(name):
        known = f"; {kind} known by name: {', '.join(names(kind))}"
        return table(kind, name) if name.endswith(".toml") else OWN.open(kind, name, known)
    if OBJECT.fullmatch(name):
        if name not in OWN.objects:
            raise ValueError(
                f"{kinds.one(kind)} {name} was an object of a Python program, and only that can make it again: go on"
                " there, with Study(...).run(out=...)"
            )
        return OWN.objects[name][0]
    if (kind, name) in OWN.named:
        return load(kind, OWN.named[kind, name])
    name = called(kind, name)
    if name not in _shipped(kind):
        own = "a .toml" if kind in kinds.FIELDS else "a .py"
        near = meant(name, names(kind), 3)
        there = f"{near} Or" if near else f"; there are: {', '.join(names(kind))}; or"
        raise ValueError(f"no {kinds.one(kind)} {name!r}{there} give the path of {own} of your own")
    file = PACKAGE / kind / f"{name}.toml"
    if file.exists():
        return {"name": name, **toml(file)}
    return importlib.import_module(f"latent_nas.{kind}.{name}").Plugin


def called(kind: str, name: str) -> str:
    """Return the full name of a plugin: a path begins at the root, others are as they are.

    STM32F405 is stm32f405, and a version may be told apart: X-CUBE-AI:8.1 is x_cube_ai_8_1.
    """
    plain = re.sub(r"[-:@. ]", "_", name.lower())
    return plain if name not in names(kind) and plain in _shipped(kind) else located(name)


def bring(path: str | Path) -> str:
    """Make a file of the user's own known by its plugin's name, and return its kind.

    Raises:
        ValueError: no such file, or not a plugin of any kind; with file and line.
    """
    name = str(path)
    if not is_file(name):
        raise ValueError(f"a plugin is a file that ends in .py or .toml, got {name}")
    file = OWN.file(name)
    plugin = _parsed(file.text, name) if name.endswith(".toml") else file.attribute("Plugin")
    kind = kinds.kind_of(plugin)
    if kind is None:
        bases = ", ".join(f"{k}.{base}" for k, base in kinds.BASES.items())
        wanted = f"have {', '.join(kinds.FIELDS.values())}" if name.endswith(".toml") else f"inherit {bases}"
        raise ValueError(f"{file.path}: it is not a plugin of any kind; those {wanted}")
    if isinstance(plugin, dict):
        OWN.register(kind, Path(name).stem, file.path)
    else:
        OWN.open(kind, name)
    if file.path not in OWN.brought:
        OWN.brought.append(file.path)
    return kind


def brought() -> tuple[str, ...]:
    """Return the paths of the files that ``bring`` made known."""
    return tuple(OWN.brought)


def trust() -> None:
    """Run the code of every file that is opened from now on, as the user vouches for it."""
    OWN.trust = True


def forget() -> None:
    """Forget all of the user's own plugins."""
    vars(OWN).update(vars(Own()))


def name_of(plugin: type) -> str:
    """Return by what name or reference ``load`` gives a plugin's class back."""
    for (kind, name), known in OWN.named.items():
        if not known.endswith(".toml") and load(kind, known) is plugin:
            return name
    return plugin.__module__.rpartition(".")[2]


def table(kind: str, name: str) -> dict[str, Any]:
    """Return the table of a data plugin, its name in it: by name, or of a file of your own that ends in ".toml".

    Raises:
        ValueError: there is no such plugin, which names those there are, or no such file, or it is not TOML.
    """
    if not name.endswith(".toml"):
        found: dict[str, Any] = load(kind, name)
        return found
    file = OWN.file(name, f"; {kind} known by name: {', '.join(names(kind))}")
    return {"name": Path(name).stem, **_parsed(file.text, name)}


def text(file: Path) -> str:
    """Return the text of a file that belongs to a plugin of the user's own; it travels with the plugin.

    Raises:
        ValueError: there is none, or it is not text.
    """
    return OWN.file(str(file)).text


def toml(file: Path) -> dict[str, Any]:
    """Return the table of a TOML file.

    Raises:
        ValueError: it is none.
    """
    try:
        return deepcopy(_parsed(file.read_text(encoding="utf-8"), str(file)))  # whose lists a caller may change
    except UnicodeDecodeError as error:
        raise ValueError(f"{file} is not TOML: {error}") from None


@functools.lru_cache(maxsize=256)
def _parsed(text: str, file: str) -> dict[str, Any]:
    """Return the table of a text, parsed once: of a runtime that takes ten times as long as all else."""
    if PARTS.search(text):  # a small file of these takes minutes and gigabytes
        raise ValueError(f"{file} is not a TOML file of latent_nas: it has a key of more than 99 parts")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{file} is not TOML: {error}") from None
    except RecursionError:
        raise ValueError(f"{file} is not a TOML file of latent_nas: it is nested too deeply") from None
