"""JSON objects with a checksum over themselves: a flipped bit on a disk is found before a result depends on it."""

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

KEY = "sha256_of_all_else"


def seal(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object with its checksum."""
    plain = {name: value for name, value in data.items() if name != KEY}
    return {**plain, KEY: _digest(plain)}


def unseal(data: Any, place: str) -> dict[str, Any]:
    """Return an object without its checksum, which has to be right where it has one; release 0.1 wrote none.

    Args:
        place: the file, for the message.

    Raises:
        ValueError: it has changed, or is not an object.
    """
    if not isinstance(data, dict):
        raise ValueError(f"{place} is damaged: it holds no object; restore it from a copy")
    plain = {name: value for name, value in data.items() if name != KEY}
    if KEY in data and data[KEY] != _digest(plain):
        raise ValueError(
            f"{place} has changed since it was written (its checksum differs); restore it from a copy, or remove {KEY}"
        )
    return plain


def _digest(data: Mapping[str, Any]) -> str:
    text = json.dumps(json.loads(json.dumps(data)), sort_keys=True)  # as it is read back
    return sha256(text.encode()).hexdigest()


def of_file(path: Path) -> str:
    """Return the sha256 of a file's bytes.

    Raises:
        ValueError: it is not there, or can't be read.
    """
    digest = sha256()
    try:
        with open(path, "rb") as file:
            while part := file.read(1 << 20):
                digest.update(part)
    except FileNotFoundError:
        raise ValueError(f"{path} does not exist") from None
    except OSError as error:
        raise ValueError(f"{path} can't be read: {error.strerror}") from None
    return digest.hexdigest()
