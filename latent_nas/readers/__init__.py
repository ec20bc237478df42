"""Readers: one file each, from a file or folder of your own to samples and targets, everything odd named."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from latent_nas import plugins
from latent_nas.front_end import FrontEnd
from latent_nas.spectral import SpectralFrontEnd

PARTS = ("train", "valid", "test")
KINDS = ("classify", "regress", "anomaly")  # what data of your own can be for
LABELS = ("top", "outer", "inner")  # folders that can name the classes
LAYOUTS = {  # orders of an array's axes
    "nhwc": "images (n, height, width, channels)",
    "nchw": "images (n, channels, height, width)",
    "nhw": "grey images (n, height, width)",
    "nsc": "series (n, steps, channels)",
    "ncs": "series (n, channels, steps)",
    "ns": "series (n, steps)",
    "nf": "features (n, values), each with a scale of its own",
}
MISSING = ("drop", "interpolate")  # what becomes of samples of a table that lack a number
LENGTHS = ("shortest", "longest")  # to which series of several lengths can be brought, beside a number of steps
STEPS = {  # what to do with files of other programs, by how their names end
    ".gz .zip .7z .rar .tar .tgz .bz2 .xz .zst": "unpack it, and name the folder or file that comes out",
    ".xlsx .xls .ods .numbers": "save its sheet as CSV, with a first line of names",
    ".pkl .pickle .joblib .pt .pth .mat .h5 .hdf5 .feather .arrow .tfrecord .rds": (
        "save its arrays in Python: numpy.savez('data.npz', x=samples, y=classes)"
    ),
    ".json .jsonl .ndjson .xml .yaml .sqlite .db": "save it as CSV, with a first line of names and a column label",
}


@dataclass(frozen=True)
class Raw:
    """What a reader found.

    Attributes:
        x: samples, NHWC float32. y: their classes, (n,) int64, or numeric targets, (n, targets) float32.
        classes: the classes' names, or () of numbers. targets: names of the numeric targets, or () of classes.
        kind: what data that were checked before say they are for, see ``KINDS``; "" if nothing.
        part: of a split that the data brings: index of ``PARTS``, (n,); -1 where it says none.
        names: where every sample came from. what: a word for them, in the plural, e.g. "images".
        skipped: (name, reason) of what could not be read. notes: what was changed on the way, a line each.
        sizes: how often each size or length was found. front_end: what made x of audio or series.
        keep: axes of x with a scale of their own where values have no fixed range, else empty.
        shift, gain: of values scaled before, (value - shift) * gain.
        group: samples of the same number stay in one part of the split, (n,) int64; None where nothing says so.
        groups: what the numbers stand for, e.g. "column 'subject'"; asked: whether the user named it.
        pixels: whether x is made of whole numbers from 0 to 255, by ``shift`` and ``gain``. columns: what the channels,
            or a table's columns, are called. resize: how images were brought to one size. grey: whether colours were.
    """

    x: np.ndarray
    y: np.ndarray
    classes: tuple[str, ...]
    part: np.ndarray
    names: tuple[str, ...]
    what: str
    targets: tuple[str, ...] = ()
    kind: str = ""
    skipped: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    sizes: dict[str, int] = field(default_factory=dict)
    keep: tuple[int, ...] = ()
    shift: tuple[float, ...] = ()
    gain: tuple[float, ...] = ()
    front_end: FrontEnd | SpectralFrontEnd | None = None
    group: np.ndarray | None = None
    groups: str = ""
    asked: bool = False
    pixels: bool = False
    columns: tuple[str, ...] = ()
    resize: str = ""
    grey: bool = False


@dataclass(frozen=True)
class Wanted:
    """What a user asked of a reader.

    Attributes:
        input: height, width, channels, or None for what the data suggests. front: of audio, see ``front_end.KINDS``.
        rate: samples per second, 0 for that of the recordings. seconds: of a recording, 0 for what most of them have.
        kind: one of ``KINDS``, or "" for what the data suggests.
        labels: one of ``LABELS``, the folders that name the classes, or "" for what their names suggest.
        layout: one of ``LAYOUTS``, or "" for what an array's shape suggests.
        omit: columns of a table to leave out, () for none; None for those that number rows or tell the time.
        label: columns of a table that hold the answers, () for those with a usual name.
        window, hop: steps of the windows that recordings are cut into, and from one to the next; 0 for no cutting, and
            for windows that follow each other.
        length: steps that series of several lengths are brought to, or one of ``LENGTHS``; "" to refuse them.
        group: column, or "file" or "folder", whose samples stay in one part of the split; "none" for no such thing, ""
            for what a name suggests.
        missing: one of ``MISSING``, or "" to refuse tables that lack numbers.
        resize: one of ``resampling.METHODS``, by which images are brought to size; "" for the first.
    """

    input: tuple[int, int, int] | None = None
    front: str = "log_mel"
    rate: int = 0
    seconds: float = 0.0
    kind: str = ""
    labels: str = ""
    layout: str = ""
    omit: tuple[str, ...] | None = None
    label: tuple[str, ...] = ()
    window: int = 0
    hop: int = 0
    length: str = ""
    group: str = ""
    missing: str = ""
    resize: str = ""


class Reader(ABC):
    """Reads one kind of data."""

    about: ClassVar[str]  # what it takes, in a few words
    uses: ClassVar[tuple[str, ...]] = ()  # fields of ``Wanted`` that it heeds

    @abstractmethod
    def takes(self, path: Path) -> bool:
        """Return whether this is the reader of an existing file or folder."""

    @abstractmethod
    def read(self, path: Path, wanted: Wanted) -> Raw:
        """Return what is there.

        Raises:
            ValueError: nothing that can be used, or data that contradicts itself; the message names it.
        """

    @abstractmethod
    def example(self, folder: Path) -> Path:
        """Write a small example of what it reads into an empty folder, and return its path: contracts read it."""


def reader_of(path: Path) -> Reader:
    """Return the reader of a path.

    Raises:
        ValueError: nothing is there, or nothing that any reader takes; the message says what they take.
    """
    if not path.exists():
        here = Path(str(path).replace("\\", "/"))
        meant = f"; with / between its parts there is one: {here}" if here.exists() else ""
        raise ValueError(f"there is no file or folder {path}{meant}")
    readers: list[Reader] = [plugins.load("readers", name)() for name in plugins.names("readers")]
    for reader in readers:
        if reader.takes(path):
            return reader
    if path.is_dir() and (link := _broken_link(path)):
        raise ValueError(f"{path} holds no data that can be read: {link}")
    if step := next((step for ends, step in STEPS.items() if path.name.lower().endswith(tuple(ends.split()))), ""):
        raise ValueError(f"{path} is not read as it is; {step}")
    empty = path.is_dir() and not any(path.iterdir())
    raise ValueError(
        f"{path} {'is an empty folder' if empty else 'holds no data that can be read'}; wanted"
        f" {', '.join(r.about for r in readers[:-1])} or {readers[-1].about}"
    )


def _broken_link(folder: Path) -> str:
    """Return what is wrong with a link in a folder: it leads nowhere, or was unpacked as a text; "" if nothing is."""
    for entry in sorted(folder.iterdir()):
        if entry.is_symlink() and not entry.exists():
            return f"the link {entry.name} leads nowhere"
        if entry.is_file() and entry.stat().st_size < 256 and not entry.suffix:
            text = entry.read_bytes().decode("utf-8", "replace").strip()
            if "/" in text and "\n" not in text and "\0" not in text and (folder / text).is_dir():
                return f"{entry.name} is a link to {text} that was unpacked as a text; make it a link or a folder"
    return ""


def number(labels: Sequence[Any]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return class numbers (n,) int64 and the classes' names: in the order of numbers where all are, else of names."""
    values = sorted(set(labels), key=lambda v: (not _whole(v), int(v) if _whole(v) else 0, str(v)))
    place = {value: i for i, value in enumerate(values)}
    return np.array([place[v] for v in labels], np.int64), tuple(str(v) for v in values)


def _whole(value: Any) -> bool:
    return str(value).removeprefix("-").isdecimal()


def numeric(values: np.ndarray, targets: Sequence[str], names: Sequence[str], where: object) -> np.ndarray:
    """Return numeric targets (n, targets) as float32.

    Args:
        targets: their names. names: of the samples. where: the file, for messages.

    Raises:
        ValueError: NaN, infinity, or a target that is the same everywhere.
    """
    found = values.astype(np.float32)
    wrong = np.argwhere(~np.isfinite(found))
    if len(wrong):
        row, column = wrong[0]
        raise ValueError(
            f"{where}, {names[row]}: target {targets[column]!r} is NaN or infinite; leave such samples out"
        )
    still = np.flatnonzero((found == found[:1]).all(axis=0))
    if len(still):
        name, value = targets[still[0]], found[0, still[0]]
        raise ValueError(
            f"{where}: target {name!r} is {value:g} in all {len(found)} samples; there is nothing to learn"
        )
    return found
