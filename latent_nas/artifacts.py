"""Artefacts: a folder of safetensors and JSON files with a manifest that says what made them and their hashes.

Nothing here is unpickled. A folder is written beside its place and moved there whole, see ``whole``.
"""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from latent_nas import __version__, sealed, whole
from latent_nas.whole import make_folder as make_folder
from latent_nas.whole import writable as writable
from latent_nas.whole import write as write

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
        ValueError: the folder exists and is not an artefact, or can't be made.
    """
    folder = free(folder)
    manifest = {
        "kind": artifact.kind,
        "version": __version__,
        "made": artifact.made,
        "quality": artifact.quality,
        "sha256": {name: hashlib.sha256(data).hexdigest() for name, data in sorted(artifact.files.items())},
    }
    try:
        with whole.folder(folder) as new:
            for name, data in artifact.files.items():
                (new / name).write_bytes(data)
            (new / MANIFEST).write_text(json.dumps(sealed.seal(manifest), indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise ValueError(f"{folder} can't be written: {error.strerror}; {whole.MEANWHILE}") from None


def free(folder: Path) -> Path:
    """Return a folder that ``save`` can write to; asked before work that ends there.

    Raises:
        ValueError: something else is there already, or what would hold it is not a folder.
    """
    folder = Path(folder)
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MANIFEST).exists():
        raise ValueError(f"{folder} is not empty and has no {MANIFEST}; choose another folder")
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file, wanted a folder; choose another place")
    return writable(folder)


def load(folder: Path, kind: str) -> Artifact:
    """Return a folder's artefact, all hashes checked.

    Raises:
        ValueError: no artefact there, one of another kind, a file missing or changed.
    """
    folder = Path(folder)
    manifest = _manifest(folder, kind)
    if manifest["kind"] != kind:
        raise ValueError(f"{folder} holds a {manifest['kind']}, wanted a {kind}")
    files = {}
    for name, wanted in manifest["sha256"].items():
        path = folder / name
        data = path.read_bytes() if path.is_file() else b""
        if hashlib.sha256(data).hexdigest() != wanted:
            raise ValueError(
                f"{path} is missing or has changed (sha256 differs); make the {kind} again or fetch it again"
            )
        files[name] = data
    return Artifact(kind, manifest["made"], manifest["quality"], files)


def _manifest(folder: Path, kind: str) -> dict[str, Any]:
    """Return what a manifest holds, its own hash checked where it has one."""
    try:
        text = (folder / MANIFEST).read_text(encoding="utf-8")
        manifest = sealed.unseal(json.loads(text), MANIFEST)
        typed = isinstance(manifest["kind"], str) and isinstance(manifest["quality"], dict)
        typed = typed and isinstance(manifest["made"], dict)
        if not typed or any(Path(name).name != name for name in dict(manifest["sha256"])):
            raise ValueError("not what is written there")
    except (FileNotFoundError, NotADirectoryError):
        raise ValueError(f"{folder} holds no {kind}: there is no {MANIFEST} in it") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ValueError(f"{folder / MANIFEST} is damaged; make the {kind} again or fetch it again") from None
    return manifest


def pack(arrays: dict[str, np.ndarray]) -> bytes:
    """Return arrays as safetensors bytes."""
    from safetensors.numpy import save as to_bytes

    return bytes(to_bytes({k: np.asarray(v, order="C") for k, v in sorted(arrays.items())}))


def unpack(data: bytes) -> dict[str, np.ndarray]:
    """Return the arrays of ``pack``.

    Raises:
        ValueError: the bytes are not a whole safetensors file.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load as from_bytes

    try:
        arrays: dict[str, np.ndarray] = from_bytes(data)
    except SafetensorError as error:
        raise ValueError(f"not a whole safetensors file: {error}") from None
    return arrays
