"""Teachers: an ensemble of large networks of the task's space, trained once on its data, whose answers others learn.

Distillation (Hinton, Vinyals and Dean 2015): beside the targets a network learns what the ensemble says of a sample, as
the network sees it: of a varied one what it says of that (Beyer et al. 2022), since it may well be another class.
An ensemble is kept in the folder for downloads, as float networks (safetensors and JSON, with hashes).
"""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch

from latent_nas import artifacts, lock, seeds
from latent_nas.graph import Graph
from latent_nas.records import words
from latent_nas.spaces import open_space
from latent_nas.tasks import Part, Recipe, Task
from latent_nas.tasks._download import cache
from latent_nas.training import mixed_precision
from latent_nas.training.network import Network

DRAWN = 256  # networks of which the teachers are the largest, where a space has none for it
WORK = 1e13  # MACs of a teacher for one sample, times samples and epochs: with bf16 some ten minutes of a CPU core
LEAST, MOST = 1_000_000, 12_000_000  # MACs of a teacher, whatever there is to learn from
ABOUT, STATE = "teacher.json", ".state"
WAIT_S = 2.0  # until another process is asked again whether it has made them


@dataclass(frozen=True)
class Teacher:
    """An ensemble at work.

    Attributes:
        members: its networks. known: what they say of the training samples as they are, (n, outputs).
    """

    members: tuple[Network, ...]
    known: torch.Tensor

    @staticmethod
    def of(members: list[Network], x: np.ndarray) -> "Teacher":
        """Return the ensemble of trained networks for samples x (n, ...)."""
        return Teacher(tuple(members), torch.from_numpy(np.ascontiguousarray(_outputs(members, x), np.float32)))

    def to(self, device: torch.device) -> "Teacher":
        """Return it where the pupil is."""
        return Teacher(tuple(one.eval().to(device) for one in self.members), self.known.to(device))

    @torch.no_grad()
    def __call__(self, inputs: torch.Tensor, bf16: bool = False) -> torch.Tensor:
        """Return what it says of inputs (n, ...) as a network takes them, (n, outputs); ``bf16``: of a recipe."""
        return torch.stack([mixed_precision.outputs(one, inputs, bf16) for one in self.members]).mean(dim=0)


def check(recipe: Recipe, task: Task) -> None:
    """Raise ValueError where a task's kind has no answers to learn."""
    if recipe.teachers and not task.kind.teaches:
        raise ValueError(f"distillation is for classes and numbers, not for {task.kind.name}; leave teachers out")


def teach(
    graph: Graph,
    task: Task,
    recipe: Recipe,
    learn: Part,
    lesson: tuple[Part, Part],
    device: torch.device,
    say: Callable[[str], None],
) -> Teacher | None:
    """Return an ensemble that knows ``learn``; None where it is no better than the network without it.

    The ensemble and the network alone are trained where that was not done yet, by the recipe without teachers.

    Args:
        lesson: what they learn from and are judged on; never a test part.
        device: where they learn. say: is told how good both are.

    Raises:
        ValueError: the task's kind has no answers to learn.
    """
    from latent_nas.training.fit import fit
    from latent_nas.training.stage import Stage

    check(recipe, task)
    schedule = "cosine" if recipe.schedule == "plateau" else recipe.schedule  # nothing is judged on the way
    plain = replace(recipe, teachers=0, to_end=True, schedule=schedule, qat="never")
    large = graphs(task, recipe.teachers, round(WORK / (len(lesson[0]) * plain.work)))
    place = cache() / "teachers" / f"{task.name}-{_key(task, plain, large, lesson)}"
    judge = lesson[1]

    def made(name: str, one: Graph, who: str) -> Network:
        seed = seeds.derive(0, "teacher", name) % 2**31
        stage = Stage(task, plain, seed, lesson[0], keep=place / f"{name}{STATE}", device=device)

        def learn() -> Network:
            size = f"{one.macs / 1e6:.2g} million MACs, {one.parameters:,} parameters"
            say(f"training {who} first ({size}, {plain.epochs} epochs); it is kept in {place}")
            return fit(one, stage)[0]

        return _kept(place / name, learn, task)

    def score(outputs: np.ndarray) -> float:
        return task.kind.score(outputs, judge.y)

    members = [made(str(i), one, f"teacher {i + 1} of {len(large)}") for i, one in enumerate(large)]
    pupil = sha256(json.dumps(graph.to_json(), sort_keys=True).encode()).hexdigest()[:16]
    untaught = made(f"pupil-{pupil}", graph, "the network without teachers")
    reached, alone = score(_outputs(members, judge.x)), score(untaught.outputs(judge.x))
    about = {"task": task.name, "recipe": asdict(plain), "teachers": len(members), "measured_valid_score": reached}
    artifacts.write(place / ABOUT, json.dumps(about, indent=1) + "\n")
    name = task.kind.metric.name
    scores = [f"{words(name)} {task.kind.metric.signed(value):.4f}" for value in (reached, alone)]
    many = f"{len(members)} teacher{'s' * (len(members) > 1)}"
    of = f"{many}: validation {scores[0]}; the network without them {scores[1]}"
    if reached <= alone:
        say(f"{of}; as they are no better they are left out")
        return None
    say(of)
    return Teacher.of(members, learn.x)


def graphs(task: Task, n: int, macs: int) -> list[Graph]:
    """Return n large networks of the task's space with at most so many MACs, but in any case ``LEAST`` to ``MOST``.

    What the space has for it, n times the same, as each is drawn by a seed of its own; else the largest of drawn ones,
    by MACs times parameters.
    """
    space = open_space(task.space, task.input_shape, task.outputs)
    macs = min(max(macs, LEAST), MOST)
    if known := space.teacher(macs):
        return [known] * n
    genes = np.unique(space.canonical(space.sample(seeds.rng(0, "teachers"), DRAWN)), axis=0)
    drawn = sorted((space.graph(tuple(map(int, row))) for row in genes), key=lambda g: g.macs * g.parameters)
    small = [graph for graph in drawn if graph.macs <= macs]
    return small[-n:][::-1] if len(small) >= n else drawn[:n]


def _outputs(members: list[Network], x: np.ndarray) -> np.ndarray:
    found: np.ndarray = np.mean([member.outputs(x) for member in members], axis=0)
    return found


def _kept(folder: Path, learn: Callable[[], Network], task: Task) -> Network:
    """Return the network of a folder, trained where it is not there; one process trains, others wait for it.

    Args:
        learn: trains it, with a state beside the folder to go on from, which is then deleted.

    Raises:
        ValueError: it is there and damaged.
    """
    while True:
        if folder.is_dir():
            try:
                return Network.load(folder)
            except ValueError as error:
                reason = str(error).partition(";")[0]
                raise ValueError(
                    f"a network that teaches is damaged: {reason}; delete {folder}, it is trained anew"
                ) from None
        try:
            with lock.held(lock.beside(folder), folder):
                if not folder.is_dir():
                    learn().save(folder, {"task": task.name, "teacher": folder.name})
                folder.with_name(f"{folder.name}{STATE}").unlink(missing_ok=True)
        except lock.Busy:
            time.sleep(WAIT_S)


def _key(task: Task, recipe: Recipe, members: list[Graph], lesson: tuple[Part, Part]) -> str:
    """Return a hash of all that decides an ensemble."""
    networks = [graph.to_json() for graph in members]
    found = sha256(json.dumps([task.name, task.space, asdict(recipe), networks]).encode())
    for part in lesson:
        for array in (part.x, part.y):
            found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()[:16]
