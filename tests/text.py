"""A small text for tests of language models: words of a made-up tongue, some far likelier after others."""

import numpy as np

from latent_nas import seeds

WORDS = ("mare", "tolo", "si", "venta", "cura", "nel", "pasto", "rideva", "o", "lungo")


def text(characters: int = 6000) -> str:
    """Return a text of so many characters, always the same."""
    rng = seeds.rng(0, "test text")
    word, found = 0, ""
    while len(found) < characters:
        found += WORDS[word] + (".\n" if rng.random() < 0.1 else " ")
        word = (word + 1 + int(rng.integers(2))) % len(WORDS) if rng.random() < 0.8 else int(rng.integers(len(WORDS)))
    return found[:characters]


def windows(tokens: np.ndarray, length: int) -> np.ndarray:
    """Return windows one after another, (n, length)."""
    return tokens[: len(tokens) // length * length].reshape(-1, length)
