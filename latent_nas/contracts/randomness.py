"""Global generators of random numbers, which no plugin uses."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from latent_nas.contracts import demand


@contextmanager
def untouched() -> Iterator[None]:
    """Demand that what is done within leaves Python's, numpy's and torch's global generators as they were."""
    import torch

    before = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002 - to see that it stays
    yield
    numpy_now = np.random.get_state()  # noqa: NPY002
    demand(random.getstate() == before[0], "Python's global generator was used; take randomness from the argument")
    demand(str(numpy_now) == str(before[1]), "numpy's global generator was used; take randomness from the argument")
    demand(torch.equal(torch.get_rng_state(), before[2]), "torch's global generator was used; see seeds.isolated")
