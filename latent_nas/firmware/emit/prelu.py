"""A leaky ReLU with a slope per channel."""

from math import prod

from latent_nas.firmware.emit import C, Call, Emitter
from latent_nas.firmware.emit.constants import array, channel, factor

PROTOTYPE = """/* slopes: bias holds the int8 slope of each channel */
void nn_prelu(uint32_t pixels, uint32_t channels, const nn_channel *slopes, nn_factor above, int32_t in_zero,
              int32_t out_zero, const int8_t *x, int8_t *y);"""


def prelu(call: Call) -> C:
    """Return the slopes, and the call."""
    c, i, shape = call.constants, call.node.id, call.node.shape
    rows = zip(c["weight"], c["multiplier"], c["shift"], strict=True)
    data = array("nn_channel", f"op_{i}", [channel(int(w), int(m), int(s)) for w, m, s in rows])
    data += f"static const nn_factor above_{i} = {factor(*c['above'].tolist())};\n"
    zeros = f"{call.integer('input_zero_point')}, {call.integer('output_zero_point')}"
    tensors = f"{call.xs[0]}, {call.y}"
    return data, f"nn_prelu({prod(shape[:-1])}, {shape[-1]}, op_{i}, above_{i}, {zeros}, {tensors});"


Kernel = Emitter(prelu, (PROTOTYPE,))
