"""What a caller may see of a search while it goes on, and how it ends it before its budget is spent."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from latent_nas.evaluators import Evaluator, Job
from latent_nas.records import SEARCH, Record


@dataclass
class Watch:
    """Functions of the caller's; a true answer of either ends the search with the round that is going on.

    Attributes:
        training: is told every training of the search as it ends. round: is told all records after every round.
        stopped: whether one of them has ended the search.
    """

    training: Callable[[Record], Any] | None = None
    round: Callable[[Sequence[Record]], Any] | None = None
    stopped: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        """Raise ValueError for what can't be called, before anything is trained."""
        for name, told in (("on_training", self.training), ("on_round", self.round)):
            if told is not None and not callable(told):
                raise ValueError(f"{name} is {told!r}; wanted a function, as lambda record: print(record.status)")

    def trained(self, record: Record) -> None:
        """Tell of a training."""
        if self.training and self.training(record):
            self.stopped = True

    def rounded(self, records: Sequence[Record]) -> None:
        """Tell of a round."""
        if self.round and self.round(tuple(records)):
            self.stopped = True


class Watched(Evaluator):
    """An evaluator whose trainings of the search are told to a watch."""

    def __init__(self, evaluator: Evaluator, watch: Watch) -> None:
        self.evaluator, self.watch = evaluator, watch

    def evaluate(self, jobs: Iterable[Job]) -> Iterator[Record]:
        """Yield the other evaluator's records; each is told when whoever asked for it has taken it."""
        for record in self.evaluator.evaluate(jobs):
            yield record
            if record.fidelity == SEARCH:
                self.watch.trained(record)

    def close(self) -> None:
        """Close the other evaluator."""
        self.evaluator.close()
