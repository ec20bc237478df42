"""Crews: one file each; where work is done, and what happens when a worker is lost.

A crew knows nothing of networks. It takes a function and its arguments, and gives back what the function returned.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from threading import Event
from typing import Any, TypeVar

from latent_nas import plugins

Task = TypeVar("Task")
Result = TypeVar("Result")

ATTEMPTS = 2
SERVES = Event()  # set in a process that works for others


def at_work() -> bool:
    """Return whether this process works for another one, and is no program of a user."""
    return SERVES.is_set()


class Lost(Exception):
    """The worker that did a piece of work is gone; the message says what is known of it."""


class Crew(ABC):
    """Workers that do one piece of work each at a time."""

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
) -> Iterator[Result]:
    """Yield ``work(task)`` of every task, in the order in which they finish.

    A task is taken from ``tasks`` when a worker is free for it and all results so far were taken: who makes the tasks
    may look at the results. One whose worker is lost, or that runs out of memory or luck (``RuntimeError``, as torch
    raises), is done again, by another worker if there is one, before any new task; if it fails again, the result is
    ``fail(task, reason)``.
    """
    source, again = iter(tasks), list[Task]()
    work = plugins.carried(work)
    running: dict[Any, tuple[Task, int]] = {}
    more = True
    while True:
        while again and len(running) < crew.slots:
            task = again.pop(0)
            running[crew.start(work, task)] = task, ATTEMPTS
        while more and not again and len(running) < crew.slots:
            try:
                task = next(source)
            except StopIteration:
                more = False
            else:
                running[crew.start(work, task)] = task, 1
        if not running:
            return
        for handle in crew.finished(list(running)):
            task, attempt = running.pop(handle)
            try:
                result = crew.result(handle)
            except (Lost, MemoryError, RuntimeError) as error:
                if attempt < ATTEMPTS:
                    again.append(task)
                    continue
                result = fail(task, f"failed {ATTEMPTS} times; the last time {_text(error)}")
            yield result


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
