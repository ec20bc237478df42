"""Arrays that say where samples come from, so that those of one subject stay in one part of the split."""

from pathlib import Path
from typing import Any

import numpy as np


def in_groups(
    path: Path, given: dict[str, np.ndarray], taken: dict[str, str], names: list[str], asked: str
) -> tuple[dict[str, Any], list[str]]:
    """Return the fields of ``Raw`` on groups, of an array that says where samples come from, and what to say.

    Args:
        path: for messages. given: arrays by role, as x_train. taken: their names in the file. names: how the roles of
            each part end. asked: name of the array, "none", or "" for the one that there is.

    Raises:
        ValueError: the array that was asked for is not there, or one has not a row per sample.
    """
    held = {name: given[f"g{name}"] for name in names if f"g{name}" in given}
    rows = {name: len(given[f"x{name}"]) for name in names}
    if asked not in ("", "none", *(taken.get(f"g{name}", "") for name in names)):
        raise ValueError(f"there is no array {asked!r} for --group with a row per sample; name it group or subject")
    if asked == "none" or not held:
        return {}, []
    first = taken[f"g{next(iter(held))}"]
    for name, ids in held.items():
        if ids.shape not in ((rows[name],), (rows[name], 1)):
            raise ValueError(
                f"{path}: {taken[f'g{name}']} has shape {ids.shape} for the {rows[name]} rows of {taken[f'x{name}']};"
                " wanted a row per sample, or --group none to draw every sample by itself"
            )
    lacking = [taken[f"x{name}"] for name in names if name not in held]
    if names[0] not in held:  # validation and test are drawn from the first part, if at all
        return {}, [f"array {first!r} is not used: there is none for {lacking[0]}"]
    texts = [held[n].ravel().astype(str) if n in held else np.full(rows[n], "") for n in names]
    ids = np.unique(np.concatenate(texts), return_inverse=True)[1]
    said = [f"{', '.join(lacking)} has no array like {first!r}: nothing says which of its samples belong together"]
    fields = {"group": ids.reshape(-1).astype(np.int64), "groups": f"array {first!r}", "asked": bool(asked)}
    return fields, said if lacking else []
