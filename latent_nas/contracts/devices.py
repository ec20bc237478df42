"""What every device keeps."""

import math
from itertools import pairwise
from typing import Any

from latent_nas import plugins
from latent_nas.contracts import demand
from latent_nas.costs import costs
from latent_nas.devices import Device, open_device
from latent_nas.graph import Graph
from latent_nas.runtimes import open_runtime
from latent_nas.spaces import open_space

SLOWEST_HZ = 1e6  # a device file's clock that is too fast is refused as it is opened


def subjects(plugin: Any) -> list[Device]:
    """Return the device."""
    return [open_device(plugin)]


def network() -> Graph:
    """Return a small network of images, the first of ``mcu_cnn``."""
    space = open_space("mcu_cnn", (8, 8, 1), 10)
    return space.graph([0] * len(space.genes))


def figures_can_be(subject: Device) -> None:
    """Its clock, flash and RAM are those of a microcontroller; regions of RAM lie apart."""
    demand(subject.clock_hz >= SLOWEST_HZ, f"its clock is {subject.clock_hz / 1e6:g} MHz, wanted 1 or more")
    demand(subject.flash_bytes >= 1024, f"its flash is {subject.flash_bytes} bytes; is flash_kb in KB?")
    regions = sorted(subject.regions, key=lambda region: region.address)
    for low, high in pairwise(regions):
        demand(
            low.address + low.bytes != high.address,
            f"regions {low.name} and {high.name} join; write them as one, so that an arena may lie across both",
        )


def a_network_has_costs_there(subject: Device) -> None:
    """Every runtime that knows its core gives a small network finite costs; one at least does."""
    refused, known = [], 0
    for name in plugins.names("runtimes"):
        try:
            found = costs(network(), subject, open_runtime(name))
        except ValueError as error:
            refused.append(str(error))
            continue
        known += 1
        numbers = (found.flash_bytes, found.ram_bytes, found.latency_ms)
        demand(all(math.isfinite(n) and n > 0 for n in numbers), f"with {name} a small network takes {numbers}")
    demand(known, f"no runtime knows its core: {refused[0] if refused else ''}")


CONTRACTS = (figures_can_be, a_network_has_costs_there)
