"""Functions of one variable as text, e.g. "x * sigmoid(x)": one definition for the float module and the int8 table.

The text is Python's arithmetic of ``x``, numbers and the names of ``FUNCTIONS``. It is parsed, never executed.
"""

import ast
import math
import operator
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

Array = Any  # of numpy or of torch: the functions below are written for either
LONGEST, DEEPEST = 1000, 60  # characters of a formula, and nested operations


@dataclass(frozen=True)
class Library:
    """The functions of numpy or of torch that formulas are made of. ``number`` makes an array of a float."""

    exp: Callable[[Array], Array]
    log: Callable[[Array], Array]
    log1p: Callable[[Array], Array]
    tanh: Callable[[Array], Array]
    erf: Callable[[Array], Array]
    abs: Callable[[Array], Array]
    sign: Callable[[Array], Array]
    sin: Callable[[Array], Array]
    cos: Callable[[Array], Array]
    floor: Callable[[Array], Array]
    ceil: Callable[[Array], Array]
    round: Callable[[Array], Array]
    where: Callable[[Array, Array, Array], Array]
    number: Callable[[float], Array]


NUMPY = Library(
    *(np.exp, np.log, np.log1p, np.tanh, np.vectorize(math.erf, otypes=[np.float64]), np.abs, np.sign),
    *(np.sin, np.cos, np.floor, np.ceil, np.rint, np.where, np.float64),
)
SINGLE = replace(NUMPY, number=np.float32)  # as networks and other runtimes compute
JUMPS = {"sign", "floor", "ceil", "round", "where", "threshold", "shrink"}  # functions with steps


@cache
def torch_library() -> Library:
    """Return torch's functions, in float32."""
    import torch

    return Library(
        *(torch.exp, torch.log, torch.log1p, torch.tanh, torch.erf, torch.abs, torch.sign),
        *(torch.sin, torch.cos, torch.floor, torch.ceil, torch.round, torch.where, torch.tensor),
    )


def _maximum(m: Library, a: Array, b: Array) -> Array:
    return m.where(a > b, a, b)


def _minimum(m: Library, a: Array, b: Array) -> Array:
    return m.where(a < b, a, b)


def _sigmoid(m: Library, x: Array) -> Array:
    return 0.5 + 0.5 * m.tanh(0.5 * x)  # which overflows nowhere


def _softplus(m: Library, x: Array) -> Array:
    return _maximum(m, x, 0 * x) + m.log1p(m.exp(-m.abs(x)))


def _elu(m: Library, x: Array, alpha: Array) -> Array:
    return m.where(x > 0, x, alpha * (m.exp(_minimum(m, x, 0 * x)) - 1))


def _clip(m: Library, x: Array, low: Array, high: Array) -> Array:
    return _minimum(m, _maximum(m, x, low), high)


def _tanh_gelu(m: Library, x: Array) -> Array:
    return 0.5 * x * (1 + m.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)))


FUNCTIONS: dict[str, tuple[int, Callable[..., Array]]] = {  # how many arguments, and what it computes
    "abs": (1, lambda m, x: m.abs(x)),
    "exp": (1, lambda m, x: m.exp(x)),
    "log": (1, lambda m, x: m.log(x)),
    "sqrt": (1, lambda m, x: x**0.5),
    "sign": (1, lambda m, x: m.sign(x)),
    "sin": (1, lambda m, x: m.sin(x)),
    "cos": (1, lambda m, x: m.cos(x)),
    "floor": (1, lambda m, x: m.floor(x)),
    "ceil": (1, lambda m, x: m.ceil(x)),
    "round": (1, lambda m, x: m.round(x)),
    "erf": (1, lambda m, x: m.erf(x)),
    "tanh": (1, lambda m, x: m.tanh(x)),
    "sigmoid": (1, _sigmoid),
    "softplus": (1, _softplus),
    "softsign": (1, lambda m, x: x / (1 + m.abs(x))),
    "silu": (1, lambda m, x: x * _sigmoid(m, x)),
    "mish": (1, lambda m, x: x * m.tanh(_softplus(m, x))),
    "gelu": (1, lambda m, x: 0.5 * x * (1 + m.erf(x / math.sqrt(2)))),
    "tanh_gelu": (1, _tanh_gelu),
    "hard_swish": (1, lambda m, x: x * _clip(m, x / 6 + 0.5, 0 * x, 0 * x + 1)),
    "relu": (1, lambda m, x: _maximum(m, x, 0 * x)),
    "leaky_relu": (2, lambda m, x, slope: m.where(x > 0, x, slope * x)),
    "elu": (2, _elu),
    "selu": (3, lambda m, x, alpha, gamma: gamma * _elu(m, x, alpha)),
    "celu": (2, lambda m, x, alpha: _elu(m, x / alpha, 0 * alpha + 1) * alpha),
    "hard_sigmoid": (3, lambda m, x, a, b: _clip(m, a * x + b, 0 * a, 0 * a + 1)),
    "threshold": (3, lambda m, x, least, other: m.where(x > least, x, other)),
    "shrink": (3, lambda m, x, bias, least: m.where(m.abs(x) > least, x - m.sign(x) * bias, 0 * x)),
    "where": (3, lambda m, x, yes, no: m.where(x > 0.5, yes, no)),
    "clip": (3, _clip),
    "min": (2, _minimum),
    "max": (2, _maximum),
}
BINARY: dict[type, Callable[[Array, Array], Array]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}


@cache
def parsed(formula: str) -> ast.expr:
    """Return the tree of a formula, checked.

    Raises:
        ValueError: it is too long, not arithmetic, or uses a name that is not known.
    """
    wanted = f"wanted arithmetic of x, numbers and {', '.join(FUNCTIONS)}"
    if not isinstance(formula, str):
        raise ValueError(f"a formula is text, got {formula!r}; {wanted}")
    if len(formula) > LONGEST:
        raise ValueError(f"a formula of {len(formula)} characters; at most {LONGEST} are known here")
    try:
        tree = ast.parse(formula, mode="eval").body
        _check(tree, DEEPEST)
    except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError) as error:
        raise ValueError(f"{formula!r} is not a formula ({error}); {wanted}") from None
    return tree


def evaluate(formula: str, x: Array, m: Library) -> Array:
    """Return what a formula makes of an array x, of the same shape.

    Raises:
        ValueError: see ``parsed``.
    """
    return _value(parsed(formula), x, m) + 0 * x  # a formula may forget x


def jumps(formula: str) -> bool:
    """Return whether a formula has steps, so that the last bit of a value may decide.

    Raises:
        ValueError: see ``parsed``.
    """
    return any(isinstance(node, ast.Name) and node.id in JUMPS for node in ast.walk(parsed(formula)))


def composed(outer: str, *inner: str) -> str:
    """Return the formula outer(inner(x)); an outer formula of x, y and z takes as many inner ones."""
    put = {name: parsed(formula) for name, formula in zip("xyz", inner, strict=False)}
    return ast.unparse(_Insert(put).visit(ast.parse(outer, mode="eval").body))


class _Insert(ast.NodeTransformer):
    def __init__(self, put: dict[str, ast.expr]) -> None:
        self.put = put

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.put.get(node.id, node)


def _check(node: ast.expr, levels: int) -> None:
    if levels == 0:
        raise ValueError(f"more than {DEEPEST} operations are nested")
    match node:
        case ast.Name(id="x"):
            return
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool) and math.isfinite(value):
            return
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
            parts = [operand]
        case ast.BinOp(left=left, op=op, right=right) if type(op) in BINARY:
            parts = [left, right]
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in FUNCTIONS:
            if len(args) != FUNCTIONS[name][0]:
                raise ValueError(f"{name} takes {FUNCTIONS[name][0]} arguments, got {len(args)}")
            parts = args
        case _:
            raise ValueError(f"{ast.unparse(node)!r} is not known")
    for part in parts:
        _check(part, levels - 1)


def _value(node: ast.expr, x: Array, m: Library) -> Array:
    match node:
        case ast.Constant(value=int() | float() as value):
            return m.number(float(value))
        case ast.UnaryOp(op=op, operand=operand):
            return -_value(operand, x, m) if isinstance(op, ast.USub) else _value(operand, x, m)
        case ast.BinOp(left=left, op=op, right=right):
            return BINARY[type(op)](_value(left, x, m), _value(right, x, m))
        case ast.Call(func=ast.Name(id=name), args=args):
            return FUNCTIONS[name][1](m, *(_value(arg, x, m) for arg in args))
    return x
