"""The neutral operator graph that network, costs, quantiser, firmware and pictures all read.

Immutable and shape-checked; a networkx graph underneath. It can exist outside any space.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from latent_nas.operators import Operator, Shape, from_json
from latent_nas.operators.input import Input

if TYPE_CHECKING:
    import networkx as nx


@dataclass(frozen=True)
class Node:
    """One operator in its place: the ids of the nodes it reads, and the shape it makes."""

    id: int
    operator: Operator
    inputs: tuple[int, ...]
    shape: Shape


class Graph:
    """An immutable graph with one input (node 0) and one output (the last node), in a valid order of execution."""

    def __init__(self, nodes: Sequence[Node], shaped: bool = False) -> None:
        """Check the nodes; ``Builder`` is the way to make them.

        Args:
            shaped: whether their shapes are what their operators have just made of them, and need no check.

        Raises:
            ValueError: ids out of order, a wrong shape, a second input, or a node whose value nobody reads.
        """
        self.nodes = tuple(nodes)
        for position, node in enumerate(self.nodes):
            if node.id != position or any(not 0 <= i < position for i in node.inputs):
                raise ValueError(
                    f"node {node.id} at position {position} reads {node.inputs}; it may read earlier nodes only"
                )
            if not shaped and (wanted := node.operator.shape(*self.shapes_into(node))) != node.shape:
                raise ValueError(f"node {node.id} ({node.operator.kind}) makes {wanted}, not {node.shape}")
            if isinstance(node.operator, Input) != (position == 0):
                raise ValueError("a graph has exactly one input, and it comes first")
        unread = set(range(len(self.nodes) - 1)) - {i for n in self.nodes for i in n.inputs}
        if not self.nodes or unread:
            raise ValueError(f"nobody reads nodes {sorted(unread)}" if unread else "a graph has at least an input")

    @cached_property
    def networkx(self) -> "nx.DiGraph[int]":
        """The frozen networkx graph: nodes carry ``operator`` and ``shape``."""
        import networkx as nx  # for whoever asks; costs and searches do without

        graph: nx.DiGraph[int] = nx.DiGraph()
        for node in self.nodes:
            graph.add_node(node.id, operator=node.operator, shape=node.shape)
            graph.add_edges_from((i, node.id) for i in node.inputs)
        return nx.freeze(graph)

    @property
    def input(self) -> Input:
        """The operator of node 0."""
        first = self.nodes[0].operator
        assert isinstance(first, Input)
        return first

    @property
    def input_shape(self) -> Shape:
        """The shape of the data."""
        return self.nodes[0].shape

    @property
    def output_shape(self) -> Shape:
        """The shape of the result."""
        return self.nodes[-1].shape

    def shapes_into(self, node: Node) -> tuple[Shape, ...]:
        """Return the shapes of the tensors that a node reads."""
        return tuple([self.nodes[i].shape for i in node.inputs])

    def readers(self, node: Node) -> list[Node]:
        """Return the nodes that read a node's value."""
        return self._readers[node.id]

    @cached_property
    def _readers(self) -> list[list[Node]]:
        found: list[list[Node]] = [[] for _ in self.nodes]
        for node in self.nodes:
            for i in dict.fromkeys(node.inputs):
                found[i].append(node)
        return found

    @cached_property
    def macs(self) -> int:
        """Multiply-accumulates of one inference."""
        return sum(n.operator.macs(*self.shapes_into(n)) for n in self.nodes)

    @cached_property
    def parameters(self) -> int:
        """Weights and biases; of a deployed graph, those on the device."""
        return sum(n.operator.parameters(*self.shapes_into(n)) for n in self.nodes)

    @cached_property
    def digest(self) -> str:
        """The sha256 of ``to_json``: equal for equal graphs, whatever made them."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()

    def to_json(self) -> list[dict[str, Any]]:
        """Return one entry per node, in order."""
        return [{"operator": n.operator.to_json(), "inputs": list(n.inputs)} for n in self.nodes]

    @staticmethod
    def from_json(data: list[dict[str, Any]]) -> "Graph":
        """Return the graph of ``to_json``, checked again.

        Raises:
            ValueError: an unknown operator, or shapes that don't fit.
        """
        builder = Builder()
        for entry in data:
            builder.add(from_json(entry["operator"]), *entry["inputs"])
        return builder.build()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Graph) and self.nodes == other.nodes

    def __hash__(self) -> int:
        return hash(self.nodes)


class Builder:
    """Puts a graph together node by node, shapes checked at once."""

    def __init__(self, input_shape: Shape | None = None) -> None:
        self._nodes: list[Node] = []
        if input_shape is not None:
            self.add(Input(tuple(input_shape)))

    def add(self, operator: Operator, *inputs: int) -> int:
        """Append an operator that reads the nodes ``inputs``; return its id.

        Raises:
            ValueError: the operator can't take these shapes, or an input is not there.
        """
        if inputs and not 0 <= min(inputs) <= max(inputs) < len(self._nodes):
            missing = [i for i in inputs if not 0 <= i < len(self._nodes)]
            raise ValueError(f"{operator.kind} reads nodes {missing}; there are {len(self._nodes)} nodes")
        shape = _shape(operator, tuple([self._nodes[i].shape for i in inputs]))
        self._nodes.append(Node(len(self._nodes), operator, tuple(inputs), shape))
        return len(self._nodes) - 1

    def shape(self, node: int) -> Shape:
        """Return the shape that a node makes."""
        return self._nodes[node].shape

    def build(self) -> Graph:
        """Return the graph."""
        return Graph(self._nodes, shaped=True)


@lru_cache(maxsize=1 << 16)
def _shape(operator: Operator, inputs: tuple[Shape, ...]) -> Shape:
    return operator.shape(*inputs)
