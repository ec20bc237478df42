"""Texts of numbers side by side, as UCI's data sets have them: train/X_train.txt, y_train.txt, subject_train.txt.

Where ``Inertial Signals``, or another folder of one text per channel, lies beside, these are the channels of series;
channels are matched by name between the parts.
"""

import re
from pathlib import Path

import numpy as np

PARTS = ("train", "valid", "val", "test")
LARGEST = 1 << 30  # bytes of text
NAME = re.compile(rf"(x|y|subject)(?:_ids?)?_({'|'.join(PARTS)})\.txt", re.IGNORECASE)
CLASSES = "activity_labels.txt"
FEATURES = "features.txt"  # names the columns of X_train.txt
SHOWN = 4  # channels in a line


def text_files(path: Path) -> dict[str, list[Path]]:
    """Return the texts by the names of their arrays, as x_train: several are channels, in the order of their names.

    Args:
        path: a folder, with folders of parts in it or not, or a text of it. Its X_train.txt, or that of another part,
            names the features, not the signals beside them.

    Raises:
        ValueError: two texts that are the same array, several folders of channels, or parts with other channels.
    """
    given = None if path.is_dir() else NAME.fullmatch(path.name)
    if not path.is_dir() and not given:
        return {}
    folder = path if path.is_dir() else path.parent
    above = folder.parent if not path.is_dir() and folder.name.lower() in PARTS else folder
    places = [folder] if above == folder else []
    places += [p for p in sorted(above.iterdir()) if p.is_dir() and p.name.lower() in PARTS]
    found: dict[str, list[Path]] = {}
    for file in [file for place in places for file in _texts(place)]:
        if match := NAME.fullmatch(file.name):
            name = f"{match[1].lower()}_{match[2].lower()}"
            if name in found:
                raise ValueError(f"{found[name][0]} and {file} are both {name!r}; take the wrong one away")
            found[name] = [file]
    if not any(name.startswith("y_") for name in found):
        return {}
    features = given is not None and given[1].lower() == "x"
    return found if features else _with_channels(above, places, found)


def said_of_texts(texts: dict[str, list[Path]]) -> list[str]:
    """Return a line that says what the samples are, where they are channels in texts of their own."""
    several = {
        name: files for name, files in texts.items() if name.startswith("x_") and not NAME.fullmatch(files[0].name)
    }
    if not several:
        return []
    name, files = next(iter(several.items()))
    part = name.removeprefix("x_")
    channels = [_channel(file, part) for file in files]
    more = f" and {len(channels) - SHOWN} more" if len(channels) > SHOWN else ""
    listed = f"{', '.join(channels[:SHOWN])}{more}"
    beside = [f"X_{part}.txt" for p in (files[0].parent, files[0].parent.parent) for f in _texts(p)
              if f.name.lower() == f"x_{part}.txt"]  # fmt: skip
    other = f"; name {beside[0]} to take its features instead" if beside else ""
    return [f"samples are series of the texts in {files[0].parent.name}/, a channel each by name: {listed}{other}"]


def class_names(path: Path) -> dict[int, str]:
    """Return the names of classes by number that activity_labels.txt says, {} where there is none of that kind.

    Args:
        path: what was named; the text lies in this folder or one of the two above.
    """
    folders = [path, path.parent] if path.is_dir() else [path.parent, path.parent.parent]
    for folder in folders:
        for file in _texts(folder):
            if file.name.lower() == CLASSES and file.stat().st_size < 1 << 16:
                lines = file.read_bytes().decode("utf-8-sig", "replace").splitlines()
                cells = [line.split(maxsplit=1) for line in lines if line.strip()]
                if all(len(c) == 2 and c[0].isdecimal() for c in cells):
                    names = {int(number): name.strip() for number, name in cells}
                    return names if len(set(names.values())) == len(cells) else {}
    return {}


def holds_features(path: Path) -> bool:
    """Return whether the samples of these texts are rows of features: features.txt beside names them, and no channels.

    Args:
        path: what was named, of which ``text_files`` are.
    """
    texts = text_files(path)
    rows = [files[0] for name, files in texts.items() if name.startswith("x_") and NAME.fullmatch(files[0].name)]
    places = {folder for file in rows for folder in (file.parent, file.parent.parent)}
    return any(file.name.lower() == FEATURES for folder in places for file in _texts(folder))


def named(arrays: dict[str, np.ndarray], names: dict[int, str]) -> dict[str, np.ndarray]:
    """Return arrays with classes numbered from 0 and their names as ``classes``, where every number has a name."""
    ys = {name: y for name, y in arrays.items() if name.startswith("y_")}
    if not ys or not names or any(y.ndim != 1 or y.dtype.kind != "i" for y in ys.values()):
        return arrays
    numbers = np.unique(np.concatenate([*ys.values()]))
    if not set(numbers.tolist()) <= set(names):
        return arrays
    renumbered = {name: np.searchsorted(numbers, y) for name, y in ys.items()}
    return {**arrays, **renumbered, "classes": np.array([names[n] for n in numbers.tolist()])}


def _with_channels(above: Path, places: list[Path], found: dict[str, list[Path]]) -> dict[str, list[Path]]:
    """Return the arrays with those of channels in place of the features beside them."""
    channels: dict[str, dict[str, Path]] = {}
    for part in dict.fromkeys(name.split("_")[1] for name in found):
        folders = {
            f: texts for place in places for f in _folders(place, f"x_{part}" in found) if (texts := _named(f, part))
        }
        if len(folders) > 1:
            names = " and ".join(str(folder.relative_to(above)) for folder in folders)
            raise ValueError(
                f"{above}: {names} hold texts of channels of part {part!r}; take away what is not a channel"
            )
        if folders:
            channels[part] = next(iter(folders.values()))
    if not channels:
        return found
    first, texts = next(iter(channels.items()))
    for part in (name.split("_")[1] for name in found if name.startswith(("x_", "y_"))):
        odd = sorted(set(texts) ^ set(channels.get(part, {})))
        if odd:
            raise ValueError(
                f"{above}: the channels of {first!r} and {part!r} differ: {', '.join(odd[:SHOWN])} is in one part only;"
                " all parts want the same, by name"
            )
    return found | {f"x_{part}": [texts[name] for name in sorted(texts)] for part, texts in channels.items()}


def _folders(place: Path, features: bool) -> list[Path]:
    """Return where channels of a part can lie: in folders of it, or beside its classes where no features lie there."""
    inside = [p for p in sorted(place.iterdir()) if p.is_dir() and p.name.lower() not in PARTS]
    return [p for p in inside if not p.name.startswith(".")] + ([] if features else [place])


def _named(folder: Path, part: str) -> dict[str, Path]:
    """Return the texts of a part by the name of their channel; those with names of other arrays are none."""
    texts = [f for f in _texts(folder) if f.name.lower().endswith(f"_{part}.txt") and not NAME.fullmatch(f.name)]
    return {_channel(file, part).casefold(): file for file in texts}


def _channel(file: Path, part: str) -> str:
    return file.stem[: -len(part) - 1]


def _texts(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.suffix.lower() == ".txt" and p.is_file() and p.name[0] != ".")


def text_array(files: list[Path]) -> np.ndarray:
    """Return (rows, values) of a text, (rows, steps, channels) of several.

    Raises:
        ValueError: a line that is not a row of numbers, or texts of other sizes.
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
