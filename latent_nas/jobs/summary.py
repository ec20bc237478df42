"""A finished search or validation in a few lines for a person."""

import shlex
from pathlib import Path

from latent_nas.graph.channels import widths
from latent_nas.jobs import proof, ranks
from latent_nas.limits import Limits
from latent_nas.records import words
from latent_nas.report.summary import verdicts
from latent_nas.runs.schema import FinalNetwork, Result
from latent_nas.units import span

WORST = 3  # classes named in a line
UNEVEN_RECALL = 0.1  # between the best and the worst told class, from which on the worst are named
FITS = {True: "fits", False: "DOES NOT FIT", None: "WHETHER IT FITS IS NOT KNOWN"}

NEXT = {
    1: "No network was found. {again} tries once more what was lost.",
    4: "Not every firmware could be checked; when that is mended, {again} does it.",
}
FAILED = "No network was found: training failed, and would again with {again}; the lines above say why."
BEYOND = "No trained network is within the limits; {again} goes on with more --trainings, or with another --limit."


def exit_code(result: Result) -> int:
    """Return what the process says of a result: 0; 1 where no network was found; 4 where one could not be checked."""
    if result.config is not None and result.config.get("top") == 0:
        return 0
    if not any(network.seeds for network in result.networks):
        return 1
    return 4 if any(network.fits is None for network in result.networks) else 0


def summary(result: Result, folder: Path) -> str:
    """Return what ``result.json`` holds as text: a line for each final network."""
    lines = [
        *([_spent(result)] if result.config else []),
        "Fully trained on train + validation data, measured on the test part: the network in networks/<number>, in"
        " brackets what so many samples tell of it (95 %), then mean and std over seeds:",
        *(f"  {rank}. {_network(n, result)}" for rank, n in enumerate(result.networks, 1)),
        *(f"  {line}" for line in ranks.lines(result.networks)),
        *([f"Beside: {result.baseline['text']} on the validation part"] if result.baseline else []),
    ]
    if result.front_end:
        front, apart = result.front_end, (result.config or {}).get("front_end_apart", True)
        how = "beside" if apart else "counted in"
        lines.append(
            f"Before each of them runs the front end: {front['computed_latency_ms']:.1f} ms (+-"
            f" {front['computed_latency_error_ms']:.1f}), {front['computed_flash_bytes'] / 1024:.1f} KB of flash,"
            f" {front['computed_ram_bytes'] / 1024:.1f} KB of RAM (computed, {how} the limits)"
        )
    if code := exit_code(result):
        go_on = f"`latent-nas search --resume {shlex.quote(str(folder))}`"
        trained = result.config and result.trainings > result.failed_trainings
        text = NEXT[code]
        if code == 1 and not result.networks:
            text = BEYOND if trained else FAILED if result.failed_trainings and not result.config else text
        lines.append(text.format(again=go_on if result.config else "the same command"))
    return "\n".join([*lines, f"Run folder: {folder}"])


def _spent(result: Result) -> str:
    """Return what a search spent; a validation, which has no configuration, spends final trainings alone."""
    trained = f"{result.trainings} true trainings"
    if result.short_trainings:
        trained = f"{result.trainings} full trainings and {result.short_trainings} short ones"
    return f"{trained} in {result.search_s or 0:.0f} s; all took {result.wall_s or 0:.0f} s."


def _network(network: FinalNetwork, result: Result) -> str:
    if not network.seeds:
        return "final training failed"
    region, ram = network.arena
    over = verdicts(network, Limits.from_json(dict(result.limits)))
    return (
        f"{_measured(network, result.objective)}{_no_better(network, result)};"
        f"{_changed(network)} flash {network.flash_bytes / 1024:.1f} KB,"
        f" RAM {ram / 1024:.1f} KB{_range(network)} in {region}, {network.latency_ms:.2f} ms"
        f" (+- {network.latency_error_ms:.2f}, computed){proof.text(network.firmware)};"
        f" {FITS[network.fits]}" + (f"\n     {over}" if over else "")
    )


def _changed(network: FinalNetwork) -> str:
    """Return how wide its weights are and which widths pruning has changed for a line, "" for 8 bits and none."""
    changed = widths(network.channels)
    parts = network.weights, changed and f"pruned, {changed}"
    return "".join(f" {part};" for part in parts if part)


def _range(network: FinalNetwork) -> str:
    """Return the range of its RAM for a line, "" where it is known to the byte."""
    low, high = network.ram_low_bytes, network.ram_high_bytes
    return "" if low is None or high is None or low == high else f" ({span(low, high)})"


def _measured(network: FinalNetwork, objective: str | None) -> str:
    """Return what was measured of it: the int8 network's metrics or, for want of them, the float one's, and others.

    The objective comes first, of the network that is kept before the mean over seeds.
    """
    texts: dict[str, str] = {}
    for kind in ("int8", "beside") if network.measured_int8 else ("float", "beside"):
        for metric, mean in getattr(network, f"measured_{kind}").items():
            name = metric if kind == "beside" else f"{kind}_{metric}"
            spread = f"{mean:.4f} +- {getattr(network, f'measured_{kind}_std')[metric]:.4f}"
            many = f", {network.seeds} seeds {spread}" if network.seeds > 1 else ""
            own = network.measured_exported_int8.get(metric) if kind == "int8" else None
            if own is None:
                texts[name] = f"{words(name)} {spread}"
            else:
                within = _interval(network) if name == objective else ""
                texts[name] = f"{words(name)} {own:.4f}{within}{many}"
            if kind == "int8" and metric in network.measured_float:
                texts[name] += f" (float {network.measured_float[metric]:.4f})"
    order = sorted(texts, key=lambda name: (name != objective, name))
    parts = [texts[name] for name in order if not name.endswith("_std")]
    return "; ".join([*parts, *_recall(network)])


def _interval(network: FinalNetwork) -> str:
    if not network.measured_exported_interval:
        return ""
    low, high = network.measured_exported_interval
    return f" [{low:.4f} to {high:.4f}, {network.samples:,} samples]"


def _no_better(network: FinalNetwork, result: Result) -> str:
    """Return a warning where what is measured can't be told from what needs no network; else ""."""
    name = (result.objective or "").removeprefix("int8_")
    without = result.baseline.get("metrics", {}).get(name)
    if without is None or not network.measured_exported_interval:
        return ""
    low, high = network.measured_exported_interval
    beaten = low > without if result.higher_is_better else high < without
    return "" if beaten else "; CAN'T BE TOLD FROM NO NETWORK"


def _recall(network: FinalNetwork) -> list[str]:
    """Return the classes that are told worst, where one is told far worse than the others; else nothing."""
    recall = network.measured_exported_recall
    if not recall or min(recall.values()) >= max(recall.values()) - UNEVEN_RECALL:
        return []
    worst = sorted(recall, key=lambda name: recall[name])[:WORST]
    return [f"recall {', '.join(f'{name} {recall[name]:.2f}' for name in worst)}"]
