"""Numbers for people, a space that never breaks before the unit; and the one list of costs. 1 KB = 1024 B."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

SPACE = "\u00a0"


class Cost(NamedTuple):
    """How one cost of a network is called and shown.

    Attributes:
        word: for people. unit: that it is shown in. size: of that unit, in the cost's own.
        layer: the attribute of a layer's costs that decides which layer takes most of it.
    """

    word: str
    unit: str
    size: float
    layer: str

    def number(self, value: float) -> str:
        """Return the value in ``unit``, without the unit: 32768 as "32"."""
        return f"{value / self.size:g}"


# What a network costs, by the name that limits, records and costs have for it, in the order of every row of costs.
COSTS = {
    "flash_bytes": Cost("flash", "KB", 1024.0, "flash_bytes"),
    "ram_bytes": Cost("RAM", "KB", 1024.0, "live_bytes"),
    "latency_ms": Cost("time", "ms", 1.0, "cycles"),
}


def cost_row(holder: Any, prefix: str = "") -> tuple[Any, ...]:
    """Return the attributes of ``COSTS`` of a record, of costs or of scores, each with a prefix such as "emulated_"."""
    return tuple(getattr(holder, prefix + name) for name in COSTS)


def percent(fraction: float | None, digits: int = 1) -> str:
    """Return 0.9876 as "98.8 %"; "-" for None."""
    return "-" if fraction is None else f"{100 * fraction:.{digits}f}{SPACE}%"


def count(value: float | None) -> str:
    """Return 12345 as "12,345"."""
    return "-" if value is None else f"{value:,.0f}"


def size(byte: float | None) -> str:
    """Return bytes as B below 1 KB, else as KB with a digit below 100 KB where it is not 0."""
    if byte is None:
        return "-"
    if byte < 1024:
        return f"{byte:.0f}{SPACE}B"
    return f"{byte / 1024:,.{1 if byte < 100 * 1024 else 0}f}".removesuffix(".0") + f"{SPACE}KB"


def span(low: float, high: float) -> str:
    """Return a range of bytes in KB: "61 to 78 KB"; one size where both ends are equal."""
    if low == high:
        return size(low)
    digits = 0 if low >= 10 * 1024 else 1
    return f"{low / 1024:,.{digits}f} to {high / 1024:,.{digits}f}{SPACE}KB"


def cost(name: str, value: float | None) -> str:
    """Return a cost in its unit: "31.3 KB", "2.69 ms"."""
    if value is None:
        return "-"
    return f"{value:.2f}".removesuffix(".00") + f"{SPACE}ms" if name == "latency_ms" else size(value)


def energy(microjoules: float) -> str:
    """Return 1234 as "1.23 mJ", 12.3 as "12.3 uJ"."""
    large = microjoules >= 1000
    return f"{significant(microjoules / (1000 if large else 1), 3)}{SPACE}{'mJ' if large else 'uJ'}"


def with_error(ends: Sequence[float], sign: str = "+-") -> str:
    """Return a time and its error bar, with its sign, from the ends of the bar in ms: "53.10 ms +- 18 %"."""
    low, high = ends
    error = (high - low) / (high + low) if high + low else 0.0
    return f"{(low + high) / 2:.2f}{SPACE}ms {sign} {error:.0%}".replace("%", f"{SPACE}%")


def seconds(value: float | None) -> str:
    """Return 75 as "1 min 15 s"."""
    if value is None:
        return "-"
    whole = round(value)
    parts = [(whole // 3600, "h"), (whole % 3600 // 60, "min"), (whole % 60, "s")]
    return " ".join(f"{n}{SPACE}{unit}" for n, unit in parts if n) or f"{value:.1f}{SPACE}s"


def significant(value: float, digits: int = 4) -> str:
    """Return a number with so many significant digits, at most six behind the point: 2.314, 53.27, 1,234."""
    if not value or not math.isfinite(value):
        return f"{value:g}"
    behind = digits - 1 - math.floor(math.log10(abs(value)))
    return f"{value:,.{min(max(behind, 0), 6)}f}"
