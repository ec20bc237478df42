"""The operators that a runtime really runs: padding that is copied, and rectifications that its file merges.

What a runtime does is ``Runtime.pads``: "none" pads inside its kernels, as our own do; "explicit" copies what a
TensorFlow Lite file holds as PAD, which is any padding but "same" and "valid"; "windows" copies for every convolution
that pads, and for pools whose padding is explicit. Such files merge a ReLU into the pool before it, too.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from latent_nas.graph import Builder, Graph, Node
from latent_nas.operators import Operator
from latent_nas.operators.avg_pool import AvgPool
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.max_pool import MaxPool
from latent_nas.operators.pad import Pad
from latent_nas.operators.relu import Relu
from latent_nas.operators.window import pads

POOLS = (AvgPool, MaxPool)


class Lowered(NamedTuple):
    """A graph as a runtime runs it, and per node the ids in the original graph of what is folded into it."""

    graph: Graph
    sources: tuple[tuple[int, ...], ...]


def lowered(graph: Graph, sources: Sequence[tuple[int, ...]], mode: str) -> Lowered:
    """Return a deployed graph as a runtime runs it; the graph itself where nothing changes."""
    if mode == "none":
        return Lowered(graph, tuple(sources))
    builder = Builder()
    place: dict[int, int] = {}
    found: list[tuple[int, ...]] = []
    for node, source in zip(graph.nodes, sources, strict=True):
        inputs = [place[i] for i in node.inputs]
        if _merged(graph, node):
            place[node.id] = inputs[0]
            found[inputs[0]] = (*found[inputs[0]], *source)
            continue
        operator, amount = node.operator, _copied(graph, node, mode)
        if any(amount):
            top, bottom, left, right = amount
            inputs = [builder.add(Pad((top, left, 0), (bottom, right, 0)), *inputs)]
            found.append(source)
            operator = replace(operator, padding="valid")  # type: ignore[call-arg]
        place[node.id] = builder.add(operator, *inputs)
        found.append(source)
    return Lowered(builder.build(), tuple(found))


def _merged(graph: Graph, node: Node) -> bool:
    """Return whether a node is a ReLU that the pool before it does as well."""
    before = graph.nodes[node.inputs[0]] if node.inputs else node
    pool = isinstance(node.operator, Relu) and isinstance(before.operator, POOLS)
    return pool and len(graph.readers(before)) == 1


def _copied(graph: Graph, node: Node, mode: str) -> tuple[int, int, int, int]:
    """Return (top, bottom, left, right) of the padding that is a copy; zeros where there is none."""
    operator: Operator = node.operator
    if not isinstance(operator, (Conv2d, *POOLS)):
        return 0, 0, 0, 0
    height, width, _ = graph.shapes_into(node)[0]
    window = operator.kernel_size, operator.stride
    amount = pads(height, width, *window, operator.padding)
    inside = amount == pads(height, width, *window, "same")
    if inside and (mode == "explicit" or isinstance(operator, POOLS)):
        return 0, 0, 0, 0
    return amount
