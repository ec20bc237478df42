"""Images read at other rows and columns, transposed convolutions, and slopes per channel."""

from functools import partial

import numpy as np

from latent_nas.interchange.tflite_nodes import Reader
from latent_nas.interchange.tflite_nodes.activations import function
from latent_nas.interchange.tflite_nodes.call import Call
from latent_nas.interchange.tflite_nodes.draft import Value
from latent_nas.interchange.tflite_nodes.layers import BIASES, SAME, VALID
from latent_nas.interchange.tflite_nodes.weighted import bias, weighted, weights
from latent_nas.operators.conv_transpose import ConvTranspose
from latent_nas.operators.prelu import PRelu
from latent_nas.operators.resize import COORDINATES, reading
from latent_nas.operators.window import pads


def _image(call: Call, i: int) -> Value:
    """Return the i-th input, an image as it lies in the graph."""
    call.value(i)  # with its rim around it
    if call.image(i):  # a sequence with its steps along the width
        height, width, channels = call.shape(i)
        call.values[i] = call.reshaped(call.value(i), (width, height, channels))
    return call.value(i)


def _resized(call: Call, linear: bool) -> Value:
    """Return an image read at other rows and columns; blocks of equal pixels are an operator of their own."""
    x, size = _image(call, 0), call.constant(1).ravel().tolist()
    if len(size) != 2 or min(size) < 1:
        raise call.refuse(f"a tensor {x.dims} becomes {tuple(size)}; wanted height and width")
    corners, half = call.option("align_corners"), call.option("half_pixel")
    coordinates = COORDINATES["align_corners" if corners else "half_pixel" if half else "asymmetric"]
    places = [coordinates(np.arange(m), n, m) for n, m in zip(x.dims[1:3], size, strict=True)]
    if not linear:
        places = [nearest(n, m, bool(corners), bool(half)) for n, m in zip(x.dims[1:3], size, strict=True)]
    rows, columns = (tuple(p.clip(0, n - 1).tolist()) for n, p in zip(x.dims[1:3], places, strict=True))
    return call.add(reading(call.shape(), rows, columns), x)


def nearest(size: int, made: int, corners: bool, half: bool) -> np.ndarray:
    """Return which neighbour each of ``made`` rows reads, worked out in single precision as the interpreter does."""
    aligned = corners and made > 1
    scale = np.float32(size - 1) / np.float32(made - 1) if aligned else np.float32(size) / np.float32(made)
    place = (np.arange(made, dtype=np.float32) + np.float32(0.5 * half)) * scale
    return np.floor(place.astype(float) + 0.5) if corners else np.floor(place)


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
    "RESIZE_NEAREST_NEIGHBOR": Reader(
        partial(_resized, linear=False), 74, {"align_corners": (0, "?", False), "half_pixel": (1, "?", False)}
    ),
    "RESIZE_BILINEAR": Reader(
        partial(_resized, linear=True), 15, {"align_corners": (2, "?", False), "half_pixel": (3, "?", False)}
    ),
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
