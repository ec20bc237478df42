"""``latent-nas devices``, ``spaces``, ``tasks``, ...: what there is to choose from, one line each."""

import inspect
import json
from collections.abc import Callable
from typing import Any

from latent_nas import plugins
from latent_nas.cli import options
from latent_nas.units import SPACE, percent, size

KINDS = ("devices", "cores", "runtimes", "spaces", "tasks", "strategies", "zoo")


def about(kind: str) -> dict[str, str]:
    """Return a line about every plugin of a kind, by its name."""
    facts = {"zoo": _network, "devices": _device, "runtimes": _runtime}
    return {
        name: facts[kind](name) if kind in facts else _line(plugins.load(kind, name)) for name in plugins.names(kind)
    }


def _line(plugin: Any) -> str:
    """Return the description of a data plugin, the first paragraph of a Python plugin's file."""
    text = plugin["description"] if isinstance(plugin, dict) else inspect.getdoc(inspect.getmodule(plugin)) or ""
    return " ".join(text.split("\n\n")[0].split())


def _device(name: str) -> str:
    from latent_nas.devices import open_device

    device = open_device(name)
    ram = " + ".join(f"{region.name} {size(region.bytes)}" for region in device.regions)
    flash = f"{size(device.flash_bytes)} {'external ' if device.external_flash else ''}flash"
    line = f"{device.core.name}, {device.clock_hz / 1e6:g} MHz, {flash}, RAM {ram}; {device.description}"
    return line.replace(SPACE, " ")


def _runtime(name: str) -> str:
    """Return a runtime's description, and how far its times and its RAM may be off: nine in ten are nearer."""
    from latent_nas.runtimes import open_runtime

    runtime = open_runtime(name)
    errors = {core: runtime.cycles_by("conv2d", row)[1].p90 for core, row in runtime.cores.items()}
    times = ", ".join(f"{core} {percent(error, 0)}" for core, error in errors.items())
    ram = runtime.ram
    off = "RAM to the byte" if ram.low == ram.high else f"RAM {ram.low - 1:+.0%} to {ram.high - 1:+.0%}"
    return f"{runtime.description}; convolutions' time +-: {times}; {off}".replace(SPACE, " ")


def _network(name: str) -> str:
    from latent_nas.graph.deploy import deploy
    from latent_nas.zoo import open_network

    graph = deploy(open_network(name)).graph
    shape = "x".join(map(str, graph.input_shape))
    return f"input {shape}, {graph.macs / 1e6:.2f} M MACs, {graph.parameters:,} parameters"


def command(kind: str) -> Callable[..., None]:
    """Return the command that lists a kind."""

    def run(as_json: options.Json = False) -> None:
        found = about(kind)
        if as_json:
            print(json.dumps(found, indent=1))
            return
        width = max(map(len, found))
        for name, line in found.items():
            print(f"{name:{width}}  {line}")

    run.__doc__ = f"List the {'named networks' if kind == 'zoo' else kind}.\n\nExample: latent-nas {kind}"
    return run
