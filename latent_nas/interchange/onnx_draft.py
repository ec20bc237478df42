"""A graph while it is read: nodes with their weights, and scales per channel that fold into their neighbours.

``finished`` makes the graph of it: what nobody reads goes, every ``Affine`` goes into the convolution or dense layer
before or after it, or becomes a batch norm where there is none.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from latent_nas.fixed_point import Quant
from latent_nas.graph import Node
from latent_nas.graph.functions import is_function
from latent_nas.operators import Operator, Shape
from latent_nas.operators.input import Input

if TYPE_CHECKING:
    from torch import nn

LARGEST = 2**24  # elements of a tensor: far more than the RAM of any device


@dataclass
class Weights:
    """What a node holds: arrays by name, channels last, as floats; ``scale``: of its integers, per filter."""

    arrays: dict[str, np.ndarray]
    scale: np.ndarray | None = None


@dataclass(frozen=True)
class Affine(Operator):
    """x * factor + offset, per channel of an image or feature of a vector; never in a graph.

    ``norm``: it was a batch norm, which stays one behind a convolution, for those who train the graph.
    """

    kind: ClassVar[str] = "affine"
    norm: bool = False

    def shape(self, *inputs: Shape) -> Shape:
        """Return the input's shape."""
        return inputs[0]

    def module(self, *inputs: Shape) -> "nn.Module":
        """Never called."""
        raise AssertionError("an affine node is left in a graph")

    def int8(self, constants: dict[str, np.ndarray], *xs: np.ndarray) -> np.ndarray:
        """Never called."""
        raise AssertionError("an affine node is left in a graph")


@dataclass(frozen=True)
class Pairwise(Operator):
    """A formula of the elements x, y (and z) of tensors of one shape; in a graph only as a function of one tensor.

    ``what``: the file's node, for messages.
    """

    kind: ClassVar[str] = "pairwise"
    arity: ClassVar[int | None] = None
    formula: str
    what: str

    def shape(self, *inputs: Shape) -> Shape:
        """Return the input's shape."""
        return inputs[0]

    def module(self, *inputs: Shape) -> "nn.Module":
        """Never called."""
        raise AssertionError("a pairwise node is left in a graph")

    def int8(self, constants: dict[str, np.ndarray], *xs: np.ndarray) -> np.ndarray:
        """Never called."""
        raise AssertionError("a pairwise node is left in a graph")


@dataclass
class Draft:
    """Nodes in order, the input first; weights, quantisation and the file's tensor of those that have them.

    Attributes:
        weights: of convolutions, dense layers ("weight", "bias") and ``Affine`` ("factor", "offset", (channels,)).
        quants: as the file rounds a node's tensor. notes: what was decided, a line each. truths: nodes that make zeros
            and ones, for true and false.
    """

    nodes: list[Node] = field(default_factory=list)
    weights: dict[int, Weights] = field(default_factory=dict)
    quants: dict[int, Quant] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    truths: set[int] = field(default_factory=set)

    @staticmethod
    def of(shape: Shape) -> "Draft":
        """Return a draft with its input."""
        return Draft([Node(0, Input(shape), (), shape)])

    def add(self, operator: Operator, *inputs: int) -> int:
        """Append an operator that reads nodes; return its id.

        Raises:
            ValueError: it can't take their shapes.
        """
        shape = operator.shape(*(self.nodes[i].shape for i in inputs))
        self.nodes.append(Node(len(self.nodes), operator, inputs, shape))
        return len(self.nodes) - 1

    def shape(self, node: int) -> Shape:
        """Return the shape that a node makes."""
        return self.nodes[node].shape

    def sources(self) -> list[int]:
        """Return for each node the one of whose tensor it is a function, element by element; else itself."""
        sources: list[int] = []
        for node in self.nodes:
            shapes, read = {self.shape(i) for i in node.inputs}, {sources[i] for i in node.inputs}
            scales = self.weights[node.id].arrays.values() if isinstance(node.operator, Affine) else ()
            own = is_function(node.operator) or isinstance(node.operator, (Affine, Pairwise))
            one = own and shapes == {node.shape} and len(read) == 1 and all((a == a[0]).all() for a in scales)
            sources.append(read.pop() if one else node.id)
        return sources

    def note(self, text: str) -> None:
        """Keep a line for the user, once."""
        if text not in self.notes:
            self.notes.append(text)
