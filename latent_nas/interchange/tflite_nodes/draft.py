"""A network in the making: what readers of TensorFlow Lite's operators have put into it so far."""

from dataclasses import dataclass, field

import numpy as np

from latent_nas.fixed_point import Quant
from latent_nas.graph import Builder
from latent_nas.operators import Operator


class Unreadable(ValueError):
    """A model that has no graph here; the message says why."""


@dataclass(frozen=True)
class Function:
    """What a tensor is of another one: a formula of its elements, and of int8 the real that each of 256 becomes."""

    source: int
    formula: str
    reals: np.ndarray | None


@dataclass(frozen=True, eq=False)
class Value:
    """A tensor: the graph node that makes it, and what the file's tensor differs from the node's by.

    Attributes:
        dims: of the file's tensor with its rim, the batch first. Elements lie in the node's order whatever they are.
        quant: how its int8 elements stand for reals; None of floats.
        pads, fill: a rim (top, bottom, left, right) not yet put around the node's tensor, of an int8 or a real number.
        closed: the function that turns the node's tensor into the file's, which the graph goes without; "": none.
        order: where each element of the file's tensor (*dims) lies in the memory of the node's; None: as it comes.
        truth: of truth values, the formula that is 1 where they are true; ``node`` is its source, nothing makes them.
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
    truth: Function | None = None


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
        notes: what was decided, a line each. operators, sources: by node, and what it reads.
        settled: by the number of the file's tensor, the node that has its elements where they belong.
        functions: by node, of tensors that are functions of another's elements.
    """

    builder: Builder
    integers: bool
    quants: list[Quant] = field(default_factory=list)
    constants: list[dict[str, np.ndarray]] = field(default_factory=list)
    weights: dict[int, dict[str, np.ndarray]] = field(default_factory=dict)
    traced: dict[int, tuple[int, str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    operators: list[Operator] = field(default_factory=list)
    sources: list[tuple[int, ...]] = field(default_factory=list)
    settled: dict[int, Value] = field(default_factory=dict)
    functions: dict[int, Function] = field(default_factory=dict)

    def add(self, operator: Operator, nodes: list[int], quant: Quant | None, constants: dict[str, np.ndarray]) -> int:
        """Add a node, and of an int8 network how its tensor is rounded and its integers; return its number."""
        self.operators.append(operator)
        self.sources.append(tuple(nodes))
        if quant is not None:
            self.quants.append(quant)
            self.constants.append(constants)
        return self.builder.add(operator, *nodes)

    def function(self, x: Value) -> Function:
        """Return a tensor as a function of the one that it depends on, or of itself."""
        steps = None if x.quant is None else x.quant.dequantise(np.arange(-128, 128).astype(np.int8)).astype(float)
        return self.functions.get(x.node) or Function(x.node, "x", steps)

    def keep(self, last: int) -> None:
        """Leave out the nodes that one does not depend on; the others get new numbers, in order."""
        wanted = {0, last}
        for i in reversed(range(len(self.operators))):
            if i in wanted:
                wanted.update(self.sources[i])
        kept = sorted(wanted)
        place = {old: new for new, old in enumerate(kept)}
        self.builder = Builder()
        for i in kept:
            self.builder.add(self.operators[i], *(place[j] for j in self.sources[i]))
        if self.integers:
            self.quants, self.constants = [self.quants[i] for i in kept], [self.constants[i] for i in kept]
        self.weights = {place[i]: w for i, w in self.weights.items() if i in place}
        self.traced = {place[i]: t for i, t in self.traced.items() if i in place}
