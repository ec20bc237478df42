"""Activations that stand alone: clamps where the scale stays, else a table of what the formula says."""

from collections.abc import Callable, Mapping

from latent_nas.interchange.tflite_nodes import Field, Reader
from latent_nas.interchange.tflite_nodes.call import Call
from latent_nas.interchange.tflite_nodes.draft import Value
from latent_nas.operators import Operator
from latent_nas.operators.activation import Activation
from latent_nas.operators.hard_swish import HardSwish
from latent_nas.operators.relu import Relu
from latent_nas.operators.relu6 import Relu6

FORMULAS = {
    **{"RELU_N1_TO_1": "clip(x, -1, 1)", "RELU_0_TO_1": "clip(x, 0, 1)", "TANH": "tanh(x)", "ELU": "elu(x, 1)"},
    **{"ABS": "abs(x)", "EXP": "exp(x)", "LOG": "log(x)", "SQRT": "sqrt(x)", "RSQRT": "1 / sqrt(x)", "NEG": "-x"},
    **{"SQUARE": "x * x", "SIN": "sin(x)", "COS": "cos(x)", "FLOOR": "floor(x)", "CEIL": "ceil(x)"},
    **{"SIGN": "sign(x)", "ROUND": "round(x)"},
}


def function(call: Call, x: Value, formula: str, activation: str = "") -> Value:
    """Return a value behind a function of one number."""
    return call.add(Activation(formula), x, activation=activation)


def _bounded(operator: Operator, formula: str) -> Callable[[Call], Value]:
    def read(call: Call) -> Value:
        x = call.value()
        same = not call.draft.integers or call.quant() == x.quant
        return call.add(operator, x) if same else function(call, x, formula)

    return read


def _formula(formula: str) -> Callable[[Call], Value]:
    return lambda call: function(call, call.value(), formula)


def _leaky(call: Call) -> Value:
    return function(call, call.value(), f"leaky_relu(x, {float(call.options['alpha'])!r})")


def _gelu(call: Call) -> Value:
    return function(call, call.value(), "tanh_gelu(x)" if call.option("approximate") else "gelu(x)")


ALPHA: Mapping[str, Field] = {"alpha": (0, "f", 0.0)}
READERS = {
    **{code: Reader(_formula(formula)) for code, formula in FORMULAS.items()},
    "RELU": Reader(_bounded(Relu(), "relu(x)")),
    "RELU6": Reader(_bounded(Relu6(), "clip(x, 0, 6)")),
    "HARD_SWISH": Reader(lambda call: call.add(HardSwish(), call.value()), 91),
    "LEAKY_RELU": Reader(_leaky, 75, ALPHA),
    "GELU": Reader(_gelu, 116, {"approximate": (0, "?", False)}),
}
