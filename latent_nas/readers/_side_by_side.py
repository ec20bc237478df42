"""Texts of numbers side by side, as UCI's data sets have them: train/X_train.txt, y_train.txt, subject_train.txt.

Where ``Inertial Signals``, or another folder of one text per channel, lies beside, these are the channels of series.
"""

import re
from pathlib import Path

import numpy as np

PARTS = ("train", "valid", "val", "test")
LARGEST = 1 << 30  # bytes of text
NAME = re.compile(rf"(x|y|subject)_({'|'.join(PARTS)})\.txt", re.IGNORECASE)


def text_files(path: Path) -> dict[str, list[Path]]:
    """Return the texts by the names of their arrays, as x_train: several are channels, in the order of their names."""
    folder = path if path.is_dir() else path.parent
    if not path.is_dir() and not NAME.fullmatch(path.name):
        return {}
    places = [folder, *(p for p in sorted(folder.iterdir()) if p.is_dir() and p.name.lower() in PARTS)]
    if not path.is_dir() and folder.name.lower() in PARTS:
        places = [p for p in sorted(folder.parent.iterdir()) if p.is_dir() and p.name.lower() in PARTS]
    found: dict[str, list[Path]] = {}
    for place in places:
        for file in sorted(place.glob("*.txt")):
            if match := NAME.fullmatch(file.name):
                role, part = match[1].lower(), match[2].lower()
                channels = _channels(place, part) if role == "x" else []
                found[f"{role}_{part}"] = channels or [file]
    return found if any(name.startswith("y_") for name in found) else {}


def _channels(place: Path, part: str) -> list[Path]:
    folders = [p for p in sorted(place.iterdir()) if p.is_dir()]
    texts = [sorted(folder.glob(f"*_{part}.txt")) for folder in folders]
    return next((files for files in texts if files), [])


def text_array(files: list[Path]) -> np.ndarray:
    """Return (rows, values) of a text, (rows, steps, channels) of several.

    Raises:
        ValueError: a line that is no row of numbers, or texts of other sizes.
    """
    arrays = []
    for file in files:
        if file.stat().st_size > LARGEST:
            raise ValueError(f"{file} has {file.stat().st_size >> 20} MB of text; at most {LARGEST >> 20} are read")
        if not file.stat().st_size:
            raise ValueError(f"{file} is empty; wanted rows of numbers")
        try:
            arrays.append(np.loadtxt(file, ndmin=2))
        except (ValueError, UnicodeDecodeError) as error:
            raise ValueError(f"{file}: {' '.join(str(error).split())[:150]}; wanted rows of numbers") from None
    if len({a.shape for a in arrays}) > 1:
        sizes = ", ".join(f"{f.name} {a.shape}" for f, a in zip(files, arrays, strict=True))
        raise ValueError(f"{files[0].parent}: the channels differ in size: {sizes}")
    whole = arrays[0] if len(arrays) == 1 else np.stack(arrays, axis=2)
    if whole.shape[1:] == (1,):
        whole = whole.ravel()
    return whole.astype(np.int64) if whole.ndim == 1 and (whole % 1 == 0).all() else whole
