"""Convolution of any window with 4-bit weights."""

from typing import Any

import numpy as np

from latent_nas.firmware.emit import C, Call, Emitter
from latent_nas.firmware.emit.constants import ALIGNED, array, folded, struct
from latent_nas.operators._weights import compacted
from latent_nas.operators.window import pads

STRUCT = """\
/* Convolution of 4-bit weights. Biases of conv2d4 hold -zero * sum(weights) already; those of depthwise4 do not. */
typedef struct {
    const int8_t *weight; /* rows of filters, see conv2d4.c; depthwise4: one row (h, w, c), see nibble.h */
    const int32_t *bias;
    const uint16_t *factor; /* see nn_factor4 */
    uint16_t in_h, in_w, in_c, out_h, out_w, out_c;
    uint8_t kernel_h, kernel_w, stride_h, stride_w, top, left;
    int8_t in_zero, out_zero, low, high;
} nn_conv4;"""
PROTOTYPE = """\
/* scratch: 48 bytes per block of eight values of a window; windows of one pixel may work in place. */
void nn_conv2d4(const nn_conv4 *op, const int8_t *x, int8_t *y, int16_t *scratch);"""
FILES = ("conv2d4.c", "factor4.h", "clamp.c", "clamp.h")


def convolution4(call: Call) -> C:
    """Return the constants of a convolution, and its call."""
    weight, i = call.constants["weight"], call.node.id
    data = weights4(call, by_eight(weight.reshape(len(weight), -1)), folded(call))
    return data, f"nn_conv2d4(&op_{i}, {call.xs[0]}, {call.y}, (int16_t *)(void *)({call.scratch}));"


def weights4(call: Call, rows: np.ndarray, biases: np.ndarray) -> str:
    """Return the definitions of weights, biases and factors of an operator, and of its ``op_<id>``."""
    i, c, op = call.node.id, call.constants, _convolution(call)
    height, width, depth = call.inputs[0]
    top, _, left, _ = pads(height, width, op.kernel_size, op.stride, op.padding)
    values = [f"weight_{i}", f"bias_{i}", f"factor_{i}", height, width, depth, *call.node.shape]
    values += [*op.kernel_size, *op.stride, top, left]
    values += [call.integer(name) for name in ("input_zero_point", "output_zero_point", "low", "high")]
    return (
        array("int8_t", f"weight_{i}", rows.reshape(-1).tolist(), ALIGNED)
        + array("int32_t", f"bias_{i}", ["INT32_MIN" if b == -(2**31) else int(b) for b in biases])
        + array("uint16_t", f"factor_{i}", compacted(c["multiplier"], c["shift"]).tolist())
        + struct("nn_conv4", f"op_{i}", values)
    )


def by_eight(weight: np.ndarray) -> np.ndarray:
    """Return rows (n, k) of 4-bit weights as bytes (n, ceil(k / 8) * 4), see conv2d4.c."""
    rows = np.pad(weight.astype(np.int64), ((0, 0), (0, -weight.shape[1] % 8))).reshape(len(weight), -1, 8) & 15
    words = sum(rows[..., i] << (4 * (i // 2) + 16 * (i % 2)) for i in range(8))
    return np.asarray(words, "<u4").view(np.int8).reshape(len(weight), -1)


def _convolution(call: Call) -> Any:
    return call.node.operator


Kernel = Emitter(convolution4, (STRUCT, PROTOTYPE), FILES)
