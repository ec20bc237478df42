"""What decides the result of `latent-nas train`: settled as it begins, kept in its folder, taken up from there."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from latent_nas import accelerator, plugins, sealed
from latent_nas.graph import Graph
from latent_nas.jobs import fitting
from latent_nas.jobs.moved import check_there
from latent_nas.limits import Limits
from latent_nas.operators._weights import check_bits
from latent_nas.ranges import check_least
from latent_nas.runs import files, own
from latent_nas.runs.checked import checked
from latent_nas.runs.folder import RunFolder, new_path
from latent_nas.tasks import Recipe, open_task
from latent_nas.training.aware import AUTO


@dataclass(frozen=True)
class TrainConfig:
    """Everything that decides a training's result, beside its graph.

    Attributes:
        network: name or file, as it was given. samples, valid_samples: so many of those parts, drawn by the seed; 0 is
            all. test: whether the test part is read at the end. data: hash of the task's data where it may change.
        accelerator: the kind of device that trains, "cpu", "cuda" or "mps".
        weight_bits: of convolutions and dense layers, 8 or 4.
        prune_to: limits as "flash_kb=12", to which it is pruned, of it and the task's front end. device, runtime: that
            they are of; "" without any.

    Raises:
        ValueError: a number out of range, or no such limit.
    """

    network: str
    task: str
    recipe: Recipe
    seed: int = 0
    samples: int = 0
    valid_samples: int = 0
    test: bool = False
    data: str = ""
    accelerator: str = accelerator.CPU
    weight_bits: int = 8
    prune_to: tuple[str, ...] = ()
    device: str = ""
    runtime: str = ""

    def __post_init__(self) -> None:
        check_least(0, seed=self.seed, samples=self.samples, valid_samples=self.valid_samples)
        accelerator.check(self.accelerator)
        check_bits("train", self.weight_bits)
        Limits.parse(self.prune_to)
        if not self.prune_to and (self.device or self.runtime):
            raise ValueError("device and runtime are of the limits of prune_to, and there are none; leave them out")

    @property
    def excess(self) -> Callable[[Graph], float] | None:
        """Cost / limit of the limit that binds, of a float graph; None where there is none."""
        if not self.prune_to:
            return None
        return fitting.excess(self.prune_to, self.task, self.device, self.runtime, self.weight_bits)


def recipe_of(task: str, fidelity: str, **changes: Any) -> Recipe:
    """Return a task's recipe with changes; those that are None change nothing, a patience is followed.

    Where nothing else is said, int8 that loses much is fine-tuned (``qat="auto"``).

    Raises:
        ValueError: no such task, it has no such recipe, or a value is out of range.
    """
    known = open_task(task).recipes
    if fidelity not in known:
        raise ValueError(f"task {task!r} has no recipe {fidelity!r}; there are: {', '.join(known)}")
    asked = {"qat": AUTO} | {name: value for name, value in changes.items() if value is not None}
    if "patience" in asked:
        asked["to_end"] = False
    return replace(known[fidelity], **asked)


def begin(config: TrainConfig, graph: Graph, out: Path | None) -> RunFolder:
    """Return a new run folder that holds all that the training is decided by: ``out``, or runs/<time>-<network>.

    Raises:
        ValueError: the task's data can't be had, a recipe that can't be followed, or something is there already.
    """
    from latent_nas import training

    open_task(config.task).data()
    training.check(config.recipe, open_task(config.task), graph)
    if config.excess:
        fitting.check(config.excess, graph)
    place = out or new_path(Path(config.network).stem)
    config = replace(config, data=open_task(config.task).fingerprint)
    decides = {**asdict(config), "graph": _hash(graph)}
    return RunFolder.create(place, {"training": decides}, graph=graph.to_json())


def resumed(path: Path, task: str = "") -> tuple[TrainConfig, Graph, RunFolder]:
    """Return what ``begin`` has put into a folder.

    Args:
        task: where its data lies by now, if it has moved; "" where it was.

    Raises:
        ValueError: the folder is none of a training, or is damaged; or its data is another.
    """
    own.bring(path)
    config, graph = _saved(path)
    if task and task != config.task:
        if not config.data:
            raise ValueError(f"--task can't change in a training that goes on; it began with {config.task}")
        config = replace(config, task=task)
    check_there(config.task, config.data)
    accelerator.resolve(config.accelerator)
    if config.data and (now := open_task(config.task).fingerprint) != config.data:
        raise ValueError(
            f"the data at {config.task} is not that which the training began with (sha256 {config.data[:12]}..., now"
            f" {now[:12]}...); put it back, say where it is with --task PATH, or begin another training"
        )
    return config, graph, RunFolder(path)


def _hash(graph: Graph) -> str:
    return sha256(json.dumps(graph.to_json(), sort_keys=True).encode()).hexdigest()


def _saved(path: Path) -> tuple[TrainConfig, Graph]:
    try:
        text = (path / files.CONFIG).read_text(encoding="utf-8")
        config = sealed.unseal(json.loads(text), files.CONFIG)["training"]
        plugins.vouched(config["task"], str(path))
        graph = Graph.from_json(json.loads((path / files.GRAPH).read_text(encoding="utf-8")))
        if config.get("graph") not in (None, _hash(graph)):
            raise ValueError(f"{files.GRAPH} has changed since the training began")
        return checked(TrainConfig, config, files.CONFIG), graph
    except OSError as error:
        raise ValueError(f"{path} is not a folder of `latent-nas train`: {error.strerror}: {error.filename}") from None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        reason = f"its files name no {error}" if isinstance(error, KeyError) else error
        raise ValueError(
            f"{path} is not a folder of `latent-nas train`: {reason}; for a search: `latent-nas search --resume`"
        ) from None
