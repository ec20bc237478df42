"""A part of a tensor."""

from dataclasses import astuple
from typing import Any

from latent_nas.firmware.emit import C, Call, Emitter
from latent_nas.firmware.emit.constants import struct

STRUCT = """/* Rows of runs of length elements in a tensor; strides and start are in elements of that tensor. */
typedef struct {
    uint32_t rows, runs, length, row_stride, run_stride, start;
} nn_box;"""


def part(call: Call) -> C:
    """Return where the part lies, and the call that copies it."""
    op: Any = call.node.operator
    i = call.node.id
    data = struct("nn_box", f"op_{i}", astuple(op.box(*call.inputs)))
    return data, f"nn_slice(&op_{i}, {call.xs[0]}, {call.y});"


Kernel = Emitter(part, (STRUCT, "void nn_slice(const nn_box *op, const int8_t *x, int8_t *y);"))
