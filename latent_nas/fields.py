"""The fields of a data plugin's table, and what is wrong with them."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Kind:
    """What a field must be: in words, and as a test of its value."""

    text: str
    holds: Callable[[Any], bool]


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _numbers(value: Any) -> bool:
    return isinstance(value, dict) and all(_number(number) and number >= 0 for number in value.values())


TEXT = Kind("a text", lambda value: isinstance(value, str))
TEXTS = Kind("a list of texts", lambda value: isinstance(value, list) and all(isinstance(one, str) for one in value))
FLAG = Kind("true or false", lambda value: isinstance(value, bool))
NUMBER = Kind("a number", _number)
NUMBERS = Kind("a table of numbers from 0 on", _numbers)
ADDRESS = Kind("a whole number from 0 on", lambda value: _number(value) and isinstance(value, int) and value >= 0)
ADDRESSES = Kind("a list of whole numbers", lambda value: isinstance(value, list) and all(map(ADDRESS.holds, value)))
TABLE = Kind("a table", lambda value: isinstance(value, dict))


def tables(names: str) -> Kind:
    """Return the kind of a list of tables, e.g. ``tables("{name, kb, address}")``."""
    return Kind(
        f"a list of {names}",
        lambda value: isinstance(value, list) and all(isinstance(part, dict) for part in value),
    )


def check(table: Mapping[str, Any], needed: Mapping[str, Kind], more: Mapping[str, Kind]) -> None:
    """Raise ValueError for a table that lacks a needed field or has an unknown or wrong one; it names the first."""
    kinds = {**needed, **more}
    for key in needed:
        if key not in table:
            raise ValueError(f"{key!r} is missing")
    for key, value in table.items():
        if key not in kinds:
            raise ValueError(f"it has no field {key!r}; there are: {', '.join(kinds)}")
        if not kinds[key].holds(value):
            raise ValueError(f"{key!r} is {kinds[key].text}, got {value!r}")
