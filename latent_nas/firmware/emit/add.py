"""Addition of two tensors."""

from math import prod

from latent_nas.firmware.emit import C, Call, Emitter
from latent_nas.firmware.emit.constants import struct

DECLARES = """typedef struct {
    uint32_t n;
    int32_t multiplier_a, multiplier_b, shift;
    int8_t zero_a, zero_b, zero, low, high;
} nn_add_args;
void nn_add(const nn_add_args *op, const int8_t *a, const int8_t *b, int8_t *y);"""


def add(call: Call) -> C:
    """Return the constants of an addition, and its call."""
    c, i = call.constants, call.node.id
    fields = [
        prod(call.node.shape),
        *c["multipliers"].tolist(),
        call.integer("shift"),
        *c["input_zero_points"].tolist(),
    ]
    fields += [call.integer(name) for name in ("output_zero_point", "low", "high")]
    return struct("nn_add_args", f"op_{i}", fields), f"nn_add(&op_{i}, {call.xs[0]}, {call.xs[1]}, {call.y});"


Kernel = Emitter(add, (DECLARES,), ("add.c", "clamp.c", "clamp.h"))
