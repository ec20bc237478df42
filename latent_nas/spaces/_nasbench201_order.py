"""The order of a cell network's operators in the TensorFlow Lite file that a converter makes of it.

Found by comparison: in this order the tensors of 85 of 90 networks that NATS-Bench-MCU ran on an nRF5340 take the bytes
of the arena that was measured there (docs/results/costs.md); in the order in which the cells are written down, half of
them do.
"""

import heapq

from latent_nas.graph import Builder, Graph, Node
from latent_nas.operators.batch_norm import BatchNorm
from latent_nas.operators.relu import Relu


def as_converted(graph: Graph) -> Graph:
    """Return the graph with its operators in another order: of those that can run next, the farthest from the input.

    A rectification waits until nothing else can run, but what is folded into the operator before it follows at once.
    """
    level = [0] * len(graph.nodes)
    waits = [len(set(node.inputs)) for node in graph.nodes]
    for node in graph.nodes[1:]:
        level[node.id] = max(level[i] for i in node.inputs) + (not _folded(graph, node))
    builder = Builder()
    place: dict[int, int] = {}
    ready = [(False, False, 0, 0)]
    while ready:
        at = graph.nodes[heapq.heappop(ready)[-1]]
        place[at.id] = builder.add(at.operator, *(place[i] for i in at.inputs))
        for node in graph.readers(at):
            waits[node.id] -= 1
            if not waits[node.id]:
                relu = isinstance(node.operator, Relu)
                heapq.heappush(ready, (not _folded(graph, node), relu, -level[node.id], node.id))
    return builder.build()


def _folded(graph: Graph, node: Node) -> bool:
    """Return whether a converter makes a node a part of the operator before it."""
    alone = len(graph.readers(graph.nodes[node.inputs[0]])) == 1
    return isinstance(node.operator, (BatchNorm, Relu)) and alone
