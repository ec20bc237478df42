"""How operators that only networks from outside have are spelt in TensorFlow Lite."""

import numpy as np

from latent_nas.interchange._tflite_operators import ACTIVATIONS, SAME, VALID, Place, spell, strides
from latent_nas.interchange.tflite_nodes.enlarging import nearest
from latent_nas.operators import Shape
from latent_nas.operators.conv_transpose import ConvTranspose
from latent_nas.operators.multiply import Multiply
from latent_nas.operators.pad import Pad
from latent_nas.operators.prelu import PRelu
from latent_nas.operators.resize import Resize
from latent_nas.operators.slice import Slice
from latent_nas.operators.subtract import Subtract
from latent_nas.operators.upsample import Upsample
from latent_nas.operators.window import pads

LACKING = {("half_pixel", "floor"), ("asymmetric", "half_up"), ("align_corners", "floor")}  # ways of nearest neighbours


@spell.register
def _(operator: Multiply, place: Place) -> int:
    return place.op("MUL", place.inputs, "MulOptions", fusedActivationFunction=ACTIVATIONS[operator.activation])


@spell.register
def _(operator: Subtract, place: Place) -> int:
    return place.op("SUB", place.inputs, "SubOptions", fusedActivationFunction=ACTIVATIONS[operator.activation])


@spell.register
def _(operator: Upsample, place: Place) -> int:
    size = place.model.constant(np.array(place.shape[:2], np.int32))
    return place.op("RESIZE_NEAREST_NEIGHBOR", [place.inputs[0], size], "ResizeNearestNeighborOptions")


@spell.register
def _(operator: Resize, place: Place) -> int:
    coordinates, rounding = operator.way(*place.shapes[:1], without=LACKING)
    corners, half = coordinates == "align_corners", coordinates == "half_pixel"
    for read, rows in zip((operator.rows, operator.columns), place.shapes[0], strict=False):
        if rounding and not np.array_equal(nearest(rows, len(read), corners, half).clip(0, rows - 1), read):
            raise ValueError(
                f"a resize of {rows} to {len(read)} reads a neighbour that TFLite's single precision does not reach"
            )
    size = place.model.constant(np.array(place.shape[:2], np.int32))
    kind, options = (
        ("RESIZE_NEAREST_NEIGHBOR", "ResizeNearestNeighborOptions")
        if rounding
        else ("RESIZE_BILINEAR", "ResizeBilinearOptions")
    )
    return place.op(kind, [place.inputs[0], size], options, alignCorners=corners, halfPixelCenters=half)


@spell.register
def _(operator: Slice, place: Place) -> int:
    return place.op("SLICE", [place.inputs[0], *_part(place, operator.begin, operator.size)], "SliceOptions")


@spell.register
def _(operator: Pad, place: Place) -> int:
    amounts = np.array([(0, 0), *zip(operator.before, operator.after, strict=True)], np.int32)
    return place.op("PAD", [place.inputs[0], place.model.constant(amounts)], "PadOptions")


@spell.register
def _(operator: PRelu, place: Place) -> int:
    c, y_to_x = place.integers, place.quant.scale / place.quants[0].scale
    slopes = c["weight"] * (c["multiplier"] / 2.0 ** c["shift"]) * y_to_x
    scale = max(float(np.abs(slopes).max()), 1e-8) / 127  # one for all, as the kernel wants it
    held = np.rint(slopes / scale).astype(np.int8).reshape(*[1] * (len(place.shape) - 1), -1)
    return place.op("PRELU", [place.inputs[0], place.model.constant(held, np.array([scale]))])


@spell.register
def _(operator: ConvTranspose, place: Place) -> int:
    (height, width, _), (rows, columns, filters) = place.shapes[0], place.shape
    (down, right), crop = operator.stride, operator.crop
    if min(crop) < 0:
        raise ValueError(f"a transposed convolution with rows beyond its filters (crop {crop}) has no form in TFLite")
    same = crop == pads(rows, columns, operator.kernel_size, operator.stride, "same")
    padding = SAME if same and (height, width) == (-(-rows // down), -(-columns // right)) else VALID
    whole = place.shape if padding == SAME else (rows + crop[0] + crop[1], columns + crop[2] + crop[3], filters)
    x, weight, bias = place.weights(place.integers["weight"], 0)
    size = place.model.constant(np.array((1, *whole), np.int32))
    fused = {"fusedActivationFunction": ACTIVATIONS[operator.activation]}
    settings = {**strides(operator.stride), "padding": padding, **fused}
    read, options = [size, weight, x, bias], "TransposeConvOptions"
    made = place.model.op("TRANSPOSE_CONV", read, whole, place.quant, options, **settings)
    if whole == place.shape:
        return made
    return place.op("SLICE", [made, *_part(place, (crop[0], crop[2], 0), place.shape)], "SliceOptions")


def _part(place: Place, begin: Shape, size: Shape) -> list[int]:
    """Return the constants of where a part begins, and of its size; all of the batch."""
    return [place.model.constant(np.array((first, *of), np.int32)) for first, of in ((0, begin), (-1, size))]
