"""Sums, differences, products and quotients: of two tensors, or of one and a constant."""

from dataclasses import replace

import numpy as np

from latent_nas.fixed_point import Quant
from latent_nas.interchange.onnx_view import memory
from latent_nas.interchange.tflite_nodes import Field, Reader
from latent_nas.interchange.tflite_nodes.activations import function
from latent_nas.interchange.tflite_nodes.call import Call
from latent_nas.interchange.tflite_nodes.choosing import of_one
from latent_nas.interchange.tflite_nodes.draft import Held, Value
from latent_nas.interchange.tflite_nodes.settling import settled
from latent_nas.interchange.tflite_nodes.weighted import weighted
from latent_nas.operators import Operator
from latent_nas.operators.add import Add
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.multiply import Multiply
from latent_nas.operators.relu import Relu
from latent_nas.operators.subtract import Subtract
from latent_nas.operators.zero import Zero

SYMBOLS = {"ADD": "+", "SUB": "-", "MUL": "*", "DIV": "/"}
PAIRS: dict[str, Operator] = {"ADD": Add(), "SUB": Subtract(), "MUL": Multiply()}
LARGEST_WEIGHT = 127
EDGES = {"MAXIMUM": "max", "MINIMUM": "min"}


def _arithmetic(call: Call) -> Value:
    code = call.operation.code
    constant = next((i for i in (0, 1) if call.constants[i] is not None), None)
    if constant is None:
        return _pair(call, code)
    x, held = call.value(1 - constant), call.real(constant)
    if len(held.shape) > len(x.dims) or any(
        n not in (1, d) for n, d in zip(held.shape[::-1], x.dims[::-1], strict=False)
    ):
        raise call.refuse(f"a constant {held.shape} beside a tensor {x.dims}; only one of its shape or less is known")
    if np.unique(held).size == 1:
        return _number(call, x, float(held.flat[0]), code, first=constant == 0)
    if held.size != held.shape[-1] or call.shape(1 - constant)[-1:] != held.shape[-1:]:
        raise call.refuse(f"a constant {held.shape} beside a tensor {x.dims}; only a number, or one a channel is known")
    if code == "DIV" and (constant == 0 or not held.all()):
        raise call.refuse("a constant divided by a tensor, or a division by 0, is not known here")
    factors = {"MUL": held.ravel(), "DIV": 1 / np.where(held, held, 1).ravel()}.get(code, np.ones(held.size))
    offsets = {"ADD": held.ravel(), "SUB": held.ravel() if constant == 0 else -held.ravel()}.get(code)
    if code == "SUB" and constant == 0:
        factors = -factors
    return _each_channel(call, x, factors, np.zeros(held.size) if offsets is None else offsets)


def _pair(call: Call, code: str) -> Value:
    a, b = call.alike(call.value(0), call.value(1))
    if code not in PAIRS:
        return of_one(call, "x / y", lambda x, y: x / y)
    shapes = [call.draft.builder.shape(v.node) for v in (a, b)]
    if a.dims == b.dims and shapes[0] == shapes[1]:
        return call.add(PAIRS[code], a, b, activation=call.activation())
    if code == "MUL":  # a factor for each channel, for each pixel, ...
        if np.prod(shapes[1]) > np.prod(shapes[0]):
            a, b = b, a
        wide = (1,) * (len(a.dims) - len(b.dims)) + b.dims
        if len(wide) == len(a.dims) and all(n in (1, whole) for n, whole in zip(wide, a.dims, strict=True)):
            return call.add(Multiply(), a, b, activation=call.activation())
    a, b = _spread(call, a, b)
    return call.add(PAIRS[code], a, b, activation=call.activation())


def _spread(call: Call, a: Value, b: Value) -> tuple[Value, ...]:
    """Return two tensors broadcast to one shape, by operators of their own."""
    try:
        dims = np.broadcast_shapes(a.dims, b.dims)
        wide = [v if v.dims == dims else replace(v, dims=dims, order=_places(v, dims)) for v in (a, b)]
        return call.alike(*(v if v.order is None else settled(call.draft, v, None) for v in wide))
    except ValueError as error:
        raise call.refuse(f"tensors {a.dims} and {b.dims}: {error}") from None


def _places(x: Value, dims: tuple[int, ...]) -> np.ndarray:
    return np.broadcast_to(memory(x.dims), dims)


def _number(call: Call, x: Value, number: float, code: str, first: bool) -> Value:
    """Return a value with a number added, taken away, multiplied or divided by."""
    activation = call.activation()
    same = not call.draft.integers or call.quant() == x.quant
    if not np.isfinite(number) or (code == "DIV" and (first or number == 0)):
        raise call.refuse(f"the constant {number}, or a constant divided by a tensor, is not known here")
    if same and not activation and (code, number) in (("ADD", 0), ("MUL", 1), ("DIV", 1)):
        return call.again(x)
    if same and not activation and (code, number) == ("MUL", 0):
        return call.add(Zero(), x)
    formula = f"{number!r} {SYMBOLS[code]} x" if first else f"x {SYMBOLS[code]} {number!r}"
    return function(call, x, "x" if (code, number) == ("MUL", 1) else formula, activation)


def _each_channel(call: Call, x: Value, factors: np.ndarray, offsets: np.ndarray) -> Value:
    """Return ``factors * x + offsets`` (channels,): a depthwise convolution of single pixels; a vector is one pixel."""
    channels, shape = len(factors), call.draft.builder.shape(x.node)
    if len(shape) == 1:
        return call.flattened(_each_channel(call, call.reshaped(x, (1, 1, *shape)), factors, offsets))
    operator = Conv2d(channels, (1, 1), (1, 1), "valid", channels)
    if x.quant is None:
        return weighted(call, operator, x, Held(factors.reshape(-1, 1, 1, 1), None), offsets)
    scales = np.where(factors, np.abs(factors), call.quant().scale / x.quant.scale) / LARGEST_WEIGHT
    weight = (LARGEST_WEIGHT * np.sign(factors)).astype(np.int8).reshape(-1, 1, 1, 1)
    bias = np.rint(offsets / (scales * x.quant.scale))
    if np.abs(bias).max() >= 2**30:
        raise call.refuse(f"the constant {np.abs(offsets).max():.3g} is too large beside the scale of its tensor")
    return weighted(call, operator, x, Held(weight, scales), bias.astype(np.int32))


def _edge(call: Call) -> Value:
    constant = next((i for i in (0, 1) if call.constants[i] is not None), None)
    if constant is None:
        return _further(call)
    if np.unique(held := call.real(constant)).size != 1:
        raise call.refuse("only the larger or smaller of a tensor and one number, or of two tensors, is known here")
    return function(call, call.value(1 - constant), f"{EDGES[call.operation.code]}(x, {float(held.flat[0])!r})")


def _further(call: Call) -> Value:
    """Return the larger or smaller of two tensors: one of them, and by how much the other is beyond it."""
    larger, (a, b) = call.operation.code == "MAXIMUM", _spread(call, call.value(0), call.value(1))
    more = Subtract("relu")
    if a.quant is None:
        beyond = call.draft.add(Relu(), [call.draft.add(Subtract(), [a.node, b.node], None, {})], None, {})
    else:
        if not a.quant == b.quant == call.quant():
            raise call.refuse("its tensors differ in scale or zero point")
        whole = Quant(a.quant.scale, -128)  # what lies between 0 and 255 steps is exact
        beyond = call.draft.add(more, [a.node, b.node], whole, more.constants({}, [a.quant, b.quant], whole))
    extra = Value(beyond, a.dims, None if a.quant is None else Quant(a.quant.scale, -128))
    return call.add(Add(), b, extra) if larger else call.add(Subtract(), a, extra)


ACTIVATION: dict[str, Field] = {"activation": (0, "b", 0)}
SUM: dict[str, Field] = {**ACTIVATION, "pot_scale_int16": (1, "?", True)}  # the second is for int16
READERS = {
    "ADD": Reader(_arithmetic, 11, SUM),
    "SUB": Reader(_arithmetic, 28, SUM),
    "MUL": Reader(_arithmetic, 21, ACTIVATION),
    "DIV": Reader(_arithmetic, 29, ACTIVATION),
    "MAXIMUM": Reader(_edge, 39),
    "MINIMUM": Reader(_edge, 39),
}
