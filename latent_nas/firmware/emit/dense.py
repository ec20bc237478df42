"""Fully connected layer; the C for cores with SMLAD lies in a file of its own."""

import numpy as np

from latent_nas.firmware.emit import C, Call, Emitter
from latent_nas.firmware.emit.constants import ALIGNED, array, channels, paired_channels, pairs_fit, small, struct
from latent_nas.firmware.emit.conv2d import firsts

STRUCT = """typedef struct {
    const int8_t *weight; /* units in fours, those left over in rows (in_n,); dense4: packed rows, see nibble.h */
    const nn_channel *channel;
    uint16_t in_n, out_n;
    int8_t out_zero, low, high;
    uint8_t small; /* no shift is negative: all factors are below 0.5 */
} nn_dense_args;"""
PROTOTYPE = """\
void nn_dense(const nn_dense_args *op, const int8_t *x, int8_t *y); /* weights in fours as NN_PAIR */
void nn_dense_large(const nn_dense_args *op, const int8_t *x, int8_t *y); /* sums of 2^23 and above */"""


def arguments(call: Call, small_sums: bool = False) -> str:
    """Return the definition of ``op_<id>``, whose weights and channels are defined before it."""
    i, (units, features) = call.node.id, call.constants["weight"].shape
    fields = [f"weight_{i}", f"channel_{i}", features, units]
    fields += [call.integer(name) for name in ("output_zero_point", "low", "high")]
    fields.append(small(call, small_sums))
    return struct("nn_dense_args", f"op_{i}", fields)


def in_fours(weight: np.ndarray) -> np.ndarray:
    """Return weights (units, features) in fours: four values of each of four units, and so on; rows of those left over.

    Zeros stand where the last four values are less.
    """
    fours = len(weight) // 4
    rows = np.pad(weight[: 4 * fours], ((0, 0), (0, -weight.shape[1] % 4)))
    blocks = rows.reshape(fours, 4, rows.shape[1] // 4, 4).transpose(0, 2, 1, 3)
    return np.concatenate([blocks.reshape(-1), weight[4 * fours :].reshape(-1)])


def dense(call: Call) -> C:
    """Return the constants of a layer, and its call."""
    i, weight, small_sums = call.node.id, in_fours(call.constants["weight"]), pairs_fit(call)
    each, fours = channels(call, True), call.node.shape[-1] // 4 * 4
    if small_sums:
        each[:fours] = paired_channels(call, firsts(call.constants["weight"]), False)[:fours]
    blocks = fours * (-(-call.constants["weight"].shape[1] // 4) * 4)
    values = [f"NN_PAIR({a}, {b})" for a, b in weight[: blocks * small_sums].reshape(-1, 2).tolist()]
    data = array("int8_t", f"weight_{i}", values + weight[blocks * small_sums :].tolist(), ALIGNED, len(weight))
    data += array("nn_channel", f"channel_{i}", each) + arguments(call, small_sums)
    return data, f"nn_dense{'' if small_sums else '_large'}(&op_{i}, {call.xs[0]}, {call.y});"


FILES = ("dense.c", "dense_smlad.c", "dense_unsigned.c", "dense.h", "clamp.c", "clamp.h")
Kernel = Emitter(dense, (STRUCT, PROTOTYPE), FILES)
