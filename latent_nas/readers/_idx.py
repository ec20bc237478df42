"""Arrays in the format of MNIST (LeCun et al. 1998): train-images-idx3-ubyte, t10k-labels-idx1-ubyte, packed or not."""

import gzip
import zlib
from math import prod
from pathlib import Path
from typing import BinaryIO

import numpy as np

TYPES = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
LARGEST = 1 << 32  # bytes, unpacked
QMNIST = 8  # numbers of a label there; the first is the digit


def idx_array(path: Path) -> np.ndarray:
    """Return the array of a file, all of which is read, so that the checksum of a packed one is checked.

    Raises:
        ValueError: it is none, is cut, damaged or longer than it says, or is too large.
    """
    try:
        with _opened(path) as stream:
            shape, dtype = _head(path, stream)
            size = prod(shape) * dtype.itemsize
            if size > LARGEST:
                raise ValueError(
                    f"{path} says that it holds {list(shape)} numbers; at most {LARGEST >> 30} GB are read"
                )
            data = stream.read(size)
            more = stream.read(1)
    except (OSError, EOFError, zlib.error) as error:  # of a damaged .gz as well
        raise ValueError(f"{path} can't be read: {error}; download it again") from None
    if len(data) < size:
        raise ValueError(f"{path} is cut: {len(data)} bytes of {size} are there; download it again")
    if more:
        raise ValueError(f"{path} holds more than the {list(shape)} numbers that its head says; download it again")
    return np.frombuffer(data, dtype).reshape(shape).astype(dtype.newbyteorder("="))


def idx_labels(path: Path) -> np.ndarray:
    """Return the labels (n,) of a file; of QMNIST's, which say more than the digit, the digit."""
    found = idx_array(path)
    return found[:, 0] if _several(path, found.shape) else found


def said_of_labels(path: Path) -> list[str]:
    """Return a line where a file of labels holds more than one number of each sample."""
    try:
        with _opened(path) as stream:
            shape, _ = _head(path, stream)
    except (OSError, EOFError, ValueError, zlib.error):
        return []  # said when it is read
    if not _several(path, shape):
        return []
    return [f"{path.name} has {QMNIST} numbers a sample: the first, the digit, is the class"]


def _several(path: Path, shape: tuple[int, ...]) -> bool:
    return "qmnist" in path.name.casefold() and len(shape) == 2 and shape[1] == QMNIST


def _opened(path: Path) -> BinaryIO:
    return gzip.open(path, "rb") if path.suffix.lower() == ".gz" else open(path, "rb")  # type: ignore[return-value]


def _head(path: Path, stream: BinaryIO) -> tuple[tuple[int, ...], np.dtype]:
    """Return shape and type of the array that follows.

    Raises:
        ValueError: it is no such file.
    """
    head = stream.read(4)
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in TYPES or not head[3]:
        raise ValueError(f"{path} is not an idx file; wanted one as MNIST's, which begins with its type and axes")
    sizes = stream.read(4 * head[3])
    if len(sizes) < 4 * head[3]:
        raise ValueError(f"{path} is cut: its head says {head[3]} axes; download it again")
    return tuple(map(int, np.frombuffer(sizes, ">u4"))), np.dtype(TYPES[head[2]])
