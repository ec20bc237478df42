"""Convolution of every channel alone with 4-bit weights: unpacked, then as that of 8 bits."""

from latent_nas.firmware.emit import C, Call, Emitter, depthwise
from latent_nas.firmware.emit.constants import packed
from latent_nas.firmware.emit.conv2d import STRUCT
from latent_nas.firmware.emit.conv2d4 import STRUCT as STRUCT4
from latent_nas.firmware.emit.conv2d4 import weights4

PROTOTYPE = """\
/* scratch: an nn_channel per channel, the weights as bytes, then what nn_depthwise takes */
void nn_depthwise4(const nn_conv4 *op, const int8_t *x, int8_t *y, int16_t *scratch);"""
FILES = ("depthwise4.c", "factor4.h", "nibble.h", *depthwise.FILES)


def depthwise4(call: Call) -> C:
    """Return the constants of a depthwise convolution, and its call."""
    weight, i = call.constants["weight"][..., 0].transpose(1, 2, 0), call.node.id
    data = weights4(call, packed(weight.reshape(1, -1)), call.constants["bias"])
    return data, f"nn_depthwise4(&op_{i}, {call.xs[0]}, {call.y}, (int16_t *)(void *)({call.scratch}));"


Kernel = Emitter(depthwise4, (STRUCT, STRUCT4, depthwise.PROTOTYPE, PROTOTYPE), FILES)
