"""Names and texts of a user's own in C: the prefix of a model's files and symbols, names of classes, comments."""

import re
from collections.abc import Sequence
from pathlib import Path

PREFIX = "model"  # where a user gives none
LONGEST = 31  # characters of a prefix: C99 tells external names apart by so many
KEYWORDS = """
auto break case char const continue default do double else enum extern float for goto if inline int long register
restrict return short signed sizeof static struct switch typedef union unsigned void volatile while
alignas alignof and and_eq asm bitand bitor bool catch class compl constexpr const_cast decltype delete dynamic_cast
explicit export false friend mutable namespace new noexcept not not_eq nullptr operator or or_eq private protected
public reinterpret_cast static_assert static_cast template this thread_local throw true try typeid typename using
virtual wchar_t xor xor_eq
"""  # of C99 and of C++17
HEADERS = """
assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdarg stdbool stddef stdint
stdio stdlib string tgmath time wchar wctype stdalign stdatomic stdnoreturn threads uchar
memory strings malloc alloca
"""  # of C11 and of most C libraries, which a header of the same name would hide
PLAIN = {*range(32, 127)} - set(b'"\\?')  # bytes that a string holds as they are


def checked_prefix(prefix: str) -> str:
    """Return a prefix for C names and files.

    Raises:
        ValueError: it can't begin a name in C and C++, or a file of that name is there already.
    """
    ours = {path.stem for path in Path(__file__).parent.rglob("*.[ch]")}
    why = ""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", prefix):
        why = "it is not an identifier of C: letters, digits and _, a letter first"
    elif prefix in KEYWORDS.split():
        why = "it is a keyword of C or C++"
    elif prefix.lower() in {*HEADERS.split(), *ours, "nn", "main", "kernels"} - {PREFIX}:
        why = f"{prefix}.h or names that begin with it are there already"
    elif len(prefix) > LONGEST:
        why = f"it has {len(prefix)} characters, at most {LONGEST}"
    if why:
        raise ValueError(f"prefix {prefix[:80]!r}: {why}; wanted e.g. --prefix kws")
    return prefix


def string(text: str) -> str:
    """Return a string literal of C, with all that is not plain ASCII in octal."""
    return '"' + "".join(chr(b) if b in PLAIN else f"\\{b:03o}" for b in text.encode()) + '"'


def comment(text: str, most: int = 60) -> str:
    """Return a text that can stand in a comment, in one line of ASCII."""
    plain = "".join(c if 32 <= ord(c) < 127 and c != "\\" else "?" for c in text)
    plain = plain.replace("*/", "*?").replace("/*", "?*").replace("??/", "???")
    return plain if len(plain) <= most else f"{plain[: most - 3]}..."


def constants(names: Sequence[str]) -> list[str]:
    """Return a macro's ending for each name, all different: "Left turn" becomes LEFT_TURN."""
    found: list[str] = []
    for i, name in enumerate(names):
        plain = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_").upper()[:40] or str(i)
        found.append(plain if plain not in found else f"{plain}_{i}")
        while found[-1] in found[:-1]:
            found[-1] += "_"
    return found


def wrapped(values: Sequence[object], each: int = 16) -> str:
    """Return values with commas between, so many in a line."""
    rows = [", ".join(map(str, values[i : i + each])) for i in range(0, len(values), each)]
    return ",\n    ".join(rows)


def real(value: float) -> str:
    """Return a float literal of C that is exactly the float32 nearest to a value."""
    import numpy as np

    text = repr(float(np.float32(value)))
    short = str(np.float32(value))
    text = short if np.float32(short) == np.float32(value) else text
    return f"{text if any(c in text for c in '.e') else text + '.0'}f"
