"""Convolution of any window; the C for cores with SMLAD lies in a file of its own."""

from typing import Any

import numpy as np

from latent_nas.firmware.emit import C, Call, Emitter
from latent_nas.firmware.emit.constants import (
    ALIGNED,
    array,
    channel,
    channels,
    paired_channels,
    pairs,
    pairs_fit,
    small,
    struct,
    weighted,
)
from latent_nas.operators.window import pads

STRUCT = """\
/* Convolution. Biases of conv2d and pointwise hold -zero * sum(weights) already; those of depthwise do not. */
typedef struct {
    const int8_t *weight; /* by two filters, four values of each in turn, mostly as NN_PAIR; grouped: (out_c, kernel_h,
                             kernel_w, in_c / groups); depthwise: (kernel_h, kernel_w, c) */
    const nn_channel *channel;
    uint16_t in_h, in_w, in_c, out_h, out_w, out_c;
    uint8_t kernel_h, kernel_w, stride_h, stride_w, top, left;
    uint16_t groups;
    int8_t in_zero, out_zero, low, high;
    uint8_t small; /* no shift is negative: all factors are below 0.5; depthwise: none is so low that sums overflow */
} nn_conv;"""
PROTOTYPES = """\
/* scratch: 24 bytes per block of four values of a window; 4 more, unless in_c is a multiple of 4. */
void nn_conv2d(const nn_conv *op, const int8_t *x, int8_t *y, int16_t *scratch);
void nn_pointwise(const nn_conv *op, const int8_t *x, int8_t *y, int16_t *scratch);
void nn_conv2d_large(const nn_conv *op, const int8_t *x, int8_t *y, int16_t *scratch); /* sums of 2^23 and above */
void nn_conv2d_grouped(const nn_conv *op, const int8_t *x, int8_t *y);"""
FILES = ("conv2d.c", "conv2d_grouped.c", "conv2d_smlad.c", "conv2d_unsigned.c", "conv2d.h", "clamp.c", "clamp.h")


def convolution(call: Call) -> C:
    """Return the constants of a convolution, and its call."""
    op: Any = call.node.operator
    if op.groups > 1:
        data = weighted(call, call.constants["weight"], True) + fields(call)
        return data, f"nn_conv2d_grouped(&op_{call.node.id}, {call.xs[0]}, {call.y});"
    i, weight, small_sums = call.node.id, call.constants["weight"], pairs_fit(call)
    if small_sums:
        data, each = pairs(f"weight_{i}", by_two(weight)), paired_channels(call, firsts(weight), True)
    else:
        data, each = array("int8_t", f"weight_{i}", by_two(weight).tolist(), ALIGNED), channels(call, True)
    data += array("nn_channel", f"channel_{i}", each + [channel(0, 0, 0)] * (len(each) % 2))
    name = op.kernel(*call.inputs) if small_sums else "conv2d_large"
    scratch = f"(int16_t *)(void *)({call.scratch})"
    return data + fields(call, small_sums), f"nn_{name}(&op_{i}, {call.xs[0]}, {call.y}, {scratch});"


def fields(call: Call, small_sums: bool = False, is_small: int | None = None) -> str:
    """Return the definition of ``op_<id>``, whose weights and channels are defined before it.

    Args:
        is_small: its field ``small``; None: that of ``small``.
    """
    op: Any = call.node.operator
    height, width, depth = call.inputs[0]
    top, _, left, _ = pads(height, width, op.kernel_size, op.stride, op.padding)
    values = [f"weight_{call.node.id}", f"channel_{call.node.id}", height, width, depth, *call.node.shape]
    values += [*op.kernel_size, *op.stride, top, left, op.groups]
    values += [call.integer(name) for name in ("input_zero_point", "output_zero_point", "low", "high")]
    values.append(small(call, small_sums) if is_small is None else is_small)
    return struct("nn_conv", f"op_{call.node.id}", values)


def by_two(weight: np.ndarray) -> np.ndarray:
    """Return weights (filters, ...) by two filters: four values of one, four of the other, and so on.

    Zeros stand where the last filter has no other or the last four values are less.
    """
    rows = weight.reshape(len(weight), -1)
    rows = np.pad(rows, ((0, len(rows) % 2), (0, -rows.shape[1] % 4)))
    return rows.reshape(len(rows) // 2, 2, -1, 4).transpose(0, 2, 1, 3).reshape(-1)


def firsts(weight: np.ndarray) -> np.ndarray:
    """Return the sums of the first weights of NN_PAIRs (filters,) int64, of rows (filters, ...)."""
    return np.asarray(weight.reshape(len(weight), -1)[:, ::2].sum(axis=1, dtype=np.int64))


Kernel = Emitter(convolution, (STRUCT, PROTOTYPES), FILES)
