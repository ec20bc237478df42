"""Operators that change the dimensions of a tensor: other shapes, padding, and means over an image."""

from dataclasses import replace
from math import prod

import numpy as np

from latent_nas.interchange.tflite_nodes import Reader
from latent_nas.interchange.tflite_nodes.call import Call
from latent_nas.interchange.tflite_nodes.draft import Value
from latent_nas.operators import Operator
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.dense import Dense
from latent_nas.operators.global_pool import GlobalPool
from latent_nas.operators.pad import Pad


def _wide(dims: tuple[int, ...]) -> list[int]:
    """Return the dimensions that are not 1: tensors with the same ones have the same elements at the same places."""
    return [d for d in dims if d != 1]


def wanted(call: Call) -> list[int]:
    """Return the dimensions that a RESHAPE asks for, -1 for the rest."""
    if len(call.tensors) > 1 and call.tensors[1] is not None:
        given: list[int] = call.constant(1).ravel().tolist()
        return given
    return call.table.array(0, "<i4").tolist() if call.table else []


def reshaped(call: Call) -> Value | np.ndarray:
    """Return the first input with the output's dimensions.

    Raises:
        Unreadable: it has another size or more dimensions than an image.
    """
    dims = call.output.dims
    if (constant := call.constants[0]) is not None:
        if prod(dims) != constant.size:
            raise call.refuse(f"a constant {constant.shape} becomes {dims}")
        return constant.reshape(dims)
    x = call.value(padded=True, closed=True)
    if x.apart != (1, 1) and _wide(dims) == _wide(x.dims):
        return call.again(x)
    if prod(dims) != prod(x.dims):
        raise call.refuse(f"a tensor {x.dims} becomes {dims}, which is of another size")
    if not call.draft.integers or x.closed or call.quant() == x.quant:
        vector = len(dims) <= 2 and len(call.shape()) == 3 and not any(x.pads)
        if x.closed or (_wide(dims) == _wide(call.outer()) and not vector):
            return call.again(x)
        if len(_wide(dims)) <= 1 and not any(x.pads):
            return call.again(call.flattened(x))
        if len(dims) == 2 and dims[-1] == call.shape()[-1] and len(call.shape()) == 3 and not any(x.pads):
            return call.again(x)  # rows of features
        if len(dims) in (3, 4) and dims[0] == 1:
            shape = dims[1:] if len(dims) == 4 else (dims[1], 1, dims[2])
            return call.again(call.reshaped(call.value(), shape))
        raise call.refuse(f"a tensor {x.dims} becomes {dims}; wanted a vector, a sequence or an image, batch 1 first")
    raise call.refuse("it changes the scale or zero point")


def _reshape(call: Call) -> Value | np.ndarray:
    given, dims = wanted(call), call.output.dims
    if (
        len(given) != len(dims)
        or given.count(-1) > 1
        or any(g not in (-1, d) for g, d in zip(given, dims, strict=True))
    ):
        raise call.refuse(f"its output is {dims}, its shape says {given}")
    return reshaped(call)


def _squeeze(call: Call) -> Value | np.ndarray:
    before = call.tensor(0).dims
    axes = {a % len(before) for a in call.table.array(0, "<i4").tolist()} if call.table and before else set()
    axes = axes or {a for a, d in enumerate(before) if d == 1}
    if any(before[a] != 1 for a in axes) or call.output.dims != tuple(d for a, d in enumerate(before) if a not in axes):
        raise call.refuse(f"dimensions {sorted(axes)} of {before} leave no {call.output.dims}")
    return reshaped(call)


def _expand_dims(call: Call) -> Value | np.ndarray:
    axes, rank = call.constant(1).ravel().tolist(), len(call.output.dims)
    if len(axes) != 1 or not -rank <= axes[0] < rank or call.output.dims[axes[0]] != 1:
        raise call.refuse(f"axis {axes} of {call.output.dims} is not 1")
    return reshaped(call)


def _transpose(call: Call) -> Value | np.ndarray:
    perm = [int(p) for p in call.constant(1).ravel()]
    before = call.tensor(0).dims
    if sorted(perm) != list(range(len(before))) or call.output.dims != tuple(before[p] for p in perm):
        raise call.refuse(f"perm {perm} of {before} makes no {call.output.dims}")
    if (constant := call.constants[0]) is not None:
        return constant.transpose(perm)
    moved = [p for p in perm if before[p] != 1]
    if moved != sorted(moved):
        raise call.refuse(f"perm {perm} of {before} moves elements; only dimensions of 1 may change places")
    return reshaped(call)


def _pad(call: Call) -> Value:
    x, amounts = call.value(padded=True), call.constant(1)
    rank, shape = len(x.dims), call.outer()
    if amounts.shape != (rank, 2) or amounts.min() < 0:
        raise call.refuse(f"paddings {amounts.tolist()} of a tensor {x.dims}; wanted two of each dimension")
    if call.output.dims != tuple(d + a + b for d, (a, b) in zip(x.dims, amounts.tolist(), strict=True)):
        raise call.refuse(f"paddings {amounts.tolist()} of a tensor {x.dims} make no {call.output.dims}")
    fill: float = x.quant.zero_point if x.quant else 0
    if len(call.tensors) > 2 and call.tensors[2] is not None:
        value, kind = call.constant(2), call.tensor(2).kind
        if value.size != 1 or kind != call.tensor(0).kind:
            raise call.refuse(f"it pads by {value.size} values of {kind}; wanted one of {call.tensor(0).kind}")
        fill = float(value.ravel()[0]) - 128 * (kind == "UINT8")
    if call.draft.integers and call.quant() != x.quant:
        raise call.refuse("it changes the scale or zero point")
    if not amounts.any():
        return x
    if amounts[0].any():
        raise call.refuse(f"paddings {amounts.tolist()} of the batch")
    if amounts[-1].any() or len(shape) != 3 or rank not in (3, 4):
        return _padded(call, amounts, fill)
    if any(x.pads) and x.fill != fill:
        raise call.refuse(f"it pads by {fill} around a rim of {x.fill}")
    if rank == 3:  # a sequence, which is an image one pixel wide or high
        none = np.zeros(2, int)
        rows, columns = (amounts[1], none) if shape[1] == 1 else (none, amounts[1])
    else:
        rows, columns = (amounts[2], amounts[1]) if call.image() else (amounts[1], amounts[2])
    added = (*rows.tolist(), *columns.tolist())
    top, bottom, left, right = (a + b for a, b in zip(x.pads, added, strict=True))
    return replace(x, dims=call.output.dims, pads=(top, bottom, left, right), fill=fill)


def _padded(call: Call, amounts: np.ndarray, fill: float) -> Value:
    """Return a tensor padded along its channels too, by an operator of its own."""
    x, shape = call.value(), call.shape()
    if x.dims != (1, *shape) or fill != (x.quant.zero_point if x.quant else 0):
        raise call.refuse(f"paddings {amounts.tolist()} by {fill} of a tensor {x.dims}; only zeros are known here")
    before, after = amounts[1:].T.tolist()
    return call.add(Pad(tuple(before), tuple(after)), x)


def _over_space(call: Call, mode: str) -> Value:
    x, axes = call.value(), call.constant(1).ravel().tolist()
    rank = len(x.dims)
    if not all(-rank <= a < rank for a in axes):
        raise call.refuse(f"axes {axes} of a tensor {x.dims}")
    over = {a % rank for a in axes}
    kept = [a for a in range(rank) if a not in over and x.dims[a] != 1]
    if over == {rank - 1} and rank > 1 and mode != "max" and x.dims[-1] == call.shape()[-1]:
        return _over_channels(call, x, mode)
    if mode == "sum":
        raise call.refuse(f"over axes {axes} of a tensor {x.dims}; only over the last is known here")
    if 0 in over or kept not in ([], [rank - 1]) or rank - 1 in over or x.dims[-1] != call.shape()[-1]:
        raise call.refuse(f"over axes {axes} of a tensor {x.dims}; only over height and width is known here")
    if len(call.shape()) == 1 and (not x.quant or x.quant == call.quant()):
        return replace(x, dims=call.output.dims)
    return call.add(GlobalPool(mode), x)


def _over_channels(call: Call, x: Value, mode: str) -> Value:
    """Return a mean or sum over the features of each step or pixel: one filter of equal weights."""
    channels = x.dims[-1]
    weight = np.full(channels, 1.0 if mode == "sum" else 1 / channels)
    operator: Operator
    if len(call.shape()) == 1:
        operator, weights = Dense(1), {"weight": weight[None], "bias": np.zeros(1)}
    else:
        operator, weights = Conv2d(1, (1, 1)), {"weight": weight.reshape(1, 1, 1, -1), "bias": np.zeros(1)}
    if x.quant is not None:
        return call.add(operator, x, constants=operator.constants(weights, [x.quant], call.quant()))
    made = call.add(operator, x)
    call.draft.weights[made.node] = weights
    return made


READERS = {
    "RESHAPE": Reader(_reshape, 17, {"new_shape": (0, "I", 0)}),
    "SQUEEZE": Reader(_squeeze, 30, {"squeeze_dims": (0, "I", 0)}),
    "EXPAND_DIMS": Reader(_expand_dims, 52),
    "TRANSPOSE": Reader(_transpose, 26),
    "PAD": Reader(_pad, 22),
    "PADV2": Reader(_pad, 43),
    "SUM": Reader(lambda call: _over_space(call, "sum"), 27, {"keep_dims": (0, "?", False)}),
    "MEAN": Reader(lambda call: _over_space(call, "avg"), 27, {"keep_dims": (0, "?", False)}),
    "REDUCE_MAX": Reader(lambda call: _over_space(call, "max"), 27, {"keep_dims": (0, "?", False)}),
}
