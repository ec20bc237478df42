"""Which tensors of a graph have the same channels, and the same graph with fewer of them."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from latent_nas.graph import Builder, Graph, Node
from latent_nas.operators.add import Add
from latent_nas.operators.avg_pool import AvgPool
from latent_nas.operators.batch_norm import BatchNorm
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.dense import Dense
from latent_nas.operators.dropout import Dropout
from latent_nas.operators.global_pool import GlobalPool
from latent_nas.operators.hard_swish import HardSwish
from latent_nas.operators.identity import Identity
from latent_nas.operators.max_pool import MaxPool
from latent_nas.operators.relu import Relu
from latent_nas.operators.relu6 import Relu6

FEWEST = 4  # channels that kernels take at once: a group is pruned to no fewer
FIXED = -1  # of tensors whose channels can't change: input, output, and what other operators read or make
CHANNEL_BY_CHANNEL = (Add, AvgPool, BatchNorm, Dropout, GlobalPool, HardSwish, Identity, MaxPool, Relu, Relu6)


def widths(channels: Iterable[tuple[int, int]]) -> str:
    """Return what pruning has changed in words, "channels 16 to 8, 12 to 4" of (before, after); "" for nothing."""
    changed = ", ".join(f"{before} to {after}" for before, after in channels if before != after)
    return changed and f"channels {changed}"


def makes_channels(graph: Graph, node: Node) -> bool:
    """Return whether a node's channels are its own: of a convolution without groups, or a dense layer of features."""
    operator = node.operator
    whole = isinstance(operator, Conv2d) and operator.groups == 1
    return whole or (isinstance(operator, Dense) and len(node.shape) == 1)


def groups(graph: Graph) -> tuple[int, ...]:
    """Return for every node the group that its channels belong to: nodes of one have the same; ``FIXED`` can't change.

    A depthwise convolution has the channels of what it reads, a sum those of all that it adds.
    """
    of = list(range(len(graph.nodes)))
    fixed = {0, len(of) - 1}

    def root(node: int) -> int:
        while of[node] != node:
            node = of[node]
        return node

    for node in graph.nodes[1:]:
        if makes_channels(graph, node):
            continue
        tied = isinstance(node.operator, CHANNEL_BY_CHANNEL) or depthwise(graph, node)
        if tied:
            for i in node.inputs:
                of[root(i)] = root(node.id)
        else:
            fixed |= {node.id, *node.inputs}
    kept = {root(node) for node in fixed}
    return tuple(FIXED if root(node) in kept else root(node) for node in range(len(of)))


def depthwise(graph: Graph, node: Node) -> bool:
    """Return whether a node is a convolution of every channel alone."""
    operator = node.operator
    if not isinstance(operator, Conv2d):
        return False
    return operator.groups == operator.filters == graph.shapes_into(node)[0][2] and operator.groups > 1


def narrowest(graph: Graph) -> Graph:
    """Return a graph whose groups have ``FEWEST`` channels; those that have fewer keep theirs."""
    counts = {group: min(node.shape[-1], FEWEST) for group, node in zip(groups(graph), graph.nodes, strict=True)}
    return with_channels(graph, {group: many for group, many in counts.items() if group != FIXED})


def with_channels(graph: Graph, counts: Mapping[int, int]) -> Graph:
    """Return a graph whose groups have so many channels, by the names of ``groups``; others keep theirs."""
    builder, of = Builder(), groups(graph)
    for node in graph.nodes:
        operator, many = node.operator, counts.get(of[node.id])
        if many is not None and isinstance(operator, Conv2d):
            operator = replace(operator, filters=many, groups=1 if operator.groups == 1 else many)
        elif many is not None and isinstance(operator, Dense):
            operator = replace(operator, units=many)
        builder.add(operator, *node.inputs)
    return builder.build()
