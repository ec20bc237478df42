"""How each operator is spelt in TensorFlow Lite: one or more of its int8 operators, NHWC.

A new operator gets its spelling here, in ``_tflite_functions`` or in ``_tflite_abroad``. Names of operators and options
are those of the schema (tensorflow/lite/schema).
"""

from dataclasses import dataclass
from functools import singledispatch
from typing import Any, Protocol

import numpy as np

from latent_nas.fixed_point import Quant
from latent_nas.operators import Operator, Shape
from latent_nas.operators.add import Add
from latent_nas.operators.avg_pool import AvgPool
from latent_nas.operators.concat import Concat
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.dense import Dense
from latent_nas.operators.flatten import Flatten
from latent_nas.operators.global_pool import GlobalPool
from latent_nas.operators.hard_swish import HardSwish
from latent_nas.operators.max_pool import MaxPool
from latent_nas.operators.relu import Relu
from latent_nas.operators.relu6 import Relu6
from latent_nas.operators.reshape import Reshape
from latent_nas.operators.window import Padding, Pair, pads
from latent_nas.operators.zero import Zero

SAME, VALID = 0, 1
ACTIVATIONS = {None: 0, "relu": 1, "relu6": 3}


class Model(Protocol):
    """What a spelling writes to; tensors are numbers."""

    def constant(self, value: np.ndarray, scale: np.ndarray | None = None, axis: int = 0, zero: int = 0) -> int:
        """Return a constant tensor; ``scale``: per channel along ``axis``, or of the whole."""

    def op(self, code: str, inputs: list[int], shape: Shape, quant: Quant, options: str = "", **settings: Any) -> int:
        """Return the output, shaped (1, *shape), of one operator of TensorFlow Lite."""


@dataclass(frozen=True)
class Place:
    """A deployed operator at its place: tensors, shapes and quantisations in and out, and its integers."""

    model: Model
    inputs: list[int]
    shapes: tuple[Shape, ...]
    quants: list[Quant]
    shape: Shape
    quant: Quant
    integers: dict[str, np.ndarray]

    def op(self, code: str, inputs: list[int], options: str = "", **settings: Any) -> int:
        """Return the node's tensor, made by this operator."""
        return self.model.op(code, inputs, self.shape, self.quant, options, **settings)

    def weights(self, weight: np.ndarray, axis: int) -> list[int]:
        """Return the tensors of input, weights (filters along ``axis``) and biases."""
        factors = np.maximum(self.integers["multiplier"] / 2.0 ** self.integers["shift"], 2.0**-32)
        x, y = np.float32(self.quants[0].scale), np.float32(self.quant.scale)
        scale = _scales(factors, x, y)
        held = self.model.constant(np.ascontiguousarray(weight), scale, axis)
        return [self.inputs[0], held, self.model.constant(self.integers["bias"].astype(np.int32), scale * float(x))]

    def window(self, kernel: Pair, stride: Pair, padding: Padding, fill: int | None) -> tuple["Place", int]:
        """Return the place and the padding's code: SAME, or VALID after explicit padding by ``fill``.

        Raises:
            ValueError: padding that neither is, where ``fill`` is None.
        """
        height, width, channels = self.shapes[0]
        given = pads(height, width, kernel, stride, padding)
        for name, code in (("valid", VALID), ("same", SAME)):
            if given == pads(height, width, kernel, stride, name):
                return self, code
        if fill is None:
            raise ValueError(
                f"an average pooling padded by {given} has no form in TensorFlow Lite, only same and valid"
            )
        top, bottom, left, right = given
        amounts = self.model.constant(np.array([[0, 0], [top, bottom], [left, right], [0, 0]], np.int32))
        shape, quant = (height + top + bottom, width + left + right, channels), self.quants[0]
        if fill == quant.zero_point:
            padded = self.model.op("PAD", [self.inputs[0], amounts], shape, quant, "PadOptions")
        else:
            value = self.model.constant(np.array([fill], np.int8), np.array([quant.scale]), zero=quant.zero_point)
            padded = self.model.op("PADV2", [self.inputs[0], amounts, value], shape, quant, "PadV2Options")
        return self.reading(padded, shape), VALID

    def reading(self, tensor: int, shape: Shape) -> "Place":
        """Return the place with another first input, quantised as the old one."""
        rest = self.inputs[1:], self.shapes[1:]
        return Place(
            self.model, [tensor, *rest[0]], (shape, *rest[1]), self.quants, self.shape, self.quant, self.integers
        )


def _scales(factors: np.ndarray, x: np.float32, y: np.float32) -> np.ndarray:
    """Return the scales (filters,) of weights for which scale * x / y, in float32, comes nearest to ``factors``.

    Rounding thrice in float32 moves a factor by up to two units of its last place, and with it sums near a tie.
    """
    nearest = (factors * float(y) / float(x)).astype(np.float32)
    tried = np.array([nearest + k * np.spacing(nearest) for k in range(-3, 4)], np.float32)
    off = np.abs((tried * x / y).astype(np.float64) - factors)
    best: np.ndarray = np.take_along_axis(tried, off.argmin(axis=0)[None], axis=0)[0].astype(np.float64)
    return best


@singledispatch
def spell(operator: Operator, place: Place) -> int:
    """Return the tensor that a deployed operator makes at its place.

    Raises:
        ValueError: there is no spelling of it.
    """
    raise ValueError(f"{operator.kind!r} has no form in TensorFlow Lite yet; add one to latent_nas/interchange")


def strides(stride: Pair) -> dict[str, int]:
    """Return the options of a stride."""
    return {"strideH": stride[0], "strideW": stride[1]}


@spell.register
def _(operator: Conv2d, place: Place) -> int:
    zero = place.quants[0].zero_point
    place, padding = place.window(operator.kernel_size, operator.stride, operator.padding, zero)
    settings = {**strides(operator.stride), "padding": padding, "dilationHFactor": 1, "dilationWFactor": 1}
    settings["fusedActivationFunction"] = ACTIVATIONS[operator.activation]
    weight, channels = place.integers["weight"], place.shapes[0][2]
    if operator.groups == channels:  # one input channel makes one output channel or several
        read, settings["depthMultiplier"] = place.weights(weight.transpose(3, 1, 2, 0), 3), operator.filters // channels
        return place.op("DEPTHWISE_CONV_2D", read, "DepthwiseConv2DOptions", **settings)
    return place.op("CONV_2D", place.weights(weight, 0), "Conv2DOptions", **settings)


@spell.register
def _(operator: Dense, place: Place) -> int:
    fused = ACTIVATIONS[operator.activation]
    read = place.weights(place.integers["weight"], 0)
    return place.op("FULLY_CONNECTED", read, "FullyConnectedOptions", fusedActivationFunction=fused)


@spell.register
def _(operator: Add, place: Place) -> int:
    return place.op("ADD", place.inputs, "AddOptions", fusedActivationFunction=ACTIVATIONS[operator.activation])


def _pool(code: str, operator: AvgPool | MaxPool, place: Place, fill: int | None) -> int:
    place, padding = place.window(operator.kernel_size, operator.stride, operator.padding, fill)
    size = {"filterHeight": operator.kernel_size[0], "filterWidth": operator.kernel_size[1]}
    return place.op(code, place.inputs, "Pool2DOptions", padding=padding, **size, **strides(operator.stride))


@spell.register
def _(operator: AvgPool, place: Place) -> int:
    return _pool("AVERAGE_POOL_2D", operator, place, None)


@spell.register
def _(operator: MaxPool, place: Place) -> int:
    return _pool("MAX_POOL_2D", operator, place, -128)


@spell.register
def _(operator: GlobalPool, place: Place) -> int:
    model, (height, width, channels) = place.model, place.shapes[0]
    if operator.mode == "avg":
        axes = model.constant(np.array([1, 2], np.int32))
        return place.op("MEAN", [place.inputs[0], axes], "ReducerOptions", keepDims=False)
    whole = {"filterHeight": height, "filterWidth": width, "padding": VALID, **strides((1, 1))}
    pixel = model.op("MAX_POOL_2D", place.inputs, (1, 1, channels), place.quants[0], "Pool2DOptions", **whole)
    flat = model.op("RESHAPE", [pixel, _vector(place)], place.shape, place.quants[0], "ReshapeOptions")
    return place.op("MUL", [flat, one(model)], "MulOptions")


def one(model: Model) -> int:
    """Return the constant that moves a tensor to another scale by a product.

    QUANTIZE is meant for it, but its fast kernel rounds the factor to 8 bits; that of MUL rounds once, as here.
    """
    return model.constant(np.ones(1, np.int8), np.ones(1))


def _vector(place: Place) -> int:
    """Return the constant that names the shape of any number of vectors as long as the node's."""
    return place.model.constant(np.array([-1, place.shape[0]], np.int32))


@spell.register
def _(operator: Flatten, place: Place) -> int:
    return place.op("RESHAPE", [place.inputs[0], _vector(place)], "ReshapeOptions")


@spell.register
def _(operator: Reshape, place: Place) -> int:
    size = place.model.constant(np.array([-1, *operator.size], np.int32))
    return place.op("RESHAPE", [place.inputs[0], size], "ReshapeOptions")


@spell.register
def _(operator: Concat, place: Place) -> int:
    tensors = [  # the int8 kernel wants all inputs on the output's scale
        x if q == place.quant else place.model.op("MUL", [x, one(place.model)], shape, place.quant, "MulOptions")
        for x, shape, q in zip(place.inputs, place.shapes, place.quants, strict=True)
    ]
    return place.op("CONCATENATION", tensors, "ConcatenationOptions", axis=len(place.shape))


@spell.register
def _(operator: Relu, place: Place) -> int:
    return place.op("RELU", place.inputs)


@spell.register
def _(operator: Relu6, place: Place) -> int:
    return place.op("RELU6", place.inputs)


@spell.register
def _(operator: HardSwish, place: Place) -> int:
    return place.op("HARD_SWISH", place.inputs, "HardSwishOptions")


@spell.register
def _(operator: Zero, place: Place) -> int:
    zero = place.model.constant(np.zeros(1, np.int8), np.ones(1))
    return place.op("MUL", [place.inputs[0], zero], "MulOptions")
