"""From what a user gives as a plugin, a name, a path, a class or an object, to a text that stands for it.

That text goes into configurations and records, and every process that was given the same work opens it.
"""

import hashlib
import io
import pickle
import sys
import sysconfig
from pathlib import Path
from types import FunctionType
from typing import Any

from latent_nas.plugins import kinds
from latent_nas.plugins.files import PREFIX, OwnFile
from latent_nas.plugins.own import OBJECT, OWN, REFERENCE
from latent_nas.plugins.trust import named

PACKAGE = Path(__file__).parent.parent


def is_file(name: str) -> bool:
    """Return whether a name is that of a .py or .toml file, whatever follows it."""
    return REFERENCE.fullmatch(name) is not None


def split(name: str) -> tuple[str, str]:
    """Return a plugin and what follows behind its colon: "a.py:first=8,16" and "resnet_analog:first=8" alike."""
    parts = REFERENCE.fullmatch(name)
    if parts is None:
        plugin, _, rest = name.partition(":")
        return plugin, rest
    return name[: parts.end("name" if parts["name"] else "file")], parts["rest"] or ""


def located(name: str) -> str:
    """Return the name of a plugin as it is, and the path of a file of your own from the root."""
    parts = REFERENCE.fullmatch(name)
    return name if parts is None else str(Path(parts["file"]).resolve()) + name[parts.end("file") :]


def reference(kind: str, plugin: object) -> str:
    """Return the text that stands for a plugin: a name as it is, a path from the root, FILE#CLASS, or NAME@HASH.

    Raises:
        ValueError: it is not of the kind, or no other process could make it.
    """
    if isinstance(plugin, (str, Path)):
        named(str(plugin))
        return located(str(plugin))
    kinds.checked(kind, plugin)
    if isinstance(plugin, type):
        home, _, name = plugin.__module__.rpartition(".")
        if home == f"latent_nas.{kind}":
            return name
        if file := adopted(plugin):
            return f"{file}#{plugin.__qualname__}"
    for text, (known, _) in OWN.objects.items():  # what an object caches later is not to change what it is called
        if known is plugin:
            return text
    data = dumps(plugin)
    name = plugin.__name__ if isinstance(plugin, type) else type(plugin).__name__
    text = f"{name}@{hashlib.sha256(data).hexdigest()[:8]}"
    assert OBJECT.fullmatch(text)
    OWN.objects[text] = plugin, data
    return text


def adopted(thing: Any) -> str:
    """Return the file that makes a class or function, which from now on goes with work; "" where Python finds it.

    Raises:
        ValueError: it stands where no other process can get at it.
    """
    module = sys.modules.get(thing.__module__)
    file = getattr(module, "__file__", None)
    if "<locals>" in thing.__qualname__:
        raise ValueError(
            f"{thing.__name__} is made within a function, where worker processes can't get at it; put it at the top"
            " level of a file"
        )
    if thing.__module__.startswith(PREFIX):
        return str(file)
    if thing.__module__ == "__main__" and not (file and Path(file).is_file()):
        raise ValueError(
            f"{thing.__name__} is defined in a notebook or at a prompt, where worker processes can't get at it; put it"
            " into a file, e.g. mine.py that ends with `Plugin = ...`, and give its path"
        )
    if file is None or module is None or "." in thing.__module__ or _installed(Path(file)):
        return ""
    place = str(Path(file).resolve())
    if place not in OWN.files:
        OWN.files[place] = OwnFile.read(file)
    OWN.modules[place] = module
    OWN.said.add(place)
    return place


def _installed(file: Path) -> bool:
    homes = [PACKAGE, *(Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib"))]
    return any(file.resolve().is_relative_to(home.resolve()) for home in homes)


class _Pickler(pickle.Pickler):
    """Classes of the user's own files go by file and name."""

    def persistent_id(self, thing: Any) -> tuple[str, str] | None:
        if not isinstance(thing, (type, FunctionType)):
            return None
        file = adopted(thing) if isinstance(thing, type) or thing.__module__.startswith(PREFIX) else ""
        return (file, thing.__qualname__) if file else None


class _Unpickler(pickle.Unpickler):
    """The other half of ``_Pickler``."""

    def persistent_load(self, pid: Any) -> Any:
        file, name = pid
        thing: Any = OWN.modules.get(file) or OWN.file(file).module()
        for part in name.split("."):
            thing = getattr(thing, part)
        return thing


def dumps(thing: object) -> bytes:
    """Return an object for another process of this run; it never goes to disk.

    Raises:
        ValueError: it can't be sent.
    """
    buffer = io.BytesIO()
    try:
        _Pickler(buffer).dump(thing)
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{type(thing).__name__} can't be sent to worker processes ({error}); put it into a file and give its path"
        ) from None
    return buffer.getvalue()


def loads(data: bytes) -> Any:
    """Return the object of ``dumps``; its bytes came from a process of this run, never from disk."""
    return _Unpickler(io.BytesIO(data)).load()
