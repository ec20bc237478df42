"""Bounds of an activation that was not fused."""

from math import prod

from latent_nas.firmware.emit import C, Call, Emitter


def clamp(call: Call) -> C:
    """Return the call of a clamp, which has no constants."""
    bounds = f"{call.integer('low')}, {call.integer('high')}"
    return "", f"nn_clamp({prod(call.node.shape)}, {bounds}, {call.xs[0]}, {call.y});"


Kernel = Emitter(clamp, ('#include "clamp.h"',), ("clamp.c", "clamp.h"))
