"""From a run's final network to firmware: exported, compiled, and run on the emulated device."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from latent_nas import artifacts, seeds
from latent_nas.devices import open_device
from latent_nas.firmware.check import emulate, sizes
from latent_nas.firmware.compile import build
from latent_nas.firmware.export import project
from latent_nas.report._run import FIRMWARE
from latent_nas.tasks import open_task
from latent_nas.training.quantise import QuantisedNetwork


def deploy(
    source: Path,
    device: str,
    out: Path,
    emulated: bool,
    inputs: int,
    plain: bool,
    toolchain: str,
    rank: int,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Return what the firmware of a network is and does; its project is in ``out``, with this as ``report.json``.

    Args:
        source: a run folder, or the folder of an int8 network. rank: which of a run's final networks, from 1.
        inputs: how many validation inputs to run; for a network of no known task, random ones.

    Raises:
        ValueError: no network there, no compiler or emulator, or it fits no region: which one, by how many bytes.
        Fault: the firmware did what the device can't.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())) and not (out / "device.ld").exists():
        raise ValueError(f"{out} is there already, not empty and no firmware; choose another --out")
    if inputs < 1:
        raise ValueError(f"--inputs {inputs}; wanted 1 or more")
    network, made = open_network(source, rank)
    opened = open_device(device)
    firmware = project(network, opened)
    firmware.write(out)
    say(f"wrote {len(firmware.files)} files to {out}; arena {firmware.plan.peak} B in {firmware.region.name}")
    elf = build(out, opened.core, plain, toolchain)
    report: dict[str, Any] = {"rank": rank, "device": device, "kernels": "plain" if plain else "smlad", "elf": elf.name}
    report |= {"arena_bytes": firmware.plan.peak, "arena_region": firmware.region.name, **sizes(elf)}
    if emulated:
        report["emulated"] = emulate(firmware, elf, _inputs(network, made, inputs))[1]
    text = json.dumps(report, indent=1) + "\n"
    artifacts.write(out / "report.json", text)
    if (source / "networks").is_dir():  # the run's own report shows it
        artifacts.write(source / FIRMWARE / f"{rank}-{device}-{report['kernels']}.json", text)
    return report


def open_network(source: Path, rank: int = 1) -> tuple[QuantisedNetwork, dict[str, Any]]:
    """Return an int8 network and what made it.

    Raises:
        ValueError: there is none; the message says what was looked for.
    """
    folder = source / "networks" / str(rank) if (source / "networks").is_dir() else source
    if not (folder / artifacts.MANIFEST).exists():
        raise ValueError(
            f"{source} holds no int8 network: wanted {artifacts.MANIFEST} there, or networks/{rank}/ of a finished"
            " run; `latent-nas search` and `validate` end with such networks"
        )
    return QuantisedNetwork.load(folder), artifacts.load(folder, "int8 network").made


def _inputs(network: QuantisedNetwork, made: dict[str, Any], n: int) -> np.ndarray:
    if "task" in made:
        x = open_task(made["task"]).data().valid.x
        if x.shape[1:] == network.graph.input_shape:
            return x[:n]
    drawn: np.ndarray = seeds.rng(0, "firmware inputs").normal(size=(n, *network.graph.input_shape))
    return drawn.astype(np.float32)


def summary(report: dict[str, Any]) -> str:
    """Return the report in a few lines."""
    lines = [
        f"flash {report['flash_bytes']} B, RAM {report['ram_bytes']} B, of which arena {report['arena_bytes']} B"
        f" in {report['arena_region']} ({report['kernels']} kernels, {report['device']})"
    ]
    if "emulated" in report:
        e = report["emulated"]
        low, high = e["emulated_ms"]
        same = "bit-exact" if e["bit_exact"] else f"NOT bit-exact: {e['equal_outputs']:.2%} of outputs equal"
        lines += [
            f"{e['inputs']} inputs emulated, {same} with the integer reference",
            f"{e['instructions']} instructions an inference, emulated {low:.2f} to {high:.2f} ms",
            f"stack {e['peak_stack_bytes']} B at most; arena used up to {e['arena_high_water_bytes']} B of the"
            f" {e['arena_planned_bytes']} B planned",
        ]
    return "\n".join(lines)
