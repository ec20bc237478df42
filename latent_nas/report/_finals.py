"""The final networks in one table: measured on the test part, computed, and emulated beside computed."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from latent_nas.graph.channels import widths
from latent_nas.report._html import Html, join, tag
from latent_nas.runs import files
from latent_nas.runs.read import Run
from latent_nas.runs.schema import FinalNetwork
from latent_nas.tasks.kinds.confusion import balanced_accuracy
from latent_nas.units import COSTS, SPACE, cost, percent, size, span, with_error

FITS = {True: "fits", False: "does not fit", None: "not known"}


def finals(run: Run) -> Html | None:
    """Return the table of all ranks with what to read from it; None while there are no final networks."""
    networks = run.result.networks if run.result else ()
    if not networks:
        return None
    titles = ("network", f"{run.scale.name}, test", *(word for word, *_ in COSTS.values()), "limits", "files")
    head = tag("tr", *(tag("th", title, scope="col") for title in titles))
    cheap = cheapest(run)
    rows = [_row(run, rank, network, rank == cheap) for rank, network in enumerate(networks, 1)]
    box = tag("table", tag("thead", head), tag("tbody", *rows), class_="finals")
    return join(tag("div", box, class_="scroll", tabindex=0), tag("p", _key(run, cheap), class_="note"))


def cheapest(run: Run) -> int | None:
    """Return the rank of the cheapest final network that validation can't tell from the first, if it is another."""
    networks = run.result.networks if run.result else ()
    alike = [rank for rank, n in enumerate(networks, 1) if n.like_first and n.seeds and n.fits is not False]
    if not alike or not networks[0].seeds:
        return None
    rank = min([1, *alike], key=lambda rank: networks[rank - 1].size)
    return rank if rank > 1 else None


def balanced(run: Run, network: FinalNetwork) -> float | None:
    """Return the balanced accuracy of the network that is kept; None where there are no classes."""
    if "balanced_accuracy" in network.measured_exported_int8:
        return network.measured_exported_int8["balanced_accuracy"]
    kept = [r for r in run.behind(network) if r.seed == network.exported_seed]
    held = [np.array(record.evidence["confusion"]) for record in kept if "confusion" in record.evidence]
    return balanced_accuracy(held[0]) if held else None


def _row(run: Run, rank: int, network: FinalNetwork, cheap: bool) -> Html:
    number = run.numbers.get(network.genes)
    name = tag("a", f"{rank}.", href=f"#training-{number}", data_opens=number) if number else f"{rank}."
    if not network.seeds:
        return tag("tr", tag("td", name), tag("td", "final training failed", colspan=6))
    built = network.firmware or {}
    cells = [
        tag("td", name, tag("small", "cheapest like 1.") if cheap else None),
        tag("td", *_measured(run, network)),
        *(_cost(run, network, built, name) for name in COSTS),
        tag("td", FITS[network.fits], class_="bad" if network.fits is False else None),
        tag("td", *_files(run, rank)),
    ]
    return tag("tr", *cells, class_="best" if rank == 1 else None)


def _measured(run: Run, network: FinalNetwork) -> list[object]:
    """Return the metric of the network that is kept with its interval, and the mean over seeds."""
    scale, own = run.scale, run.scale.exported(network)
    mean = scale.final(network)
    spread = f"{scale.shown(mean[0])} ± {scale.shown(mean[1])}" if mean else ""
    ends = scale.ends(network)
    even = balanced(run, network) if scale.share else None
    changed = widths(network.channels)
    lines = [
        f"95{SPACE}%: {ends[0]} to {ends[1]}" if ends else "",
        f"{network.seeds} seeds {spread}" if spread and own and network.seeds > 1 else "",
        f"balanced {percent(even)}" if even is not None and "balanced" not in scale.objective else "",
        network.weights,
        changed and f"pruned, {changed}",
    ]
    return [own or spread or "-", *(tag("small", line) for line in lines if line)]


def _cost(run: Run, network: FinalNetwork, built: Mapping[str, Any], name: str) -> Html:
    """Return what is computed, a bar of how much of the limit that is, and what the emulated firmware took."""
    value, limit = network.limited[name], getattr(run.limits, name)
    text = cost(name, value)
    if name == "latency_ms":
        text = f"{value:.2f}{SPACE}± {network.latency_error_ms:.2f}{SPACE}ms"
    elif name == "ram_bytes" and network.ram_low_bytes not in (None, network.ram_high_bytes):
        text = span(network.ram_low_bytes or 0, network.ram_high_bytes or 0)
    share = network.counted[name] / limit if limit else None
    bar = tag("span", tag("i", style=f"width:{min(100, 100 * share):.1f}%"), class_="gauge") if share else None
    return tag("td", text, bar, tag("small", emulated) if (emulated := _emulated(built, name)) else None)


def _emulated(built: Mapping[str, Any], name: str) -> str:
    if name == "latency_ms":
        return f"emulated {with_error(built['emulated_ms'], '±')}" if "emulated_ms" in built else ""
    return f"firmware {size(built[f'emulated_{name}'])}" if f"emulated_{name}" in built else ""


def _files(run: Run, rank: int) -> list[Html]:
    """Return links to what lies in the run folder of a network."""
    places = (files.network(run.path, rank), run.path / files.FIRMWARE / str(rank))
    names = [place.relative_to(run.path).as_posix() for place in places if place.is_dir()]
    return [part for name in names for part in (tag("a", name, href=f"{name}/"), tag("br"))][:-1]


def _key(run: Run, cheap: int | None) -> str:
    """Return what the table's figures are, and which of the networks to take."""
    text = (
        "Measured is the int8 network itself, on samples that no choice has seen. Flash, RAM and time are computed;"
        " bars are shares of the limits, of what was emulated where limits count that. Firmware is what the whole"
        " image took on the emulated device, with code and stack."
    )
    alike = [rank for rank, n in enumerate(run.result.networks if run.result else (), 1) if n.like_first and n.seeds]
    if alike:
        named = ", ".join(f"{rank}." for rank in alike)
        text += (
            f" Validation can't tell {named} from 1. (95{SPACE}%); the cheapest within that error bar is {cheap or 1}."
        )
    return text
