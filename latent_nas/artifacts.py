"""Artefacts: a folder of safetensors and JSON files with a manifest that says what made them and their hashes.

Nothing here is unpickled. A folder is written beside its place and moved there whole.
"""

import hashlib
import json
import os
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from latent_nas import __version__

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Artifact:
    """What a folder holds.

    Attributes:
        kind: "codec", "surrogate", "agent", ... made: space, task, settings, seed. quality: measured figures.
        files: contents by name.
    """

    kind: str
    made: dict[str, Any]
    quality: dict[str, Any] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)


def save(folder: Path, artifact: Artifact) -> None:
    """Write an artefact, replacing an artefact that is there.

    Raises:
        ValueError: the folder exists and is no artefact, or can't be made.
    """
    folder = free(folder)
    make_folder(folder.parent)
    manifest = {
        "kind": artifact.kind,
        "version": __version__,
        "made": artifact.made,
        "quality": artifact.quality,
        "sha256": {name: hashlib.sha256(data).hexdigest() for name, data in sorted(artifact.files.items())},
    }
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        new = Path(scratch) / "new"
        new.mkdir()
        for name, data in artifact.files.items():
            (new / name).write_bytes(data)
        (new / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
        if folder.exists():
            shutil.move(folder, Path(scratch) / "old")
        new.rename(folder)


def free(folder: Path) -> Path:
    """Return a folder that ``save`` can write to; asked before work that ends there.

    Raises:
        ValueError: something else is there already, or what would hold it is no folder.
    """
    folder = Path(folder)
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MANIFEST).exists():
        raise ValueError(f"{folder} is not empty and has no {MANIFEST}; choose another folder")
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file, wanted a folder; choose another place")
    return writable(folder)


def writable(path: Path) -> Path:
    """Return a place for a file or folder; asked before work that ends there.

    Raises:
        ValueError: the nearest thing above it that exists is no folder, or none that may be written.
    """
    path = Path(path)
    above = next(p for p in path.absolute().parents if p.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        why = "may not be written" if above.is_dir() else "is no folder"
        raise ValueError(f"{path} can't be written: {above} {why}; choose another place")
    return path


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, if they are not there.

    Raises:
        ValueError: the system refuses; the message says why.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"{folder} can't be made: {error.strerror}; choose another place") from None


def load(folder: Path, kind: str) -> Artifact:
    """Return a folder's artefact, all hashes checked.

    Raises:
        ValueError: no artefact there, one of another kind, a file missing or changed.
    """
    folder = Path(folder)
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        found, hashes = manifest["kind"], manifest["sha256"]
    except FileNotFoundError:
        raise ValueError(f"{folder} holds no {kind}: there is no {MANIFEST} in it") from None
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError):
        raise ValueError(f"{folder / MANIFEST} is damaged; make the {kind} again or fetch it again") from None
    if found != kind:
        raise ValueError(f"{folder} holds a {found}, wanted a {kind}")
    files = {}
    for name, wanted in hashes.items():
        path = folder / name
        data = path.read_bytes() if path.is_file() else b""
        if hashlib.sha256(data).hexdigest() != wanted:
            raise ValueError(
                f"{path} is missing or has changed (sha256 differs); make the {kind} again or fetch it again"
            )
        files[name] = data
    return Artifact(kind, manifest["made"], manifest["quality"], files)


def pack(arrays: dict[str, np.ndarray]) -> bytes:
    """Return arrays as safetensors bytes."""
    from safetensors.numpy import save as to_bytes

    return bytes(to_bytes({k: np.asarray(v, order="C") for k, v in sorted(arrays.items())}))


def unpack(data: bytes) -> dict[str, np.ndarray]:
    """Return the arrays of ``pack``.

    Raises:
        ValueError: the bytes are no whole safetensors file.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load as from_bytes

    try:
        arrays: dict[str, np.ndarray] = from_bytes(data)
    except SafetensorError as error:
        raise ValueError(f"not a whole safetensors file: {error}") from None
    return arrays


def write(path: Path, data: bytes | str) -> None:
    """Write a file under a temporary name, flush it to the disk and rename it.

    Raises:
        ValueError: the system refuses; the message says why, and nothing is left behind.
    """
    path = Path(path)
    make_folder(path.parent)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(temporary, "wb") as file:
            file.write(data.encode() if isinstance(data, str) else data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise ValueError(f"{path} can't be written: {error.strerror}; choose another place") from None
