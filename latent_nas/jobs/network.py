"""A network that a user names: one of the zoo, or a JSON file of genes or of a graph."""

import json
from pathlib import Path

from latent_nas.graph import Graph
from latent_nas.spaces import open_space
from latent_nas.tasks import Task
from latent_nas.zoo import open_network


def network_of(source: str, task: Task, space: str = "") -> Graph:
    """Return the graph of a named network, or of a JSON file with ``space`` and ``genes`` or with a graph.

    Args:
        space: what the genes have to be of; "" is what the file says.

    Raises:
        ValueError: it is none of these, is of another space, or does not take the task's input or give its outputs.
    """
    graph = _read(Path(source), task, space) if Path(source).suffix == ".json" else open_network(source)
    made, wanted = (graph.input_shape, graph.output_shape), (tuple(task.input_shape), (task.outputs,))
    if made != wanted:
        raise ValueError(
            f"{source} takes {made[0]} and gives {made[1]}; task {task.name!r} wants {wanted[0]} and {wanted[1]}"
        )
    return graph


def _read(file: Path, task: Task, space: str) -> Graph:
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(f"there is no file {file}") from None
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"{file} is no JSON: {error}") from None
    try:
        if isinstance(data, list):
            return Graph.from_json(data)
        if not isinstance(data, dict) or "genes" not in data:
            raise ValueError('it has no "genes"')
        named = data.get("space") or space
        if not named:
            raise ValueError('it names no "space"; say which with --space')
        if space and named != space:
            raise ValueError(f"its genes are of space {named!r}, wanted {space!r}")
        opened = open_space(named, task.input_shape, task.outputs)
        genes = data["genes"]
        return opened.graph(opened.parse(genes) if isinstance(genes, str) else genes)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{file} holds no genes and no graph: {error}") from None
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from None
