"""Arrays of samples as (n, height, width, channels), whatever order their axes have; a guess is said, a doubt asked."""

from pathlib import Path

import numpy as np

from latent_nas.readers import LAYOUTS

CHANNELS = (1, 3)  # of images with the channels first
LONG = 4  # times as long as wide: more likely a series than an image
DARK = 1 / 255  # of values from 0 to 1, which are pixels where the largest is a grey level at least
WIDE = 2  # times as many steps as channels, where the channels come first
FEW, APART = 8, 20.0  # values of a row below which, and spreads of columns above which, rows are features


def values(
    path: Path, name: str, x: np.ndarray, shape: tuple[int, int, int] | None, layout: str
) -> tuple[np.ndarray, str, list[str]]:
    """Return samples (n, height, width, channels) as float32, uint8 divided by 255, their layout, and notes.

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
        layout, notes = _suggested(path, name, x)
    if layout:
        axes = LAYOUTS[layout]
        if x.ndim != len(layout):
            raise ValueError(f"{path}: {name} has shape {x.shape}; layout={layout} wants {axes}")
        found = _ordered(found, layout)
    if shape is not None:
        if found[:1].size != np.prod(shape):
            raise ValueError(f"{path}: {name} has rows of shape {x.shape[1:]}; they can't be read as {shape}")
        found = found.reshape(len(x), *shape)
    return found, layout, notes


def _suggested(path: Path, name: str, x: np.ndarray) -> tuple[str, list[str]]:
    """Return the layout that a shape suggests, and what to say of it."""
    shape = x.shape
    if len(shape) == 2:
        return _flat(name, x)
    if len(shape) == 3:
        return _three(path, name, x)
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


def _flat(name: str, x: np.ndarray) -> tuple[str, list[str]]:
    """Return whether rows are series or features: few values, or such that differ much in spread."""
    spread = x.astype(np.float64).std(axis=0)
    spread = spread[spread > 0]
    apart = float(spread.max() / spread.min()) if len(spread) > 1 and x.dtype != np.uint8 else 1.0
    if 1 < x.shape[1] < FEW or apart > APART:
        why = f"differ {apart:.0f}-fold in spread" if apart > APART else "are few"
        return "nf", [f"the {x.shape[1]} values of a row of {name} {why}: features, each with its own scale"
                      " ('?layout=ns': a series)"]  # fmt: skip
    said = f"the {x.shape[1]} values of a row of {name} are read as steps of a series"
    return "ns", [f"{said} ('?layout=nf': features, each with its own scale)"] if x.shape[1] > 1 else []


def _three(path: Path, name: str, x: np.ndarray) -> tuple[str, list[str]]:
    """Return whether three axes are grey images or series of several channels."""
    first, second = x.shape[1:]
    least, most = x.min(initial=0), x.max(initial=0)
    picture = least >= 0 and (DARK <= most <= 1 or (1 < most <= 255 and first == second))
    doubt = f"{name} {x.shape} is read as"
    if x.dtype == np.uint8 or (picture and max(first, second) < LONG * min(first, second)):
        other = f"'?layout=nsc' takes it as series of {first} steps and {second} channels"
        said = [f"{doubt} grey images; {other}, '?layout=ncs' the other way round"]
        return "nhw", said if first != second else []
    if second >= WIDE * first:
        series = f"{doubt} series of {second} steps and {first} channels, each with its own scale"
        return "ncs", [f"{series} ('?layout=nsc': steps first; '?layout=nhw': grey images)"]
    if second > first:
        raise ValueError(
            f"{path}: {name} has shape {x.shape}, which could be series with steps or channels first, or grey images;"
            " say '?layout=nsc', '?layout=ncs' or '?layout=nhw'"
        )
    if first == second:
        grey = f"{doubt} grey images; '?layout=nsc' takes it as series of {first} steps and {second} channels"
        return "nhw", [grey] if least < 0 else []
    series = f"{doubt} series of {first} steps and {second} channels, each with its own scale"
    return "nsc", [f"{series} ('?layout=ncs': channels first; '?layout=nhw': grey images)"]


def _ordered(x: np.ndarray, layout: str) -> np.ndarray:
    """Return x with height, or the steps, first and channels last."""
    if layout == "ns":
        return x[:, :, None, None]
    if layout == "nf":
        return x[:, None, :, None]
    if layout == "nhw":
        return x[..., None]
    if layout == "nsc":
        return x[:, :, None, :]
    if layout == "ncs":
        return np.ascontiguousarray(x.transpose(0, 2, 1)[:, :, None, :])
    return np.ascontiguousarray(x.transpose(0, 2, 3, 1)) if layout == "nchw" else x
