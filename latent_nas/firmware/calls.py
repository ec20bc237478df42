"""What every operator becomes in C: its constants as const data, and the call of its kernel."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from latent_nas.graph import Node
from latent_nas.operators import Shape
from latent_nas.operators._window import pads


@dataclass(frozen=True)
class Call:
    """One operator of a network at its place.

    Attributes:
        node: deployed. inputs: shapes of the tensors it reads. constants: its integers (see ``Operator.constants``).
        xs, y, scratch: C expressions of its tensors and of its scratch.
    """

    node: Node
    inputs: tuple[Shape, ...]
    constants: dict[str, np.ndarray]
    xs: tuple[str, ...]
    y: str
    scratch: str

    def integer(self, name: str) -> int:
        """Return a constant that is one number."""
        return int(self.constants[name].reshape(-1)[0])


C = tuple[str, str]  # declarations, statement


def c_of(call: Call) -> C:
    """Return the declarations and the statement of an operator.

    Raises:
        ValueError: there is no C kernel for it.
    """
    kernel = call.node.operator.kernel(*call.inputs)
    if kernel not in KERNELS:
        raise ValueError(f"firmware has no kernel {kernel!r}; there are: {', '.join(sorted(KERNELS))}")
    return KERNELS[kernel](call)


def _array(kind: str, name: str, values: Sequence[Any], aligned: str = "") -> str:
    lines = [", ".join(map(str, values[i : i + 24])) for i in range(0, len(values), 24)]
    return f"static const {kind} {name}[{len(values)}]{aligned} = {{\n" + ",\n".join(lines) + "\n};\n"


def _struct(kind: str, name: str, values: Sequence[Any]) -> str:
    return f"static const {kind} {name} = {{{', '.join(map(str, values))}}};\n"


def _rescale(bias: int, m: int, shift: int) -> str:
    """Return an nn_channel; a multiplier of 0 gives 0 under any shift."""
    return f"{{{_int32(bias)}, {m}, {shift - 33 if m else 0}}}"


def _int32(value: int) -> str:
    return "INT32_MIN" if value == -(2**31) else str(value)


def _channels(call: Call, folded: bool) -> list[str]:
    """Return the nn_channels of an operator with weights; ``folded``: biases with -zero * sum(weights), wrapped."""
    c = call.constants
    bias = c["bias"].astype(np.int64)
    if folded:
        bias = bias - call.integer("input_zero_point") * c["weight"].reshape(len(bias), -1).sum(axis=1, dtype=np.int64)
        bias = (bias + 2**31) % 2**32 - 2**31
    rows = zip(bias, c["multiplier"], c["shift"], strict=True)
    return [_rescale(int(b), int(m), int(s)) for b, m, s in rows]


def _weighted(call: Call, weight: np.ndarray, folded: bool) -> str:
    i = call.node.id
    return _array("int8_t", f"weight_{i}", weight.reshape(-1).tolist(), " ALIGNED") + _array(
        "nn_channel", f"channel_{i}", _channels(call, folded)
    )


def _conv(call: Call) -> C:
    op: Any = call.node.operator
    kernel, i = op.kernel(*call.inputs), call.node.id
    height, width, channels = call.inputs[0]
    top, _, left, _ = pads(height, width, op.kernel_size, op.stride, op.padding)
    depthwise, weight = kernel == "depthwise", call.constants["weight"]
    if depthwise:
        weight = weight[..., 0].transpose(1, 2, 0)
    fields = [f"weight_{i}", f"channel_{i}", height, width, channels, *call.node.shape]
    fields += [*op.kernel_size, *op.stride, top, left, op.groups]
    fields += [call.integer(name) for name in ("input_zero_point", "output_zero_point", "low", "high")]
    data = _weighted(call, weight, not depthwise) + _struct("nn_conv", f"op_{i}", fields)
    scratch = "" if depthwise else f", (int16_t *)(void *)({call.scratch})"
    return data, f"nn_{kernel}(&op_{i}, {call.xs[0]}, {call.y}{scratch});"


def _dense(call: Call) -> C:
    i, (units, features) = call.node.id, call.constants["weight"].shape
    fields = [f"weight_{i}", f"channel_{i}", features, units]
    fields += [call.integer(name) for name in ("output_zero_point", "low", "high")]
    data = _weighted(call, call.constants["weight"], True) + _struct("nn_dense_args", f"op_{i}", fields)
    return data, f"nn_dense(&op_{i}, {call.xs[0]}, {call.y});"


def _add(call: Call) -> C:
    c, i = call.constants, call.node.id
    fields = [
        prod(call.node.shape),
        *c["multipliers"].tolist(),
        call.integer("shift"),
        *c["input_zero_points"].tolist(),
    ]
    fields += [call.integer(name) for name in ("output_zero_point", "low", "high")]
    return _struct("nn_add_args", f"op_{i}", fields), f"nn_add(&op_{i}, {call.xs[0]}, {call.xs[1]}, {call.y});"


def _pool(call: Call) -> C:
    op: Any = call.node.operator
    height, width, channels = call.inputs[0]
    top, _, left, _ = pads(height, width, op.kernel_size, op.stride, op.padding)
    fields = [height, width, channels, *call.node.shape[:2], *op.kernel_size, *op.stride, top, left]
    data = _struct("nn_window", f"op_{call.node.id}", fields)
    return data, f"nn_{op.kind}(&op_{call.node.id}, {call.xs[0]}, {call.y});"


def _global_pool(call: Call) -> C:
    op: Any = call.node.operator
    height, width, channels = call.inputs[0]
    if height * width > 2**31 // (255 * 128):
        raise ValueError(f"firmware can't pool {height}x{width} pixels at once: their sum exceeds 32 bits")
    rescale = _rescale(0, call.integer("multiplier"), call.integer("shift") + 7)
    zeros = f"{call.integer('input_zero_point')}, {call.integer('output_zero_point')}"
    data = f"static const nn_channel op_{call.node.id} = {rescale};\n"
    arguments = f"{height * width}, {channels}, op_{call.node.id}, {zeros}, {call.xs[0]}, {call.y}"
    return data, f"nn_global_{op.mode}({arguments});"


def _concat(call: Call) -> C:
    c, i, stride, at = call.constants, call.node.id, call.node.shape[-1], 0
    rows = zip(call.inputs, call.xs, c["multiplier"], c["shift"], c["input_zero_points"], strict=True)
    channels, calls = [], []
    for n, (shape, x, m, s, zero) in enumerate(rows):
        channels.append(_rescale(0, int(m), int(s)))
        many = f"{prod(shape[:-1])}, {shape[-1]}, {stride}, op_{i}[{n}], {int(zero)}"
        calls.append(f"nn_rescale_rows({many}, {call.integer('output_zero_point')}, {x}, {call.y} + {at});")
        at += shape[-1]
    return _array("nn_channel", f"op_{i}", channels), " ".join(calls)


def _clamp(call: Call) -> C:
    bounds = f"{call.integer('low')}, {call.integer('high')}"
    return "", f"nn_clamp({prod(call.node.shape)}, {bounds}, {call.xs[0]}, {call.y});"


def _lookup(call: Call) -> C:
    data = _array("int8_t", f"op_{call.node.id}", call.constants["table"].tolist())
    return data, f"nn_lookup({prod(call.node.shape)}, op_{call.node.id}, {call.xs[0]}, {call.y});"


def _fill(call: Call) -> C:
    return "", f"nn_fill({prod(call.node.shape)}, {call.integer('zero_point')}, {call.y});"


KERNELS: dict[str, Callable[[Call], C]] = {
    "conv2d": _conv,
    "pointwise": _conv,
    "depthwise": _conv,
    "dense": _dense,
    "add": _add,
    "max_pool": _pool,
    "avg_pool": _pool,
    "global_pool": _global_pool,
    "concat": _concat,
    "relu": _clamp,
    "relu6": _clamp,
    "hard_swish": _lookup,
    "zero": _fill,
}
