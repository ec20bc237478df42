"""Arrays in files: an .npz, or files side by side (.npy, MNIST's, texts of numbers).

They are looked at before they are unpacked, and never a pickle.
"""

import zipfile
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import numpy as np

from latent_nas.readers._idx import idx_array, idx_labels, said_of_labels
from latent_nas.readers._named_files import idx_files, is_idx
from latent_nas.readers._side_by_side import (
    class_names,
    holds_features,
    named,
    said_of_texts,
    text_array,
    text_files,
)

LARGEST = 1 << 32  # bytes of one array as float32, unpacked


def names(path: Path) -> list[str]:
    """Return the arrays' names of an .npz, or of the .npy files in a folder or beside an .npy file.

    Raises:
        ValueError: no file of arrays.
    """
    if path.suffix.lower() == ".npz":
        return list(_opened(path, lambda file: list(file.files)))
    if elsewhere := idx_files(path) or text_files(path):
        if path.is_dir() and (others := _beside(path)):
            raise ValueError(f"{path} holds {others[0].name} beside other files of arrays; name one that is meant")
        return list(elsewhere)
    return [file.stem for file in _beside(path)]


def said(path: Path) -> list[str]:
    """Return what to say of files side by side: what was taken for what."""
    if path.suffix.lower() == ".npz":
        return []
    if files := idx_files(path):
        return [line for role, file in files.items() if role[0] == "y" for line in said_of_labels(file)]
    return said_of_texts(text_files(path))


def layout_of(path: Path) -> str:
    """Return the layout that files beside the arrays say, one of ``readers.LAYOUTS``; "" for none."""
    return "nf" if path.suffix.lower() not in (".npz", ".npy") and holds_features(path) else ""


def takes(path: Path) -> bool:
    """Return whether a file or folder holds arrays that have names."""
    if path.is_dir() and any(not file.name.startswith(".") for file in path.glob("*.npy")):
        return True
    if path.suffix.lower() in (".npz", ".npy") and path.is_file():
        return True
    return is_idx(path) or bool(text_files(path))


def arrays(path: Path, wanted: Collection[str]) -> dict[str, np.ndarray]:
    """Return arrays by name.

    Raises:
        ValueError: a pickle, a damaged file, or an array that is too large.
    """
    if path.suffix.lower() == ".npz":
        _small(path, wanted)
        return dict(_opened(path, lambda file: {name: file[name] for name in file.files if name in wanted}))
    if files := idx_files(path):
        read = {True: idx_labels, False: idx_array}
        return {name: read[name[0] == "y"](file) for name, file in files.items() if name in wanted}
    if texts := text_files(path):
        given = {name: text_array(held) for name, held in texts.items() if name in wanted}
        return named(given, class_names(path))
    found = {}
    for file in _beside(path):
        if file.stem in wanted:
            with _plainly(file), open(file, "rb") as stream:
                _checked(file, file.stem, *_header(stream))
                stream.seek(0)
                found[file.stem] = np.load(stream, allow_pickle=False)
    return found


def _beside(path: Path) -> list[Path]:
    folder = path if path.is_dir() else path.parent
    return sorted(p for p in folder.glob("*.npy") if p.is_file() and not p.name.startswith("."))


class _plainly:
    """Turns what numpy raises for damaged files into a line."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: Any, _: Any) -> None:
        broken = (OSError, EOFError, zipfile.BadZipFile, KeyError, SyntaxError, NotImplementedError, MemoryError)
        if isinstance(error, (ValueError, *broken)) and not str(error).startswith(str(self.path)):
            reason = (str(error).splitlines() or [type(error).__name__])[0][:120]
            raise ValueError(f"{self.path} is not a whole {self.path.suffix} of plain arrays: {reason}") from None


def _opened(path: Path, read: Callable[[Any], Any]) -> Any:
    with _plainly(path), open(path, "rb") as stream, np.load(stream, allow_pickle=False) as file:
        if not hasattr(file, "files"):
            raise ValueError("it is a single array; name it .npy")
        return read(file)


def _small(path: Path, wanted: Collection[str]) -> None:
    """Raise ValueError if an array of an .npz is too large once it is unpacked."""
    with _plainly(path), zipfile.ZipFile(path) as file:
        for entry in file.infolist():
            if entry.filename.removesuffix(".npy") in wanted and entry.filename.endswith(".npy"):
                with file.open(entry) as stream:
                    _checked(path, entry.filename.removesuffix(".npy"), *_header(stream))


def _header(stream: Any) -> tuple[tuple[int, ...], np.dtype]:
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(stream)
    return shape, dtype


def _checked(path: Path, name: str, shape: tuple[int, ...], dtype: np.dtype) -> None:
    count = 1
    for size in shape:
        count *= int(size)
    size = count * max(4, dtype.itemsize)
    if size > LARGEST:
        raise ValueError(
            f"{path}: {name} is {'x'.join(map(str, shape))} {dtype}, {size / (1 << 30):.1f} GB once unpacked; at most"
            f" {LARGEST >> 30} GB are read: take fewer samples, or smaller ones"
        )
