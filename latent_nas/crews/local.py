"""Processes of this machine, one thread each."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from latent_nas.crews import Crew, Lost

# One thread each; and memory kept between steps instead of returned to the system, which saves a seventh of the time.
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "MALLOC_MMAP_THRESHOLD_": str(2**30),
    "MALLOC_TRIM_THRESHOLD_": str(2**31 - 1),
    "MALLOC_TOP_PAD_": str(2**26),
}
START = "spawn"  # a fork would take over the locks of threads that are not there


class Local(Crew):
    """A pool of its own for every process, so that one that dies takes no other's work with it."""

    def __init__(self, workers: int) -> None:
        self._workers = workers or os.cpu_count() or 1
        self._free: list[ProcessPoolExecutor] = []
        self._busy: dict[Future[Any], ProcessPoolExecutor] = {}

    @property
    def slots(self) -> int:
        """The number of processes."""
        return self._workers

    def start(self, work: Callable[..., Any], *arguments: Any) -> "Future[Any]":
        """Begin a piece of work in a free process, a new one where there is none."""
        while self._free:
            pool = self._free.pop()
            try:
                future = pool.submit(work, *arguments)
            except BrokenProcessPool:  # it died while it had nothing to do
                pool.shutdown(wait=False)
                continue
            break
        else:
            pool = _pool()
            future = pool.submit(work, *arguments)
        self._busy[future] = pool
        return future

    def finished(self, handles: list[Any]) -> list[Any]:
        """Wait for one of the futures; return those that are done, in the order in which they began."""
        done = wait(handles, return_when=FIRST_COMPLETED).done
        return [handle for handle in handles if handle in done]

    def result(self, handle: Any) -> Any:
        """Return what the work returned; its process is free again."""
        pool = self._busy.pop(handle)
        try:
            found = handle.result()
        except BrokenProcessPool:
            for broken in [pool, *self._free]:  # what killed one may have killed idle ones, unnoticed as yet
                broken.shutdown(wait=False)
            self._free = []
            raise Lost("its process died (killed, or out of memory)") from None
        except BaseException:
            self._free.append(pool)
            raise
        self._free.append(pool)
        return found

    def close(self) -> None:
        """Stop all processes when they have done what they are at."""
        for pool in [*self._free, *self._busy.values()]:
            pool.shutdown(wait=False, cancel_futures=True)
        self._free, self._busy = [], {}


def _pool() -> ProcessPoolExecutor:
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    return ProcessPoolExecutor(1, multiprocessing.get_context(START), initializer=start_worker, initargs=(False,))


def start_worker(torch_too: bool = True) -> None:
    """Set a worker process up: one thread, Ctrl-C left to the main process, and an end when that one dies."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if torch_too:
        import torch

        torch.set_num_threads(1)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


Plugin = Local
