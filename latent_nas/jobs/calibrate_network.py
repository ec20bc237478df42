"""A runtime scaled to whole networks that were measured: read, check, write its file, say what is known of it."""

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from latent_nas import artifacts
from latent_nas.calibration.text import toml
from latent_nas.calibration.whole import MeasuredNetwork, scale
from latent_nas.devices import open_device
from latent_nas.jobs.calibrate import check_name
from latent_nas.jobs.networks import open_source
from latent_nas.runtimes import open_runtime

FIGURES = ("latency_ms", "macs", "flash_bytes")


def calibrate(
    networks: Sequence[str],
    measured: Sequence[str],
    device_name: str,
    base: str,
    name: str,
    out: Path,
    clock_mhz: float | None = None,
    force: bool = False,
) -> dict[str, Any]:
    """Write the runtime ``name`` to ``out/<name>.toml``; return its path, factor, and the errors of the networks.

    Args:
        networks: as `latent-nas cost` takes them. measured: of each, "latency_ms=53", and "macs=N" or "flash_bytes=N"
            behind commas, by which another network is told.
        name: "" for that of the runtime and the device.

    Raises:
        ValueError: not one measurement for each network, or as ``calibration.whole.scale``.
    """
    if len(networks) != len(measured):
        raise ValueError(f"wanted one --measured for each --network, got {len(measured)} for {len(networks)}")
    device, runtime = open_device(device_name), open_runtime(base)
    device = device if clock_mhz is None else device.at_clock(clock_mhz)
    name = name or f"{runtime.name}_{device.name}"
    check_name(name)
    found = scale(name, runtime, device, [_measured(*pair) for pair in zip(networks, measured, strict=True)], force)
    path = out / f"{name}.toml"
    artifacts.write(path, toml(found.runtime))
    return {
        "runtime": str(path),
        "base": runtime.name,
        "device": device.name,
        "clock_mhz": device.clock_hz / 1e6,
        "factor": found.factor,
        "networks": list(networks),
        "errors_before": list(found.before),
        "errors_left_out": list(found.after),
        "within_error_bars": found.within,
    }


def _measured(given: str, text: str) -> MeasuredNetwork:
    figures: dict[str, float] = {}
    for part in text.split(","):
        key, _, value = part.strip().partition("=")
        try:
            figures[key] = float(value)
        except ValueError:
            raise ValueError(f"--measured {text!r}: {key!r} is not a number; wanted latency_ms=53") from None
    unknown = sorted(figures.keys() - {*FIGURES})
    if unknown or "latency_ms" not in figures:
        what = f"no figure {unknown[0]!r}" if unknown else "no latency_ms"
        raise ValueError(f"--measured {text!r}: {what}; wanted latency_ms=53, and {' or '.join(FIGURES[1:])} beside it")
    source = open_source(given)
    graph = source.bound(source.task or "digits").deployed()
    return MeasuredNetwork(given, graph, softmax=source.softmax(), **figures)


def table(found: dict[str, Any]) -> str:
    """Return what ``calibrate`` found as text for a person."""
    lines = [f"{'network':40}{'as it was':>12}{'left out':>12}"]
    after = found["errors_left_out"] or [None] * len(found["networks"])
    for name, before, left in zip(found["networks"], found["errors_before"], after, strict=True):
        lines.append(f"{name[-40:]:40}{before:>+12.1%}" + (f"{left:>+12.1%}" if left is not None else f"{'-':>12}"))
    lines.append(f"All cycles of {found['base']} on this core times {found['factor']:.3g}.")
    if found["errors_left_out"]:
        old, new = (median(map(abs, found[key])) for key in ("errors_before", "errors_left_out"))
        falls = "falls" if new < old else "GROWS"
        lines.append(f"The error of a network that is left out {falls} from {old:.1%} to {new:.1%} in the median.")
        if new >= old:
            lines.append("Scaling does not help here: these networks differ in what the runtime is good at.")
    else:
        lines.append("By how much the error of other networks falls is not known from one: measure a second one.")
        if found["within_error_bars"]:
            lines.append(
                f"It lies within the error bar of {found['base']}, which may know this board: scaling can"
                " harm as well (docs/results/costs.md)."
            )
    return "\n".join([*lines, f"Runtime: {found['runtime']}; use it with --runtime {found['runtime']}"])
