"""A network in the making: what readers of TensorFlow Lite's operators have put into it so far."""

from dataclasses import dataclass, field

import numpy as np

from latent_nas.fixed_point import Quant
from latent_nas.graph import Builder
from latent_nas.operators import Operator


class Unreadable(ValueError):
    """A model that has no graph here; the message says why."""


@dataclass(frozen=True, eq=False)
class Value:
    """A tensor: the graph node that makes it, and what the file's tensor differs from the node's by.

    Attributes:
        dims: of the file's tensor with its rim, the batch first. Elements lie in the node's order whatever they are.
        quant: how its int8 elements stand for reals; None of floats.
        pads, fill: a rim (top, bottom, left, right) not yet put around the node's tensor, of an int8 or a real number.
        closed: the function that turns the node's tensor into the file's, which the graph goes without; "": none.
        order: where each element of the file's tensor (*dims) lies in the memory of the node's; None: as it comes.
        apart: how many rows and columns of the node's tensor lie between neighbours of the file's, see ``dilated``.
    """

    node: int
    dims: tuple[int, ...]
    quant: Quant | None
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    fill: float = 0
    closed: str = ""
    apart: tuple[int, int] = (1, 1)
    order: np.ndarray | None = None


@dataclass(frozen=True)
class Held:
    """Weights as the file has them: ``values``, and of integers a scale for each filter (filters,)."""

    values: np.ndarray
    scales: np.ndarray | None


@dataclass
class Draft:
    """A network in the making.

    Attributes:
        integers: whether tensors between operators are int8; else all are floats.
        quants, constants: by node, of an int8 network. weights: by node, of a float one.
        traced: by node, the number of the file's tensor that holds the same, and the operator that makes it.
        notes: what was decided, a line each. settled: by the number of the file's tensor, what moves its elements.
    """

    builder: Builder
    integers: bool
    quants: list[Quant] = field(default_factory=list)
    constants: list[dict[str, np.ndarray]] = field(default_factory=list)
    weights: dict[int, dict[str, np.ndarray]] = field(default_factory=dict)
    traced: dict[int, tuple[int, str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    operators: list[Operator] = field(default_factory=list)
    settled: dict[int, Value] = field(default_factory=dict)

    def add(self, operator: Operator, nodes: list[int], quant: Quant | None, constants: dict[str, np.ndarray]) -> int:
        """Add a node, and of an int8 network how its tensor is rounded and its integers; return its number."""
        self.operators.append(operator)
        if quant is not None:
            self.quants.append(quant)
            self.constants.append(constants)
        return self.builder.add(operator, *nodes)

    def keep(self, last: int) -> None:
        """Leave out the nodes that one does not depend on; the others get new numbers, in order."""
        nodes, wanted = self.builder.build().nodes, {0, last}
        for node in reversed(nodes):
            if node.id in wanted:
                wanted.update(node.inputs)
        kept = sorted(wanted)
        place = {old: new for new, old in enumerate(kept)}
        self.builder = Builder()
        for i in kept:
            self.builder.add(nodes[i].operator, *(place[j] for j in nodes[i].inputs))
        if self.integers:
            self.quants, self.constants = [self.quants[i] for i in kept], [self.constants[i] for i in kept]
        self.weights = {place[i]: w for i, w in self.weights.items() if i in place}
        self.traced = {place[i]: t for i, t in self.traced.items() if i in place}
