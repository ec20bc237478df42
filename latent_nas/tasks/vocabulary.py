"""Vocabularies of a text: its characters, or byte-pair tokens (Sennrich et al. 2016) made of them."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from latent_nas.extras import need

WORDS = r"[ \n]?[\p{L}']+|[^\p{L}]"  # merges stay inside these: a word with what stands before it, or one character


@dataclass(frozen=True)
class Vocabulary:
    """What tokens stand for; ``model`` divides a text into them, None: by characters."""

    pieces: tuple[str, ...]
    model: Any = field(default=None, compare=False, repr=False)

    @staticmethod
    def characters(text: str) -> "Vocabulary":
        """Return the characters of a text, sorted."""
        return Vocabulary(tuple(sorted(set(text))))

    @staticmethod
    def byte_pairs(characters: "Vocabulary", text: str, size: int) -> "Vocabulary":
        """Return ``size`` tokens: the characters, and the pairs that a text merges first.

        Raises:
            ValueError: ``tokenizers`` is not installed; fewer tokens than characters, or more than the text supports.
        """
        if size <= len(characters.pieces):
            raise ValueError(
                f"a vocabulary of {size} tokens has no room for the text's {len(characters.pieces)} characters"
            )
        need("tokenizers", "text")
        from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

        model = Tokenizer(models.BPE())
        model.pre_tokenizer = pre_tokenizers.Split(Regex(WORDS), "isolated")
        alphabet = list(characters.pieces)
        trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, show_progress=False)
        model.train_from_iterator([text], trainer)
        found = model.get_vocab_size()
        if found < size:
            raise ValueError(
                f"the text supports a vocabulary of {found} tokens, not {size}; choose fewer or a longer text"
            )
        return Vocabulary(tuple(str(model.id_to_token(i)) for i in range(size)), model)

    @cached_property
    def lengths(self) -> np.ndarray:
        """The characters of every token, (tokens,)."""
        return np.array([len(piece) for piece in self.pieces])

    @cached_property
    def first(self) -> np.ndarray:
        """Which character every token begins with, (tokens,), as a place among all that one begins with."""
        return np.unique([piece[0] for piece in self.pieces], return_inverse=True)[1]

    def encode(self, text: str) -> np.ndarray:
        """Return the tokens of a text, (tokens,) int64.

        Raises:
            ValueError: a character that the vocabulary has not.
        """
        strange = sorted(set(text) - set(self.pieces))
        if strange:
            raise ValueError(f"the vocabulary has no character {strange[0]!r}")
        if self.model is not None:
            return np.array(self.model.encode(text).ids, np.int64)
        place = {piece: i for i, piece in enumerate(self.pieces)}
        return np.array([place[character] for character in text], np.int64)

    def decode(self, tokens: np.ndarray) -> str:
        """Return the text of tokens (tokens,)."""
        return "".join(self.pieces[int(token)] for token in tokens)
