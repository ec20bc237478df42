"""Bounds of an activation that was not fused."""

from math import prod

from latent_nas.firmware.emit import C, Call, Emitter

PROTOTYPE = """void nn_clamp(uint32_t n, int32_t low, int32_t high, const int8_t *x, int8_t *y);"""


def clamp(call: Call) -> C:
    """Return the call of a clamp, which has no constants."""
    bounds = f"{call.integer('low')}, {call.integer('high')}"
    return "", f"nn_clamp({prod(call.node.shape)}, {bounds}, {call.xs[0]}, {call.y});"


Kernel = Emitter(clamp, (PROTOTYPE,), ("clamp.c", "clamp.h"))
