"""True training in a pool of local processes, one thread each."""

import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool

from latent_nas.evaluators import Evaluator, Job, Target
from latent_nas.evaluators._work import failed, record_of, start_worker
from latent_nas.records import Record

# One thread each; and memory kept between steps instead of returned to the system, which saves a seventh of the time.
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "MALLOC_MMAP_THRESHOLD_": str(2**30),
    "MALLOC_TRIM_THRESHOLD_": str(2**31 - 1),
    "MALLOC_TOP_PAD_": str(2**26),
}


class Training(Evaluator):
    """Trains every network of a batch on this machine.

    Args:
        work: what a worker process does with a target and a job; it gives the record.
    """

    def __init__(self, target: Target, workers: int, work: Callable[[Target, Job], Record] = record_of) -> None:
        self.target, self.workers, self.work = target, workers, work
        self._pool: ProcessPoolExecutor | None = None

    def evaluate(self, jobs: Iterable[Job]) -> Iterator[Record]:
        """Yield records as they finish. A job whose worker dies is tried again alone; then it is a failed record."""
        again: list[Job] = []
        futures = {self._submit(job): job for job in jobs}
        for future in as_completed(futures):
            try:
                yield future.result()
            except BrokenProcessPool:
                again.append(futures[future])
        if again:
            self.close()
        for job in again:
            try:
                yield self._submit(job).result()
            except BrokenProcessPool:
                self.close()
                yield failed(self.target, job, "the worker process died twice (out of memory?)")

    def close(self) -> None:
        """Stop the pool; what has not begun is dropped."""
        if self._pool:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None

    def _submit(self, job: Job) -> "Future[Record]":
        if self._pool is None:
            for name, value in ENVIRONMENT.items():
                os.environ.setdefault(name, value)
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self.workers, context, initializer=start_worker)
        return self._pool.submit(self.work, self.target, job)


Plugin = Training
