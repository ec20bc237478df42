"""Randomness is derived from a seed and a path of names, never carried along.

A run that is killed and resumed asks for the same paths and so draws the same numbers as one that was not.
"""

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np


def derive(seed: int, *path: int | str) -> int:
    """Return a 63-bit integer that depends on the seed and on every part of the path."""
    text = "\x1f".join([str(int(seed)), *(f"{type(p).__name__}:{p}" for p in path)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def rng(seed: int, *path: int | str) -> np.random.Generator:
    """Return a fresh generator for this seed and path, e.g. ``rng(seed, "agent", round)``."""
    return np.random.default_rng(derive(seed, *path))


@contextmanager
def isolated(seed: int) -> Iterator[None]:
    """Seed the global generators of random, numpy and torch inside the block and put them back after it.

    For libraries that draw from global generators (torch initialisers, stable-baselines3).
    """
    import torch

    states = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 - the library reads the global generator
    torch.manual_seed(seed)
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        torch.set_rng_state(states[2])
