"""Tasks: one file each, with the data, the fixed split and the recipes; loss and metrics are those of its kind.

A task is named NAME, or NAME:SOURCE where it can take data of your own.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from latent_nas import plugins
from latent_nas.front_end import FrontEnd
from latent_nas.graph import Graph
from latent_nas.limits import Limits
from latent_nas.operators import Shape
from latent_nas.preprocessing import Preprocessing
from latent_nas.records import SHORT
from latent_nas.spectral import SpectralFrontEnd
from latent_nas.tasks._names import is_path
from latent_nas.tasks._recipe import Recipe as Recipe
from latent_nas.tasks.kinds import Baseline, Kind, Metric
from latent_nas.tasks.kinds.classify import Classification


@dataclass(frozen=True)
class Part:
    """Samples.

    Attributes:
        x: inputs, NHWC float32, or tokens (n, tokens) int64. y: targets as the task's kind has them: classes (n,) or
            tokens (n, tokens) int64, numbers (n, outputs) float32.
    """

    x: np.ndarray
    y: np.ndarray

    def __len__(self) -> int:
        return len(self.y)


@dataclass(frozen=True)
class Data:
    """The three parts of a task. ``test`` is read by final validation only."""

    train: Part
    valid: Part
    test: Part

    @property
    def learn(self) -> Part:
        """Train and validation together, for final training."""
        return Part(np.concatenate([self.train.x, self.valid.x]), np.concatenate([self.train.y, self.valid.y]))


class Task(ABC):
    """A learning problem with one split, fixed once for all seeds.

    Attributes:
        outputs: of a network; of a text, its characters. kind: what outputs and targets mean; classes by default.
        recipes: by fidelity, "search" and "full" at least. limits: what a search keeps to that is told none.
        classes: their names, where they have any. front_end: what makes the input of audio or series, on the device
            as here.
        fingerprint: a hash of the data where it may change between two runs, else "".
        mirrors: whether an input keeps its meaning when it is mirrored, as letters don't.
    """

    name: ClassVar[str]
    input_shape: Shape
    outputs: int
    kind: Kind = Classification()
    recipes: ClassVar[dict[str, Recipe]]
    limits: ClassVar[Limits] = Limits(flash_bytes=32 * 1024, ram_bytes=16 * 1024, latency_ms=5.0)
    classes: tuple[str, ...] = ()
    front_end: FrontEnd | SpectralFrontEnd | None = None
    fingerprint: str = ""
    mirrors: ClassVar[bool] = True

    @abstractmethod
    def data(self) -> Data:
        """Return train, valid and test."""

    def data_of(self, graph: Graph) -> Data:
        """Return the data as a network takes them, where networks of one task take them in several forms."""
        return self.data()

    def folds(self, data: Data) -> tuple[tuple[Part, Part], ...]:
        """Return what a network learns from and is judged on in a search: train and validation, or several such pairs.

        Args:
            data: of the network, see ``data_of``.
        """
        return ((data.train, data.valid),)

    def preprocessing(self) -> Preprocessing | None:
        """Return how raw data become inputs, which travels with every network; None of text. By default: as they are.

        What makes inputs of raw data in ``data`` has to be said here as numbers, or firmware is fed what it never saw.
        """
        return None if len(self.input_shape) == 1 else Preprocessing(tuple(self.input_shape))

    def raw(self, x: np.ndarray) -> np.ndarray | None:
        """Return raw data (n, ...) of which ``preprocessing`` makes inputs x (n, *input_shape); None where it can't."""
        seen = self.preprocessing()
        return None if seen is None or seen.front_end is not None else seen.raw_of(x)

    def with_raw(self, part: Part) -> Part:
        """Return the samples of a part that have raw data: no anomalies behind a front end, as some are made."""
        if self.front_end is None or self.kind.name != "anomaly":
            return part
        return Part(part.x[part.y == 0], part.y[part.y == 0])

    def augmented(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return training inputs (n, ...) varied at random, where the recipe augments; as they are by default."""
        return x

    @property
    def space(self) -> str:
        """The space of networks that suit the input, where a user names none: of series, of images or of text."""
        if len(self.input_shape) == 1:
            return "tiny_transformer"
        return "mcu_cnn1d" if self.front_end or 1 in self.input_shape[:2] else "mcu_cnn"

    def about(self) -> list[str]:
        """Return what is to be said of the data before it is used, in lines."""
        return []

    def recipe(self, fidelity: str) -> Recipe:
        """Return a recipe; "short", where the task has none, is half the epochs of "search" on a quarter of its data.

        Its batches are half as large, as few steps teach nothing.

        Raises:
            ValueError: there is no such recipe.
        """
        if fidelity == SHORT and SHORT not in self.recipes:
            usual = self.recipes["search"]
            usual = replace(usual.lasting(-(-usual.epochs // 2)), share=usual.share / 4)
            return replace(usual, batch=max(usual.batch // 2, 8), warmup=min(usual.warmup, 0.3))
        if fidelity not in self.recipes:
            raise ValueError(f"task {self.name!r} has no recipe {fidelity!r}; there are: {', '.join(self.recipes)}")
        return self.recipes[fidelity]

    def findings_json(self) -> dict[str, Any]:
        """Return what was found in the data before it is used, as plain values."""
        return {}

    def save(self, out: Path) -> None:
        """Write the data as one file that is the same task; only data of your own can be.

        Raises:
            ValueError: a task that ships.
        """
        raise ValueError(f"task {self.name!r} comes with latent_nas; it is not data of your own")

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """What is measured; the first one is what a search optimises."""
        return self.kind.metrics

    def baseline(self) -> Baseline:
        """Return what needs no network: learnt from the training part, measured on the validation part."""
        data = self.data()
        return self.kind.baseline(data.train.y, data.valid.y).named(self.classes)

    def check(self, outputs: int) -> None:  # noqa: B027 - most tasks take what they ask for
        """Raise ValueError where the data don't support networks with so many outputs."""

    def pieces(self, outputs: int) -> tuple[str, ...]:
        """Return the text of every token of a network with so many outputs; nothing where outputs are not tokens."""
        return ()


def open_task(name: str) -> Task:
    """Return a task by name: NAME or FILE.py, NAME:SOURCE, or the path of data of your own, see ``tasks._own``.

    Raises:
        ValueError: no such task, the message names those there are; or data that can't be used.
    """
    kind, source = plugins.split(name)
    if not name:
        raise ValueError(f"the task's name is empty; there are: {', '.join(plugins.names('tasks'))}; or a path")
    if is_path(name):
        from latent_nas.tasks._own import OwnTask
        from latent_nas.tasks._source import Source

        return OwnTask(Source.parse(name))
    try:
        found: type[Task] | Task = plugins.load("tasks", kind)
    except ValueError as error:
        more = "" if plugins.is_file(name) else f"; or the path of your own data, e.g. ./{name}/"
        raise ValueError(f"{error}{more}") from None
    if isinstance(found, Task):
        return found
    if kind == name:
        return found()
    try:
        return found(source)  # type: ignore[call-arg]
    except TypeError:
        raise ValueError(f"task {kind!r} takes no data of your own, got {source!r}") from None
