"""Average or maximum of all pixels."""

from typing import Any

from latent_nas.firmware.emit import C, Call, Emitter
from latent_nas.firmware.emit.constants import channel

DECLARES = """/* rescale.bias is unused; its shift counts the 7 fractional bits of the mean */
void nn_global_avg(uint32_t pixels, uint32_t channels, nn_channel rescale, int32_t in_zero, int32_t out_zero,
                   const int8_t *x, int8_t *y);
void nn_global_max(uint32_t pixels, uint32_t channels, nn_channel rescale, int32_t in_zero, int32_t out_zero,
                   const int8_t *x, int8_t *y);"""


def global_pool(call: Call) -> C:
    """Return the constants of a pooling, and its call.

    Raises:
        ValueError: more pixels than a sum of 32 bits holds.
    """
    op: Any = call.node.operator
    height, width, channels = call.inputs[0]
    if height * width >= 2**16:
        raise ValueError(f"firmware can't pool {height}x{width} pixels at once: a shifted remainder exceeds 32 bits")
    rescale = channel(0, call.integer("multiplier"), call.integer("shift"))
    zeros = f"{call.integer('input_zero_point')}, {call.integer('output_zero_point')}"
    data = f"static const nn_channel op_{call.node.id} = {rescale};\n"
    arguments = f"{height * width}, {channels}, op_{call.node.id}, {zeros}, {call.xs[0]}, {call.y}"
    return data, f"nn_global_{op.mode}({arguments});"


Kernel = Emitter(global_pool, (DECLARES,))
