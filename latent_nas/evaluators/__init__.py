"""Evaluators: one file each, from genes to records. Training is one; tables, emulators and clusters are others."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from latent_nas.records import Record
from latent_nas.target import Built, Target


@dataclass(frozen=True)
class Job:
    """One training asked for.

    Attributes:
        genes: canonical. seed: of the training. fidelity: the recipe. round: of the study.
        part: what to measure on: "valid" after training on train, or "test" after training on train and valid.
        epochs: how many to train when measuring on "test", on the recipe's schedule, from a validation run.
        qat_epochs: of quantisation-aware training there, from the same validation run; 0 is none.
        eight_bit_ends: whether the first and the last layer of a network with narrower weights keep 8 bits; None: the
            judging part decides, as on "test" it must not.
        keep: folder to save the int8 network in, or "".
        state: file of the float training to go on from where it is there, and to leave where the fidelity is one of
            first epochs; or "". The result is that of a training that was never left.
        built: graph and exact costs, where they were worked out already; then the worker does not do it again.
        accelerator: where it is trained in place of the target's; "" is there.
    """

    genes: tuple[int, ...]
    seed: int
    fidelity: str = "search"
    round: int = 0
    part: str = "valid"
    epochs: int | None = None
    keep: str = ""
    state: str = ""
    qat_epochs: int = 0
    eight_bit_ends: bool | None = None
    built: Built | None = field(default=None, compare=False, repr=False)
    accelerator: str = field(default="", compare=False)


class Evaluator(ABC):
    """Turns jobs into records. A job that fails is a record with its reason.

    Attributes:
        trains: whether it trains networks of a target, made as ``Plugin(target, workers, ray)``.
        gpus: that one job asks for; a crew grants them where it has any.
        accelerated: whether it trains where the target says; else on the CPU. pauses: whether its trainings can be
            left after some epochs and go on later, see ``Job.state``.
        integers: whether its records tell what the int8 network measures.
        say: is told lines of what goes on where networks are trained, each once.
    """

    trains: ClassVar[bool] = True
    gpus: ClassVar[float] = 0.0
    accelerated: ClassVar[bool] = False
    pauses: ClassVar[bool] = False
    integers: ClassVar[bool] = True
    say: Callable[[str], None] = staticmethod(lambda line: None)

    @classmethod  # noqa: B027 - most need nothing
    def check(cls, target: Target) -> None:
        """Return if this evaluator can measure for a target here, before any work.

        Raises:
            ValueError: it can't; the message says what is missing, and the next step.
        """

    @abstractmethod
    def evaluate(self, jobs: Iterable[Job]) -> Iterator[Record]:
        """Yield one record per job, in the order in which they finish.

        Jobs are taken one by one, when there is room for one and every record so far was taken.
        """

    def close(self) -> None:  # noqa: B027 - most evaluators hold nothing
        """Give back processes and files."""
