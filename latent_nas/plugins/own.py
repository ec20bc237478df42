"""What this process knows of the user's own plugins: their files, their objects, and the names they go by.

All of it travels with work to other processes, see ``travel``.
"""

import importlib.abc
import logging
import re
import sys
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from latent_nas.plugins import kinds
from latent_nas.plugins.files import PREFIX, OwnFile

REFERENCE = re.compile(r"(?P<file>.+?\.(?:py|toml))(?:#(?P<name>\w+))?(?::(?P<rest>.*))?", re.DOTALL)
OBJECT = re.compile(r"\w+@[0-9a-f]{8}")  # what an object is called that no file makes
log = logging.getLogger("latent_nas")


@dataclass
class Own:
    """A process's register.

    Attributes:
        files: by absolute path. fixed: paths whose text is that of ``files``, whatever lies there now.
        modules: by path, of files that the user's own program had imported before. objects: by reference, with their
            pickles. named: (kind, name) to reference. said: paths that the user has named. brought: those brought for
            their plugins' names. trust: whether the user vouches for whatever comes.
    """

    files: dict[str, OwnFile] = field(default_factory=dict)
    fixed: set[str] = field(default_factory=set)
    modules: dict[str, ModuleType] = field(default_factory=dict)
    objects: dict[str, tuple[Any, bytes]] = field(default_factory=dict)
    named: dict[tuple[str, str], str] = field(default_factory=dict)
    said: set[str] = field(default_factory=set)
    brought: list[str] = field(default_factory=list)
    trust: bool = False

    def file(self, path: str, known: str = "") -> OwnFile:
        """Return the file of a path: as it was given to this process, else as it is now."""
        place = str(Path(path).resolve())
        if place not in self.fixed:
            self.files[place] = OwnFile.read(path, known)
        return self.files[place]

    def open(self, kind: str, reference: str, known: str = "") -> Any:
        """Return the plugin of a reference to a .py file, "FILE.py" or "FILE.py#CLASS".

        Raises:
            ValueError: no such file, or not a plugin of this kind; with file and line.
        """
        parts = REFERENCE.fullmatch(reference)
        assert parts is not None
        name, file = parts["name"] or "Plugin", self.file(parts["file"], known)
        module = self.modules.get(file.path)
        plugin = getattr(module, name) if hasattr(module, name) else file.attribute(name)
        kinds.checked(kind, plugin, f"{file.path}: {name}")
        c = Path(file.path).with_suffix(".c")
        if kind == "operators" and c.is_file():  # its kernel, which goes along to other processes
            self.file(str(c))
        self.register(kind, kinds.name_of(plugin, Path(file.path).stem), f"{file.path}#{name}")
        return plugin

    def register(self, kind: str, name: str, reference: str) -> None:
        """Let a plugin be found by its name; it goes before one that ships, which is said once.

        Raises:
            ValueError: another file of the user's own has that name.
        """
        before = self.named.get((kind, name))
        if before == reference:
            return
        if before is not None and before.partition("#")[0] != reference.partition("#")[0]:
            raise ValueError(
                f"two {kind} are called {name!r}: {before.partition('#')[0]} and {reference.partition('#')[0]};"
                " rename one"
            )
        self.named[kind, name] = reference
        if before is None and (Path(__file__).parent.parent / kind / f"{name}.py").exists():
            log.warning(
                "%s %r is that of %s from now on, not the one that ships",
                kinds.one(kind),
                name,
                reference.partition("#")[0],
            )


OWN = Own()


class _Finder(importlib.abc.MetaPathFinder):
    """Lets Python import a file of the user's own by its module's name, as pickles of its objects ask it to."""

    def find_spec(self, fullname: str, path: object, target: object = None) -> ModuleSpec | None:
        if not fullname.startswith(PREFIX):
            return None
        files = (file for file in OWN.files.values() if file.path.endswith(".py"))
        return next((file.spec() for file in files if file.module_name == fullname), None)


sys.meta_path.append(_Finder())
