"""What every runtime keeps."""

import math
from typing import Any

from latent_nas import plugins
from latent_nas.contracts import demand
from latent_nas.contracts.devices import network
from latent_nas.costs import costs
from latent_nas.devices import open_device
from latent_nas.runtimes import Runtime, open_runtime


def subjects(plugin: Any) -> list[Runtime]:
    """Return the runtime."""
    return [open_runtime(plugin)]


def kernels_have_cycles_and_errors(subject: Runtime) -> None:
    """Coefficients are finite, errors too and not negative; every core's row is like one that kernels have."""
    demand(subject.kernels, "it has no kernels")
    for name, kernel in subject.kernels.items():
        demand(set(kernel.error) == set(kernel.cycles), f"kernel {name!r} has cycles and errors of different cores")
        for core, terms in kernel.cycles.items():
            wrong = {term: value for term, value in terms.items() if not math.isfinite(value)}
            demand(not wrong, f"kernel {name!r} on {core}: {wrong}")
            error = kernel.error[core]
            demand(0 <= error.median <= error.p90, f"kernel {name!r} on {core}: median error above the 90th percentile")


def a_network_has_costs_with_it(subject: Runtime) -> None:
    """A small network of images has finite costs on every device whose core it knows; there is one at least."""
    refused, known = [], 0
    for name in plugins.names("devices"):
        try:
            found = costs(network(), open_device(name), subject)
        except ValueError as error:
            refused.append(str(error))
            continue
        known += 1
        numbers = (found.flash_bytes, found.ram_bytes, found.latency_ms)
        demand(all(math.isfinite(n) and n > 0 for n in numbers), f"on {name} a small network takes {numbers}")
    demand(known, f"it costs a small network on no device: {refused[0] if refused else ''}")


CONTRACTS = (kernels_have_cycles_and_errors, a_network_has_costs_with_it)
