"""Numbers that lie so far outside that all others become one: a network's scale is the spread, int8's the two ends."""

from collections.abc import Iterator

import numpy as np

from latent_nas.readers import Raw
from latent_nas.tasks._sentinels import suspects

STEPS = 255  # of int8 between the least and the greatest value
ENOUGH = 100_000  # values that tell the quartiles of a column
SHOWN = 3  # columns in a line each


def far(raw: Raw) -> list[str]:
    """Return a line for each column of values or targets whose middle half is less than a step of int8.

    Repeated numbers that may stand for a missing one are ``sentinels``'s to say.
    """
    found = [line for column in _columns(raw) if (line := _end(*column))]
    rest = [f"the same goes for {len(found) - SHOWN} more"] * (len(found) > SHOWN)
    return found[:SHOWN] + rest


def _columns(raw: Raw) -> Iterator[tuple[str, np.ndarray, tuple[str, ...]]]:
    """Yield a column's name, its values (n, each), those of a sample in a row, and the samples' names."""
    if raw.keep and not raw.pixels and raw.front_end is None:
        columns = np.moveaxis(raw.x, raw.keep[0], -1)
        columns = columns.reshape(len(columns), -1, columns.shape[-1])
        for i in range(columns.shape[-1]):
            named = len(raw.columns) == columns.shape[-1]
            yield f"column {raw.columns[i]!r}" if named else f"channel {i + 1}", columns[..., i], tuple(raw.names)
    for i, target in enumerate(raw.targets):
        yield f"target {target!r}", raw.y[:, i : i + 1], tuple(raw.names)


def _end(called: str, values: np.ndarray, names: tuple[str, ...]) -> str:
    """Return a line on the end that makes the others one, "" where none does."""
    flat = values.reshape(-1)
    low, high = float(flat.min()), float(flat.max())
    near, beyond = (float(v) for v in np.percentile(flat[:: 1 + len(flat) // ENOUGH], (25, 75)))
    if not 0 < beyond - near < (high - low) / STEPS or suspects(flat):
        return ""
    at = int(flat.argmax() if high - beyond > near - low else flat.argmin())
    return (
        f"{called}: {flat[at]:g} ({names[at // values.shape[1]]}) is so far outside that the middle half of all values"
        f" ({near:g} to {beyond:g}) is less than a step of int8; correct such values, leave them out, or take"
        " logarithms"
    )
