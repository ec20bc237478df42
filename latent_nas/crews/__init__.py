"""Crews: one file each; where work is done, and what happens when a worker is lost.

A crew knows nothing of networks. It takes a function and its arguments, and gives back what the function returned.
"""

import logging
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from threading import Event
from typing import Any, Generic, TypeVar

from latent_nas import plugins

Task = TypeVar("Task")
Result = TypeVar("Result")

ATTEMPTS = 2
log = logging.getLogger("latent_nas")
SERVES = Event()  # set in a process that works for others
HEARERS: list[Callable[[str], None]] = []  # of what work says, in a process that works for others


def at_work() -> bool:
    """Return whether this process works for another one, and is not a program of a user."""
    return SERVES.is_set()


def tell(line: str) -> None:
    """Say a line to whoever asked for the work that this process is at; nobody hears it where nobody did."""
    for hear in HEARERS:
        hear(line)


class Lost(Exception):
    """The worker that did a piece of work is gone; the message says what is known of it."""


class NoRoom(Exception):
    """A piece of work found no room beside the others that its machine does; what there was is given back."""


class Crew(ABC):
    """Workers that do one piece of work each at a time.

    Attributes:
        say: is told what work says by ``tell``, while ``finished`` waits or, on other machines, with the ``result``.
    """

    say: Callable[[str], None] = staticmethod(lambda line: None)

    @property
    @abstractmethod
    def slots(self) -> int:
        """How many pieces of work can be under way at once, 1 or more; may change."""

    @abstractmethod
    def start(self, work: Callable[..., Any], *arguments: Any) -> Any:
        """Begin a piece of work, which must be a module's function, and return a handle on it."""

    @abstractmethod
    def finished(self, handles: list[Any]) -> list[Any]:
        """Wait until at least one of the handles is done or lost, and return those that are."""

    @abstractmethod
    def result(self, handle: Any) -> Any:
        """Return what a finished piece of work returned, or raise what it raised.

        Raises:
            Lost: its worker is gone.
        """

    @abstractmethod
    def close(self) -> None:
        """Give back all workers; what they do is lost."""


def carry_out(
    crew: Crew,
    work: Callable[[Task], Result],
    tasks: Iterable[Task],
    fail: Callable[[Task, str], Result],
    smaller: Callable[[Task], Task] | None = None,
) -> Iterator[Result]:
    """Yield ``work(task)`` of every task, in the order in which they finish.

    A task is taken from ``tasks`` when a worker is free for it and all results so far were taken: who makes the tasks
    may look at the results. One whose worker is lost, or that runs out of memory or luck (``RuntimeError``, as torch
    raises), is done again, by another worker if there is one, before any new task; if it fails again, the result is
    ``fail(task, reason)``. Where one finds no room (``NoRoom``), fewer are done at once from then on, and it is done
    again as often as that takes; where it was alone it is done as ``smaller`` makes it, if there is that.
    """
    source, again = iter(tasks), list[_Piece[Task]]()
    work = plugins.carried(work)
    running: dict[Any, _Piece[Task]] = {}
    more, most = True, math.inf
    while True:
        while len(running) < min(crew.slots, most):
            if again:
                piece = again.pop(0)
            elif more:
                try:
                    piece = _Piece(next(source))
                except StopIteration:
                    more = False
                    break
            else:
                break
            piece.most, piece.alone = most, not running
            for other in running.values():
                other.alone = False
            running[crew.start(work, piece.task)] = piece
        if not running:
            return
        for handle in crew.finished(list(running)):
            piece = running.pop(handle)
            try:
                result = crew.result(handle)
            except NoRoom as error:
                if not piece.alone:
                    if piece.most == most:  # else fewer are done since
                        most = max(1, len(running))
                        log.warning("%s beside %d others; at most %d at once from now on", error, len(running), most)
                    again.append(piece)
                    continue
                if smaller is not None:
                    log.warning("%s, although nothing else was done; it is done with less", error)
                    again.append(replace(piece, task=smaller(piece.task)))
                    continue
                result = fail(piece.task, _text(error))
            except (Lost, MemoryError, RuntimeError) as error:
                if piece.attempt < ATTEMPTS:
                    again.append(replace(piece, attempt=piece.attempt + 1))
                    continue
                result = fail(piece.task, f"failed {ATTEMPTS} times; the last time {_text(error)}")
            yield result


@dataclass
class _Piece(Generic[Task]):
    """A task on its way. ``most``: how many were done at once when it began; ``alone``: nothing else ran meanwhile."""

    task: Task
    attempt: int = 1
    most: float = math.inf
    alone: bool = True


def _text(error: Exception) -> str:
    text = " ".join(str(error).split())[:200]
    return text if isinstance(error, Lost) else f"{type(error).__name__}: {text}"


def open_crew(workers: int, ray: str = "", gpus: float = 0.0) -> Crew:
    """Return a crew of local processes, or that of a Ray cluster.

    Args:
        workers: processes; 0 is one per core. ray: address of a cluster, "local" for one made here, "" for none.
        gpus: what a piece of work asks for of a cluster.

    Raises:
        ValueError: ray is not installed, or nothing answers at that address.
    """
    crew: Crew = plugins.load("crews", "ray")(ray, workers, gpus) if ray else plugins.load("crews", "local")(workers)
    return crew
