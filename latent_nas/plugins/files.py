"""A plugin file of the user's own: its text, and the module that is made of it.

A module's name follows from the file's absolute path and its text, so that it is the same in every process that was
given both, wherever the file itself lies there.
"""

import hashlib
import importlib.abc
import importlib.util
import re
import sys
import traceback
from dataclasses import dataclass
from functools import cached_property
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

PREFIX = "latent_nas_own_"
FRAME = re.compile(r'^ *File "(.+)", line (\d+)', re.MULTILINE)  # of a traceback as text


@dataclass(frozen=True)
class OwnFile:
    """A .py or .toml file: its absolute path, which need not exist in this process, and its text."""

    path: str
    text: str

    @staticmethod
    def read(path: str, known: str = "") -> "OwnFile":
        """Return the file of a path.

        Args:
            known: what else there is, for the error's line.

        Raises:
            ValueError: there is none, or it is not text.
        """
        try:
            return OwnFile(str(Path(path).resolve()), Path(path).read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            raise ValueError(f"there is no file {path}{known}") from None
        except (IsADirectoryError, PermissionError, UnicodeDecodeError) as error:
            raise ValueError(f"{path} can't be read as text: {error}") from None

    @cached_property
    def sha256(self) -> str:
        """Of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def module_name(self) -> str:
        """The private name of the module that the file is imported as."""
        stem = "".join(c if c.isalnum() else "_" for c in Path(self.path).stem)
        both = hashlib.sha256(self.path.encode() + b"\0" + self.text.encode())
        return f"{PREFIX}{stem}_{both.hexdigest()[:12]}"

    def spec(self) -> ModuleSpec:
        """Return what Python imports the module by."""
        spec = importlib.util.spec_from_loader(self.module_name, _Loader(self), origin=self.path)
        assert spec is not None
        spec.has_location = True
        return spec

    def module(self) -> ModuleType:
        """Return the module, imported once.

        Raises:
            ValueError: it does not import; the line says where and why.
        """
        if self.module_name in sys.modules:
            return sys.modules[self.module_name]
        spec = self.spec()
        module = importlib.util.module_from_spec(spec)
        sys.modules[self.module_name] = module  # dataclasses look their module up while it is made
        try:
            assert spec.loader is not None
            spec.loader.exec_module(module)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the file may raise anything
            del sys.modules[self.module_name]
            text = " ".join(str(error.msg if isinstance(error, SyntaxError) else error).split())[:300]
            raise ValueError(f"{located(error, self.path)}: does not import: {type(error).__name__}: {text}") from None
        return module

    def attribute(self, name: str) -> Any:
        """Return what the module calls ``name``, "Plugin" or that of a class.

        Raises:
            ValueError: it does not import, or has no such name.
        """
        module = self.module()
        if not hasattr(module, name):
            hint = "; end the file with `Plugin = YourClass`" if name == "Plugin" else ""
            raise ValueError(f"{self.path}:{self.text.count(chr(10)) or 1}: the file has no {name}{hint}")
        return getattr(module, name)


def located(error: BaseException, path: str) -> str:
    """Return "FILE:LINE" of the last line of a file that an error came through, the file alone where none is known."""
    if isinstance(error, SyntaxError) and error.filename == path:
        return f"{path}:{error.lineno}"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
    return f"{path}:{lines[-1]}" if lines else path


def raised_at(error: BaseException) -> str:
    """Return "FILE:LINE" of the last line of the user's own that an error came through, "" where there is none.

    Of an error in another process the traceback is known as the text of its cause.
    """
    own = {file for name, module in sys.modules.items() if name.startswith(PREFIX) and (file := module.__file__)}
    here = [(frame.filename, str(frame.lineno)) for frame in traceback.extract_tb(error.__traceback__)]
    places = [f"{file}:{line}" for file, line in [*here, *FRAME.findall(str(error.__cause__))] if file in own]
    return places[-1] if places else ""


class _Loader(importlib.abc.ExecutionLoader):
    """Gives the text that it was given, so that no process needs the file in its place."""

    def __init__(self, file: OwnFile) -> None:
        self.file = file

    def get_filename(self, fullname: str) -> str:
        return self.file.path

    def get_source(self, fullname: str) -> str:
        return self.file.text
