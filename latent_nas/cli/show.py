"""What a person sees while a job runs: bars on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Show:
    """Lines and progress of one job."""

    def __init__(self, progress: Any = None) -> None:
        self._progress, self._tasks, self._last = progress, dict[str, Any](), 0.0

    def say(self, line: str) -> None:
        """Print a line."""
        if self._progress:
            self._progress.console.print(line, highlight=False, markup=False)
        else:
            print(line, file=sys.stderr, flush=True)

    def done(self, what: str, finished: int, wanted: int) -> None:
        """Move the bar of ``what``; without a terminal, a line at most every 10 seconds."""
        if self._progress:
            if what not in self._tasks:
                self._tasks[what] = self._progress.add_task(what, total=wanted)
            self._progress.update(self._tasks[what], completed=finished, total=wanted)
        elif finished == wanted or time.monotonic() - self._last > 10:
            self._last = time.monotonic()
            print(f"{what}: {finished}/{wanted}", file=sys.stderr, flush=True)


@contextmanager
def show(quiet: bool = False) -> Iterator[Show]:
    """Give a job its voice; ``quiet`` leaves the result alone."""
    if quiet:
        silent = Show()
        silent.say = lambda line: None  # type: ignore[method-assign]
        silent.done = lambda what, finished, wanted: None  # type: ignore[method-assign]
        yield silent
    elif sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True)) as progress:
            yield Show(progress)
    else:
        yield Show()
