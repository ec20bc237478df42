"""What the page has started: commands of this package in processes of their own, what they say, how they stop."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from latent_nas.runs import files

LINES = 400  # of the last that are shown


@dataclass
class Work:
    """One command.

    Attributes:
        kind: "search" or "build". place: what it writes. run: the name of its run folder. stopping: whether it was told
            to end.
    """

    number: int
    kind: str
    run: str
    command: list[str]
    place: Path
    process: "subprocess.Popen[bytes]"
    output: IO[bytes]
    stopping: bool = False

    @property
    def code(self) -> int | None:
        """The exit code, None while it runs."""
        return self.process.poll()

    @property
    def begun(self) -> bool:
        """Whether a search has passed all checks and has its run folder."""
        return (self.place / files.CONFIG).is_file()

    def lines(self) -> list[str]:
        """Return the last lines that it said."""
        end = os.fstat(self.output.fileno()).st_size
        start = max(0, end - 200 * LINES)
        text = os.pread(self.output.fileno(), end - start, start).decode("utf-8", "replace")
        return text.splitlines()[-LINES:]

    def seen(self) -> str:
        """Return a text that changes when there is something new."""
        return f"{self.code}-{os.fstat(self.output.fileno()).st_size}-{self.begun}"

    def stop(self) -> None:
        """Do what Ctrl-C does: once, and it keeps what is finished and ends; twice, and it just ends."""
        if self.code is None:
            self.stopping = True
            ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN  # as of a server begun with nohup
            os.killpg(self.process.pid, signal.SIGTERM if ignored else signal.SIGINT)


class Works:
    """All that was started since the page was."""

    def __init__(self) -> None:
        self._works: list[Work] = []
        self._lock = threading.Lock()

    def start(self, kind: str, run: str, arguments: Sequence[str], place: Path) -> Work:
        """Start a command of this package.

        Raises:
            ValueError: one on the same place runs already.
        """
        with self._lock:
            if any(work.place == place and work.code is None for work in self._works):
                raise ValueError(f"that is at work already: {place.name}")
            output = tempfile.TemporaryFile()  # noqa: SIM115 - read for as long as the page lives
            command = [sys.executable, "-m", "latent_nas", *arguments]
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
            )
            work = Work(len(self._works) + 1, kind, run, list(arguments), place, process, output)
            self._works.append(work)
        return work

    def get(self, number: str) -> Work:
        """Return a work by its number.

        Raises:
            ValueError: there is none.
        """
        if not number.isdecimal() or not 1 <= int(number) <= len(self._works):
            raise ValueError(f"no job {number!r} was started here")
        return self._works[int(number) - 1]

    def of(self, run: str) -> list[Work]:
        """Return what was started on a run, the latest first."""
        return [work for work in reversed(self._works) if work.run == run]

    def all(self) -> list[Work]:
        """Return everything, the latest first."""
        return list(reversed(self._works))

    def close(self) -> None:
        """Forget what was said; processes go on."""
        for work in self._works:
            work.output.close()

    def running(self) -> list[Work]:
        """Return what has not ended."""
        return [work for work in self._works if work.code is None]
