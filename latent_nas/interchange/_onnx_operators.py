"""How each operator is spelt in ONNX: a list of float ONNX operators, NCHW, mostly one after another.

A new operator gets its spelling here, and its reading in ``onnx_nodes``.
"""

from functools import singledispatch
from typing import Any

import numpy as np

from latent_nas.interchange._onnx_formulas import Step, steps_of
from latent_nas.interchange.onnx_sizes import scale_of
from latent_nas.operators import Operator, Shape
from latent_nas.operators.activation import Activation
from latent_nas.operators.add import Add
from latent_nas.operators.avg_pool import AvgPool
from latent_nas.operators.concat import Concat
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.conv_transpose import ConvTranspose
from latent_nas.operators.dense import Dense
from latent_nas.operators.flatten import Flatten
from latent_nas.operators.gelu import Gelu
from latent_nas.operators.global_pool import GlobalPool
from latent_nas.operators.hard_swish import HardSwish
from latent_nas.operators.max_pool import MaxPool
from latent_nas.operators.multiply import Multiply
from latent_nas.operators.pad import Pad
from latent_nas.operators.prelu import PRelu
from latent_nas.operators.relu import Relu
from latent_nas.operators.relu6 import Relu6
from latent_nas.operators.reshape import Reshape
from latent_nas.operators.resize import Resize
from latent_nas.operators.slice import Slice
from latent_nas.operators.subtract import Subtract
from latent_nas.operators.upsample import Upsample
from latent_nas.operators.window import Padding, Pair, pads
from latent_nas.operators.zero import Zero


@singledispatch
def spell(operator: Operator, inputs: tuple[Shape, ...]) -> list[Step]:
    """Return the ONNX operators of a deployed operator that reads tensors of these shapes.

    Raises:
        ValueError: there is no spelling of it.
    """
    raise ValueError(f"{operator.kind!r} has no form in ONNX yet; add one to latent_nas/interchange")


@singledispatch
def ordered(operator: Operator, inputs: tuple[Shape, ...], weight: np.ndarray) -> tuple[np.ndarray, int]:
    """Return weights (filters, ...), channels last, as ONNX has them, and the axis of the filters."""
    return (weight.transpose(0, 3, 1, 2) if weight.ndim == 4 else weight), 0


@ordered.register
def _(operator: ConvTranspose, inputs: tuple[Shape, ...], weight: np.ndarray) -> tuple[np.ndarray, int]:
    return weight.transpose(3, 0, 1, 2), 1


@ordered.register
def _(operator: PRelu, inputs: tuple[Shape, ...], weight: np.ndarray) -> tuple[np.ndarray, int]:
    return weight.reshape(-1, *[1] * (len(inputs[0]) - 1)), 0


def activation(name: str | None) -> list[Step]:
    """Return the ONNX operators of a fused activation."""
    return {None: [], "relu": [Step("Relu")], "relu6": [Step("Clip", constants=(0.0, 6.0))]}[name]


def window(shape: Shape, kernel: Pair, stride: Pair, padding: Padding) -> dict[str, Any]:
    """Return the attributes of a sliding window over an image (height, width, channels)."""
    top, bottom, left, right = pads(shape[0], shape[1], kernel, stride, padding)
    return {"kernel_shape": list(kernel), "strides": list(stride), "pads": [top, left, bottom, right]}


@spell.register
def _(operator: Conv2d, inputs: tuple[Shape, ...]) -> list[Step]:
    slid = window(inputs[0], operator.kernel_size, operator.stride, operator.padding)
    return [Step("Conv", {**slid, "group": operator.groups}), *activation(operator.activation)]


@spell.register
def _(operator: Dense, inputs: tuple[Shape, ...]) -> list[Step]:
    return [Step("Gemm", {"transB": 1}), *activation(operator.activation)]


@spell.register
def _(operator: Add, inputs: tuple[Shape, ...]) -> list[Step]:
    return [Step("Add"), *activation(operator.activation)]


@spell.register
def _(operator: AvgPool, inputs: tuple[Shape, ...]) -> list[Step]:
    slid = window(inputs[0], operator.kernel_size, operator.stride, operator.padding)
    return [Step("AveragePool", {**slid, "count_include_pad": 0})]


@spell.register
def _(operator: MaxPool, inputs: tuple[Shape, ...]) -> list[Step]:
    return [Step("MaxPool", window(inputs[0], operator.kernel_size, operator.stride, operator.padding))]


@spell.register
def _(operator: GlobalPool, inputs: tuple[Shape, ...]) -> list[Step]:
    return [Step("GlobalAveragePool" if operator.mode == "avg" else "GlobalMaxPool"), Step("Flatten", {"axis": 1})]


@spell.register
def _(operator: Flatten, inputs: tuple[Shape, ...]) -> list[Step]:
    order = [Step("Transpose", {"perm": [0, 2, 3, 1]})] if len(inputs[0]) == 3 else []
    return [*order, Step("Flatten", {"axis": 1})]


@spell.register
def _(operator: Reshape, inputs: tuple[Shape, ...]) -> list[Step]:
    before = [Step("Transpose", {"perm": [0, 2, 3, 1]})] if len(inputs[0]) == 3 else []
    after = [Step("Transpose", {"perm": [0, 3, 1, 2]})] if len(operator.size) == 3 else []
    return [*before, Step("Reshape", constants=(np.array([-1, *operator.size]),)), *after]


@spell.register
def _(operator: Concat, inputs: tuple[Shape, ...]) -> list[Step]:
    return [Step("Concat", {"axis": 1})]


@spell.register
def _(operator: Relu, inputs: tuple[Shape, ...]) -> list[Step]:
    return activation("relu")


@spell.register
def _(operator: Relu6, inputs: tuple[Shape, ...]) -> list[Step]:
    return activation("relu6")


@spell.register
def _(operator: HardSwish, inputs: tuple[Shape, ...]) -> list[Step]:
    return [Step("HardSwish")]


@spell.register
def _(operator: Zero, inputs: tuple[Shape, ...]) -> list[Step]:
    return [Step("Mul", constants=(0.0,))]


@spell.register
def _(operator: Activation, inputs: tuple[Shape, ...]) -> list[Step]:
    return steps_of(operator.formula)


@spell.register
def _(operator: Gelu, inputs: tuple[Shape, ...]) -> list[Step]:
    return steps_of("gelu(x)")


@spell.register
def _(operator: Subtract, inputs: tuple[Shape, ...]) -> list[Step]:
    return [Step("Sub"), *activation(operator.activation)]


@spell.register
def _(operator: Multiply, inputs: tuple[Shape, ...]) -> list[Step]:
    if len(inputs[1]) < len(inputs[0]):  # a factor per channel
        pixel = Step("Unsqueeze", constants=(np.array([2, 3]),), reads=(1,))
        return [pixel, Step("Mul", reads=(0, 2)), *activation(operator.activation)]
    return [Step("Mul"), *activation(operator.activation)]


@spell.register
def _(operator: ConvTranspose, inputs: tuple[Shape, ...]) -> list[Step]:
    top, bottom, left, right = operator.crop
    cut = {"pads": [top, left, max(0, bottom), max(0, right)], "output_padding": [max(0, -bottom), max(0, -right)]}
    size = {"kernel_shape": list(operator.kernel_size), "strides": list(operator.stride)}
    return [Step("ConvTranspose", {**size, **cut}), *activation(operator.activation)]


@spell.register
def _(operator: Upsample, inputs: tuple[Shape, ...]) -> list[Step]:
    modes = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    return [Step("Resize", modes, (None, np.array([1, 1, *operator.factors], np.float32)))]


@spell.register
def _(operator: Resize, inputs: tuple[Shape, ...]) -> list[Step]:
    coordinates, rounding = operator.way(*inputs)
    rounding = {"": "", "floor": "floor", "half_up": "round_prefer_ceil"}[rounding]
    modes = {"mode": "nearest" if rounding else "linear", "coordinate_transformation_mode": coordinates}
    modes |= {"nearest_mode": rounding} if rounding else {}
    axes = zip(inputs[0], (operator.rows, operator.columns), strict=False)
    scales = [scale_of(coordinates, rounding, size, read) for size, read in axes]
    return [Step("Resize", modes, (None, np.array([1, 1, *scales], np.float32)))]


@spell.register
def _(operator: Slice, inputs: tuple[Shape, ...]) -> list[Step]:
    begin, size = _channels_first(operator.begin), _channels_first(operator.size)
    ends = np.array(begin) + np.array(size)
    return [Step("Slice", constants=(np.array(begin), ends, np.arange(1, len(begin) + 1)))]


@spell.register
def _(operator: Pad, inputs: tuple[Shape, ...]) -> list[Step]:
    amounts = [0, *_channels_first(operator.before), 0, *_channels_first(operator.after)]
    return [Step("Pad", constants=(np.array(amounts),))]


@spell.register
def _(operator: PRelu, inputs: tuple[Shape, ...]) -> list[Step]:
    return [Step("PRelu")]


def _channels_first(shape: Shape) -> list[int]:
    return [shape[-1], *shape[:-1]]
