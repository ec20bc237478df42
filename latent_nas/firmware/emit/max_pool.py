"""Max pooling."""

from typing import Any

from latent_nas.firmware.emit import C, Call, Emitter
from latent_nas.firmware.emit.constants import struct
from latent_nas.operators.window import pads

STRUCT = """typedef struct {
    uint16_t in_h, in_w, channels, out_h, out_w;
    uint8_t kernel_h, kernel_w, stride_h, stride_w, top, left;
} nn_window;"""
PROTOTYPE = "void nn_max_pool(const nn_window *op, const int8_t *x, int8_t *y);"


def pool(call: Call) -> C:
    """Return the constants of a pooling by windows, and its call."""
    op: Any = call.node.operator
    height, width, channels = call.inputs[0]
    top, _, left, _ = pads(height, width, op.kernel_size, op.stride, op.padding)
    fields = [height, width, channels, *call.node.shape[:2], *op.kernel_size, *op.stride, top, left]
    data = struct("nn_window", f"op_{call.node.id}", fields)
    return data, f"nn_{op.kind}(&op_{call.node.id}, {call.xs[0]}, {call.y});"


Kernel = Emitter(pool, (STRUCT, PROTOTYPE), ("max_pool.c", "window.h"))
