"""One network on several devices under several runtimes: a row for each pair."""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from latent_nas.graph import Graph
from latent_nas.jobs.cost import EXTERNAL, explain
from latent_nas.limits import Limits
from latent_nas.runtimes import open_runtime
from latent_nas.units import COSTS, SPACE, energy, size, span

if TYPE_CHECKING:
    from latent_nas.front_end import FrontEnd
    from latent_nas.spectral import SpectralFrontEnd


def compare(
    graph: Graph,
    devices: Sequence[str],
    runtimes: Sequence[str],
    limits: Limits,
    clock_mhz: float | None = None,
    softmax: bool = False,
    front_end: "FrontEnd | SpectralFrontEnd | None" = None,
    front_end_apart: bool = False,
) -> list[dict[str, Any]]:
    """Return what ``cost.explain`` says of every pair, without the layers; "refused" says why a pair has no costs.

    Raises:
        ValueError: all pairs are refused; the message is the first one's.
    """
    opened = cache(open_runtime)  # a file of 20 KB, for every device anew
    rows = []
    for device in devices:
        for runtime in runtimes:
            try:
                found = explain(graph, device, opened(runtime), limits, clock_mhz, softmax, front_end, front_end_apart)
                rows.append({key: value for key, value in found.items() if key not in ("layers", "limits", "regions")})
            except ValueError as error:
                rows.append({"device": device, "runtime": runtime, "refused": str(error)})
    if all("refused" in row for row in rows):
        raise ValueError(rows[0]["refused"])
    return rows


def table(rows: Sequence[dict[str, Any]], notes: Sequence[str]) -> str:
    """Return the rows as text for a person."""
    integers = ", as int8" if any(row.get("as_int8") for row in rows) else ""
    head = ("device", "runtime", "MHz", "flash", "RAM", "time", "energy", f"computed{integers}")
    cells = [head, *(_cells(row) for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    lines = ["  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    lines += [f"{row['device']}, {row['runtime']}: {row['refused']}" for row in rows if "refused" in row]
    lines += [_before(row) for row in rows if row.get("front_end")]
    lines += [f"note: {EXTERNAL}"] if any(row.get("needs_external_flash") for row in rows) else []
    return "\n".join([*lines, *(f"note: {note}" for note in notes)])


def _before(row: dict[str, Any]) -> str:
    """Return a line on the front end of a pair."""
    front = row["front_end"]
    memory = f"{size(front['computed_flash_bytes'])} of flash, {size(front['computed_ram_bytes'])} of RAM"
    text = f"{front['computed_latency_ms']:,.2f} ms +- {front['computed_latency_error_ms']:,.2f}, {memory}"
    apart = "apart from the limits" if front["apart"] else "counted in the limits"
    return f"{row['device']}, {row['runtime']}: before the network runs its front end, {text}, {apart}".replace(
        SPACE, " "
    )


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    if "refused" in row:
        return (row["device"], row["runtime"], *["-"] * 5, "refused, see below")
    ms, error = row["latency_ms"], row["latency_error_ms"]
    joule = "-"
    if row["energy_uj"] is not None:
        joule = f"{energy(row['energy_uj'])} +- {row['energy_error_uj'] / row['energy_uj']:.0%}"
    numbers = (size(row["flash_bytes"]), span(row["ram_low_bytes"], row["ram_high_bytes"]))
    cells = (row["device"], row["runtime"], f"{row['clock_mhz']:g}", *numbers, f"{ms:,.2f} ms +- {error:,.2f}", joule)
    return (*(cell.replace(SPACE, " ") for cell in cells), _verdict(row))


def _verdict(row: dict[str, Any]) -> str:
    if row["fits"]:
        return "fits"
    if row["may_not_fit"]:
        return f"may not fit: RAM {row['may_not_fit']}"
    if row["needs_external_flash"]:
        return "needs external flash"
    return f"DOES NOT FIT: {COSTS[row['binding']['limit']].word}, {row['binding']['used']:.0%} used"
