"""Convolution of every channel alone."""

from latent_nas.firmware.emit import C, Call, Emitter
from latent_nas.firmware.emit.conv2d import STRUCT, convolution

PROTOTYPE = "void nn_depthwise(const nn_conv *op, const int8_t *x, int8_t *y);"


def depthwise(call: Call) -> C:
    """Return the constants of a depthwise convolution, and its call."""
    return convolution(call, depthwise=True)


Kernel = Emitter(depthwise, (STRUCT, PROTOTYPE), ("depthwise.c", "clamp.c", "clamp.h"))
