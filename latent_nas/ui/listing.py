"""What lies in the folder of the runs: searches, how far each is and whether it still works, and what is no run."""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from latent_nas import lock
from latent_nas.jobs.runs import Line, is_run, line, line_of
from latent_nas.runs import files
from latent_nas.runs.read import Run

KEPT = 4  # runs that stay in memory
BUILT = "firmware"  # folder beside the runs that builds of the page go into
WATCHED = (files.CONFIG, files.STORE, f"{files.STORE}-wal", files.RESULT, files.LOG, files.FIRMWARE, files.LATENT)


@dataclass(frozen=True)
class Listed:
    """A folder among the runs.

    Attributes:
        state: "running", "finished", "stopped", "damaged" or "no run". line: as `latent-nas runs` has it, None of what
            is no run. problem: what is wrong, "" for nothing. holder: the process that works on it.
    """

    name: str
    state: str
    line: Line | None = None
    problem: str = ""
    holder: dict[str, Any] | None = None

    @property
    def progress(self) -> str:
        """How far it is: "8 of 24 trainings", "" once it is finished."""
        return self.line.state if self.line is not None and "trainings" in self.line.state else ""


@dataclass
class Listing:
    """The runs of a folder; what was read of one is read again only where it has changed."""

    folder: Path
    _known: dict[str, tuple[str, Line]] = field(default_factory=dict)
    _runs: "OrderedDict[str, tuple[str, Run]]" = field(default_factory=OrderedDict)

    def names(self) -> list[str]:
        """Return the names of all folders that may be runs, the newest first."""
        if not self.folder.is_dir():
            return []
        places = [p for p in self.folder.iterdir() if p.is_dir() and not p.name.startswith(".") and p.name != BUILT]
        return [place.name for place in sorted(places, key=lambda p: (_begun(p), p.name), reverse=True)]

    def path(self, name: str) -> Path:
        """Return the folder of a run.

        Raises:
            ValueError: there is none of that name.
        """
        if name not in self.names():
            raise ValueError(f"there is no run {name!r} in {self.folder}")
        return self.folder / name

    def read(self, name: str) -> Run:
        """Return a run without its strategy's journals.

        Raises:
            ValueError: it is not one.
        """
        path = self.path(name)
        seen = _digest(_fingerprint(path))
        held = self._runs.pop(name, None)
        run = held[1] if held and held[0] == seen else Run.read(path, journals=False)
        self._runs[name] = seen, run
        while len(self._runs) > KEPT:
            self._runs.popitem(last=False)
        return run

    def state(self, name: str, stopping: bool = False, begun: bool = False) -> str:
        """Return whether a run is at work, by its lock and result alone.

        Args:
            stopping, begun: whether a process that was begun here has been told to end, and has not yet.
        """
        path = self.folder / name
        if lock.holder(path / files.LOCK):
            return "running"
        if begun:
            return "stopping" if stopping else "starting"
        return "finished" if (path / files.RESULT).exists() else "stopped"

    def seen(self, name: str = "") -> str:
        """Return a text that changes when a run does, or any of them: no file is opened for it but the locks."""
        names = [name] if name else self.names()
        return _digest([(one, _fingerprint(self.folder / one)) for one in names])

    def all(self) -> list[Listed]:
        """Return every folder, the newest first."""
        return [self.one(name) for name in self.names()]

    def one(self, name: str) -> Listed:
        """Return one folder."""
        path = self.folder / name
        holder = lock.holder(path / files.LOCK)
        if not is_run(path):
            if holder:
                return Listed(name, "running", holder=holder)
            if (path / files.GRAPH).exists():
                return Listed(name, "no run", problem="a single training of `latent-nas train`, not a search")
            inside = {place.name for place in path.iterdir()}
            if inside and inside <= files.UNBEGUN:
                return Listed(name, "no run", problem="a search that ended before it had begun; nothing is in it")
            return Listed(name, "no run", problem="not a run folder: it has neither config.json nor study.sqlite")
        seen = _digest(_fingerprint(path))
        known = self._known.get(name)
        run = self._runs.get(name)
        read = known[1] if known and known[0] == seen else line_of(run[1]) if run and run[0] == seen else line(path)
        self._known[name] = seen, read
        state = "running" if holder else read.state if read.state in ("finished", "damaged") else "stopped"
        return Listed(name, state, read, "; ".join(read.problems), holder)


def _begun(path: Path) -> float:
    """Return when a run was begun; of another folder, when it last changed."""
    for place in (path / files.CONFIG, path):
        try:
            return place.stat().st_mtime
        except OSError:
            continue
    return 0.0


def _fingerprint(path: Path) -> list[object]:
    held = lock.holder(path / files.LOCK)
    found: list[object] = [held and held["process"]]
    for name in WATCHED:
        try:
            status = (path / name).stat()
            found.append((status.st_mtime_ns, status.st_size))
        except OSError:
            found.append(None)
    return found


def _digest(value: object) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()[:16]
