"""A finished search or validation in a few lines for a person."""

from pathlib import Path

from latent_nas.jobs import proof
from latent_nas.records import words
from latent_nas.report.summary import above
from latent_nas.runs.schema import FinalNetwork, Result


def summary(result: Result, folder: Path) -> str:
    """Return what ``result.json`` holds as text: a line for each final network."""
    lines = [
        f"{result.trainings} true trainings in {result.search_s or 0:.0f} s; all took {result.wall_s or 0:.0f} s.",
        "Fully trained on train + validation data, measured on the test part (mean and std over seeds):",
        *(f"  {rank}. {_network(n, result.objective)}" for rank, n in enumerate(result.networks, 1)),
    ]
    if result.front_end:
        ears = result.front_end
        lines.append(
            f"Before each of them runs the front end: {ears['computed_latency_ms']:.1f} ms (+-"
            f" {ears['computed_latency_error_ms']:.1f}), {ears['computed_flash_bytes'] / 1024:.1f} KB of flash,"
            f" {ears['computed_ram_bytes'] / 1024:.1f} KB of RAM (computed, beside the limits)"
        )
    return "\n".join([*lines, f"Run folder: {folder}"])


def _network(network: FinalNetwork, objective: str | None) -> str:
    if not network.seeds:
        return "final training failed"
    region, ram = network.arena
    over = above(network.emulated_above_bytes)
    return (
        f"{_measured(network, objective)};"
        f" flash {network.flash_bytes / 1024:.1f} KB,"
        f" RAM {ram / 1024:.1f} KB in {region}, {network.latency_ms:.2f} ms"
        f" (+- {network.latency_error_ms:.2f}, computed){proof.text(network.firmware)};"
        f" {'fits' if network.fits else 'DOES NOT FIT'}" + (f"\n     {over}" if over else "")
    )


def _measured(network: FinalNetwork, objective: str | None) -> str:
    """Return what was measured of it: the int8 network's metrics or, for want of them, the float one's, and others.

    The objective comes first.
    """
    texts: dict[str, str] = {}
    for kind in ("int8", "beside") if network.measured_int8 else ("float", "beside"):
        for metric, mean in getattr(network, f"measured_{kind}").items():
            name = metric if kind == "beside" else f"{kind}_{metric}"
            texts[name] = f"{words(name)} {mean:.4f} +- {getattr(network, f'measured_{kind}_std')[metric]:.4f}"
            if kind == "int8" and metric in network.measured_float:
                texts[name] += f" (float {network.measured_float[metric]:.4f})"
    order = sorted(texts, key=lambda name: (name != objective, name))
    return "; ".join(texts[name] for name in order if not name.endswith("_std"))
