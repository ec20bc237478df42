"""How functions of one value are spelt in TensorFlow Lite, which knows a few by name and on scales of its own."""

import ast
from collections.abc import Callable

import numpy as np

from latent_nas.fixed_point import Quant
from latent_nas.interchange._tflite_operators import ACTIVATIONS, Place, one, spell
from latent_nas.operators.activation import Activation
from latent_nas.operators.formula import NUMPY, evaluate, parsed
from latent_nas.operators.gelu import Gelu

SIGMOID, TANH = Quant(1 / 256, -128), Quant(1 / 128, 0)  # the outputs' scales that its kernels want
SIX = Quant(6 / 255, -128)
HARD_SIGMOID = (1 / 6, 0.5)  # the one that is made of RELU6


@spell.register
def _(operator: Activation, place: Place) -> int:
    match parsed(operator.formula):
        case ast.Call(func=ast.Name(id=name), args=[ast.Name(), *rest]) if name in SPELT:
            made = SPELT[name](place, *(float(evaluate(ast.unparse(a), np.zeros(()), NUMPY)) for a in rest))
            if made is not None:
                return made
    there = ", ".join(SPELT)
    raise ValueError(f"{operator.formula} has no form in TensorFlow Lite here; there are: {there}")


@spell.register
def _(operator: Gelu, place: Place) -> int:
    return place.op("GELU", place.inputs, "GeluOptions", approximate=False)


def _moved(place: Place, tensor: int, quant: Quant) -> int:
    """Return a tensor on the scale of the node's output."""
    return tensor if quant == place.quant else place.op("MUL", [tensor, one(place.model)], "MulOptions")


def _sigmoid(place: Place) -> int:
    return _moved(place, place.model.op("LOGISTIC", place.inputs, place.shape, SIGMOID), SIGMOID)


def _tanh(place: Place) -> int:
    return _moved(place, place.model.op("TANH", place.inputs, place.shape, TANH), TANH)


def _silu(place: Place) -> int:
    gate = place.model.op("LOGISTIC", place.inputs, place.shape, SIGMOID)
    return place.op("MUL", [place.inputs[0], gate], "MulOptions")


def _leaky(place: Place, alpha: float) -> int:
    return place.op("LEAKY_RELU", place.inputs, "LeakyReluOptions", alpha=alpha)


def _elu(place: Place, alpha: float) -> int | None:
    return place.op("ELU", place.inputs) if alpha == 1 else None


def _hard_sigmoid(place: Place, a: float, b: float) -> int | None:
    if not np.allclose((a, b), HARD_SIGMOID, atol=1e-6):
        return None
    three = place.model.constant(np.full(1, 127, np.int8), np.array([3 / 127]))
    fused = {"fusedActivationFunction": ACTIVATIONS["relu6"]}
    clipped = place.model.op("ADD", [place.inputs[0], three], place.shape, SIX, "AddOptions", **fused)
    sixth = place.model.constant(np.full(1, 127, np.int8), np.array([1 / 6 / 127]))
    return place.op("MUL", [clipped, sixth], "MulOptions")


SPELT: dict[str, Callable[..., int | None]] = {
    "sigmoid": _sigmoid,
    "tanh": _tanh,
    "silu": _silu,
    "leaky_relu": _leaky,
    "elu": _elu,
    "hard_sigmoid": _hard_sigmoid,
    "tanh_gelu": lambda place: place.op("GELU", place.inputs, "GeluOptions", approximate=True),
    "exp": lambda place: place.op("EXP", place.inputs, "ExpOptions"),
}
