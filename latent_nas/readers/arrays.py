"""An .npz file of arrays: x and y, or x_train, y_train and so on."""

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from latent_nas.front_end import FrontEnd
from latent_nas.readers import PARTS, Raw, Reader, Wanted, number, numeric


class Arrays(Reader):
    """Reads images (n, h, w) or (n, h, w, c) and series (n, steps) or (n, steps, 1, channels); never a pickle.

    y is classes (n,); of floats it is numeric targets (n,) or (n, targets), which an array ``targets`` may name.
    """

    about = "an .npz file (x and y, or x_train, y_train, x_test, y_test)"
    uses = ("input", "kind")

    def takes(self, path: Path) -> bool:
        """Return whether it is a file named .npz."""
        return path.suffix.lower() == ".npz" and path.is_file()

    def example(self, folder: Path) -> Path:
        """Write four images of two classes."""
        np.savez(folder / "images.npz", x=np.linspace(0, 1, 4 * 36).reshape(4, 6, 6), y=np.array([0, 1, 0, 1]))
        return folder / "images.npz"

    def read(self, path: Path, wanted: Wanted) -> Raw:
        """Return the arrays; whole numbers from 0 to 255 become 0 to 1."""
        try:
            with open(path, "rb") as stream, np.load(stream, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
        except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
            raise ValueError(f"{path} is no whole .npz of plain arrays: {str(error).splitlines()[0]}") from None
        pairs = [(arrays[f"x_{p}"], arrays.get(f"y_{p}"), i) for i, p in enumerate(PARTS) if f"x_{p}" in arrays]
        if "x" in arrays:
            pairs = [(arrays["x"], arrays.get("y"), -1)]
        if not pairs:
            raise ValueError(f"{path} has no array x (nor x_train); it has: {', '.join(arrays) or 'nothing'}")
        about = _about(path, arrays)
        kind = wanted.kind or about.get("kind", "")
        xs, ys, parts = [], [], []
        for x, y, at in pairs:
            name = "" if at < 0 else f"_{PARTS[at]}"
            if not x.size:
                raise ValueError(f"{path}: x{name} has shape {x.shape}, so there is no sample in it")
            if not x.ndim:
                raise ValueError(f"{path}: x{name} is a single number; wanted an array with a row per sample")
            y = _targets(f"{path}: x{name} has {len(x)} rows, so y{name} wants", x, y, kind)
            xs.append(_values(path, f"x{name}", x, wanted.input))
            ys.append(y)
            parts.append(np.full(len(x), at))
        if len({x.shape[1:] for x in xs}) > 1:
            raise ValueError(f"{path}: its parts differ in shape: {', '.join(str(x.shape[1:]) for x in xs)}")
        if len({y.shape[1:] for y in ys}) > 1:
            raise ValueError(f"{path}: its parts differ in targets: {', '.join(str(y.shape) for y in ys)}")
        x, y, part = np.concatenate(xs), np.concatenate(ys), np.concatenate(parts)
        names = tuple(f"{PARTS[p] if p >= 0 else 'row'} {i}" for q in parts for i, p in enumerate(q.tolist()))
        classes: tuple[str, ...] = ()
        targets: tuple[str, ...] = ()
        if y.ndim == 2:
            targets = tuple(f"target {i}" for i in range(y.shape[1])) if y.shape[1] > 1 else ("target",)
            targets = tuple(map(str, arrays["targets"])) if arrays.get("targets", y).shape == y.shape[1:] else targets
            y = numeric(y, targets, names, path)
        else:
            given = y
            y, classes = number(given.tolist())
            if "classes" in arrays and len(arrays["classes"]) > y.max(initial=-1) and classes == _plain(classes):
                classes = tuple(str(c) for c in arrays["classes"])
                y = given.astype(np.int64)
        plain = x.min(initial=0) >= 0 and x.max(initial=1) <= 1
        return Raw(
            x=x,
            y=y,
            classes=classes,
            targets=targets,
            kind=kind,
            part=part,
            names=names,
            what="rows",
            sizes={"x".join(map(str, x.shape[1:])): len(x)},
            keep=() if plain or about else (3,),
            shift=tuple(about.get("shift", ())),
            gain=tuple(about.get("gain", ())),
            front_end=FrontEnd(**about["front_end"]) if about.get("front_end") else None,
        )


def _targets(wants: str, x: np.ndarray, y: np.ndarray | None, kind: str) -> np.ndarray:
    """Return classes (n,) or numeric targets (n, targets); ``wants`` begins the message that refuses others."""
    if y is None:
        raise ValueError(f"{wants} ({len(x)},) classes or numeric targets; got nothing")
    if kind == "regress" or (not kind and y.dtype.kind == "f"):
        if y.dtype.kind not in "uif" or y.shape[:1] != (len(x),) or y.ndim > 2 or not y.size:
            raise ValueError(f"{wants} numbers ({len(x)},) or ({len(x)}, targets); got {y.dtype} {y.shape}")
        return y.reshape(len(x), -1)
    if y.shape != (len(x),) or y.dtype.kind == "f":
        raise ValueError(f"{wants} ({len(x)},) classes; got {y.dtype} {y.shape}")
    return y


def _values(path: Path, name: str, x: np.ndarray, shape: tuple[int, int, int] | None) -> np.ndarray:
    if x.dtype.kind not in "uifb":
        raise ValueError(f"{path}: {name} holds {x.dtype}; wanted numbers")
    if shape is None and x.ndim not in (2, 3, 4):
        raise ValueError(
            f"{path}: {name} has shape {x.shape}; wanted images (n, h, w) or (n, h, w, c), or series (n, steps)"
        )
    whole = x.dtype == np.uint8
    x = x.astype(np.float32)
    wrong = np.flatnonzero(~np.isfinite(x.reshape(len(x), -1)).all(axis=1))
    if len(wrong):
        raise ValueError(f"{path}: {name} holds NaN or infinity in {len(wrong)} rows, the first is {wrong[0]}")
    if shape is not None:
        if x[:1].size != np.prod(shape) * min(len(x), 1):
            raise ValueError(f"{path}: {name} has rows of shape {x.shape[1:]}; they can't be read as {shape}")
        x = x.reshape(len(x), *shape)
    elif x.ndim < 4:  # grey images, or a series of one channel
        x = x.reshape(*x.shape, 1) if x.ndim == 3 else x.reshape(*x.shape, 1, 1)
    return x / np.float32(255) if whole else x


def _about(path: Path, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    """Return what ``dataset import`` wrote beside the arrays; such data are scaled already."""
    if "about" not in arrays:
        return {}
    try:
        return dict(json.loads(str(arrays["about"])))
    except (json.JSONDecodeError, ValueError):
        raise ValueError(f"{path}: its array 'about' is not what `latent-nas dataset import` writes") from None


def _plain(classes: tuple[str, ...]) -> tuple[str, ...]:
    """Return the classes if they are whole numbers from 0 on, else nothing."""
    return classes if all(c.isdecimal() for c in classes) else ()


Plugin = Arrays
