"""Named networks: published ones, rebuilt layer by layer, for checks and as baselines.

One file each. A Python file makes the graph; a TOML file lists ``input`` (a shape) and ``layers``, one after another,
each an operator as ``Operator.to_json`` gives it. Published files have folded their batch norms: deploy a graph before
its MACs and parameters are compared with theirs. A closing softmax changes no decision and is left out.
"""

from pathlib import Path
from typing import Any

from latent_nas import plugins
from latent_nas.graph import Builder, Graph
from latent_nas.operators import from_json


def open_network(name: str) -> Graph:
    """Return the float graph of a named network.

    Raises:
        ValueError: there is no such network; the message names those there are.
    """
    there = plugins.names("zoo")
    if name not in there:
        if Path(name).suffix or Path(name).is_dir():
            raise ValueError(
                f"{name} is neither the name nor the file of a network; wanted .json (genes or graph), .onnx, .tflite"
                " or a name, see `latent-nas zoo`"
            )
        raise ValueError(f"no network {name!r}; there are: {', '.join(there)}")
    found = plugins.load("zoo", name)
    graph: Graph = _chain(found) if isinstance(found, dict) else found()
    return graph


def _chain(table: dict[str, Any]) -> Graph:
    builder = Builder(tuple(table["input"]))
    last = 0
    for entry in table["layers"]:
        last = builder.add(from_json(entry), last)
    return builder.build()
