"""``latent-nas devices``, ``spaces``, ``tasks``, ...: what there is to choose from, one line each."""

import inspect
import json
from collections.abc import Callable
from typing import Any

from latent_nas import plugins
from latent_nas.cli import options

KINDS = ("devices", "cores", "runtimes", "spaces", "tasks", "strategies", "zoo")


def about(kind: str) -> dict[str, str]:
    """Return a line about every plugin of a kind, by its name."""
    return {
        name: (_network(name) if kind == "zoo" else _line(plugins.load(kind, name))) for name in plugins.names(kind)
    }


def _line(plugin: Any) -> str:
    """Return the description of a data plugin, the first paragraph of a Python plugin's file."""
    text = plugin["description"] if isinstance(plugin, dict) else inspect.getdoc(inspect.getmodule(plugin)) or ""
    return " ".join(text.split("\n\n")[0].split())


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
