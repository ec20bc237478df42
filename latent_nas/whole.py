"""Files and folders that appear whole or not at all, whenever the process dies or the power goes.

What is being written has a name of its own beside its place, and a lock that the system drops with the process: what
carries such a name and no lock was left by one that died, and ``sweep`` removes it.
"""

import fcntl
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

UNFINISHED = ".latent_nas-"  # how the names of what is being written begin
NEW, OLD = "new", "old"  # inside a scratch folder: what is made, and what it takes the place of
MEANWHILE = "free some room there or choose another place, then do it again"


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, if they are not there.

    Raises:
        ValueError: the system refuses; the message says why.
    """
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"{folder} can't be made: {error.strerror}; choose another place") from None


def write(path: Path, data: bytes | str) -> None:
    """Write a file under a name of its own, flush it to the disk and move it to its place.

    Raises:
        ValueError: the system refuses; the message says why, and nothing is left behind.
    """
    path = Path(path)
    make_folder(path.parent)
    if os.path.lexists(path) and not (path.is_symlink() or path.is_file()):
        raise ValueError(
            f"{path} can't be written: it is {'a folder' if path.is_dir() else 'not a file'}; choose another place"
        )
    try:
        with _unfinished_file(path.parent) as (file, temporary):
            _all(file, data.encode() if isinstance(data, str) else data)
            os.fsync(file)
            os.replace(temporary, path)
        flush(path.parent)
    except OSError as error:
        raise ValueError(f"{path} can't be written: {error.strerror}; {MEANWHILE}") from None


@contextmanager
def folder(place: Path) -> Iterator[Path]:
    """Give an empty folder to fill; when the block ends, it takes the place, and what was there is removed.

    Raises:
        ValueError: the system refuses to move it there; what was there stays.
    """
    place = Path(place)
    make_folder(place.parent)
    with scratch(place.parent) as beside:
        new, old = beside / NEW, beside / OLD
        new.mkdir()
        yield new
        try:
            for path in [*new.rglob("*"), new]:
                flush(path)
            if place.exists():
                old.mkdir()
                place.rename(old / place.name)
            new.rename(place)
            flush(place.parent)
        except OSError as error:
            with suppress(OSError):
                _put_back(beside)
            raise ValueError(f"{place} can't be written: {error.strerror}; {MEANWHILE}") from None


@contextmanager
def scratch(above: Path) -> Iterator[Path]:
    """Give an empty folder inside another, which is removed in the end; ``sweep`` knows it by its name.

    Raises:
        ValueError: none can be made there.
    """
    try:
        beside = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=above))
    except OSError as error:
        raise ValueError(f"nothing can be written to {above}: {error.strerror}; {MEANWHILE}") from None
    lock = os.open(beside, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield beside
    finally:
        shutil.rmtree(beside, ignore_errors=True)
        os.close(lock)


def sweep(above: Path, deep: bool = False, age_s: float = 0.0) -> None:
    """Remove what processes that died were writing in a folder.

    A folder that had been moved away for a new one which then never came is put back.

    Args:
        deep: also in the folders below it, not through links. age_s: only what is older, where others begin to write.
    """
    for root, folders, names in os.walk(above):
        for name in [name for name in (*folders, *names) if name.startswith(UNFINISHED)]:
            path = Path(root) / name
            with suppress(OSError):  # another process is at it, or has just ended it
                if time.time() - path.lstat().st_mtime >= age_s:
                    _remove(path)
        folders[:] = [name for name in folders if deep and not name.startswith(UNFINISHED)]


def flush(path: Path) -> None:
    """Have a file's or a folder's content on the disk before anything that follows."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def writable(path: Path) -> Path:
    """Return a place for a file or folder; asked before work that ends there.

    Raises:
        ValueError: the nearest thing above it that exists is not a folder, or none that may be written.
    """
    path = Path(path)
    above = next(p for p in path.absolute().parents if p.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        why = "may not be written" if above.is_dir() else "is not a folder"
        raise ValueError(f"{path} can't be written: {above} {why}; choose another place")
    return path


@contextmanager
def _unfinished_file(above: Path) -> Iterator[tuple[int, str]]:
    """Give a new file, opened and locked, and its name; where the block fails, it is removed."""
    temporary = os.path.join(above, f"{UNFINISHED}{secrets.token_hex(8)}")
    file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file, temporary
    except BaseException:
        with suppress(OSError):  # of a place that is read-only by now; the first error says more
            os.unlink(temporary)
        raise
    finally:
        os.close(file)


def _all(file: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]


def _remove(path: Path) -> None:
    """Remove what nobody has locked."""
    lock = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if path.is_dir():
            _put_back(path)
            shutil.rmtree(path)
        else:
            path.unlink()
    finally:
        os.close(lock)


def _put_back(beside: Path) -> None:
    for away in (beside / OLD).glob("*"):
        if not (place := beside.parent / away.name).exists():
            away.rename(place)
