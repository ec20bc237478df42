"""The float network of a graph with the weights that a file holds."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from latent_nas.graph import Graph

if TYPE_CHECKING:  # it imports torch
    from latent_nas.training.network import Network

Arrays = Mapping[str, np.ndarray]


def network(graph: Graph, weights: Mapping[int, Arrays], path: Path) -> "Network":
    """Return the float network of a graph.

    Args:
        weights: by node, arrays by name, channels last. path: of the file, for the message.

    Raises:
        ValueError: a node without weights, or with some that it has no place for.
    """
    import torch

    from latent_nas.training.network import Network

    made = Network(graph).eval()
    for node in graph.nodes:
        needed = node.operator.weight_shapes(*graph.shapes_into(node))
        held = weights.get(node.id, {})
        if bool(needed) != bool(held) or (node.id in weights and not needed):
            raise ValueError(f"{path}: the weights at {node.operator.kind} (node {node.id}) have no place in its graph")
        state = made.operators[node.id].state_dict()
        for name, value in held.items():
            key = next(k for k in state if k.rsplit(".", 1)[-1] == name)
            given = value.transpose(0, 3, 1, 2) if value.ndim == 4 else value
            if given.shape != tuple(state[key].shape):
                raise ValueError(
                    f"{path}: {name} at {node.operator.kind} (node {node.id}) has the shape {given.shape}; its graph"
                    f" wants {tuple(state[key].shape)}"
                )
            state[key] = torch.from_numpy(np.ascontiguousarray(given, np.float32))
        made.operators[node.id].load_state_dict(state)
    return made
