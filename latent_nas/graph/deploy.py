"""The graph as it runs on a device: batch norm folded, activations fused, dropout and identity gone."""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from latent_nas.graph import Builder, Graph, Node
from latent_nas.operators import Operator
from latent_nas.operators.batch_norm import BatchNorm
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.conv_transpose import ConvTranspose
from latent_nas.operators.dropout import Dropout
from latent_nas.operators.identity import Identity
from latent_nas.operators.relu import Relu
from latent_nas.operators.relu6 import Relu6


@dataclass(frozen=True)
class Deployment:
    """A deployed graph and where it comes from.

    Attributes:
        graph: without float-only operators.
        sources: per deployed node, the ids of the original nodes folded into it, in their order. The last of them
            makes the tensor that the deployed node makes.
    """

    graph: Graph
    sources: tuple[tuple[int, ...], ...]


def deploy(graph: Graph) -> Deployment:
    """Return the deployed form of a graph, whose outputs equal the original's at inference."""
    builder = Builder()
    sources: list[tuple[int, ...]] = []
    place: dict[int, int] = {}  # original id -> deployed id
    folded: set[int] = set()
    for node in graph.nodes:
        if node.id in folded:
            continue
        if isinstance(node.operator, (Dropout, Identity)):
            place[node.id] = place[node.inputs[0]]
            continue
        operator, chain = node.operator, [node]
        if isinstance(operator, BatchNorm):  # nothing before it to fold into: it becomes a scale per channel
            operator = Conv2d(node.shape[2], (1, 1), groups=node.shape[2])
        while (after := _only_reader(graph, chain[-1])) is not None:
            folds = isinstance(operator, (Conv2d, ConvTranspose)) and not operator.activation
            if isinstance(after.operator, (Relu, Relu6)) and getattr(operator, "activation", "absent") is None:
                operator = _with(operator, activation=after.operator.kind)
            elif not (
                isinstance(after.operator, (Dropout, Identity)) or (isinstance(after.operator, BatchNorm) and folds)
            ):
                break
            chain.append(after)
        if getattr(operator, "bias", True) is False:
            operator = _with(operator, bias=True)
        new = builder.add(operator, *(place[i] for i in node.inputs))
        sources.append(tuple(n.id for n in chain))
        folded.update(n.id for n in chain)
        place.update((n.id, new) for n in chain)
    return Deployment(builder.build(), tuple(sources))


def _only_reader(graph: Graph, node: Node) -> Node | None:
    readers = graph.readers(node)
    return readers[0] if len(readers) == 1 else None


@lru_cache(maxsize=1 << 16)
def _with(operator: Operator, **fields: Any) -> Operator:
    return replace(operator, **fields)
