"""Zeros around a tensor."""

from dataclasses import astuple
from math import prod
from typing import Any

from latent_nas.firmware.emit import C, Call, Emitter
from latent_nas.firmware.emit.constants import struct
from latent_nas.firmware.emit.slice import STRUCT

PROTOTYPE = "void nn_pad(const nn_box *op, uint32_t n, int8_t zero, const int8_t *x, int8_t *y);"


def pad(call: Call) -> C:
    """Return where the input lies in the output, and the call."""
    op: Any = call.node.operator
    i = call.node.id
    data = struct("nn_box", f"op_{i}", astuple(op.box(*call.inputs)))
    return data, f"nn_pad(&op_{i}, {prod(call.node.shape)}, {call.integer('zero_point')}, {call.xs[0]}, {call.y});"


Kernel = Emitter(pad, (STRUCT, PROTOTYPE))
