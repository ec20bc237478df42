"""Training inputs varied at random, as a recipe says: "shift=2,flip,cutout=8", a name and how far for each.

What there is depends on the kind of data: images, recordings or series behind a front end, series, rows of tables.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from latent_nas.nearest import meant
from latent_nas.spectral import KIND as SPECTRAL
from latent_nas.tasks import Recipe, Task
from latent_nas.training.augment.warp import Warp, warped

Vary = Callable[[np.ndarray, float, np.random.Generator, Task], np.ndarray]


@dataclass(frozen=True)
class Way:
    """One way to vary inputs.

    Attributes:
        usual: how far, where a recipe does not say. most: at most; at least is above 0. unit: of both.
        vary: inputs (n, height, width, channels) float32, how far, a generator and the task -> inputs of that shape;
            None of those that mix samples, see ``mix``, and of those that move an image's places.
        warp: moves them, see ``warp``.
    """

    usual: float
    most: float
    unit: str
    vary: Vary | None = None
    warp: Warp | None = None


def ways(task: Task) -> dict[str, Way]:
    """Return the ways to vary a task's inputs by name; none of text."""
    from latent_nas.training.augment import images, mix, recordings, series

    kinds: dict[str, dict[str, Way]] = {
        "images": images.WAYS | mix.IMAGES,
        "recordings": recordings.WAYS | mix.WAYS,
        "spectral features": recordings.FRAMES | mix.WAYS,
        "series": series.WAYS | mix.WAYS,
        "rows of a table": series.ROWS | mix.WAYS,
        "text": {},
    }
    return kinds[what(task)]


def what(task: Task) -> str:
    """Return what a task's inputs are, a name of ``ways``."""
    if len(task.input_shape) == 1:
        return "text"
    if task.front_end is not None:
        return "spectral features" if task.front_end.kind == SPECTRAL else "recordings"
    if task.input_shape[0] == 1:
        return "rows of a table"
    return "series" if task.input_shape[1] == 1 else "images"


@dataclass(frozen=True)
class Augmentation:
    """What a recipe's text says of a task.

    Attributes:
        warps: what moves an image's places and how far; all at once and first, so that nothing else is blurred.
        steps: way and how far, in the order in which they are applied. mixed: name and how far of those that mix
            samples.
    """

    task: Task
    warps: tuple[tuple[Warp, float], ...]
    steps: tuple[tuple[Vary, float], ...]
    mixed: tuple[tuple[str, float], ...]

    @staticmethod
    def of(recipe: Recipe, task: Task) -> "Augmentation | None":
        """Return what the recipe says, or None where that is nothing.

        Raises:
            ValueError: a name that the task's data do not have, or an amount out of range; one line.
        """
        if not recipe.augmentation:
            return None
        there = ways(task)
        warps: list[tuple[Warp, float]] = []
        steps: list[tuple[Vary, float]] = []
        mixed: list[tuple[str, float]] = []
        for text in recipe.augmentation.split(","):
            name, _, amount = text.strip().partition("=")
            if name not in there:
                raise ValueError(_unknown(name, task, there))
            way = there[name]
            how_far = _number(name, amount, way) if amount else way.usual
            _refuse(name, task)
            if way.warp:
                warps.append((way.warp, how_far))
            elif way.vary:
                steps.append((way.vary, how_far))
            else:
                mixed.append((name, how_far))
        return Augmentation(task, tuple(warps), tuple(steps), tuple(mixed))

    @property
    def varies(self) -> bool:
        """Whether samples are varied one by one."""
        return bool(self.warps or self.steps)

    def __call__(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return inputs (n, height, width, channels) float32, varied; x stays as it is."""
        if self.warps:
            x = warped(x, self.warps, rng)
        for vary, how_far in self.steps:
            x = vary(x, how_far, rng, self.task)
        return x


def _unknown(name: str, task: Task, there: dict[str, Way]) -> str:
    if not there:
        return f"augmentation {name!r} is not for {what(task)}, which none is for; leave it out"
    names = ", ".join(f"{n}={way.usual:g}" for n, way in there.items())
    return f"augmentation {name!r} is not for {what(task)}; there are: {names}{meant(name, there)}"


def _number(name: str, amount: str, way: Way) -> float:
    try:
        found = float(amount)
    except ValueError:
        found = np.nan
    if not 0 < found <= way.most:
        raise ValueError(f"augmentation {name}={amount}; wanted a number above 0 and at most {way.most:g} ({way.unit})")
    return found


def _refuse(name: str, task: Task) -> None:
    """Raise ValueError for what would change a sample's meaning, or that the task's kind can't take."""
    if name == "flip" and not task.mirrors:
        raise ValueError(f"augmentation 'flip' makes other signs of those of task {task.name!r}; leave it out")
    if name in ("mixup", "cutmix") and task.kind.makes_batches:
        raise ValueError(f"augmentation {name!r} mixes samples with targets, which {task.kind.name} has none of")
    if name == "rotation" and task.input_shape[2] % 3:
        raise ValueError(
            f"augmentation 'rotation' turns sensors of three axes; the data have {task.input_shape[2]} channels"
        )
