"""Concatenation of channels: each input is moved to the output's scale."""

from math import prod

from latent_nas.firmware.emit import C, Call, Emitter
from latent_nas.firmware.emit.constants import array, channel

DECLARES = """/* one input of a concatenation: rows of n values into rows of stride values */
void nn_rescale_rows(uint32_t rows, uint32_t n, uint32_t stride, nn_channel rescale, int32_t in_zero,
                     int32_t out_zero, const int8_t *x, int8_t *y);"""


def concat(call: Call) -> C:
    """Return the constants of a concatenation, and a call per input."""
    c, i, stride, at = call.constants, call.node.id, call.node.shape[-1], 0
    rows = zip(call.inputs, call.xs, c["multiplier"], c["shift"], c["input_zero_points"], strict=True)
    channels, calls = [], []
    for n, (shape, x, m, s, zero) in enumerate(rows):
        channels.append(channel(0, int(m), int(s)))
        many = f"{prod(shape[:-1])}, {shape[-1]}, {stride}, op_{i}[{n}], {int(zero)}"
        calls.append(f"nn_rescale_rows({many}, {call.integer('output_zero_point')}, {x}, {call.y} + {at});")
        at += shape[-1]
    return array("nn_channel", f"op_{i}", channels), " ".join(calls)


Kernel = Emitter(concat, (DECLARES,))
