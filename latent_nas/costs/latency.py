"""Latency: cycles per layer from the runtime's coefficients, and how far they may be off."""

from collections.abc import Sequence
from dataclasses import dataclass

from latent_nas.costs.layer import Layer
from latent_nas.devices import Device
from latent_nas.runtimes import Runtime


@dataclass(frozen=True)
class Latency:
    """Cycles per layer and beside the layers; of all, milliseconds and the half width of their interval."""

    cycles: tuple[float, ...]
    beside: float
    ms: float
    error_ms: float


def latency(layers: Sequence[Layer], device: Device, runtime: Runtime, softmax: int = 0) -> Latency:
    """Return the time of a deployed graph's layers, one after another.

    The interval is as wide as nine layers in ten are off (``runtimes.Error.p90``), as if all were off in one
    direction: layers of one kernel are, as they share its coefficients, and all share the device.

    Args:
        softmax: outputs of a softmax that closes the network and is not a layer of it.

    Raises:
        ValueError: the runtime has no kernel for a layer, or no cycles of it on the device's core.
    """
    known = {
        kernel: runtime.cycles(kernel, device.core, device.clock_hz) for kernel in {x.kernel for x in layers if x.work}
    }
    cycles = tuple(x.total(known[x.kernel][0]) if x.work else 0.0 for x in layers)
    off = sum([c * known[x.kernel][1].p90 for c, x in zip(cycles, layers, strict=True) if x.work])
    row = runtime.row(device.core)
    beside = row.cycles + row.softmax * softmax if known else 0.0
    return Latency(cycles, beside, (sum(cycles) + beside) * 1e3 / device.clock_hz, off * 1e3 / device.clock_hz)
