"""What a user may have meant by a word that is not known."""

import difflib
from collections.abc import Iterable


def meant(word: str, words: Iterable[str], most: int = 1) -> str:
    """Return "; did you mean 'x' or 'y'?", the nearest ``most`` of the words; "" where none is near."""
    near = difflib.get_close_matches(word, list(words), most)
    return f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
