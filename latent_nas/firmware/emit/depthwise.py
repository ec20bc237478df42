"""Convolution of every channel alone; the C for cores with SMLAD lies in a file of its own."""

from latent_nas.firmware.emit import C, Call, Emitter
from latent_nas.firmware.emit.constants import weighted
from latent_nas.firmware.emit.conv2d import STRUCT, fields

PROTOTYPE = """\
/* scratch: pointers, taps and rows as int16 of four channels, see Conv2d.fine_work; may work in place at stride 1 */
void nn_depthwise(const nn_conv *op, const int8_t *x, int8_t *y, int16_t *scratch);"""
FILES = ("depthwise.c", "depthwise_smlad.c", "depthwise.h", "clamp.c", "clamp.h")


def depthwise(call: Call) -> C:
    """Return the constants of a depthwise convolution, and its call."""
    weight = call.constants["weight"][..., 0].transpose(1, 2, 0)
    data = weighted(call, weight, False) + fields(call)
    scratch = f"(int16_t *)(void *)({call.scratch})"
    return data, f"nn_depthwise(&op_{call.node.id}, {call.xs[0]}, {call.y}, {scratch});"


Kernel = Emitter(depthwise, (STRUCT, PROTOTYPE), FILES)
