"""The proof of final networks: each is deployed, and run on the emulated device."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from latent_nas.costs import Costs
from latent_nas.firmware import Fault, Overflow
from latent_nas.firmware.machine import check_tools
from latent_nas.jobs.build import Build
from latent_nas.jobs.deploy import deploy
from latent_nas.limits import Limits
from latent_nas.target import Setup
from latent_nas.units import with_error

INPUTS = 20


def tools_missing(setup: Setup) -> str:
    """Return why networks can't be proven here in a line, "" where they can."""
    try:
        check_tools(setup.device.core)
    except ValueError as error:
        return str(error)
    return ""


def prove(setup: Setup, network: Path, out: Path, say: Callable[[str], None]) -> dict[str, Any]:
    """Return what a network's firmware takes on the emulated device, its project in ``out``.

    ``refused`` says why there is no firmware, or why it is not to be trusted; None where it is bit-exact. ``unchecked``
    says what kept it from being made, which is nothing that the network can help.
    """
    try:
        report = deploy(network, setup.target.device, out, Build(emulator="unicorn"), INPUTS, 1, lambda line: None)
    except (Overflow, Fault) as error:
        say(f"{network.name}. network: no firmware: {error}")
        return {"refused": str(error)}
    except (ValueError, OSError) as error:
        say(f"{network.name}. network: its firmware could not be checked: {error}")
        return {"refused": None, "unchecked": str(error)}
    found = report["emulated"]
    exact = found["bit_exact"]
    return {
        "refused": None if exact else f"{1 - found['equal_outputs']:.2%} of outputs differ from the integer reference",
        "emulated_flash_bytes": report["flash_bytes"],
        "emulated_ram_bytes": report["ram_bytes"],
        "emulated_arena_region": report["arena_region"],
        "emulated_instructions": found["instructions"],
        "emulated_ms": found["emulated_ms"],
        "emulated_peak_stack_bytes": found["peak_stack_bytes"],
        "emulated_bit_exact": exact,
        "emulated_inputs": found["inputs"],
        "emulated_float_argmax_agreement": found["float_argmax_agreement"],
    }


def fits(cost: Costs, limits: Limits, proof: dict[str, Any] | None) -> bool | None:
    """Return whether a network keeps the limits and the device's memory; None where that could not be checked.

    A firmware's whole image has to link for the device. Limits count it too where the runtime's costs do
    (``Runtime.counts_image``), with the middle of its time's error bar, as costs do; of other runtimes, what is
    computed of the model.
    """
    if cost.region is None or cost.exceeded(limits):
        return False
    if proof is None:
        return True
    if "unchecked" in proof:
        return None
    if proof["refused"] is not None:
        return False
    took = counted_by_limits(cost, proof)
    return not (took and limits.exceeded(**took))


def counted_by_limits(cost: Costs, proof: Mapping[str, Any] | None) -> dict[str, float]:
    """Return what a firmware took, by the names of limits; nothing where they count what is computed."""
    if not cost.counts_image or proof is None or "emulated_flash_bytes" not in proof:
        return {}
    bytes_ = {name: proof[f"emulated_{name}"] for name in ("flash_bytes", "ram_bytes")}
    return {**bytes_, "latency_ms": sum(proof["emulated_ms"]) / 2}


def above(limits: Limits, proof: dict[str, Any] | None) -> dict[str, int]:
    """Return by how many bytes a firmware's whole image is above the limits of flash and RAM, where it is.

    Those whose runtime counts the model alone may well be: code and stack come on top.
    """
    if proof is None or "emulated_flash_bytes" not in proof:
        return {}
    took = {
        name: proof[f"emulated_{name}"] - (getattr(limits, name) or math.inf) for name in ("flash_bytes", "ram_bytes")
    }
    return {name: int(over) for name, over in took.items() if over > 0}


def text(proof: Mapping[str, Any] | None) -> str:
    """Return the proof for a line of a table, "" where there is none."""
    if proof is None:
        return ""
    if "unchecked" in proof:
        return f"; FIRMWARE NOT CHECKED ({proof['unchecked']})"
    if "emulated_flash_bytes" not in proof:
        return "; NO FIRMWARE"
    return (
        f"; firmware {proof['emulated_flash_bytes'] / 1024:.1f} KB flash,"
        f" {proof['emulated_ram_bytes'] / 1024:.1f} KB RAM, {proof['emulated_instructions']:,} instructions, emulated"
        f" {with_error(proof['emulated_ms'])}, {'bit-exact' if proof['emulated_bit_exact'] else 'NOT BIT-EXACT'}"
    )
