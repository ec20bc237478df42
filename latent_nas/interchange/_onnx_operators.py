"""How each operator is spelt in ONNX: a list of float ONNX operators, NCHW, one after another.

A new operator gets its spelling here, and its reading in ``onnx_nodes``.
"""

from dataclasses import dataclass, field
from functools import singledispatch
from typing import Any

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
from latent_nas.operators.window import Padding, Pair, pads
from latent_nas.operators.zero import Zero


@dataclass(frozen=True)
class Step:
    """One ONNX operator: its type and attributes; ``bounds``: constants that follow its inputs."""

    type: str
    attributes: dict[str, Any] = field(default_factory=dict)
    bounds: tuple[float, ...] = ()


@singledispatch
def spell(operator: Operator, inputs: tuple[Shape, ...]) -> list[Step]:
    """Return the ONNX operators of a deployed operator that reads tensors of these shapes.

    Raises:
        ValueError: there is no spelling of it.
    """
    raise ValueError(f"{operator.kind!r} has no form in ONNX yet; add one to latent_nas/interchange")


def activation(name: str | None) -> list[Step]:
    """Return the ONNX operators of a fused activation."""
    return {None: [], "relu": [Step("Relu")], "relu6": [Step("Clip", bounds=(0.0, 6.0))]}[name]


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
    return [Step("Mul", bounds=(0.0,))]
