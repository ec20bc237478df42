"""Evaluators: one file each, from genes to records. Training is one; tables, emulators and clusters are others."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from latent_nas.records import Record


@dataclass(frozen=True)
class Target:
    """What networks are made for, by names, so that a worker process can open it all itself."""

    space: str
    task: str
    device: str
    runtime: str


@dataclass(frozen=True)
class Job:
    """One training asked for.

    Attributes:
        genes: canonical. seed: of the training. fidelity: the recipe. round: of the study.
        part: what to measure on: "valid" after training on train, or "test" after training on train and valid.
        epochs: how many to train when measuring on "test", on the recipe's schedule, from a validation run.
        keep: folder to save the int8 network in, or "".
    """

    genes: tuple[int, ...]
    seed: int
    fidelity: str = "search"
    round: int = 0
    part: str = "valid"
    epochs: int | None = None
    keep: str = ""


class Evaluator(ABC):
    """Turns jobs into records. A job that fails is a record with its reason.

    Attributes:
        trains: whether it trains networks of a target, made as ``Plugin(target, workers, ray)``.
    """

    trains: ClassVar[bool] = True

    @abstractmethod
    def evaluate(self, jobs: Iterable[Job]) -> Iterator[Record]:
        """Yield one record per job, in the order in which they finish.

        Jobs are taken one by one, when there is room for one and every record so far was taken.
        """

    def close(self) -> None:  # noqa: B027 - most evaluators hold nothing
        """Give back processes and files."""
