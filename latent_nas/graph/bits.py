"""The same network with weights of other widths."""

from collections.abc import Collection
from dataclasses import replace

from latent_nas.graph import Builder, Graph, Node
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.dense import Dense


def with_weight_bits(graph: Graph, bits: int, whole: Collection[int] = ()) -> Graph:
    """Return a graph whose convolutions and dense layers have weights of so many bits.

    Args:
        whole: ids of nodes that keep 8 bits, as convolutions in groups that are not depthwise always do.

    Raises:
        ValueError: no layer can have so many bits.
    """
    builder, chosen = Builder(), set(layers(graph)) - set(whole)
    for node in graph.nodes:
        operator = node.operator
        if isinstance(operator, (Conv2d, Dense)) and node.id in chosen and not _grouped(graph, node):
            operator = replace(operator, weight_bits=bits)
        builder.add(operator, *node.inputs)
    return builder.build()


def layers(graph: Graph) -> tuple[int, ...]:
    """Return the ids of the convolutions and dense layers."""
    return tuple(n.id for n in graph.nodes if isinstance(n.operator, (Conv2d, Dense)))


def ends(graph: Graph) -> tuple[int, ...]:
    """Return the ids of the first and the last layer with weights."""
    weighted = layers(graph)
    return (weighted[0], weighted[-1]) if weighted else ()


def narrow(graph: Graph) -> tuple[int, ...]:
    """Return the ids of the layers whose weights have fewer than 8 bits."""
    return tuple(n.id for n in graph.nodes if n.operator.bits < 8)


def _grouped(graph: Graph, node: Node) -> bool:
    operator = node.operator
    if not isinstance(operator, Conv2d) or operator.groups == 1:
        return False
    return not operator.groups == graph.shapes_into(node)[0][2] == operator.filters
