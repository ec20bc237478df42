"""How a formula of one value is spelt in ONNX: its functions one by one, in the order in which they are computed."""

import ast
from dataclasses import dataclass, field
from math import pi, sqrt
from typing import Any

import numpy as np

from latent_nas.operators.formula import BINARY as ARITHMETIC
from latent_nas.operators.formula import parsed


@dataclass(frozen=True)
class Step:
    """One ONNX operator: its type and attributes.

    Attributes:
        constants: that follow its inputs: floats, arrays, or None where it has no input.
        reads: which tensors: first the graph operator's inputs are numbered, then what each step makes. None: the first
            step reads all inputs, another the step before it.
    """

    type: str
    attributes: dict[str, Any] = field(default_factory=dict)
    constants: tuple[Any, ...] = ()
    reads: tuple[int, ...] | None = None


SAME = {
    **{"abs": "Abs", "exp": "Exp", "log": "Log", "sqrt": "Sqrt", "sign": "Sign", "sin": "Sin", "cos": "Cos"},
    **{"floor": "Floor", "ceil": "Ceil", "round": "Round", "erf": "Erf", "tanh": "Tanh", "sigmoid": "Sigmoid"},
    **{"softplus": "Softplus", "softsign": "Softsign", "hard_swish": "HardSwish", "relu": "Relu"},
}
SETTINGS = {  # what the arguments behind the first are called
    "leaky_relu": ("LeakyRelu", ("alpha",)),
    "elu": ("Elu", ("alpha",)),
    "selu": ("Selu", ("alpha", "gamma")),
    "celu": ("Celu", ("alpha",)),
    "hard_sigmoid": ("HardSigmoid", ("alpha", "beta")),
    "shrink": ("Shrink", ("bias", "lambd")),
}
CONSTANTS = {"clip": "Clip", "min": "Min", "max": "Max"}
MADE_OF = {  # ONNX has them later, or not at all
    "silu": "x * sigmoid(x)",
    "mish": "x * tanh(softplus(x))",
    "gelu": f"0.5 * x * (1 + erf(x / {sqrt(2)!r}))",
    "tanh_gelu": f"0.5 * x * (1 + tanh({sqrt(2 / pi)!r} * (x + 0.044715 * x * x * x)))",
}
BINARY = {ast.Add: "Add", ast.Sub: "Sub", ast.Mult: "Mul", ast.Div: "Div", ast.Pow: "Pow"}


def steps_of(formula: str) -> list[Step]:
    """Return the ONNX operators that compute a formula of their one input.

    Raises:
        ValueError: it uses something that has no form in ONNX.
    """
    steps: list[Step] = []
    _compute(parsed(formula), 0, steps)
    return steps or [Step("Identity")]


def _compute(node: ast.expr, x: int, steps: list[Step]) -> int | float:
    """Append what computes a formula of tensor ``x``; return the tensor that holds it, or its value if constant."""

    def made(kind: str, *operands: int | float, **attributes: float) -> int:
        first, *rest = operands
        if isinstance(first, float) or (len(rest) > 1 and any(isinstance(r, int) for r in rest)):
            raise ValueError(f"{ast.unparse(node)} has no form in ONNX here; write its constants behind x")
        reads = tuple(o for o in operands if isinstance(o, int))
        steps.append(Step(kind, attributes, tuple(o for o in rest if isinstance(o, float)), reads))
        return len(steps)

    match node:
        case ast.Name():
            return x
        case ast.Constant(value=int() | float() as value):
            return float(value)
        case ast.UnaryOp(op=op, operand=operand):
            inner = _compute(operand, x, steps)
            if isinstance(inner, float) or isinstance(op, ast.UAdd):
                return -inner if isinstance(op, ast.USub) else inner
            return made("Neg", inner)
        case ast.BinOp(left=left, op=op, right=right):
            return _binary(type(op), _compute(left, x, steps), _compute(right, x, steps), made)
        case ast.Call(func=ast.Name(id=name), args=args):
            first, *rest = (_compute(arg, x, steps) for arg in args)
            if name in MADE_OF and isinstance(first, int):
                return _compute(parsed(MADE_OF[name]), first, steps)
            if name in SAME:
                return made(SAME[name], first)
            if name in CONSTANTS:
                return made(CONSTANTS[name], first, *rest)
            if name in SETTINGS and all(isinstance(r, float) for r in rest):
                kind, names = SETTINGS[name]
                return made(kind, first, **dict(zip(names, rest, strict=True)))
    raise ValueError(f"{ast.unparse(node)} has no form in ONNX here")


def _binary(op: Any, a: int | float, b: int | float, made: Any) -> int | float:
    if isinstance(a, float) and isinstance(b, float):
        with np.errstate(all="ignore"):
            return float(ARITHMETIC[op](np.float64(a), np.float64(b)))
    if isinstance(a, float) and op in (ast.Add, ast.Mult):
        a, b = b, a
    if isinstance(a, float) and op is ast.Sub:
        return int(made("Add", made("Neg", b), a))
    if isinstance(a, float) and op is ast.Div:
        return int(made("Mul", made("Reciprocal", b), a))
    return int(made(BINARY[op], a, b))
