"""One thread for arithmetic: on small arrays more are slower, and they round otherwise on every number of cores."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

VARIABLE = "OMP_NUM_THREADS"  # read by OpenBLAS, MKL and OpenMP when they are loaded


def default() -> None:
    """Let libraries that are loaded from now on, here and in child processes, take one thread unless the user says."""
    os.environ.setdefault(VARIABLE, "1")


@contextmanager
def one() -> Iterator[None]:
    """Compute with one thread inside the block; afterwards the process has as many as before.

    For work that promises the same result on every machine of a kind, in a process that may have loaded its libraries
    before, as a notebook has.
    """
    import scipy.linalg  # noqa: F401 - it has a BLAS of its own, which can be told only once it is loaded
    import torch
    from threadpoolctl import threadpool_limits

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(limits=1, user_api="blas"):
            yield
    finally:
        torch.set_num_threads(threads)
