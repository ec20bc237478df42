"""Objectives: one file each, what a search makes of a training."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import replace
from numbers import Real
from typing import ClassVar

from latent_nas import plugins
from latent_nas.evaluators import Evaluator, Job
from latent_nas.limits import Limits
from latent_nas.plugins.kinds import place_of
from latent_nas.records import Record
from latent_nas.tasks import Task


class Objective(ABC):
    """A number from a record: more is better.

    Attributes:
        limits: of the device and the search. own: what the objective adds to them.
        integers: whether it is made of what the int8 network measures, which not every evaluator does.
    """

    name: ClassVar[str]
    own: ClassVar[Limits] = Limits()
    integers: ClassVar[bool] = False

    def __init__(self, limits: Limits) -> None:
        self.limits = limits

    def check(self, task: Task) -> None:  # noqa: B027 - most take any
        """Return if the trainings of a task can be judged, before any work.

        Raises:
            ValueError: they can't; the message says what is missing.
        """

    @abstractmethod
    def value(self, record: Record) -> float | None:
        """Return the objective of a record that is ok; None leaves it to the task's first metric."""

    def judge(self, record: Record) -> Record:
        """Return the record with its objective; a failed one as it is.

        Raises:
            ValueError: it is not a number.
        """
        value = self.value(record) if record.ok else None
        if value is None:
            return record
        if not isinstance(value, Real):
            raise ValueError(f"{place_of(type(self))}value() gives {value!r:.60}; wanted a number, or None")
        beside = {**record.measured_beside, self.name: float(value)}
        return replace(record, measured_beside=beside, objective=self.name, higher_is_better=True)


class Judged(Evaluator):
    """An evaluator whose records an objective judges."""

    def __init__(self, evaluator: Evaluator, objective: Objective) -> None:
        self.evaluator, self.objective = evaluator, objective

    def evaluate(self, jobs: Iterable[Job]) -> Iterator[Record]:
        """Yield the other evaluator's records, judged; one whose objective is NaN or infinite has failed."""
        for record in map(self.objective.judge, self.evaluator.evaluate(jobs)):
            if record.ok and record.score is None:
                reason = f"{record.objective} is {record.measured_objective}, not a finite number"
                record = replace(record, status="failed", reason=reason)
            yield record

    def close(self) -> None:
        """Close the other evaluator."""
        self.evaluator.close()


def open_objective(name: str, limits: Limits) -> Objective:
    """Return an objective by name, or of a file of your own; an object as it was made.

    Raises:
        ValueError: no such objective; the message names those there are.
    """
    found: Objective | type[Objective] = plugins.load("objectives", name)
    return found if isinstance(found, Objective) else found(limits)
