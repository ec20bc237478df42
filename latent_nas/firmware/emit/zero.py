"""Zeros."""

from math import prod

from latent_nas.firmware.emit import C, Call, Emitter


def fill(call: Call) -> C:
    """Return the call of a fill, which has no constants."""
    return "", f"nn_fill({prod(call.node.shape)}, {call.integer('zero_point')}, {call.y});"


Kernel = Emitter(fill, ("void nn_fill(uint32_t n, int8_t value, int8_t *y);",))
