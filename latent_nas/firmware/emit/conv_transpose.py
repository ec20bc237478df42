"""Transposed convolution."""

from typing import Any

from latent_nas.firmware.emit import C, Call, Emitter
from latent_nas.firmware.emit.constants import struct, weighted

DECLARES = """/* Transposed convolution; biases hold no zero point, as few taps meet an output. */
typedef struct {
    const int8_t *weight; /* (out_c, kernel_h, kernel_w, in_c) */
    const nn_channel *channel;
    uint16_t in_h, in_w, in_c, out_h, out_w, out_c;
    uint8_t kernel_h, kernel_w, stride_h, stride_w, top, left;
    int16_t in_zero, out_zero, low, high;
} nn_transposed;
void nn_conv_transpose(const nn_transposed *op, const int8_t *x, int8_t *y);"""


def transposed(call: Call) -> C:
    """Return the constants of a transposed convolution, and its call."""
    op: Any = call.node.operator
    i = call.node.id
    fields = [f"weight_{i}", f"channel_{i}", *call.inputs[0], *call.node.shape]
    fields += [*op.kernel_size, *op.stride, op.crop[0], op.crop[2]]
    fields += [call.integer(name) for name in ("input_zero_point", "output_zero_point", "low", "high")]
    data = weighted(call, call.constants["weight"], False) + struct("nn_transposed", f"op_{i}", fields)
    return data, f"nn_conv_transpose(&op_{i}, {call.xs[0]}, {call.y});"


Kernel = Emitter(transposed, (DECLARES,))
