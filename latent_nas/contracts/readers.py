"""What every reader keeps, on the example that it writes."""

import tempfile
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from latent_nas.contracts import demand
from latent_nas.readers import PARTS, Raw, Reader, Wanted


def subjects(plugin: Any) -> list[Reader]:
    """Return the reader."""
    return [plugin if isinstance(plugin, Reader) else plugin()]


def says_what_it_takes(subject: Reader) -> None:
    """``about`` is a few words, ``uses`` are fields of ``Wanted``."""
    demand(isinstance(getattr(subject, "about", None), str) and subject.about, "it has no `about`")
    odd = sorted(set(subject.uses) - {field.name for field in fields(Wanted)})
    demand(not odd, f"`uses` names {', '.join(odd)}, which `Wanted` does not have")


def takes_nothing_but_its_own(subject: Reader) -> None:
    """An empty folder and a file of an unknown kind are not taken."""
    with tempfile.TemporaryDirectory() as folder:
        empty, other = Path(folder) / "empty", Path(folder) / "file.unknown-kind"
        empty.mkdir()
        other.write_text("?", encoding="utf-8")
        for path, what in ((empty, "an empty folder"), (other, "a file of an unknown kind")):
            demand(subject.takes(path) is False, f"`takes` of {what} is {subject.takes(path)!r}, wanted False")


def reads_its_example(subject: Reader) -> None:
    """Samples are finite NHWC float32, one class, part and name each, the same every time."""
    with tempfile.TemporaryDirectory() as folder:
        path = subject.example(Path(folder))
        demand(path.exists(), f"`example` returns {path.name}, which it has not written")
        demand(subject.takes(path) is True, "it does not take its own example")
        raw, again = subject.read(path, Wanted()), subject.read(path, Wanted())
    demand(isinstance(raw, Raw), f"`read` gives {type(raw).__name__}, wanted Raw")
    n = len(raw.x)
    demand(n > 0 and raw.x.ndim == 4, f"x is {raw.x.shape}, wanted (n, height, width, channels)")
    demand(raw.x.dtype == np.float32 and np.isfinite(raw.x).all(), f"x is {raw.x.dtype}, wanted finite float32")
    lengths = {"y": len(raw.y), "part": len(raw.part), "names": len(raw.names)}
    demand(set(lengths.values()) == {n}, f"of {n} samples there are {lengths}")
    demand(np.isin(raw.part, range(-1, len(PARTS))).all(), f"`part` holds other than -1 to {len(PARTS) - 1}")
    if np.issubdtype(np.asarray(raw.y).dtype, np.integer):
        demand(
            raw.y.min() >= 0 and raw.y.max() < len(raw.classes),
            f"y goes from {raw.y.min()} to {raw.y.max()}, there are {len(raw.classes)} classes",
        )
    demand(np.array_equal(raw.x, again.x) and np.array_equal(raw.y, again.y), "one file is read in two ways")


CONTRACTS = (says_what_it_takes, takes_nothing_but_its_own, reads_its_example)
