"""Convolution of every channel alone; the C for cores with SMLAD lies in a file of its own."""

import numpy as np

from latent_nas.firmware.emit import C, Call, Emitter
from latent_nas.firmware.emit.constants import weighted
from latent_nas.firmware.emit.conv2d import STRUCT, fields

PROTOTYPE = """\
/* scratch: pointers, taps and rows as int16 of four channels, see Conv2d.fine_work; may work in place at stride 1 */
void nn_depthwise(const nn_conv *op, const int8_t *x, int8_t *y, int16_t *scratch);"""
FILES = ("depthwise.c", "depthwise_smlad.c", "depthwise.h", "clamp.c", "clamp.h")
TIMES = 6  # doublings of an int8 weight that are an int16 by far


def depthwise(call: Call) -> C:
    """Return the constants of a depthwise convolution, and its call."""
    weight = call.constants["weight"][..., 0].transpose(1, 2, 0)
    data = weighted(call, weight, False) + fields(call, is_small=small(call))
    scratch = f"(int16_t *)(void *)({call.scratch})"
    return data, f"nn_depthwise(&op_{call.node.id}, {call.xs[0]}, {call.y}, {scratch});"


def small(call: Call) -> int:
    """Return 1 if the high words of products are enough, once weights and biases are doubled for each negative shift.

    A trained network's factors are often 0.5 and above where windows have few taps; elsewhere hardly ever.
    """
    c = call.constants
    times = np.where(c["multiplier"] == 0, 0, np.maximum(33 - c["shift"].astype(np.int64), 0))
    sums = np.abs(c["bias"].astype(np.int64)) + 255 * np.abs(c["weight"].astype(np.int64)).sum(axis=(1, 2, 3))
    return int(np.all(times <= TIMES) and np.all(sums << np.minimum(times, TIMES) < 2**31))


Kernel = Emitter(depthwise, (STRUCT, PROTOTYPE), FILES)
