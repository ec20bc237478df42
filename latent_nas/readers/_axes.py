"""Arrays of samples as (n, height, width, channels), whatever order their axes have; a guess is said, a doubt asked."""

from pathlib import Path

import numpy as np

from latent_nas.readers import LAYOUTS

CHANNELS = (1, 3)  # of images with the channels first
LONG = 4  # times as long as wide: more likely a series than an image


def values(
    path: Path, name: str, x: np.ndarray, shape: tuple[int, int, int] | None, layout: str
) -> tuple[np.ndarray, list[str]]:
    """Return samples (n, height, width, channels) as float32, uint8 divided by 255, and what to say of the layout.

    Args:
        path, name: of the file and the array, for messages. shape: height, width, channels to read every row as, or
            None. layout: one of ``readers.LAYOUTS``, or "" for what the shape suggests.

    Raises:
        ValueError: no numbers, NaN or infinity, a number of axes or a size that does not fit, or a shape that could be
            images with the channels first or last.
    """
    if x.dtype.kind not in "uifb":
        raise ValueError(f"{path}: {name} holds {x.dtype}; wanted numbers")
    if x.dtype == np.uint8:
        found = x.astype(np.float32) / np.float32(255)
    else:
        with np.errstate(over="ignore"):
            found = x.astype(np.float32)
    wrong = np.flatnonzero(~np.isfinite(found.reshape(len(x), -1)).all(axis=1))
    if len(wrong):
        raise ValueError(f"{path}: {name} holds NaN or infinity in {len(wrong)} rows, the first is {wrong[0]}")
    notes: list[str] = []
    if not layout and shape is None:
        layout, notes = _suggested(path, name, x.shape)
    if layout:
        axes = LAYOUTS[layout]
        if x.ndim != len(layout):
            raise ValueError(f"{path}: {name} has shape {x.shape}; layout={layout} wants {axes}")
        found = _ordered(found, layout)
    if shape is not None:
        if found[:1].size != np.prod(shape):
            raise ValueError(f"{path}: {name} has rows of shape {x.shape[1:]}; they can't be read as {shape}")
        found = found.reshape(len(x), *shape)
    return found, notes


def _suggested(path: Path, name: str, shape: tuple[int, ...]) -> tuple[str, list[str]]:
    """Return the layout that a shape suggests, and what to say of it."""
    if len(shape) == 2:
        return "ns", []
    if len(shape) == 3:
        low, high = sorted(shape[1:])
        doubt = f"{name} {shape} is read as grey images; '?layout=nsc' takes it as series of {shape[1]} steps and"
        said = [f"{doubt} {shape[2]} channels, '?layout=ncs' the other way round"]
        return "nhw", said if high >= LONG * low else []
    if len(shape) != 4:
        raise ValueError(
            f"{path}: {name} has shape {shape}; wanted images (n, h, w) or (n, h, w, c), or series (n, steps)"
        )
    first, second, last = shape[1:]
    if first in CHANNELS and last > first:
        if second == last > max(CHANNELS):
            return "nchw", [f"{name} {shape} is read as images with the channels first ('?layout=nhwc': last)"]
        raise ValueError(
            f"{path}: {name} has shape {shape}, which could be channels first or last; say '?layout=nchw' or"
            " '?layout=nhwc'"
        )
    return "nhwc", []


def _ordered(x: np.ndarray, layout: str) -> np.ndarray:
    """Return x with height, or the steps, first and channels last."""
    if layout == "ns":
        return x[:, :, None, None]
    if layout == "nhw":
        return x[..., None]
    if layout == "nsc":
        return x[:, :, None, :]
    if layout == "ncs":
        return np.ascontiguousarray(x.transpose(0, 2, 1)[:, :, None, :])
    return np.ascontiguousarray(x.transpose(0, 2, 3, 1)) if layout == "nchw" else x
