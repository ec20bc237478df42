"""Next-token prediction on a text: tiny Shakespeare, or one of your own, ``char_lm:FILE``."""

from functools import lru_cache, partial
from pathlib import Path
from typing import ClassVar

import numpy as np

from latent_nas.graph import Graph
from latent_nas.limits import Limits
from latent_nas.tasks import Data, Part, Recipe, Task
from latent_nas.tasks._download import download
from latent_nas.tasks.kinds.text import UNSCORED, Text
from latent_nas.tasks.vocabulary import Vocabulary

CONTEXT = 32
LEARN_STRIDE, JUDGE_STRIDE = 8, 16  # between the beginnings of windows
SHAKESPEARE = (
    "tinyshakespeare/input.txt",
    "https://raw.githubusercontent.com/karpathy/char-rnn/6f9487a6fe5b420b7ca9afb0d7c078e37c1d1b4e/data/tinyshakespeare/"
    "input.txt",
    "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
)
SHAKESPEARE_CHARACTERS = 65


class CharLm(Task):
    """Windows of 32 tokens; the text's first 90 % train, the next 5 % validate, the last 5 % test.

    A network says by its outputs what its tokens are: as many as the text has characters are these, more are byte-pair
    tokens learnt on the train part. Held-out windows begin 16 tokens apart and score what the one before has not seen,
    so that every token but the first is scored once, and behind 16 to 32 tokens of context.
    """

    name = "char_lm"
    input_shape = (CONTEXT,)
    recipes: ClassVar[dict[str, Recipe]] = {
        "search": Recipe(epochs=1, epoch_share=0.1, learning_rate=4e-3, warmup=0.1, average=0.98),
        "full": Recipe(
            epochs=10, epoch_share=0.125, learning_rate=3e-3, weight_decay=0.1, warmup=0.5, average=0.995, patience=10
        ),
    }
    limits = Limits(flash_bytes=1024 * 1024, ram_bytes=128 * 1024, latency_ms=100.0)

    def __init__(self, source: str = "") -> None:
        """Take a text: a file in UTF-8, or "" for tiny Shakespeare, which is downloaded when it is first read.

        Raises:
            ValueError: no such file, no UTF-8, or too short to fill a window in every part.
        """
        self.source = str(Path(source).resolve()) if source else ""
        self.kind = Text(partial(_vocabulary, self.source))
        self.outputs = len(_characters(self.source).pieces) if source else SHAKESPEARE_CHARACTERS

    def data(self) -> Data:
        """Return the windows in characters."""
        return _data(self.source, self.outputs)

    def data_of(self, graph: Graph) -> Data:
        """Return the windows in the tokens of a network."""
        return _data(self.source, graph.output_shape[-1])

    def check(self, outputs: int) -> None:
        """Raise ValueError where the text can't be had or supports no vocabulary of so many tokens."""
        self.pieces(outputs)

    def pieces(self, outputs: int) -> tuple[str, ...]:
        """Return the characters of every token of a network with so many outputs."""
        return _vocabulary(self.source, outputs).pieces

    def encode(self, text: str, outputs: int) -> np.ndarray:
        """Return the tokens (n,) of a text for a network with so many outputs.

        Raises:
            ValueError: a character that the task's text has not.
        """
        return _vocabulary(self.source, outputs).encode(text)


@lru_cache(4)
def _text(source: str) -> str:
    file = Path(source) if source else download(*SHAKESPEARE)
    try:
        text = file.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise ValueError(f"{source} does not exist; char_lm:FILE wants a text in UTF-8") from None
    except (UnicodeDecodeError, OSError) as error:
        raise ValueError(f"{source} is not text in UTF-8: {error}") from None
    shortest = min(map(len, _parts(text)))
    if shortest <= CONTEXT or len(set(text)) < 2:
        raise ValueError(
            f"{source} has {len(text)} characters, its shortest part {shortest}; a context of {CONTEXT} wants more than"
            f" {CONTEXT} in every part, so {(CONTEXT + 1) * 20} in all"
        )
    return text


def _parts(text: str) -> tuple[str, str, str]:
    a, b = len(text) * 90 // 100, len(text) * 95 // 100
    return text[:a], text[a:b], text[b:]


@lru_cache(4)
def _characters(source: str) -> Vocabulary:
    return Vocabulary.characters(_text(source))


@lru_cache(8)
def _vocabulary(source: str, size: int) -> Vocabulary:
    characters = _characters(source)
    if size == len(characters.pieces):
        return characters
    return Vocabulary.byte_pairs(characters, _parts(_text(source))[0], size)


@lru_cache(2)
def _data(source: str, size: int) -> Data:
    vocabulary = _vocabulary(source, size)
    train, valid, test = map(vocabulary.encode, _parts(_text(source)))
    return Data(_to_learn(train), _to_judge(valid), _to_judge(test))


def _to_learn(tokens: np.ndarray) -> Part:
    """Return all windows, those of one alignment after those of another: the first ones are spread over the text."""
    _check(tokens)
    last = len(tokens) - CONTEXT - 1
    begins = [np.arange(offset, last + 1, CONTEXT) for offset in range(0, CONTEXT, LEARN_STRIDE)]
    return _windows(tokens, np.concatenate(begins))


def _to_judge(tokens: np.ndarray) -> Part:
    """Return windows of which each scores the targets that none before it has scored."""
    _check(tokens)
    last = len(tokens) - CONTEXT - 1
    begins = np.array(sorted({*range(0, last, JUDGE_STRIDE), last}))
    part = _windows(tokens, begins)
    done = np.concatenate([[0], begins[:-1] + CONTEXT])  # targets scored before, as places of their contexts' ends
    at = begins[:, None] + np.arange(CONTEXT)
    return Part(part.x, np.where(at >= done[:, None], part.y, UNSCORED))


def _check(tokens: np.ndarray) -> None:
    if len(tokens) <= CONTEXT:
        raise ValueError(f"a part of the text has {len(tokens)} tokens; a context of {CONTEXT} wants a longer text")


def _windows(tokens: np.ndarray, begins: np.ndarray) -> Part:
    rows = np.lib.stride_tricks.sliding_window_view(tokens, CONTEXT + 1)[begins]
    return Part(rows[:, :-1].copy(), rows[:, 1:].copy())


Plugin = CharLm
