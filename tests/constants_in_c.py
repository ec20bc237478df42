"""What the constants of a C file take in flash."""

import re
from math import prod

ARRAY = re.compile(r"static const (float|u?int(?:8|16|32)_t) \w+((?:\[\w+\])+)(?: __attribute__.*)? = \{")


def constant_bytes(text):
    """Return the bytes of all constant arrays of a C file, by their types and lengths; these may be of its enum."""
    named = dict(re.findall(r"(\w+) = (\d+)", "".join(re.findall(r"enum \{(.*?)\}", text, re.DOTALL))))
    total = 0
    for kind, lengths in ARRAY.findall(text):
        each = int(re.sub(r"\D", "", kind) or 32) // 8
        total += each * prod(int(named.get(length, length)) for length in re.findall(r"\w+", lengths))
    return total
