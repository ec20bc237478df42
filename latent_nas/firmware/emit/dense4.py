"""Fully connected layer of 4-bit weights."""

from latent_nas.firmware.emit import C, Call, Emitter
from latent_nas.firmware.emit.constants import ALIGNED, array, channels, packed
from latent_nas.firmware.emit.dense import STRUCT, arguments

PROTOTYPE = "void nn_dense4(const nn_dense_args *op, const int8_t *x, int8_t *y);"


def dense4(call: Call) -> C:
    """Return the constants of a layer, and its call."""
    i, weight = call.node.id, packed(call.constants["weight"])
    data = array("int8_t", f"weight_{i}", weight.reshape(-1).tolist(), ALIGNED)
    data += array("nn_channel", f"channel_{i}", channels(call, True))
    return data + arguments(call), f"nn_dense4(&op_{i}, {call.xs[0]}, {call.y});"


Kernel = Emitter(dense4, (STRUCT, PROTOTYPE), ("dense4.c", "nibble.h", "clamp.c", "clamp.h"))
