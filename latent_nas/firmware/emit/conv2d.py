"""Convolution of any window; the C for cores with SMLAD lies in a file of its own."""

from typing import Any

from latent_nas.firmware.emit import C, Call, Emitter
from latent_nas.firmware.emit.constants import struct, weighted
from latent_nas.operators.window import pads

STRUCT = """\
/* Convolution. Biases of conv2d and pointwise hold -zero * sum(weights) already; those of depthwise do not. */
typedef struct {
    const int8_t *weight; /* conv2d: (out_c, kernel_h, kernel_w, in_c / groups); depthwise: (kernel_h, kernel_w, c) */
    const nn_channel *channel;
    uint16_t in_h, in_w, in_c, out_h, out_w, out_c;
    uint8_t kernel_h, kernel_w, stride_h, stride_w, top, left;
    uint16_t groups;
    int8_t in_zero, out_zero, low, high;
} nn_conv;"""
PROTOTYPES = """\
/* scratch: conv2d 4 bytes per element of a window, pointwise 4 per input channel; plain kernels use none. */
void nn_conv2d(const nn_conv *op, const int8_t *x, int8_t *y, int16_t *scratch);
void nn_pointwise(const nn_conv *op, const int8_t *x, int8_t *y, int16_t *scratch);"""
FILES = ("conv2d.c", "conv2d_smlad.c", "conv2d.h", "clamp.c", "clamp.h")


def convolution(call: Call, depthwise: bool = False) -> C:
    """Return the constants of a convolution, and its call."""
    op: Any = call.node.operator
    i, weight = call.node.id, call.constants["weight"]
    height, width, channels = call.inputs[0]
    top, _, left, _ = pads(height, width, op.kernel_size, op.stride, op.padding)
    if depthwise:
        weight = weight[..., 0].transpose(1, 2, 0)
    fields = [f"weight_{i}", f"channel_{i}", height, width, channels, *call.node.shape]
    fields += [*op.kernel_size, *op.stride, top, left, op.groups]
    fields += [call.integer(name) for name in ("input_zero_point", "output_zero_point", "low", "high")]
    data = weighted(call, weight, not depthwise) + struct("nn_conv", f"op_{i}", fields)
    scratch = "" if depthwise else f", (int16_t *)(void *)({call.scratch})"
    return data, f"nn_{op.kernel(*call.inputs)}(&op_{i}, {call.xs[0]}, {call.y}{scratch});"


Kernel = Emitter(convolution, (STRUCT, PROTOTYPES), FILES)
