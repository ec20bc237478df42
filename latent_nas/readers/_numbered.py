"""Names that count steps in time: "s0" to "s7", or "ax_0" to "gz_59" of several channels."""

import re
from collections.abc import Sequence

import numpy as np

NUMBERED = re.compile(r"(.*?)(\d+)(\D*)")  # a name with a number: what stands before, the number, what stands after


def channels_of(names: Sequence[str]) -> list[list[int]] | None:
    """Return the columns of each channel in time, None where names don't count steps.

    The last number of a name counts, else the first.
    """
    if len(names) < 2:
        return None
    for last in (True, False):
        channels: dict[tuple[str, str], dict[int, int]] = {}
        for i, name in enumerate(names):
            match = NUMBERED.fullmatch(name[::-1] if last else name)
            if match is None:
                break
            before, digits, after = match.groups()
            step = int(digits[::-1] if last else digits)
            if step in channels.setdefault((before, after), {}):
                break
            channels[before, after][step] = i
        else:
            (first, *others) = {tuple(sorted(at)) for at in channels.values()}
            if not others and len(first) > 1 and len(set(np.diff(first).tolist())) == 1:
                return [[at[step] for step in first] for at in channels.values()]
    return None
