"""Nearest-neighbour enlarging, transposed convolutions, and slopes per channel."""

import numpy as np

from latent_nas.interchange.tflite_nodes import Reader
from latent_nas.interchange.tflite_nodes.activations import function
from latent_nas.interchange.tflite_nodes.call import Call
from latent_nas.interchange.tflite_nodes.draft import Value
from latent_nas.interchange.tflite_nodes.layers import BIASES, SAME, VALID
from latent_nas.interchange.tflite_nodes.weighted import bias, weighted, weights
from latent_nas.operators.conv_transpose import ConvTranspose
from latent_nas.operators.prelu import PRelu
from latent_nas.operators.upsample import Upsample
from latent_nas.operators.window import pads


def _image(call: Call, i: int) -> Value:
    """Return the i-th input, an image as it lies in the graph."""
    call.value(i)  # with its rim around it
    if call.image(i):
        raise call.refuse("it reads a sequence with its steps along the width; wanted an image")
    return call.value(i)


def _nearest(call: Call) -> Value:
    x, size = _image(call, 0), call.constant(1).ravel().tolist()
    factors = []
    for before, after in zip(x.dims[1:3], size, strict=True):
        factor, places = after // before, np.arange(after)
        if call.option("align_corners") and after > 1:
            read = np.floor(places * (before - 1) / (after - 1) + 0.5)
        else:
            read = np.floor((places + 0.5 * call.option("half_pixel")) * before / after)
        if factor * before != after or (np.minimum(read, before - 1) != places // factor).any():
            raise call.refuse(
                f"a tensor {x.dims} becomes {tuple(size)} pixels; only blocks of equal pixels, by whole numbers, are"
                " known here"
            )
        factors.append(factor)
    return call.add(Upsample((factors[0], factors[1])), x)


def _transposed(call: Call) -> Value:
    x, held, output = _image(call, 2), weights(call, 1, 0), call.output.dims
    if held.values.ndim != 4 or held.values.shape[3] != x.dims[3] or output != (*output[:3], held.values.shape[0]):
        raise call.refuse(f"weights {held.values.shape} over a tensor {x.dims} make no {output}")
    if call.constant(0).ravel().tolist() != list(output) or call.option("bias_type") not in BIASES:
        raise call.refuse(f"its output is {output}, its shape says {call.constant(0).ravel().tolist()}")
    filters, *kernel = held.values.shape[:3]
    stride, sizes = (call.option("stride_h"), call.option("stride_w")), output[1:3]
    if min(*kernel, *stride) < 1 or call.option("padding") not in (SAME, VALID):
        raise call.refuse(f"kernel {tuple(kernel)}, stride {stride}, padding {call.option('padding')}")
    padding = "same" if call.option("padding") == SAME else "valid"
    top, _, left, _ = pads(output[1], output[2], (kernel[0], kernel[1]), stride, padding)
    whole = [(n - 1) * s + k for n, s, k in zip(x.dims[1:3], stride, kernel, strict=True)]
    crop = (top, whole[0] - sizes[0] - top, left, whole[1] - sizes[1] - left)
    scales = None if held.scales is None or x.quant is None else held.scales * x.quant.scale
    operator = ConvTranspose(filters, (kernel[0], kernel[1]), stride, crop)
    return weighted(call, operator, x, held, bias(call, 3, filters, scales))


def _slopes(call: Call) -> Value:
    x, slopes = call.value(), call.real(1)
    if (slopes == slopes.flat[0]).all():
        return function(call, x, f"leaky_relu(x, {float(slopes.flat[0])!r})")
    channels = call.shape()[-1]
    if slopes.size != channels or slopes.shape[-1] != channels or x.dims[-1] != channels:
        raise call.refuse(f"slopes {slopes.shape} of a tensor {x.dims}; only one, or one per channel, is known here")
    operator, weight = PRelu(), slopes.ravel()
    if x.quant is None:
        made = call.add(operator, x)
        call.draft.weights[made.node] = {"weight": weight}
        return made
    return call.add(operator, x, constants=operator.constants({"weight": weight}, [x.quant], call.quant()))


READERS = {
    "RESIZE_NEAREST_NEIGHBOR": Reader(_nearest, 74, {"align_corners": (0, "?", False), "half_pixel": (1, "?", False)}),
    "TRANSPOSE_CONV": Reader(
        _transposed,
        49,
        {
            **{"padding": (0, "b", 0), "stride_w": (1, "i", 0), "stride_h": (2, "i", 0)},
            **{"activation": (3, "b", 0), "bias_type": (4, "b", 0)},
        },
    ),
    "PRELU": Reader(_slopes),
}
