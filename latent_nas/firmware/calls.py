"""What every operator becomes in C: its constants as const data, and the call of its kernel."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, cast

import numpy as np

from latent_nas.graph import Node
from latent_nas.operators import Shape
from latent_nas.operators.window import pads


@dataclass(frozen=True)
class Call:
    """One operator of a network at its place.

    Attributes:
        node: deployed. inputs: shapes of the tensors it reads. constants: its integers (see ``Operator.constants``).
        xs, y, scratch, state: C expressions of its tensors, of its scratch and of what it remembers.
    """

    node: Node
    inputs: tuple[Shape, ...]
    constants: dict[str, np.ndarray]
    xs: tuple[str, ...]
    y: str
    scratch: str
    state: str = ""

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


def _packed(weight: np.ndarray) -> np.ndarray:
    """Return rows (n, k) of 4-bit weights as bytes (n, ceil(k / 8) * 4), see c/dense4.c."""
    padded = np.pad(weight.astype(np.int16), ((0, 0), (0, -weight.shape[1] % 8)))
    eight = padded.reshape(len(weight), -1, 2, 4)
    return np.asarray(((eight[:, :, 0] & 15) | (eight[:, :, 1] << 4)).astype(np.int8).reshape(len(weight), -1))


def _dense4(call: Call) -> C:
    i, (units, features) = call.node.id, call.constants["weight"].shape
    fields = [f"weight_{i}", f"channel_{i}", features, units]
    fields += [call.integer(name) for name in ("output_zero_point", "low", "high")]
    data = _array("int8_t", f"weight_{i}", _packed(call.constants["weight"]).reshape(-1).tolist(), " ALIGNED")
    data += _array("nn_channel", f"channel_{i}", _channels(call, True))
    return data + _struct("nn_dense_args", f"op_{i}", fields), f"nn_dense4(&op_{i}, {call.xs[0]}, {call.y});"


def _factor(m: int, shift: int) -> str:
    """Return an nn_factor, see ``_rescale``."""
    return f"{{{m}, {shift - 33 if m else 0}}}"


def _embedding(call: Call) -> C:
    c, i, kernel = call.constants, call.node.id, call.node.operator.kernel(*call.inputs)
    weight = c["weight"] if kernel == "embedding" else _packed(c["weight"])
    factors = [_factor(int(m), int(s)) for m, s in zip(c["multiplier"], c["shift"], strict=True)]
    data = _array("int8_t", f"weight_{i}", weight.reshape(-1).tolist(), " ALIGNED")
    data += _array("nn_factor", f"factor_{i}", factors)
    fields = [f"weight_{i}", f"factor_{i}", call.node.shape[-1], call.integer("output_zero_point")]
    tokens = f"(const uint16_t *)(const void *)({call.xs[0]})"
    statement = f"nn_{kernel}(&op_{i}, {call.node.shape[0]}, {tokens}, {call.y});"
    return data + _struct("nn_embedding_args", f"op_{i}", fields), statement


def _layer_norm(call: Call) -> C:
    c, i, n = call.constants, call.node.id, call.node.shape[-1]
    data = _array("int16_t", f"gain_{i}", c["weight"].tolist()) + _array("int32_t", f"offset_{i}", c["bias"].tolist())
    fields = [f"gain_{i}", f"offset_{i}", _factor(call.integer("multiplier"), call.integer("shift"))]
    fields += [f"{call.integer('epsilon')}ll", str(n), str(call.integer("output_zero_point"))]
    statement = f"nn_layer_norm(&op_{i}, {prod(call.node.shape) // n}, {call.xs[0]}, {call.y});"
    return data + _struct("nn_layer_norm_args", f"op_{i}", fields), statement


def _attention(call: Call) -> C:
    c, i, op = call.constants, call.node.id, cast(Any, call.node.operator)
    data = _array("int32_t", f"bias_{i}", c["bias"].reshape(-1).tolist())
    (m, value_m), (shift, value_shift) = c["multiplier"].tolist(), c["shift"].tolist()
    fields: list[Any] = [f"bias_{i}", f"{{{m}, {shift}}}", _factor(value_m, value_shift)]
    fields += [op.heads, op.head_width, op.window, *c["input_zero_points"].tolist(), call.integer("output_zero_point")]
    tensors = f"{', '.join(call.xs)}, {call.y}, {call.state}"
    statement = f"nn_attention(&op_{i}, model_position, {tensors}, (int32_t *)(void *)({call.scratch}));"
    return data + _struct("nn_attention_args", f"op_{i}", fields), statement


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
    if height * width >= 2**16:
        raise ValueError(f"firmware can't pool {height}x{width} pixels at once: a shifted remainder exceeds 32 bits")
    rescale = _rescale(0, call.integer("multiplier"), call.integer("shift"))
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
    "dense4": _dense4,
    "embedding": _embedding,
    "embedding4": _embedding,
    "layer_norm": _layer_norm,
    "attention": _attention,
    "add": _add,
    "max_pool": _pool,
    "avg_pool": _pool,
    "global_pool": _global_pool,
    "concat": _concat,
    "relu": _clamp,
    "relu6": _clamp,
    "hard_swish": _lookup,
    "gelu": _lookup,
    "zero": _fill,
}
