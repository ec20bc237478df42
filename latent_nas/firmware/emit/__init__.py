"""Kernels by place: ``emit/<kernel>.py`` says what an operator becomes in C, and the C lies beside it.

A kernel is found by the name that ``Operator.kernel`` gives, or, for an operator of the user's own, in the operator's
module. Either way it is ``Kernel = Emitter(...)``.
"""

import importlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from latent_nas import plugins
from latent_nas.graph import Node
from latent_nas.operators import Operator, Shape

FOLDER = Path(__file__).parent
C = tuple[str, str]  # declarations of constants, statement


@dataclass(frozen=True)
class Call:
    """One operator of a network at its place.

    Attributes:
        node: deployed. inputs: shapes of the tensors it reads. constants: its integers (see ``Operator.constants``).
        xs, y, scratch, state: C expressions of its tensors, of its scratch and of what it remembers.
    """

    node: Node
    inputs: tuple[Shape, ...]
    constants: dict[str, np.ndarray]
    xs: tuple[str, ...]
    y: str
    scratch: str
    state: str = ""

    def integer(self, name: str) -> int:
        """Return a constant that is one number."""
        return int(self.constants[name].reshape(-1)[0])


@dataclass(frozen=True)
class Emitter:
    """How an operator becomes C.

    Attributes:
        emit: returns the declarations of the operator's constants and the statement that runs it. A constant's name
            ends in the node's id, so that every operator has its own.
        declares: what the generated ``kernels.h`` holds of it: structs and prototypes; the same text is held once.
        files: C files and headers beside the module; without any, the one named as the module is.
    """

    emit: Callable[[Call], C]
    declares: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Kernel:
    """A kernel as found: its emitter, and the contents of its files by name."""

    emitter: Emitter
    files: dict[str, str]


@cache
def names() -> tuple[str, ...]:
    """Return the names of the kernels that ship, sorted."""
    return tuple(sorted(p.stem for p in FOLDER.glob("*.py") if "\nKernel = " in p.read_text(encoding="utf-8")))


def kernel_of(operator: Operator, inputs: tuple[Shape, ...]) -> Kernel:
    """Return the kernel of an operator that reads tensors of these shapes.

    Raises:
        ValueError: there is none, or a file of it is missing; the message says what to write.
    """
    own = getattr(sys.modules[type(operator).__module__], "Kernel", None)
    if own is not None:
        return _own(own, Path(str(sys.modules[type(operator).__module__].__file__)))
    name = operator.kernel(*inputs)
    if name not in names():
        raise ValueError(
            f"firmware has no kernel {name!r}; there are: {', '.join(names())}. Give the module of"
            f" {type(operator).__name__} a `Kernel = Emitter(...)` and the C beside it (CONTRIBUTING.md, An operator)"
        )
    return shipped(name)


def statement_of(call: Call) -> C:
    """Return the declarations and the statement of an operator.

    Raises:
        ValueError: see ``kernel_of``.
    """
    return kernel_of(call.node.operator, call.inputs).emitter.emit(call)


@cache
def shipped(name: str) -> Kernel:
    """Return a kernel that ships, by name."""
    emitter: Emitter = importlib.import_module(f"latent_nas.firmware.emit.{name}").Kernel
    files = emitter.files or (f"{name}.c",)
    return Kernel(emitter, {file: (FOLDER / file).read_text(encoding="utf-8") for file in files})


def _own(emitter: Emitter, module: Path) -> Kernel:
    if not isinstance(emitter, Emitter):
        raise ValueError(f"{module}: Kernel is a {type(emitter).__name__}; wanted latent_nas.firmware.emit.Emitter")
    files = emitter.files or (f"{module.stem}.c",)
    return Kernel(emitter, {file: plugins.text(module.with_name(file)) for file in files})
