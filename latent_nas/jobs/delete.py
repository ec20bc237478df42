"""Deleting run folders: only those of searches, that no process works on, and that hold no file of the user's own."""

import shutil
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from latent_nas import lock
from latent_nas.jobs import runs
from latent_nas.runs import files
from latent_nas.units import SPACE, count, size


@dataclass(frozen=True)
class Removal:
    """A run folder that can be removed: its state as `latent-nas runs` says it, its files and their bytes."""

    run: str
    state: str
    files: int
    bytes: int

    def to_json(self) -> dict[str, Any]:
        """Return the removal as JSON values."""
        return asdict(self)

    def line(self) -> str:
        """Return it for a person."""
        plural = "s" * (self.files != 1)
        return f"{self.run}: {self.state}, {count(self.files)} file{plural}, {size(self.bytes).replace(SPACE, ' ')}"


def checked(places: list[Path]) -> list[Removal]:
    """Return what removing these runs would take away.

    Raises:
        ValueError: no place; one that is not a run folder; one with files that no search writes.
    """
    if not places:
        raise ValueError("--delete wants the run folders by name, e.g. `latent-nas runs runs/my_run --delete`")
    return [_checked(place) for place in dict.fromkeys(places)]


def _checked(place: Path) -> Removal:
    if place.is_symlink():
        raise ValueError(f"{place} is a link, and nothing was deleted; name the folder itself: {place.resolve()}")
    if not place.is_dir():
        raise ValueError(f"there is no folder {place}, and nothing was deleted")
    if not runs.is_run(place):
        raise ValueError(f"{place} is not the folder of a search, and nothing was deleted; see `latent-nas runs`")
    unknown = sorted(path.name for path in place.iterdir() if path.name not in files.OF_SEARCH)
    if unknown:
        raise ValueError(
            f"{place} holds what no search writes, and nothing was deleted: {', '.join(unknown[:5])}"
            f"{', ...' * (len(unknown) > 5)}; move it elsewhere first"
        )
    inside = [path for path in place.rglob("*") if path.is_symlink() or path.is_file()]
    used = sum(path.lstat().st_size for path in inside)
    return Removal(str(place), runs.line(place).state, len(inside), used)


def delete(places: list[Path]) -> list[Removal]:
    """Remove run folders and return what was removed; where one is refused, none is removed.

    Raises:
        ValueError: as of ``checked``, or the system refuses. Busy: a process works on one of them.
    """
    removals = checked(places)
    folders = [Path(removal.run) for removal in removals]
    with ExitStack() as locks:
        for folder in folders:
            locks.enter_context(lock.held(folder / files.LOCK, folder))
        for folder in folders:
            _remove(folder)
    return removals


def _remove(folder: Path) -> None:
    """Remove a run, store and lock last: a run that was removed in part is still one, and can be removed again."""
    try:
        last = ("", files.CONFIG, files.STORE, files.LOCK)
        for path in sorted(folder.iterdir(), key=lambda path: last.index(path.name) if path.name in last else 0):
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        folder.rmdir()
    except OSError as error:
        raise ValueError(f"{folder} is deleted in part only: {error.strerror}: {error.filename}") from None
