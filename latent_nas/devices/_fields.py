"""The fields of a device's file and of its regions, and what is wrong with them."""

import math
from typing import Any

TEXT, NUMBER, ADDRESS, TABLES = "a text", "a number", "a whole number from 0 on", "a list of {name, kb, address}"
NEEDED = {"name": TEXT, "core": TEXT, "clock_mhz": NUMBER, "flash_kb": NUMBER, "regions": TABLES}
MORE = {"description": TEXT, "source": TEXT, "flash_address": ADDRESS}
REGION = {"name": TEXT, "kb": NUMBER, "address": ADDRESS}


def check_fields(table: dict[str, Any]) -> None:
    """Raise ValueError for a table of TOML that describes no device; the message names the first wrong field."""
    _check(table, NEEDED, MORE)
    for number, region in enumerate(table["regions"], 1):
        try:
            _check(region, REGION, {})
        except ValueError as error:
            raise ValueError(f"region {number}: {error}") from None


def _check(table: dict[str, Any], needed: dict[str, str], more: dict[str, str]) -> None:
    kinds = needed | more
    for key in needed:
        if key not in table:
            raise ValueError(f"{key!r} is missing")
    for key, value in table.items():
        if key not in kinds:
            raise ValueError(f"it has no field {key!r}; there are: {', '.join(kinds)}")
        if not _is(value, kinds[key]):
            raise ValueError(f"{key!r} is {kinds[key]}, got {value!r}")


def _is(value: Any, kind: str) -> bool:
    if kind == TEXT:
        return isinstance(value, str)
    if kind == TABLES:
        return isinstance(value, list) and all(isinstance(part, dict) for part in value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return False
    return kind == NUMBER or (isinstance(value, int) and value >= 0)
