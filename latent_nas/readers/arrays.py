"""An .npz file of arrays: x and y, or x_train, y_train and so on."""

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from latent_nas.front_end import FrontEnd
from latent_nas.readers import PARTS, Raw, Reader, Wanted, number


class Arrays(Reader):
    """Reads images (n, h, w) or (n, h, w, c) and series (n, steps) or (n, steps, 1, channels); never a pickle."""

    about = "an .npz file (x and y, or x_train, y_train, x_test, y_test)"
    uses = ("input",)

    def takes(self, path: Path) -> bool:
        """Return whether it is a file named .npz."""
        return path.suffix.lower() == ".npz" and path.is_file()

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
        xs, ys, parts = [], [], []
        for x, y, part in pairs:
            name = "" if part < 0 else f"_{PARTS[part]}"
            if not x.size:
                raise ValueError(f"{path}: x{name} has shape {x.shape}, so there is no sample in it")
            if not x.ndim:
                raise ValueError(f"{path}: x{name} is a single number; wanted an array with a row per sample")
            if y is None or y.shape != (len(x),) or y.dtype.kind == "f":
                got = "nothing" if y is None else f"{y.dtype} {y.shape}"
                raise ValueError(f"{path}: x{name} has {len(x)} rows, so y{name} wants ({len(x)},) classes; got {got}")
            xs.append(_values(path, f"x{name}", x, wanted.input))
            ys.append(y)
            parts.append(np.full(len(x), part))
        if len({x.shape[1:] for x in xs}) > 1:
            raise ValueError(f"{path}: its parts differ in shape: {', '.join(str(x.shape[1:]) for x in xs)}")
        numbers, classes = number(np.concatenate(ys).tolist())
        x, about = np.concatenate(xs), _about(path, arrays)
        if "classes" in arrays and len(arrays["classes"]) > numbers.max(initial=-1) and classes == _plain(classes):
            classes = tuple(str(c) for c in arrays["classes"])
            numbers = np.concatenate(ys).astype(np.int64)
        plain = x.min(initial=0) >= 0 and x.max(initial=1) <= 1
        return Raw(
            x=x,
            y=numbers,
            classes=classes,
            part=np.concatenate(parts),
            names=tuple(f"{PARTS[p] if p >= 0 else 'row'} {i}" for q in parts for i, p in enumerate(q.tolist())),
            what="rows",
            sizes={"x".join(map(str, x.shape[1:])): len(x)},
            keep=() if plain or about else (3,),
            shift=tuple(about.get("shift", ())),
            gain=tuple(about.get("gain", ())),
            front_end=FrontEnd(**about["front_end"]) if about.get("front_end") else None,
        )


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
