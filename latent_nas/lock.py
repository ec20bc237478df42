"""One process at a time where files are written that a second one would spoil: a run folder, a table, an artefact.

The lock is the system's own (flock), so that one of a process that died is free at once. The file says who holds it.
"""

import fcntl
import json
import logging
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from latent_nas import whole

log = logging.getLogger("latent_nas")
INSIDE = ".lock"  # of a run folder


class Busy(ValueError):
    """Another process works there; the line says which, and since when."""


def beside(place: Path) -> Path:
    """Return the lock file of a file, or of a folder that is replaced as a whole."""
    place = Path(place).absolute()
    return place.with_name(f".{place.name[:200]}.lock")


@contextmanager
def held(file: Path, place: Path) -> Iterator[None]:
    """Hold a lock for as long as the block runs, and remove what a dead process has left unfinished beside it.

    Args:
        file: of the lock, gone in the end. place: what it stands for, in messages.

    Raises:
        Busy: another process, or this one elsewhere, holds it. ValueError: the file can't be written.
    """
    made = [folder for folder in file.absolute().parents if not folder.exists()]
    descriptor = _taken(file, place)
    try:
        whole.sweep(file.parent)
        yield
    finally:
        with suppress(OSError):  # the place may be read-only by now
            file.unlink()
        os.close(descriptor)
        for folder in made:  # empty again, where nothing was written
            with suppress(OSError):
                folder.rmdir()


def _taken(file: Path, place: Path) -> int:
    """Return the descriptor of a lock file that this process alone has locked."""
    whole.make_folder(file.parent)
    while True:
        try:
            descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
        except OSError as error:
            raise ValueError(f"{place} can't be written: {error.strerror}: {file}; choose another place") from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise Busy(f"another process works on {place}: {_holder(file)}; wait for it, or end it") from None
        except OSError as error:
            log.warning("%s lies where files can't be locked (%s): let no second process work on it", place, error)
        with suppress(OSError):
            if os.path.samestat(os.fstat(descriptor), os.stat(file, follow_symlinks=False)):
                break
        os.close(descriptor)  # its last holder has just removed it
    with suppress(OSError):  # a full disk: who holds the lock is then not known to others
        os.truncate(descriptor, 0)
        os.write(descriptor, json.dumps(_me()).encode())
    return descriptor


def holder(file: Path) -> dict[str, Any] | None:
    """Return who holds a lock, of this machine or another: process, command, host, since; None where nobody does.

    Nobody is kept from the lock meanwhile: a holder that is no process any more is known without trying it.
    """
    try:
        me = json.loads(file.read_text(encoding="utf-8"))
        process, here = int(me["process"]), me["host"] == socket.gethostname()
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        return None  # of a process that has only just taken it, or that died before it said who it was
    if here and not _alive(process):
        return None
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return dict(me)
    except OSError:  # files can't be locked there: what it says is all there is
        return dict(me) if here else None
    finally:
        os.close(descriptor)
    return None


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _me() -> dict[str, str | int]:
    program = Path(sys.argv[0] or "python").name
    command = " ".join(["latent-nas" if program == "__main__.py" else program, *sys.argv[1:2]])
    now = time.strftime("%Y-%m-%d %H:%M:%S")
    return {"process": os.getpid(), "command": command[:80], "host": socket.gethostname(), "since": now}


def _holder(file: Path) -> str:
    try:
        me = json.loads(file.read_text(encoding="utf-8"))
        return f"{me['process']} ({me['command']}) on {me['host']}, since {me['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "which one is not known"
