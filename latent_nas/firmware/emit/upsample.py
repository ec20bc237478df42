"""Enlarging an image by whole numbers."""

from typing import Any

from latent_nas.firmware.emit import C, Call, Emitter

DECLARES = """void nn_upsample(uint32_t height, uint32_t width, uint32_t channels, uint32_t down, uint32_t right,
                 const int8_t *x, int8_t *y);"""


def upsample(call: Call) -> C:
    """Return the call, which has no constants."""
    op: Any = call.node.operator
    sizes = ", ".join(map(str, (*call.inputs[0], *op.factors)))
    return "", f"nn_upsample({sizes}, {call.xs[0]}, {call.y});"


Kernel = Emitter(upsample, (DECLARES,))
