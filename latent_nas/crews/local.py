"""Processes of this machine, one thread each; a pipe to each, so that one that dies takes no other's work with it."""

import atexit
import fcntl
import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext, SpawnContext
from multiprocessing.forkserver import ensure_running
from multiprocessing.reduction import ForkingPickler
from types import FrameType
from typing import Any

from latent_nas.crews import HEARERS, SERVES, Crew, Lost

# One thread each; and memory kept between steps instead of returned to the system, which saves a seventh of the time.
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "MALLOC_MMAP_THRESHOLD_": str(2**30),
    "MALLOC_TRIM_THRESHOLD_": str(2**31 - 1),
    "MALLOC_TOP_PAD_": str(2**26),
}
PRELOADED = ["latent_nas.crews._preloaded"]
MOST_PER_CORE = 4  # processes; more only take each other's memory
GRACE_S = 2.0  # for a process to clean up behind itself when it is ended
log = logging.getLogger("latent_nas")


class Elsewhere(Exception):
    """The traceback of an error in another process."""


@dataclass(eq=False)
class _Worker:
    """A process, the pipe by which it is given work and gives back what came of it, and one of lines that it says."""

    process: multiprocessing.process.BaseProcess
    pipe: Connection
    lines: Connection

    @staticmethod
    def begin() -> "_Worker":
        """Return a worker whose process has begun, with one thread for its libraries."""
        context = _context()
        here, there = context.Pipe()
        lines, says = context.Pipe(duplex=False)
        process = context.Process(target=_serve, args=(there, says, dict(os.environ)))
        expect()
        with _without_main():
            process.start()
        there.close()
        says.close()
        return _Worker(process, here, lines)

    def said(self) -> Iterator[str]:
        """Yield the lines that it has said; whether it has died is for the pipe to tell."""
        with suppress(EOFError, OSError):
            while self.lines.poll():
                yield self.lines.recv()


def _context() -> ForkServerContext | SpawnContext:
    """Return how processes begin: forked from a server that has imported once what takes each of them seconds.

    The server has one thread. A fork of the main process would take over the locks of threads that are not there.
    """
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    if sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    return context


def expect() -> None:
    """Begin the server that workers are forked from, so that it imports while this process does; it is not waited for.

    For who knows that there will be work. Nothing happens where workers begin in another way, or where it is there.
    Ctrl-C is kept from it until it ignores it, as Python would print where its start was; this process hears it after.
    """
    if not isinstance(_context(), ForkServerContext):
        return
    resource_tracker.ensure_running()  # else the server would begin that, which lets Ctrl-C in
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        with _without_main():
            ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Local(Crew):
    """Processes that are begun when there is work, and kept."""

    def __init__(self, workers: int) -> None:
        cores = os.cpu_count() or 1
        self._workers = workers or cores
        if self._workers > MOST_PER_CORE * cores:
            self._workers = MOST_PER_CORE * cores
            log.warning("%d workers are too many for %d cores; there will be %d", workers, cores, self._workers)
        self._free: list[_Worker] = []
        self._busy: dict[_Worker, bool] = {}  # each handle is its worker; whether it has answered
        OPEN.add(self)

    @property
    def slots(self) -> int:
        """The number of processes."""
        return self._workers

    def start(self, work: Callable[..., Any], *arguments: Any) -> Any:
        """Begin a piece of work in a free process, a new one where there is none."""
        while True:
            worker = self._free.pop() if self._free else _Worker.begin()
            try:
                worker.pipe.send((work, arguments))
            except OSError:  # it died while it had nothing to do
                _end([worker])
                continue
            except BaseException:  # it can't be pickled: nothing was sent
                self._free.append(worker)
                raise
            self._busy[worker] = True
            return worker

    def finished(self, handles: list[Any]) -> list[Any]:
        """Wait for one of the processes to answer or to die; return those that did, in the order of the handles."""
        done = list[Any]()
        while not done:
            ready = wait([end for worker in handles for end in (worker.pipe, worker.lines)])
            done = [worker for worker in handles if worker.pipe in ready]  # a dead process has closed its end
            for worker in handles:  # what was said before an answer came is there by now
                for line in worker.said():
                    self.say(line)
        return done

    def result(self, handle: Any) -> Any:
        """Return what the work returned; its process is free again."""
        del self._busy[handle]
        try:
            good, found, where = handle.pipe.recv()
        except (EOFError, OSError):
            _end([handle])
            raise Lost("its process died (killed, or out of memory)") from None
        except BaseException:
            self._free.append(handle)
            raise
        self._free.append(handle)
        if good:
            return found
        raise found from Elsewhere(where)

    def close(self) -> None:
        """End all processes, whatever they are at."""
        workers = [*self._free, *self._busy]
        self._free, self._busy = [], {}
        _end(workers)


@contextmanager
def _without_main() -> Iterator[None]:
    """Hide the user's script from processes that begin, which would run it once more.

    They need nothing of it: what of the user's own they are to do goes to them by its file, see ``plugins.travel``.
    """
    main = sys.modules["__main__"]
    kept: dict[str, Any] = {name: vars(main).pop(name) for name in ("__spec__", "__file__") if name in vars(main)}
    main.__spec__ = None
    try:
        yield
    finally:
        vars(main).update(kept)


AT_WORK = threading.Event()  # of a worker
OPEN: "weakref.WeakSet[Local]" = weakref.WeakSet()


@atexit.register
def close_all() -> None:
    """End the processes of all crews that nobody closed: Python would wait for them."""
    for crew in list(OPEN):
        crew.close()


def _end(workers: list[_Worker]) -> None:
    """End processes, by force those that take longer than ``GRACE_S``."""
    for worker in workers:
        worker.pipe.close()
        worker.lines.close()
        worker.process.terminate()
    until = time.monotonic() + GRACE_S
    for worker in workers:
        worker.process.join(max(until - time.monotonic(), 0))
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()


def _serve(pipe: Connection, says: Connection, environment: dict[str, str]) -> None:
    """Do what comes by a pipe until it is closed: what a process of the crew is there for.

    Args:
        says: where lines go that the work says.
        environment: of the main process as it is now; that of the server is of when it began.
    """
    os.environ.clear()
    os.environ.update(environment)
    start_worker(False)
    SERVES.set()
    HEARERS.append(partial(_say, says))
    _with_parent(True)  # imports of the first work can hold Python's lock for seconds, against the thread below
    while True:
        try:
            given = pipe.recv_bytes()
        except (EOFError, OSError):
            return
        try:
            AT_WORK.set()
            work, arguments = ForkingPickler.loads(given)  # which opens the user's own files
            answer = True, work(*arguments), ""
        except Exception as error:  # noqa: BLE001 - who asked for the work gets it
            answer = False, error, traceback.format_exc()
        AT_WORK.clear()
        _with_parent(False)
        _answer(pipe, answer)


def _say(says: Connection, line: str) -> None:
    with suppress(OSError):  # nobody is there any more
        says.send(line)


def _answer(pipe: Connection, answer: tuple[bool, Any, str]) -> None:
    try:
        pipe.send(answer)
    except OSError:
        sys.exit(1)  # nobody is there any more
    except Exception as error:  # noqa: BLE001 - it can't be pickled
        pipe.send((False, TypeError(f"what came of it can't be sent: {type(error).__name__}: {error}"), answer[2]))


def start_worker(torch_too: bool = True) -> None:
    """Set a worker process up: one thread, Ctrl-C left to the main process, and an end when that one dies."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if torch_too:
        import torch

        torch.set_num_threads(1)


def _with_parent(asked: bool) -> None:
    """Have the system end this process when the main one dies, or no more; where it is not Linux, nothing happens.

    The main process holds the other end of a pipe. When that closes the system sends SIGIO, which ends a process that
    does not catch it. Of an end that is closed already it says nothing: the worker ends at once.
    """
    parent = multiprocessing.parent_process()
    if sys.platform == "linux" and parent is not None:
        fcntl.fcntl(parent.sentinel, fcntl.F_SETOWN, os.getpid())
        flags = fcntl.fcntl(parent.sentinel, fcntl.F_GETFL)
        fcntl.fcntl(parent.sentinel, fcntl.F_SETFL, flags | os.O_ASYNC if asked else flags & ~os.O_ASYNC)
        if asked and wait([parent.sentinel], 0):
            os._exit(1)


def _leave(number: int, frame: FrameType | None) -> None:
    """End a worker: through its work, which cleans up behind itself, else at once."""
    if not AT_WORK.is_set():
        os._exit(128 + number)
    AT_WORK.clear()
    sys.exit(128 + number)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    signal.alarm(int(GRACE_S))  # the system's, which waits for no code that holds Python's lock
    with suppress(OSError):
        os.kill(os.getpid(), signal.SIGTERM)


Plugin = Local
