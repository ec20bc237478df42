"""What a network of any origin costs, layer by layer, what binds, and how much is left."""

import math
from typing import TYPE_CHECKING, Any

from latent_nas.costs import Costs, costs
from latent_nas.costs.front_end import front_end_cost
from latent_nas.devices import Device, open_device
from latent_nas.graph import Graph
from latent_nas.limits import Limits
from latent_nas.runtimes import Runtime, open_runtime
from latent_nas.units import COSTS, energy, size, span

if TYPE_CHECKING:
    from latent_nas.front_end import FrontEnd
    from latent_nas.spectral import SpectralFrontEnd

EXTERNAL = "needs external flash, which is slower than the time says: it holds for flash on the chip"


def explain(
    graph: Graph,
    device_name: str | Device,
    runtime_name: str | Runtime,
    limits: Limits,
    clock_mhz: float | None = None,
    softmax: bool = False,
    front_end: "FrontEnd | SpectralFrontEnd | None" = None,
    front_end_apart: bool = False,
) -> dict[str, Any]:
    """Return all costs of a graph as JSON values: per layer, what binds where, and what is left of every limit.

    The device's own limits hold beside ``limits``. Bytes, ms and cycles as their names say; a negative ``left`` is what
    the network is too large by. Costs are the network's; limits are what the front end leaves of them.

    Args:
        clock_mhz: at which the device runs; None: its highest. softmax: closes the network, and takes its time.
        front_end: runs before the network. front_end_apart: limits count the network alone.

    Raises:
        ValueError: unknown device or runtime, a runtime without a kernel or core that is needed, a clock that the
            device does not reach, or a front end that leaves nothing of a limit.
    """
    device, runtime = open_device(device_name), open_runtime(runtime_name)
    device = device if clock_mhz is None else device.at_clock(clock_mhz)
    cost = costs(graph, device, runtime, softmax)
    limits = limits.tighten(device.limits)
    before = front_end_cost(front_end, device) if front_end else None
    counted = before if before and not front_end_apart else None
    limits = counted.beside(limits) if counted else limits
    own = (cost.runtime_ram_bytes if cost.counts_image else 0) + (counted.ram_bytes if counted else 0)
    region = device.region_for(cost.arena_high_bytes + cost.state_bytes, own)
    layers = _layers(cost)
    return {
        "device": device.name,
        "runtime": runtime.name,
        "layers": layers,
        "macs": cost.macs,
        "parameters": cost.parameters,
        "flash_bytes": cost.flash_bytes,
        "ram_bytes": cost.ram_bytes,
        "ram_low_bytes": cost.ram_low_bytes,
        "ram_high_bytes": cost.ram_high_bytes,
        "ram_source": runtime.ram.source,
        "latency_ms": cost.latency_ms,
        "latency_error_ms": cost.latency_error_ms,
        "clock_mhz": device.clock_hz / 1e6,
        "energy_uj": cost.energy_uj,
        "energy_error_uj": cost.energy_error_uj,
        "needs_external_flash": not device.external_flash and cost.flash_bytes > device.flash_bytes,
        "cycles": round(cost.cycles),
        "code_bytes": cost.code_bytes,
        "runtime_ram_bytes": cost.runtime_ram_bytes,
        "counts_image": cost.counts_image,
        "core": device.core.name,
        "cycles_borrowed": runtime.borrowed(device.core),
        "kernels_estimated": list(cost.estimated),
        "front_end": before and {**before.to_json(), "apart": front_end_apart},
        "region": region and region.name,
        "fits": region is not None and not cost.exceeded(limits),
        "may_not_fit": _may_not_fit(cost, device, limits),
        "limits": _slack(cost, limits),
        "regions": [
            {"name": name, "bytes": room, "left": room - cost.arena_high_bytes, "fits": room >= cost.arena_high_bytes}
            for name, room in device.room(own).items()
        ],
        "binding": _binding(cost, device, limits, layers),
    }


def _layers(cost: Costs) -> list[dict[str, Any]]:
    """Return the figures of every layer."""
    return [
        {
            "name": f"{layer.node}:{layer.kernel}",
            "macs": layer.macs,
            "weights_bytes": layer.weights_bytes,
            "flash_bytes": layer.flash_bytes,
            "live_bytes": layer.live_bytes,
            "cycles": round(layer.cycles),
        }
        for layer in cost.layers
    ]


def _binding(cost: Costs, device: Device, limits: Limits, layers: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the limit that binds, by how much it is used, and the layer that takes most of it; None without limits."""
    binding = cost.binding(limits)
    if binding is None:
        return None
    return {
        "limit": binding.name,
        "region": _largest(device) if binding.name == "ram_bytes" else None,
        "used": binding.ratio,
        "layer": layers[binding.layer.node]["name"],
    }


def _may_not_fit(cost: Costs, device: Device, limits: Limits) -> str:
    """Return the range of RAM where only its upper end is too much, "" where the network fits, or surely does not."""
    room = min(limits.ram_bytes or math.inf, device.largest_region_bytes)
    others = {name: ratio for name, ratio in cost.exceeded(limits).items() if name != "ram_bytes"}
    if others or not cost.ram_bytes <= room < cost.ram_high_bytes:
        return ""
    return f"{span(cost.ram_low_bytes, cost.ram_high_bytes)} of {size(room)}".replace("\u00a0", " ")


def _slack(cost: Costs, limits: Limits) -> list[dict[str, Any]]:
    """Return used, limit and left of every limit, with the layer that takes most of it; of RAM the upper end counts."""
    rows = []
    for (name, limit), used in zip(limits.to_json().items(), cost.limited, strict=True):
        most = cost.largest(name)
        left = None if limit is None else limit - used
        rows.append(
            {"limit": name, "used": used, "at_most": limit, "left": left, "layer": f"{most.node}:{most.kernel}"}
        )
    return rows


def _largest(device: Device) -> str:
    return max(device.regions, key=lambda region: region.bytes).name


def table(found: dict[str, Any]) -> str:
    """Return what ``explain`` found as text for a person."""
    lines = [f"{'layer':20}{'MACs':>12}{'weights B':>11}{'live B':>10}{'cycles':>12}"]
    for layer in found["layers"]:
        lines.append(
            f"{layer['name']:20}{layer['macs']:12,}{layer['weights_bytes']:11,}{layer['live_bytes']:10,}"
            f"{layer['cycles']:12,}"
        )
    weights = sum(layer["weights_bytes"] for layer in found["layers"])
    lines.append(f"{'all':20}{found['macs']:12,}{weights:11,}{found['ram_bytes']:10,}{found['cycles']:12,}")
    integers = ", as int8" if found.get("as_int8") else ""
    lines += ["", f"On {found['device']} at {found['clock_mhz']:g} MHz under {found['runtime']} (computed{integers}):"]
    for row in found["limits"]:
        unit = "ms" if row["limit"] == "latency_ms" else "B"
        arena = row["limit"] == "ram_bytes" and not found["counts_image"]
        name = COSTS[row["limit"]].word + (" (arena)" if arena else "")
        text = f"  {name:12}{_number(found[row['limit']], unit)}{_range(found, row['limit'])}"
        if row["at_most"] is None:
            text += ", no limit given (--limit latency_ms=N)"
        else:
            short = "left" if row["left"] >= 0 else "TOO MUCH"
            text += f" of {_number(row['at_most'], unit)}, {_number(abs(row['left']), unit)} {short}"
        lines.append(f"{text}; most at {row['layer']}")
    if (first := found["regions"][0])["bytes"] < 0:
        lines.append(f"  {first['name']}, the first region, is {-first['bytes']:,} B too small for stack and data")
    for region in found["regions"]:
        short = "left" if region["fits"] else "TOO MUCH"
        lines.append(
            f"  arena in {region['name']}: room for {_number(region['bytes'], 'B')}, {abs(region['left']):,} B {short}"
        )
    lines.append(
        f"  {'in' if found['counts_image'] else 'apart from'} these: code {found['code_bytes']:,} B of flash, the"
        f" runtime's own RAM {found['runtime_ram_bytes']:,} B"
    )
    if front := found["front_end"]:
        text = f"{front['computed_latency_ms']:.2f} ms (+- {front['computed_latency_error_ms']:.2f})"
        text += f", {front['computed_flash_bytes']:,} B of flash, {front['computed_ram_bytes']:,} B of RAM"
        lines.append(f"  front end   {text}, {'apart from' if front['apart'] else 'taken off'} these limits")
    if found["energy_uj"] is not None:
        lines.append(
            f"  energy      {energy(found['energy_uj'])} (+- {energy(found['energy_error_uj'])}) per inference"
        )
    if found["needs_external_flash"]:
        lines.append(f"  flash: {EXTERNAL}")
    lines += [f"  time: {found['cycles_borrowed']}"] if found["cycles_borrowed"] else []
    if found["kernels_estimated"]:
        names = ", ".join(found["kernels_estimated"])
        lines.append(f"  time of {names}: not known of {found['runtime']}, estimated by our own kernels, +- 50 %")
    if found["ram_low_bytes"] != found["ram_high_bytes"]:
        lines.append(f"  RAM: the upper end counts for limits ({found['ram_source']})")
    binds = found["binding"]
    where = f" (region {binds['region']})" if binds["region"] else ""
    what = COSTS[binds["limit"]].word
    fits = "Fits" if found["fits"] else "DOES NOT FIT"
    fits = f"MAY NOT FIT: {found['may_not_fit']}" if found["may_not_fit"] else fits
    lines.append(f"{fits}. What limits most: {what}{where}, {binds['used']:.1%} used,")
    lines[-1] += f" at layer {binds['layer']}."
    lines += [f"note: {note}" for note in found.get("notes", [])]
    return "\n".join(lines)


def _range(found: dict[str, Any], limit: str) -> str:
    """Return how far a cost may be off, for a line; "" where it is known to the byte."""
    if limit == "latency_ms":
        return f" (+- {found['latency_error_ms']:.2f})"
    low, high = found["ram_low_bytes"], found["ram_high_bytes"]
    return f" ({low:,} to {high:,} B)" if limit == "ram_bytes" and low != high else ""


def _number(value: float, unit: str) -> str:
    return f"{value:,.2f} ms" if unit == "ms" else f"{value:,} B"
