"""The name of data of your own, ``PATH?option=value&...``, and what it says: where they lie, how they are read."""

import re
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np

from latent_nas.front_end import KINDS as FRONTS
from latent_nas.readers import KINDS, LABELS, LAYOUTS, LENGTHS, MISSING, Wanted
from latent_nas.resampling import METHODS
from latent_nas.spectral import KIND as SPECTRAL
from latent_nas.tasks._front import LEAST, LEAST_POINTS, MOST_POINTS, Asked

FASTEST = 192_000  # Hz; no microphone is faster, so it is a typing error
RAW, AUTO = "raw", "auto"  # of fronts: the samples or series themselves; what a search finds
FEATURES = ("frame", "frame_hop", "fft", "bands")  # options of spectral features
OWN = ("normal", "metric", "split_seed", "strict", "folds", *FEATURES)  # which no reader heeds
OPTIONS = (*(f.name for f in fields(Wanted)), *OWN)
LISTS = ("omit", "label")  # options that are columns, with commas between
CHOSEN_BY = ("accuracy", "balanced_accuracy")  # what a search of classes can optimise

LONGEST = 1_000_000  # steps of a window
WHOLE = {"rate": (1, FASTEST), "split_seed": (0, 2**63), "window": (1, LONGEST), "hop": (1, LONGEST), "folds": (1, 20)}
WHOLE |= {"frame": (LEAST, MOST_POINTS), "frame_hop": (1, LONGEST)}
CHOICES = {
    "kind": KINDS,
    "labels": LABELS,
    "layout": LAYOUTS,
    "missing": MISSING,
    "length": LENGTHS,
    "front": (*FRONTS, RAW, SPECTRAL, AUTO),
    "metric": CHOSEN_BY,
    "resize": METHODS,
}


@dataclass(frozen=True)
class Source:
    """Where data lies and how it is to be read; ``str(source)`` is the task's name in a run's configuration.

    Attributes:
        normal: class of normal samples, of anomaly detection; "" for the one called "normal".
        metric: one of ``CHOSEN_BY``; "" for the balanced accuracy where classes differ in size by ``UNEVEN`` or more.
        folds: trainings of a network in a search, each judged on another part of train and validation; 0 for one, or
            ``_few.FOLDS`` where validation has few samples.
        frame, frame_hop, fft, bands: of spectral features, see ``_front.Asked``.
    """

    path: Path
    wanted: Wanted = field(default_factory=Wanted)
    normal: str = ""
    metric: str = ""
    split_seed: int = 0
    strict: bool = False
    folds: int = 0
    frame: int = 0
    frame_hop: int = 0
    fft: int = 0
    bands: str = ""

    @property
    def features(self) -> Asked | None:
        """What is asked of spectral features, None where the network sees the series themselves."""
        if self.wanted.front != SPECTRAL:
            return None
        hop = self.wanted.hop or self.wanted.window
        return Asked(self.frame, self.frame_hop, self.fft, self.bands, self.wanted.rate, hop)

    @property
    def read(self) -> Wanted:
        """What is asked of a reader: series as they are, where features of them are wanted."""
        return self.wanted if self.features is None else replace(self.wanted, front=Wanted.front, rate=0)

    @staticmethod
    def parse(text: str) -> "Source":
        """Return the source that a text names; the path becomes an absolute one.

        Raises:
            ValueError: an unknown option, or a value that is none of its kind.
        """
        path, _, rest = text.partition("?")
        given: dict[str, Any] = {}
        for item in filter(None, rest.split("&")):
            name, _, value = item.partition("=")
            if name not in OPTIONS:
                raise ValueError(f"data option {name!r}; there are: {', '.join(OPTIONS)}")
            given[name] = _option(name, value)
        if "hop" in given and "window" not in given:
            raise ValueError("hop is from one window to the next; say how many steps a window has: --window STEPS")
        if given.get("front") not in (SPECTRAL, AUTO) and (odd := next((k for k in FEATURES if k in given), "")):
            raise ValueError(f"data option {odd!r} is of spectral features; say front={SPECTRAL} as well")
        own = {k: given.pop(k) for k in OWN if k in given}
        try:
            return Source(Path(path).expanduser().resolve(), Wanted(**given), **own)
        except RuntimeError:  # of a user that there is not
            raise ValueError(f"{path} names a user that is not known here; give the path from the root") from None

    def __str__(self) -> str:
        plain, wanted = Wanted(), self.wanted
        given: dict[str, Any] = {k: v for k, v in vars(wanted).items() if v != getattr(plain, k)}
        if wanted.input:
            given["input"] = "x".join(map(str, wanted.input))
        given |= {name: ",".join(map(_quoted, getattr(wanted, name))) for name in LISTS if name in given}
        given |= {"group": _quoted(wanted.group)} if wanted.group else {}
        given |= {"normal": self.normal} if self.normal else {}
        given |= {"metric": self.metric} if self.metric else {}
        given |= {"split_seed": self.split_seed} if self.split_seed else {}
        given |= {"strict": 1} if self.strict else {}
        given |= {"folds": self.folds} if self.folds else {}
        given |= {k: getattr(self, k) for k in FEATURES if getattr(self, k)}
        return f"{self.path}?{'&'.join(f'{k}={v}' for k, v in given.items())}" if given else str(self.path)


def _quoted(column: str) -> str:
    """Return a column's name so that it can stand in a task's name."""
    return re.sub(r"[%&,?=#:]", lambda match: f"%{ord(match[0]):02X}", column)


def _option(name: str, value: str) -> Any:
    try:
        if name == "input":
            sizes = tuple(int(v) for v in value.split("x"))
            if len(sizes) != 3 or min(sizes) < 1:
                raise ValueError
            return sizes
        if name in WHOLE:
            least, most = WHOLE[name]
            if not least <= int(value) <= most:
                raise ValueError
            return int(value)
        if name == "fft":
            if int(value) not in [1 << i for i in range(16) if LEAST_POINTS <= 1 << i <= MOST_POINTS]:
                raise ValueError
            return int(value)
        if name == "bands":
            edges = [float(edge) for edge in value.split(",")]
            if min(edges) < 0 or sorted(set(edges)) != edges or not np.isfinite(edges).all():
                raise ValueError
            if len(edges) == 1 and (not value.isdecimal() or int(value) < 1):
                raise ValueError
            return value
        if name == "seconds":
            if not 0 < float(value) < 3600:
                raise ValueError
            return float(value)
        if name in LISTS:
            return tuple(unquote(column) for column in value.split(",") if column)
        if name == "group":
            return unquote(value)
        if name == "length" and value.isdecimal() and 0 < int(value) <= LONGEST:
            return value
        if value not in CHOICES.get(name, (value,)):
            raise ValueError
        return value not in ("", "0", "no") if name == "strict" else value
    except ValueError:
        wanted = {"input": "HEIGHTxWIDTHxCHANNELS, e.g. 48x48x1", "seconds": "a positive number, under 3600"}
        wanted["labels"] = "top, outer or inner: the folders that name the classes"
        wanted["layout"] = f"one of {', '.join(LAYOUTS)}"
        wanted["metric"] = " or ".join(CHOSEN_BY)
        wanted["kind"] = f"one of {', '.join(KINDS)}"
        wanted["rate"] = f"a whole number of Hz, from 1 to {FASTEST}"
        wanted["folds"] = "a whole number from {} to {}".format(*WHOLE["folds"])
        wanted["window"] = wanted["hop"] = f"a number of steps, from 1 to {LONGEST}"
        wanted["length"] = f"a number of steps, from 1 to {LONGEST}, {' or '.join(LENGTHS)}"
        wanted["resize"] = " or ".join(METHODS)
        wanted["missing"] = " or ".join(MISSING)
        wanted["front"] = f"{', '.join(FRONTS)} or raw of recordings, {SPECTRAL} or raw of series, {AUTO} in a search"
        wanted["fft"] = f"a power of two from {LEAST_POINTS} to {MOST_POINTS}"
        wanted["frame"] = f"a number of steps, from {LEAST} to {MOST_POINTS}"
        wanted["frame_hop"] = f"a number of steps, from 1 to {LONGEST}"
        wanted["bands"] = "how many, or edges in Hz that grow, with commas between, e.g. 0.5,3,8,20"
        raise ValueError(f"{name}={value!r}; wanted {wanted.get(name, 'a whole number from 0 on')}") from None
