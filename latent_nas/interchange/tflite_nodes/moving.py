"""Operators that move elements and compute nothing: they are done to the order of the elements as they stand.

What comes out is put where it belongs when an operator reads it, see ``settling``. So an enlargement by TILE, a shuffle
of channels, a part and a choice of rows are one kind.
"""

from collections.abc import Callable
from functools import partial
from math import prod

import numpy as np

from latent_nas.interchange.onnx_view import memory
from latent_nas.interchange.tflite_file import Operation
from latent_nas.interchange.tflite_nodes import Field, Reader
from latent_nas.interchange.tflite_nodes.call import Call
from latent_nas.interchange.tflite_nodes.draft import Unreadable, Value
from latent_nas.interchange.tflite_nodes.layout import wanted
from latent_nas.interchange.tflite_nodes.settling import LARGEST

Move = Callable[[Call, np.ndarray], np.ndarray]


def moved(call: Call, i: int, move: Move) -> Value:
    """Return the i-th input with its elements moved, which ``move`` does to an array of its dimensions.

    Raises:
        Unreadable: it can't be done, or the file says that it makes other dimensions or another scale.
    """
    x, dims = call.value(i, moved=True), call.output.dims
    if x.apart != (1, 1):
        raise call.refuse("it moves elements of a tensor in blocks")
    if call.draft.integers and call.quant() != x.quant:
        raise call.refuse("it changes the scale or zero point")
    if max(prod(dims), prod(x.dims)) > LARGEST:
        raise call.refuse(f"a tensor {x.dims} becomes {dims}, which no device here can hold")
    try:
        order = move(call, memory(x.dims) if x.order is None else x.order)
    except Unreadable:
        raise
    except (ValueError, IndexError, TypeError) as error:
        raise call.refuse(" ".join(str(error).split())) from None
    if order.shape != dims:
        raise call.refuse(f"a tensor {x.dims} becomes {order.shape}; the file says {dims}")
    return Value(x.node, dims, x.quant, order=order)


def strided(operation: Operation, x: np.ndarray, begin: np.ndarray, end: np.ndarray, stride: np.ndarray) -> np.ndarray:
    """Return the part of an array that a STRIDED_SLICE takes.

    Raises:
        ValueError: it has a mask that is not known here.
    """
    table = operation.options
    first, last, dots, new, shrunk = (0 if table is None else table.integer(i, "i") for i in range(5))
    if dots or new or (table is not None and table.integer(5, "?")):
        raise ValueError("an ellipsis, a new axis or an offset is not known here")
    index: list[slice | int] = []
    for i, (b, e, s) in enumerate(zip(*(a.ravel().tolist() for a in (begin, end, stride)), strict=True)):
        whole = slice(None if first >> i & 1 else b, None if last >> i & 1 else e, s)
        index.append(b if shrunk >> i & 1 else whole)
    return x[tuple(index)]


def _slice(call: Call, x: np.ndarray) -> np.ndarray:
    begin, size = (call.constant(i).ravel().tolist() for i in (1, 2))
    if min(begin, default=0) < 0:
        raise ValueError(f"a part that begins at {begin}")
    return x[tuple(slice(b, None if s == -1 else b + s) for b, s in zip(begin, size, strict=True))]


def _split(call: Call, x: np.ndarray) -> np.ndarray:
    """Return one of equal parts along an axis."""
    return np.split(x, call.option("number"), _axis(call, 0, x))[call.which]


def _split_by(call: Call, x: np.ndarray) -> np.ndarray:
    """Return one of parts of stated sizes along an axis."""
    sizes, axis = call.constant(1).ravel().tolist(), _axis(call, 2, x)
    left = x.shape[axis] - sum(s for s in sizes if s != -1)
    sizes = [left if s == -1 else s for s in sizes]
    if sum(sizes) != x.shape[axis] or min(sizes) < 1:
        raise ValueError(f"parts {sizes} of {x.shape} along axis {axis}")
    return np.split(x, np.cumsum(sizes)[:-1], axis)[call.which]


def _axis(call: Call, i: int, x: np.ndarray) -> int:
    held = call.constant(i).ravel().tolist()
    if len(held) != 1 or not -x.ndim <= held[0] < x.ndim:
        raise ValueError(f"axis {held} of a tensor {x.shape}")
    return int(held[0]) % x.ndim


def _gather(call: Call, x: np.ndarray) -> np.ndarray:
    if call.option("batch_dims"):
        raise ValueError("only one without batch_dims is known here")
    return x.take(call.constant(1), call.option("axis"))


def _mirrored(call: Call, x: np.ndarray) -> np.ndarray:
    return np.pad(x, call.constant(1), "symmetric" if call.option("mode") else "reflect")


def _blocks(call: Call, x: np.ndarray, apart: bool) -> np.ndarray:
    """Return blocks of pixels as channels, or channels as blocks of pixels."""
    n, height, width, channels = x.shape
    size = call.option("block")
    if apart:
        split = x.reshape(n, height // size, size, width // size, size, channels)
        return split.transpose(0, 1, 3, 2, 4, 5).reshape(n, height // size, width // size, -1)
    split = x.reshape(n, height, width, size, size, -1).transpose(0, 1, 3, 2, 4, 5)
    return split.reshape(n, height * size, width * size, -1)


def _squeezed(call: Call, x: np.ndarray) -> np.ndarray:
    axes = call.table.array(0, "<i4").tolist() if call.table else []
    return x.squeeze(tuple(axes) or None)


MOVES: dict[str, tuple[int, Move]] = {  # by operator, which input it moves
    "RESHAPE": (0, lambda call, x: x.reshape(wanted(call))),
    "SQUEEZE": (0, _squeezed),
    "EXPAND_DIMS": (0, lambda call, x: np.expand_dims(x, tuple(call.constant(1).ravel().tolist()))),
    "TRANSPOSE": (0, lambda call, x: x.transpose(call.constant(1).ravel())),
    "SLICE": (0, _slice),
    "STRIDED_SLICE": (0, lambda call, x: strided(call.operation, x, *(call.constant(i) for i in (1, 2, 3)))),
    "SPLIT": (1, _split),
    "SPLIT_V": (0, _split_by),
    "GATHER": (0, _gather),
    "TILE": (0, lambda call, x: np.tile(x, call.constant(1).ravel())),
    "BROADCAST_TO": (0, lambda call, x: np.broadcast_to(x, call.output.dims)),
    "REVERSE_V2": (0, lambda call, x: np.flip(x, tuple(call.constant(1).ravel().tolist()))),
    "MIRROR_PAD": (0, _mirrored),
    "SPACE_TO_DEPTH": (0, partial(_blocks, apart=True)),
    "DEPTH_TO_SPACE": (0, partial(_blocks, apart=False)),
}


def _reader(code: str) -> Callable[[Call], Value]:
    i, move = MOVES[code]
    return lambda call: moved(call, i, move)


STRIDED: dict[str, Field] = {
    **{"begin": (0, "i", 0), "end": (1, "i", 0), "ellipsis": (2, "i", 0), "new_axis": (3, "i", 0)},
    **{"shrink": (4, "i", 0), "offset": (5, "?", False)},
}
READERS = {
    "SLICE": Reader(_reader("SLICE"), 48),
    "STRIDED_SLICE": Reader(_reader("STRIDED_SLICE"), 32, STRIDED),
    "SPLIT": Reader(_reader("SPLIT"), 35, {"number": (0, "i", 0)}, several=True),
    "SPLIT_V": Reader(_reader("SPLIT_V"), 79, {"number": (0, "i", 0)}, several=True),
    "GATHER": Reader(_reader("GATHER"), 23, {"axis": (0, "i", 0), "batch_dims": (1, "i", 0)}),
    "TILE": Reader(_reader("TILE"), 50),
    "BROADCAST_TO": Reader(_reader("BROADCAST_TO")),
    "REVERSE_V2": Reader(_reader("REVERSE_V2"), 81),
    "MIRROR_PAD": Reader(_reader("MIRROR_PAD"), 77, {"mode": (0, "b", 0)}),
    "SPACE_TO_DEPTH": Reader(_reader("SPACE_TO_DEPTH"), 19, {"block": (0, "i", 0)}),
    "DEPTH_TO_SPACE": Reader(_reader("DEPTH_TO_SPACE"), 94, {"block": (0, "i", 0)}),
}
