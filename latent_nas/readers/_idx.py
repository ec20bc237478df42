"""Arrays in the format of MNIST (LeCun et al. 1998): train-images-idx3-ubyte, t10k-labels-idx1-ubyte, packed or not."""

import gzip
import re
from math import prod
from pathlib import Path

import numpy as np

TYPES = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
NAME = re.compile(
    r"(?:.*[-_.])?(train|t10k|test|valid|val)[-_.](images|labels)[-_.]idx\d-u?byte(?:\.gz)?", re.IGNORECASE
)
PARTS = {"train": "train", "t10k": "test", "test": "test", "valid": "valid", "val": "valid"}
LARGEST = 1 << 32  # bytes, unpacked


def idx_files(path: Path) -> dict[str, Path]:
    """Return the files of a folder, or beside one of them, by the names of their arrays, as x_train."""
    folder = path if path.is_dir() else path.parent
    if not path.is_dir() and not NAME.fullmatch(path.name):
        return {}
    found: dict[str, Path] = {}
    for file in sorted(folder.iterdir()):
        if (match := NAME.fullmatch(file.name)) and file.is_file():
            role = "x" if match[2].lower() == "images" else "y"
            found.setdefault(f"{role}_{PARTS[match[1].lower()]}", file)  # one that is unpacked comes first
    return found


def idx_array(path: Path) -> np.ndarray:
    """Return the array of a file.

    Raises:
        ValueError: it is none, is cut, or is too large.
    """
    opened = gzip.open if path.suffix.lower() == ".gz" else open
    try:
        with opened(path, "rb") as stream:
            head = stream.read(4)
            if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in TYPES or not head[3]:
                raise ValueError(f"{path} is no idx file; wanted one as MNIST's, which begins with its type and axes")
            shape = np.frombuffer(stream.read(4 * head[3]), ">i4")
            dtype = np.dtype(TYPES[head[2]])
            size = prod(map(int, shape)) * dtype.itemsize
            if len(shape) < head[3] or (shape < 0).any() or size > LARGEST:
                raise ValueError(
                    f"{path} says that it holds {shape.tolist()} numbers; at most {LARGEST >> 30} GB are read"
                )
            data = stream.read(size)
    except (OSError, EOFError) as error:  # of a damaged .gz as well
        raise ValueError(f"{path} can't be read: {error}") from None
    if len(data) < size:
        raise ValueError(f"{path} is cut: {len(data)} bytes of {size} are there; download it again")
    return np.frombuffer(data, dtype).reshape(shape).astype(dtype.newbyteorder("="))
