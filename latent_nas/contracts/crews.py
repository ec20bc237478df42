"""What every crew keeps: with two workers, one of which is really killed."""

import os
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from latent_nas.contracts import Broken, demand
from latent_nas.crews import Crew, Lost, carry_out

WORKERS = 2


def subjects(plugin: Any) -> list[Callable[[], Crew]]:
    """Return what makes the crew with two workers: ``Plugin(2)``, or the object that is given."""
    return [(lambda: plugin) if isinstance(plugin, Crew) else (lambda: plugin(WORKERS))]


def square(x: int) -> int:
    """Return x * x."""
    return x * x


def wrong(x: int) -> int:
    """Raise a KeyError, as a bug would."""
    raise KeyError(x)


def killed_once(mark: str) -> int:
    """Die by a kill the first time; then return the process's number."""
    if not Path(mark).exists():
        Path(mark).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return os.getpid()


def has_slots(subject: Callable[[], Crew]) -> None:
    """At least one piece of work can be under way."""
    crew = subject()
    slots = crew.slots
    crew.close()
    demand(isinstance(slots, int) and slots >= 1, f"`slots` is {slots!r}, wanted 1 or more")


def all_is_done_once(subject: Callable[[], Crew]) -> None:
    """Every piece of work comes back, once; of none, none."""
    crew = subject()
    found = sorted(carry_out(crew, square, range(9), lambda task, reason: -1))
    nothing = list(carry_out(crew, square, [], lambda task, reason: -1))
    crew.close()
    demand(found == [i * i for i in range(9)], f"of the squares of 0 to 8 came {found}")
    demand(nothing == [], f"of no work came {nothing}")


def what_a_killed_worker_did_is_lost_and_done_again(subject: Callable[[], Crew]) -> None:
    """A worker that dies raises ``Lost``, which has its work done by another."""
    crew = subject()
    with tempfile.TemporaryDirectory() as folder:
        found = list(carry_out(crew, killed_once, [f"{folder}/mark"], lambda task, reason: reason))
    crew.close()
    demand(len(found) == 1 and isinstance(found[0], int), f"of work whose worker was killed once came {found}")


def what_work_raises_comes_back(subject: Callable[[], Crew]) -> None:
    """A bug in the work is raised where the result is asked for, and the crew goes on."""
    crew = subject()
    handle = crew.start(wrong, 3)
    done = crew.finished([handle])
    demand(done == [handle], f"`finished` of one handle gives {done}")
    try:
        crew.result(handle)
    except KeyError:
        pass
    except Lost:
        raise Broken("an error in the work is taken for a lost worker") from None
    else:
        raise Broken("an error in the work is lost")
    found = list(carry_out(crew, square, [2], lambda task, reason: -1))
    crew.close()
    demand(found == [4], f"after an error, the next piece of work gives {found}")


CONTRACTS = (
    has_slots,
    all_is_done_once,
    what_a_killed_worker_did_is_lost_and_done_again,
    what_work_raises_comes_back,
)
