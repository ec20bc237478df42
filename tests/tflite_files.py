"""Writes .tflite files from the schema's numbers alone: nothing of the package, of TensorFlow or of flatbuffers.

So that what reads and what writes such files in the package can't share an error with what they are tested by.
"""

import struct
from dataclasses import dataclass, field
from typing import Any

import numpy as np

KINDS = {"FLOAT32": 0, "FLOAT16": 1, "INT32": 2, "UINT8": 3, "INT64": 4, "BOOL": 6, "INT16": 7, "INT8": 9, "INT4": 17}
DTYPES = {
    "FLOAT32": "<f4",
    "FLOAT16": "<f2",
    "INT32": "<i4",
    "UINT8": "u1",
    "INT64": "<i8",
    "INT16": "<i2",
    "INT8": "i1",
}
CODES = {
    **{"ADD": 0, "AVERAGE_POOL_2D": 1, "CONCATENATION": 2, "CONV_2D": 3, "DEPTHWISE_CONV_2D": 4, "DEQUANTIZE": 6},
    **{"FULLY_CONNECTED": 9, "LOGISTIC": 14, "MAX_POOL_2D": 17, "MUL": 18, "RELU": 19, "RELU_N1_TO_1": 20},
    **{"RELU6": 21, "RESHAPE": 22, "SOFTMAX": 25, "TANH": 28, "CUSTOM": 32, "PAD": 34, "TRANSPOSE": 39, "MEAN": 40},
    **{"SUB": 41, "DIV": 42, "SQUEEZE": 43, "STRIDED_SLICE": 45, "LOG_SOFTMAX": 50, "ARG_MAX": 56, "PADV2": 60},
    **{
        "EXPAND_DIMS": 70,
        "SHAPE": 77,
        "REDUCE_MAX": 82,
        "PACK": 83,
        "LEAKY_RELU": 98,
        "MIRROR_PAD": 100,
        "L2_POOL_2D": 12,
        "TILE": 69,
        "GATHER": 36,
        **{"GREATER": 61, "MAXIMUM": 55, "MINIMUM": 57, "SELECT_V2": 123, "SUM": 74, "ABS": 101},
        "ELU": 111,
    },
    **{"QUANTIZE": 114, "HARD_SWISH": 117, "GELU": 150, "COS": 108, "BATCH_TO_SPACE_ND": 37, "SPACE_TO_BATCH_ND": 38},
    **{
        "SLICE": 65,
        "RESIZE_NEAREST_NEIGHBOR": 97,
        "TRANSPOSE_CONV": 67,
        "PRELU": 54,
        "SPLIT": 49,
        "RESIZE_BILINEAR": 23,
    },
}
VERSIONS = {  # the first with int8 of those whose first version has none
    **{"CONV_2D": 3, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 4, "ADD": 2, "MUL": 2, "SUB": 2, "CONCATENATION": 2},
    **{"AVERAGE_POOL_2D": 2, "MAX_POOL_2D": 2, "MEAN": 2, "PAD": 2, "PADV2": 2, "RELU": 2, "RELU6": 2, "SOFTMAX": 2},
    **{"LOGISTIC": 2, "TANH": 2, "LOG_SOFTMAX": 2, "ARG_MAX": 2, "TRANSPOSE": 2, "DEQUANTIZE": 2, "REDUCE_MAX": 2},
    **{
        "LEAKY_RELU": 2,
        "RELU_N1_TO_1": 1,
        "STRIDED_SLICE": 2,
        "PACK": 2,
        "SLICE": 2,
        "TRANSPOSE_CONV": 3,
        "SPLIT": 2,
        "RESIZE_NEAREST_NEIGHBOR": 2,
        "RESIZE_BILINEAR": 2,
        "GELU": 2,
    },
}
SAME, VALID = 0, 1
NONE, RELU, RELU_N1_TO_1, RELU6, TANH = 0, 1, 2, 3, 4
Fields = dict[int, Any]  # of a table: (kind of ``struct``, number), a table, a list of tables, an array, a text


def packed(root: Fields, identifier: bytes = b"TFL3") -> bytes:
    """Return the FlatBuffers file of a table."""
    out = bytearray(4) + identifier
    _offset(out, 0, _table(out, root))
    return bytes(out)


def _offset(out: bytearray, at: int, target: int) -> None:
    out[at : at + 4] = struct.pack("<I", target - at)


def _align(out: bytearray, size: int, ahead: int = 0) -> None:
    out.extend(bytes(-(len(out) + ahead) % size))


def _table(out: bytearray, fields: Fields) -> int:
    """Append a table and what it points to; return where it lies."""
    sizes = {n: struct.calcsize(v[0]) if isinstance(v, tuple) else 4 for n, v in fields.items()}
    order, places, end = sorted(fields, key=lambda n: -sizes[n]), {}, 4
    for number in order:
        end += -end % sizes[number]
        places[number], end = end, end + sizes[number]
    entries = [places.get(n, 0) for n in range(max(fields, default=-1) + 1)]
    vtable = struct.pack(f"<{2 + len(entries)}H", 4 + 2 * len(entries), end, *entries)
    _align(out, 8, len(vtable))
    at = len(out) + len(vtable)
    out.extend(vtable + struct.pack("<i", len(vtable)) + bytes(end - 4))
    for number, value in fields.items():
        place = at + places[number]
        if isinstance(value, tuple):
            struct.pack_into(f"<{value[0]}", out, place, value[1])
        else:
            _offset(out, place, _reached(out, value))
    return at


def _reached(out: bytearray, value: Any) -> int:
    """Append a value that a table points to; return where it lies."""
    if isinstance(value, dict):
        return _table(out, value)
    if isinstance(value, list):
        _align(out, 4)
        at = len(out)
        out.extend(struct.pack("<I", len(value)) + bytes(4 * len(value)))
        for i, table in enumerate(value):
            _offset(out, at + 4 + 4 * i, _table(out, table))
        return at
    array = np.frombuffer(value.encode(), np.uint8) if isinstance(value, str) else np.asarray(value)
    _align(out, 16, 4)
    at = len(out)
    out.extend(struct.pack("<I", array.size) + array.tobytes() + bytes(isinstance(value, str)))
    return at


@dataclass
class Model:
    """A graph in the making: ``tensor`` and ``op`` add to it, ``file`` writes it.

    ``spoil``: called with the fields of the model's, subgraph's or a tensor's table before they are written.
    """

    tensors: list[Fields] = field(default_factory=list)
    buffers: list[Fields] = field(default_factory=lambda: [{}])
    operators: list[Fields] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    dims: list[tuple[int, ...]] = field(default_factory=list)

    def tensor(
        self,
        dims: tuple[int, ...],
        kind: str = "INT8",
        scale: float | np.ndarray | None = None,
        zero: int | np.ndarray = 0,
        data: np.ndarray | None = None,
        axis: int = 0,
        extra: Fields | None = None,
    ) -> int:
        """Return a new tensor; with ``data`` it is a constant. ``extra``: further fields of its table."""
        number = len(self.tensors)
        fields: Fields = {0: np.array(dims, "<i4"), 1: ("b", KINDS[kind]), 3: f"t{number}"}
        if data is not None:
            fields[2] = ("I", len(self.buffers))
            self.buffers.append({0: np.frombuffer(np.asarray(data, DTYPES[kind]).tobytes(), np.uint8)})
        if scale is not None:
            scales = np.atleast_1d(np.asarray(scale, "<f4"))
            zeros = np.broadcast_to(np.asarray(zero, "<i8"), scales.shape)
            fields[4] = {2: scales, 3: np.ascontiguousarray(zeros), **({6: ("i", axis)} if axis else {})}
        self.tensors.append(fields | (extra or {}))
        self.dims.append(tuple(dims))
        return number

    def op(self, code: str, inputs: list[int], output: int, options: tuple[int, Fields] | None = None) -> int:
        """Add an operator; return its output. ``options``: the number of their kind, and their fields."""
        if code not in self.codes:
            self.codes.append(code)
        fields: Fields = {1: np.array(inputs, "<i4"), 2: np.array([output], "<i4")}
        fields[0] = ("I", self.codes.index(code))
        if options is not None:
            fields |= {3: ("B", options[0]), 4: options[1]}
        self.operators.append(fields)
        return output

    def root(self, inputs: list[int], outputs: list[int]) -> Fields:
        """Return the fields of the model's table."""
        codes = []
        for name in self.codes:
            number = CODES[name.split()[0]]
            own = {1: name.split()[1]} if name.startswith("CUSTOM ") else {}
            codes.append({0: ("b", min(number, 127)), 2: ("i", VERSIONS.get(name, 1)), 3: ("i", number), **own})
        graph = {0: self.tensors, 1: np.array(inputs, "<i4"), 2: np.array(outputs, "<i4"), 3: self.operators, 4: "main"}
        return {0: ("I", 3), 1: codes, 2: [graph], 3: "by hand", 4: self.buffers}

    def file(self, first: int, last: int) -> bytes:
        """Return the file of the graph with this input and output."""
        return packed(self.root([first], [last]))


def conv_options(
    stride: tuple[int, int], padding: int, activation: int = NONE, dilation: int = 1
) -> tuple[int, Fields]:
    """Return the options of CONV_2D."""
    fields = {0: ("b", padding), 1: ("i", stride[1]), 2: ("i", stride[0]), 3: ("b", activation)}
    return 1, fields | {4: ("i", dilation), 5: ("i", dilation)}


def depthwise_options(
    stride: tuple[int, int], padding: int, activation: int = NONE, multiplier: int = 1
) -> tuple[int, Fields]:
    """Return the options of DEPTHWISE_CONV_2D."""
    fields = {0: ("b", padding), 1: ("i", stride[1]), 2: ("i", stride[0]), 3: ("i", multiplier), 4: ("b", activation)}
    return 2, fields | {5: ("i", 1), 6: ("i", 1)}


def pool_options(size: tuple[int, int], stride: tuple[int, int], padding: int, activation: int = NONE) -> Any:
    """Return the options of AVERAGE_POOL_2D and MAX_POOL_2D."""
    fields = {0: ("b", padding), 1: ("i", stride[1]), 2: ("i", stride[0]), 3: ("i", size[1]), 4: ("i", size[0])}
    return 5, fields | {5: ("b", activation)}
