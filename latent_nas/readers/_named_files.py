"""MNIST's files by the parts of their names: data set, part, role, as emnist-letters-train-images-idx3-ubyte.gz."""

import re
import zlib
from pathlib import Path

from latent_nas.readers import PARTS
from latent_nas.readers._parts import part_of

ROLES = {"images": "x", "image": "x", "labels": "y", "label": "y"}
TYPES = {"ubyte", "byte", "short", "int", "float", "double"}
PACKED = "gz"
SHOWN = 4  # data sets in a message


def idx_files(path: Path) -> dict[str, Path]:
    """Return the files of one data set by the names of their arrays, as x_train; one of several is named by a file.

    Args:
        path: a folder, or one of the files in it.

    Raises:
        ValueError: a folder of several data sets, or two files that could be the same array and differ.
    """
    sets = _sets(path if path.is_dir() else path.parent)
    if not path.is_dir():
        told = _told(path.name)
        return _one_each(path.parent, sets.get(told[0], {})) if told else {}
    if len(sets) > 1:
        firsts = [next(iter(files.values()))[0].name for files in sets.values()]
        more = f" and {len(firsts) - SHOWN} more" if len(firsts) > SHOWN else ""
        raise ValueError(
            f"{path} holds files of {len(sets)} data sets: {', '.join(firsts[:SHOWN])}{more}; name one file of the set"
            " that is meant, and all of that set are read"
        )
    return _one_each(path, next(iter(sets.values()), {}))


def is_idx(path: Path) -> bool:
    """Return whether it is such a file by its name, or a folder with one."""
    return bool(_sets(path)) if path.is_dir() else _told(path.name) is not None


def _sets(folder: Path) -> dict[str, dict[str, list[Path]]]:
    """Return the files of a folder by data set and by role, in order."""
    found: dict[str, dict[str, list[Path]]] = {}
    for file in sorted(folder.iterdir()):
        if not file.name.startswith(".") and (told := _told(file.name)) and file.is_file():
            found.setdefault(told[0], {}).setdefault(told[1], []).append(file)
    return found


def _told(name: str) -> tuple[str, str] | None:
    """Return data set and array of a file's name, e.g. ("emnist-letters", "x_train"); None for a file of other kind."""
    words = re.split(r"[-_.]", name.casefold())
    if words[-1] == PACKED:
        words.pop()
    if not words or not (words[-1] in TYPES or re.fullmatch(r"idx\d?", words[-1])):
        return None
    words = [word for word in words if word not in TYPES]
    kinds = [word for word in words if re.fullmatch(r"idx\d?", word)]
    roles = [word for word in words if word in ROLES]
    if len(kinds) != 1 or len(roles) != 1:
        return None
    part = next((word for word in words if word == "t10k" or part_of(word) is not None), "")
    rest = [word for word in words if word not in (kinds[0], roles[0], part)]
    at = 2 if part == "t10k" else part_of(part)
    return "-".join(rest), ROLES[roles[0]] + ("" if at is None else f"_{PARTS[at]}")


def _one_each(folder: Path, files: dict[str, list[Path]]) -> dict[str, Path]:
    """Return one file for each array, the unpacked one where there are both."""
    for role, several in files.items():
        if len(several) > 1 and len({_content(file) for file in several}) > 1:
            names = " and ".join(file.name for file in several[:3])
            raise ValueError(f"{folder}: {names} are all {role!r} by their names and differ; take the wrong one away")
    return {role: min(several, key=lambda file: file.suffix.lower() == ".gz") for role, several in files.items()}


def _content(file: Path) -> tuple[int, int]:
    """Return CRC and length (mod 2^32) of a file's content, which a packed one states at its end."""
    data = file.read_bytes()
    if file.suffix.lower() == ".gz":
        return int.from_bytes(data[-8:-4], "little"), int.from_bytes(data[-4:], "little")
    return zlib.crc32(data), len(data) & 0xFFFFFFFF
