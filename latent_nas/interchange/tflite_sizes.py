"""Shapes that a .tflite file works out while it runs: a converter leaves them open where the batch was not fixed.

What is made of SHAPE is worked out for a batch of 1, and the tensors whose dimensions depend on it get them.
"""

from collections.abc import Callable
from dataclasses import replace
from math import prod

import numpy as np

from latent_nas.interchange.tflite_file import File, Operation, Tensor
from latent_nas.interchange.tflite_nodes.activations import FORMULAS
from latent_nas.interchange.tflite_nodes.moving import strided

LARGEST = 2**24  # elements of a tensor: more than any device holds
MOST = 64  # elements of a list of dimensions
INTEGERS = ("INT32", "INT64")
ALIKE = {*FORMULAS, "RELU", "RELU6", "LEAKY_RELU", "GELU", "HARD_SWISH", "LOGISTIC", "SOFTMAX", "LOG_SOFTMAX", "PRELU"}
ALIKE |= {"QUANTIZE", "DEQUANTIZE", "CAST", "L2_NORMALIZATION", "REVERSE_V2"}
PAIRS = {"ADD", "SUB", "MUL", "DIV", "MAXIMUM", "MINIMUM", "SQUARED_DIFFERENCE", "SELECT_V2", "SELECT"}
PAIRS |= {"GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL", "EQUAL", "NOT_EQUAL"}
Arrays = list[np.ndarray]


def _option(operation: Operation, number: int, kind: str = "i") -> int:
    return 0 if operation.options is None else operation.options.integer(number, kind)


def _packed(o: Operation, xs: Arrays) -> np.ndarray:
    return np.stack(xs, _option(o, 1))


FOLDED: dict[str, Callable[[Operation, Arrays], np.ndarray]] = {  # of constants
    "STRIDED_SLICE": lambda o, xs: strided(o, *xs),
    "GATHER": lambda o, xs: xs[0].take(xs[1], _option(o, 0)),
    "REDUCE_PROD": lambda o, xs: xs[0].prod(tuple(xs[1].ravel().tolist()), keepdims=bool(_option(o, 0, "?"))),
    "PACK": _packed,
    "CONCATENATION": lambda o, xs: np.concatenate(xs, _option(o, 0)),
    "CAST": lambda o, xs: xs[0],
    "ADD": lambda o, xs: xs[0] + xs[1],
    "SUB": lambda o, xs: xs[0] - xs[1],
    "MUL": lambda o, xs: xs[0] * xs[1],
    "FLOOR_DIV": lambda o, xs: xs[0] // xs[1],
    "MAXIMUM": lambda o, xs: np.maximum(*xs),
    "MINIMUM": lambda o, xs: np.minimum(*xs),
    "RESHAPE": lambda o, xs: xs[0].reshape(xs[1]),
    "EXPAND_DIMS": lambda o, xs: np.expand_dims(xs[0], int(xs[1].ravel()[0])),
    "SQUEEZE": lambda o, xs: xs[0].squeeze(),
}


def sized(file: File) -> File:
    """Return a file with its lists of dimensions as constants, and the dimensions that it leaves open."""
    tensors = list(file.tensors)
    for operation in file.operations:
        inputs = [tensors[i] for i in operation.inputs if i >= 0]
        for i, number in enumerate(operation.outputs):
            if number < 0:
                continue
            output = tensors[number]
            if (array := _constant(operation, inputs, output)) is not None:
                tensors[number] = replace(output, array=array, dims=array.shape, dynamic=False)
            elif (
                output.dynamic
                or operation.code == "RESHAPE"
                or any(t.dims != file.tensors[j].dims for j in operation.inputs if j >= 0 and (t := tensors[j]))
            ):
                dims = _dims(operation, inputs, i)
                same = operation.code == "RESHAPE" or (dims is not None and len(dims) == len(output.dims))
                if dims is not None and same and min(dims, default=0) > 0:
                    tensors[number] = replace(output, dims=dims, dynamic=False)
    made = {i for i, t in enumerate(tensors) if t.array is not None and file.tensors[i].array is None}
    left = tuple(o for o in file.operations if not made.issuperset(o.outputs) or not o.outputs)
    return replace(file, tensors=tuple(tensors), operations=left) if made or list(file.tensors) != tensors else file


def _constant(operation: Operation, inputs: list[Tensor], output: Tensor) -> np.ndarray | None:
    """Return what an operator makes of lists of dimensions; None where it reads or makes anything else."""
    if output.kind not in INTEGERS or len(operation.outputs) != 1:
        return None
    if operation.code == "SHAPE" and len(inputs) == 1 and not inputs[0].dynamic:
        return np.array(inputs[0].dims, np.int64)
    arrays = [t.array.astype(np.int64) for t in inputs if t.array is not None and t.array.size <= MOST]
    if operation.code not in FOLDED or len(arrays) != len(operation.inputs):
        return None
    try:
        made = np.asarray(FOLDED[operation.code](operation, arrays), np.int64)
    except (ValueError, IndexError, TypeError, ZeroDivisionError):  # of a damaged file, which is refused as it is
        return None
    return made if made.size <= MOST else None


def _dims(operation: Operation, inputs: list[Tensor], which: int) -> tuple[int, ...] | None:
    """Return the dimensions of an operator's output; None where there is no rule, or they can't be worked out."""
    code, constants = operation.code, [t.array for t in inputs]
    try:
        if code in ALIKE:
            return inputs[0].dims
        if code in PAIRS:
            return np.broadcast_shapes(*(t.dims for t in inputs))
        if code in RULES and all(prod(t.dims) <= LARGEST for t in inputs):
            return RULES[code](operation, inputs, constants)
    except (ValueError, IndexError, TypeError, ZeroDivisionError, AttributeError):  # of a damaged file
        pass
    return None


Constants = list["np.ndarray | None"]


def _reshaped(o: Operation, inputs: list[Tensor], held: Constants) -> tuple[int, ...] | None:
    given = held[1] if len(held) > 1 else None
    dims = given.ravel().tolist() if given is not None else []
    if dims.count(-1) == 1:
        rest = prod(d for d in dims if d != -1)
        dims[dims.index(-1)] = prod(inputs[0].dims) // max(rest, 1)
    return tuple(dims) if dims and min(dims) > 0 and prod(dims) == prod(inputs[0].dims) else None


def _window(o: Operation, inputs: list[Tensor], size: tuple[int, int], channels: int, apart: int) -> tuple[int, ...]:
    """Return what a window slides to; ``apart``: the field of the dilation's width, 0: it has none."""
    stride = (_option(o, 2), _option(o, 1))
    dilation = (max(1, _option(o, apart + 1)), max(1, _option(o, apart))) if apart else (1, 1)
    same, rows = _option(o, 0, "b") == 0, []
    for n, k, s, d in zip(inputs[0].dims[1:3], size, stride, dilation, strict=True):
        rows.append(-(-n // s) if same else (n - (k - 1) * d - 1) // s + 1)
    return (inputs[0].dims[0], *rows, channels)


def _dense(o: Operation, inputs: list[Tensor], held: Constants) -> tuple[int, ...]:
    units, features = inputs[1].dims
    rows = inputs[0].dims[:-1] if _option(o, 2, "?") else (prod(inputs[0].dims) // features,)
    return (*rows, units)


def _reduced(o: Operation, inputs: list[Tensor], held: Constants) -> tuple[int, ...]:
    dims = inputs[0].dims
    over = {int(a) % len(dims) for a in np.ravel(held[1])}  # type: ignore[arg-type]
    keep = bool(_option(o, 0, "?"))
    return tuple(1 if i in over else d for i, d in enumerate(dims) if keep or i not in over)


def _joined(o: Operation, inputs: list[Tensor], held: Constants) -> tuple[int, ...]:
    dims, axis = list(inputs[0].dims), _option(o, 0)
    dims[axis] = sum(t.dims[axis] for t in inputs)
    return tuple(dims)


def _moved(move: Callable[..., np.ndarray]) -> Callable[[Operation, list[Tensor], Constants], tuple[int, ...]]:
    """Return the rule of what moves elements: it is done to an array of the same dimensions that takes no memory."""
    return lambda o, inputs, held: move(o, np.broadcast_to(np.int8(0), inputs[0].dims), *held[1:]).shape


def _amounts(held: Constants) -> list[int]:
    array = held[1]
    return [] if array is None else array.ravel().tolist()


RULES: dict[str, Callable[[Operation, list[Tensor], Constants], "tuple[int, ...] | None"]] = {
    "RESHAPE": _reshaped,
    "FULLY_CONNECTED": _dense,
    "CONV_2D": lambda o, t, c: _window(o, t, t[1].dims[1:3], t[1].dims[0], 4),  # type: ignore[arg-type]
    "DEPTHWISE_CONV_2D": lambda o, t, c: _window(o, t, t[1].dims[1:3], t[1].dims[3], 5),  # type: ignore[arg-type]
    "AVERAGE_POOL_2D": lambda o, t, c: _window(o, t, (_option(o, 4), _option(o, 3)), t[0].dims[3], 0),
    "MAX_POOL_2D": lambda o, t, c: _window(o, t, (_option(o, 4), _option(o, 3)), t[0].dims[3], 0),
    "CONCATENATION": _joined,
    "MEAN": _reduced,
    "SUM": _reduced,
    "REDUCE_MAX": _reduced,
    "TRANSPOSE_CONV": lambda o, t, c: tuple(np.ravel(c[0]).tolist()),  # type: ignore[arg-type]
    "RESIZE_BILINEAR": lambda o, t, c: (t[0].dims[0], *_amounts(c), t[0].dims[3]),
    "RESIZE_NEAREST_NEIGHBOR": lambda o, t, c: (t[0].dims[0], *_amounts(c), t[0].dims[3]),
    "TILE": lambda o, t, c: tuple(n * d for n, d in zip(_amounts(c), t[0].dims, strict=True)),
    "BROADCAST_TO": lambda o, t, c: tuple(_amounts(c)),
    "PAD": lambda o, t, c: tuple(n + a + b for n, (a, b) in zip(t[0].dims, np.array(c[1]).tolist(), strict=True)),
    "EXPAND_DIMS": _moved(lambda o, x, axis: np.expand_dims(x, int(axis.ravel()[0]))),
    "SQUEEZE": _moved(lambda o, x: x.squeeze(tuple(o.options.array(0, "<i4").tolist()) if o.options else None)),
    "TRANSPOSE": _moved(lambda o, x, perm: x.transpose(perm.ravel())),
    "STRIDED_SLICE": _moved(strided),
}
