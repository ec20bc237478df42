"""Chains of element-wise operators that are one function of one tensor: files spell a hard swish in four operators.

On a device a function of one value is one table, whatever it is made of, and the tensors in between are gone.
"""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from latent_nas.graph import Node
from latent_nas.graph.kinks import points
from latent_nas.operators import Operator
from latent_nas.operators.activation import Activation
from latent_nas.operators.add import Add
from latent_nas.operators.formula import LONGEST, NUMPY, composed, evaluate
from latent_nas.operators.gelu import Gelu
from latent_nas.operators.hard_swish import HardSwish
from latent_nas.operators.multiply import Multiply
from latent_nas.operators.relu import Relu
from latent_nas.operators.relu6 import Relu6
from latent_nas.operators.subtract import Subtract

PLAIN: dict[Operator, str] = {Relu(): "max(x, 0)", Relu6(): "clip(x, 0, 6)"}
CURVED: dict[Operator, str] = {HardSwish(): "hard_swish(x)", Gelu(): "gelu(x)"}
PAIRS: dict[Operator, str] = {Add(): "x + y", Subtract(): "x - y", Multiply(): "x * y"}
KNOWN: dict[str, Operator] = {
    **{formula: operator for operator, formula in (PLAIN | CURVED).items()},
    **{f"{name}(x)": Activation(f"{name}(x)") for name in ("silu", "mish", "tanh_gelu", "sigmoid", "tanh", "softplus")},
    "hard_sigmoid(x, 1 / 6, 0.5)": Activation("hard_sigmoid(x, 1 / 6, 0.5)"),
}
NEAR = 1e-5  # files hold constants in single precision
OVERFLOWS = 150  # beyond, a known function as files spell it may be infinite: a softplus as log(1 + exp(x))


@dataclass(frozen=True)
class Function:
    """What a node makes: a formula of the tensor of node ``source``; ``curved``: more than scaling and clamping."""

    source: int
    formula: str
    curved: bool


def functions(nodes: Sequence[Node], formulas: Mapping[int, str], apart: Container[int]) -> dict[int, Function]:
    """Return what to read instead of nodes that are a function of one tensor, by their ids.

    What is only scaled and clamped is left to the layer before it, which does that for nothing.

    Args:
        nodes: in order. formulas: of further nodes, of their input x, or of inputs x, y and z of one shape.
        apart: nodes whose tensors are rounded as a file says, so that no function goes beyond them.
    """
    found: dict[int, Function] = {}

    def read(node: int) -> Function:
        return found[node] if node in found and node not in apart else Function(node, "x", False)

    for node in nodes:
        operator, inputs = node.operator, [read(i) for i in node.inputs]
        own = formulas.get(node.id) or PLAIN.get(operator) or CURVED.get(operator) or PAIRS.get(operator)
        own = operator.formula if isinstance(operator, Activation) else own
        one = len({f.source for f in inputs}) == 1 and all(nodes[i].shape == node.shape for i in node.inputs)
        if not own or not one:
            continue
        straight = operator in PLAIN or operator in (Add(), Subtract()) or (node.id in formulas and len(inputs) == 1)
        curved = any(f.curved for f in inputs) or not straight
        formula = composed(own, *(f.formula for f in inputs))
        if len(formula) <= LONGEST:
            found[node.id] = Function(inputs[0].source, formula, curved)
    return {i: f for i, f in found.items() if f.curved}


def is_function(operator: Operator) -> bool:
    """Return whether an operator is a function of each element, of one tensor or of two."""
    return isinstance(operator, Activation) or operator in PLAIN or operator in CURVED or operator in PAIRS


@cache
def operator_of(formula: str) -> Operator:
    """Return the operator of a formula: a known one where it has the same values, else its table."""
    where = points(formula)
    if where is None:
        return Activation(formula)
    values = _values(formula, where)
    told = np.isfinite(values) | (np.abs(where) < OVERFLOWS)
    for known, operator in KNOWN.items():
        theirs = _values(known, where)
        if (np.abs(values - theirs) <= NEAR * (1 + np.abs(theirs)))[told].all():
            return operator
    return Activation(formula)


def _values(formula: str, where: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        return np.asarray(evaluate(formula, where, NUMPY), float)
