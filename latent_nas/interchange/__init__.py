"""Networks in the files of others: ONNX and TensorFlow Lite, out and in.

``<format>_export.py`` files write the int8 network and are found by their place: each assigns
``Plugin = function(network, path)``. ``onnx_export`` writes QDQ (QuantizeLinear and DequantizeLinear around float
operators) and float. ``<format>_network.py`` files read: ``read`` gives a file's graph, ``open_int8`` its int8 network.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from latent_nas import plugins
from latent_nas.graph import Graph

if TYPE_CHECKING:
    from latent_nas.training.quantise import QuantisedNetwork

READ = {".onnx": "onnx", ".tflite": "tflite"}  # formats that are read, by suffix
MAGIC = {b"TFL3": "tflite"}  # and by their bytes 4 to 8
FLOAT = "a float file: costs and firmware are those of its int8 network"


@dataclass(frozen=True)
class Said:
    """What was decided in reading a file, a line each, and which closing functions were left out, "" where none."""

    notes: tuple[str, ...] = ()
    left_out: str = ""


class Importer(Protocol):
    """What reads the files of a format."""

    def read(self, path: Path, output: str = "") -> Graph:
        """Return the graph of a file; ``output``: which of its outputs, by name, "" where it has one."""

    def open_int8(self, path: Path, calibration: Path | None = None, output: str = "") -> "QuantisedNetwork":
        """Return the int8 network of a file; ``calibration``: the data that a float one is quantised with."""

    def said(self, path: Path, output: str = "") -> Said:
        """Return what a user of the file's network is told."""

    def about(self, path: Path, output: str = "") -> str:
        """Return the JSON that travels with a file which this project has written, "" with any other."""


def read_format(path: Path) -> str | None:
    """Return the name of the format that a file is read as: by its first bytes, else by its suffix in any case."""
    try:
        with path.open("rb") as file:
            found = MAGIC.get(file.read(8)[4:])
    except OSError:
        found = None
    return found or READ.get(path.suffix.lower())


def importer(name: str) -> Importer:
    """Return what reads a format."""
    return cast(Importer, importlib.import_module(f"latent_nas.interchange.{name}_network"))


def formats() -> list[str]:
    """Return the names of the formats that an int8 network can be written in; files end in them."""
    return [name.removesuffix("_export") for name in plugins.names("interchange") if name.endswith("_export")]


def exporter(name: str) -> Callable[..., str]:
    """Return what writes an int8 network to a file of a format, and returns what that file takes, in words.

    Raises:
        ValueError: there is no such format; the message names those there are.
    """
    if name not in formats():
        raise ValueError(f"no format {name!r}; there are: {', '.join(formats())}")
    write: Callable[..., str] = plugins.load("interchange", f"{name}_export")
    return write
