"""Arrays in an .npz file, or in .npy files side by side: x and y, or x_train, y_train and so on."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from latent_nas.preprocessing import front_end_of
from latent_nas.readers import PARTS, Raw, Reader, Wanted, number, numeric
from latent_nas.readers._answers import answers, measured, one_hot, said_of
from latent_nas.readers._array_groups import in_groups
from latent_nas.readers._axes import DARK, values
from latent_nas.readers._roles import BESIDE, roles
from latent_nas.readers._stored import arrays as stored
from latent_nas.readers._stored import layout_of, takes
from latent_nas.readers._stored import names as names_in
from latent_nas.readers._stored import said as said_of_files


class Arrays(Reader):
    """Reads images (n, h, w) or (n, h, w, c) and series (n, steps) or (n, steps, 1, channels); never a pickle.

    Other layouts are asked for, or read and said, see ``readers.LAYOUTS``. y is classes (n,), (n, 1) or one-hot; of
    floats it is numeric targets (n,) or (n, targets), which an array ``targets`` may name.
    """

    about = (
        "an .npz file (x and y, or x_train, y_train, x_test, y_test), or .npy files of these names in a folder,"
        " MNIST's files (train-images-idx3-ubyte, ...), texts of numbers as UCI has them (train/X_train.txt, ...)"
    )
    uses = ("input", "layout", "kind", "group")

    def takes(self, path: Path) -> bool:
        """Return whether it is such a file, or a folder of them."""
        return takes(path)

    def example(self, folder: Path) -> Path:
        """Write four images of two classes."""
        np.savez(folder / "images.npz", x=np.linspace(0, 1, 4 * 36).reshape(4, 6, 6), y=np.array([0, 1, 0, 1]))
        return folder / "images.npz"

    def read(self, path: Path, wanted: Wanted) -> Raw:
        """Return the arrays; whole numbers from 0 to 255 become 0 to 1."""
        held = names_in(path)
        taken, notes = roles(path, held)
        notes = [*said_of_files(path), *notes]
        arrays = stored(path, {name for name in held if name in (*taken.values(), *BESIDE)})
        given = {role: arrays[name] for role, name in taken.items()}
        ats = [-1] if "x" in given else [i for i, part in enumerate(PARTS) if f"x_{part}" in given]
        if not ats:
            raise ValueError(f"{path} has no array x (nor x_train); it has: {', '.join(held) or 'nothing'}")
        notes += _two_valued(given, [f"x{name}" for name in ("", *map("_{}".format, PARTS)) if f"x{name}" in given])
        about = _about(path, arrays)
        kind = wanted.kind or about.get("kind", "")
        names_of = ["" if at < 0 else f"_{PARTS[at]}" for at in ats]
        hot = all(f"y{name}" in given and one_hot(given[f"y{name}"]) for name in names_of)
        layout = wanted.layout or ("nhwc" if about and wanted.input is None else "")
        if not layout and wanted.input is None and (layout := layout_of(path)):
            notes.append(
                "features.txt lies beside: rows are features, each with its own scale ('?layout=ns': a series)"
            )
        looks, said = ("", list[str]()) if kind or hot else _looks([given.get(f"y{name}") for name in names_of])
        notes += said
        parts, layout, said = _parts(path, given, taken, names_of, wanted, kind or looks, hot, layout)
        notes += [note for note in dict.fromkeys(said) if note not in notes]
        xs, ys = [x for x, _ in parts], [y for _, y in parts]
        whole = {given[f"x{name}"].dtype == np.uint8 for name in names_of}
        if len(whole) > 1:
            types = ", ".join(str(given[f"x{name}"].dtype) for name in names_of)
            raise ValueError(f"{path}: its parts differ in type: {types}; wanted one, as uint8 alone is divided by 255")
        if len({x.shape[1:] for x in xs}) > 1:
            raise ValueError(f"{path}: its parts differ in shape: {', '.join(str(x.shape[1:]) for x in xs)}")
        if len({y.shape[1:] for y in ys}) > 1:
            raise ValueError(f"{path}: its parts differ in targets: {', '.join(str(y.shape) for y in ys)}")
        x, y = np.concatenate(xs), np.concatenate(ys)
        part = np.repeat(ats, [len(one) for one in xs])
        names = tuple(
            f"{PARTS[at] if at >= 0 else 'row'} {i}" for at, one in zip(ats, xs, strict=True) for i in range(len(one))
        )
        groups, said = in_groups(path, given, taken, names_of, wanted.group)
        notes += said
        classes: tuple[str, ...] = ()
        targets: tuple[str, ...] = ()
        if y.ndim == 2:
            targets = tuple(f"target {i}" for i in range(y.shape[1])) if y.shape[1] > 1 else ("target",)
            targets = tuple(map(str, arrays["targets"])) if arrays.get("targets", y).shape == y.shape[1:] else targets
            y = numeric(y, targets, names, path)
        else:
            labels = y
            y, classes = number(labels.tolist())
            if "classes" in arrays and _names(arrays["classes"], labels):
                classes = tuple(str(c) for c in arrays["classes"])
                y = labels.astype(np.int64)
            elif "classes" in arrays:
                notes.append("array 'classes' is not used: it does not name the numbers from 0 on that y holds")
        plain = x.min(initial=0) >= 0 and DARK <= x.max(initial=0) <= 1 and layout not in ("nf", "nsc", "ncs")
        return Raw(
            x=x,
            y=y,
            classes=classes,
            targets=targets,
            kind=kind,
            part=part,
            names=names,
            what="rows",
            notes=tuple(notes),
            sizes={"x".join(map(str, x.shape[1:])): len(x)},
            keep=() if plain or about else (2,) if layout == "nf" else (3,),
            shift=tuple(about.get("shift", (0.0,) if plain and whole == {True} else ())),
            gain=tuple(about.get("gain", (1 / 255,) if plain and whole == {True} else ())),
            pixels=bool(about.get("pixels", plain and whole == {True})),
            columns=tuple(about.get("columns", ())),
            resize=about.get("resize", ""),
            grey=bool(about.get("grey", False)),
            front_end=front_end_of(about["front_end"]) if about.get("front_end") else None,
            **groups,
        )


def _parts(
    path: Path,
    given: dict[str, np.ndarray],
    taken: dict[str, str],
    names: list[str],
    wanted: Wanted,
    kind: str,
    hot: bool,
    layout: str,
) -> tuple[list[tuple[np.ndarray, np.ndarray]], str, list[str]]:
    """Return samples and answers of every part, the layout that all have, and what to say.

    Args:
        given: arrays by role, as x_train. taken: their names in the file. names: how the roles of each part end.
        kind: of ``readers.KINDS``, "" if not known. hot: whether answers are one-hot.

    Raises:
        ValueError: a part without samples, or answers that do not fit them.
    """
    parts, notes = [], list[str]()
    for name in names:
        x, called = given[f"x{name}"], taken[f"x{name}"]
        if not x.size:
            raise ValueError(f"{path}: {called} has shape {x.shape}, so there is no sample in it")
        if not x.ndim:
            raise ValueError(f"{path}: {called} is a single number; wanted an array with a row per sample")
        answer = f"y{name}"
        wants = f"{path}: {called} has {len(x)} rows, so {taken.get(answer, answer)} wants"
        y, said = answers(wants, len(x), given.get(answer), kind, hot)
        x, layout, also = values(path, called, x, wanted.input, layout)
        notes += [*said, *also]
        parts.append((x, y))
    return parts, layout, notes


def _looks(ys: list[np.ndarray | None]) -> tuple[str, list[str]]:
    """Return whether single numbers of all parts are classes or a quantity, "" if they are others; and what to say."""
    plain = [y.ravel() for y in ys if y is not None and y.dtype.kind in "uif" and y.ndim and y.size == len(y)]
    if len(plain) < len(ys) or not sum(map(len, plain)):
        return "", []
    numbers = np.concatenate(plain)
    quantity = measured(numbers)
    unusual = quantity == all(y.dtype.kind != "f" for y in plain)
    return ("regress" if quantity else "classify"), said_of("y", numbers, quantity) if unusual else []


def _two_valued(given: dict[str, np.ndarray], roles: list[str]) -> list[str]:
    """Make floats of arrays of uint8 that hold 0 and 1 alone, which are not the two darkest of 256 greys; say so."""
    xs = [given[role] for role in roles]
    if any(x.dtype != np.uint8 or x.max(initial=0) > 1 for x in xs):
        return []
    given.update({role: x.astype(np.float32) for role, x in zip(roles, xs, strict=True)})
    return [f"{roles[0]} holds 0 and 1 alone, taken as they are; uint8 up to 255 is divided by 255"]


def _about(path: Path, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    """Return what ``dataset import`` wrote beside the arrays; such data are scaled already."""
    if "about" not in arrays:
        return {}
    try:
        return dict(json.loads(str(arrays["about"])))
    except (ValueError, TypeError):
        raise ValueError(f"{path}: its array 'about' is not what `latent-nas dataset import` writes") from None


def _names(classes: np.ndarray, labels: np.ndarray) -> bool:
    """Return whether labels are whole numbers from 0 on that each have a name in ``classes``."""
    if labels.dtype.kind not in "uib" or classes.ndim != 1:
        return False
    return bool(labels.min(initial=0) >= 0 and labels.max(initial=0) < len(classes))


Plugin = Arrays
