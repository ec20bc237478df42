"""What a user may have meant by a word that is not known."""

import difflib
from collections.abc import Iterable


def meant(word: str, words: Iterable[str]) -> str:
    """Return "; did you mean 'x'?" where one of the words is near, else ""."""
    near = difflib.get_close_matches(word, list(words), 1)
    return f"; did you mean {near[0]!r}?" if near else ""
