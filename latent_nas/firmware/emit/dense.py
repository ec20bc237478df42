"""Fully connected layer."""

from latent_nas.firmware.emit import C, Call, Emitter
from latent_nas.firmware.emit.constants import struct, weighted

STRUCT = """typedef struct {
    const int8_t *weight; /* (out_n, in_n); dense4: packed rows, see nibble.h */
    const nn_channel *channel;
    uint16_t in_n, out_n;
    int8_t out_zero, low, high;
} nn_dense_args;"""
PROTOTYPE = "void nn_dense(const nn_dense_args *op, const int8_t *x, int8_t *y);"


def arguments(call: Call) -> str:
    """Return the definition of ``op_<id>``, whose weights and channels are defined before it."""
    i, (units, features) = call.node.id, call.constants["weight"].shape
    fields = [f"weight_{i}", f"channel_{i}", features, units]
    fields += [call.integer(name) for name in ("output_zero_point", "low", "high")]
    return struct("nn_dense_args", f"op_{i}", fields)


def dense(call: Call) -> C:
    """Return the constants of a layer, and its call."""
    data = weighted(call, call.constants["weight"], True) + arguments(call)
    return data, f"nn_dense(&op_{call.node.id}, {call.xs[0]}, {call.y});"


Kernel = Emitter(dense, (STRUCT, PROTOTYPE), ("dense.c", "clamp.c", "clamp.h"))
