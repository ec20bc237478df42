"""Hard swish: a table of what every int8 value becomes."""

from math import prod

from latent_nas.firmware.emit import C, Call, Emitter
from latent_nas.firmware.emit.constants import array

PROTOTYPE = "void nn_lookup(uint32_t n, const int8_t *table, const int8_t *x, int8_t *y);"


def lookup(call: Call) -> C:
    """Return the table of an operator whose constants are one, and the call that looks its values up."""
    data = array("int8_t", f"op_{call.node.id}", call.constants["table"].tolist())
    return data, f"nn_lookup({prod(call.node.shape)}, op_{call.node.id}, {call.xs[0]}, {call.y});"


Kernel = Emitter(lookup, (PROTOTYPE,), ("lookup.c",))
