"""Nearest-neighbour enlarging by whole numbers, and transposed convolutions."""

import math

import numpy as np

from latent_nas.interchange.onnx_nodes.call import Call, Value
from latent_nas.interchange.onnx_nodes.window import dilated, pair
from latent_nas.interchange.onnx_view import Image
from latent_nas.operators.conv_transpose import ConvTranspose
from latent_nas.operators.upsample import Upsample
from latent_nas.operators.window import Pair


def resize(call: Call) -> Value:
    """Return an image or a series enlarged so that each pixel becomes a block."""
    image, rank = call.image(0), call.value(0).order.ndim
    dims = call.value(0).order.shape
    scales = _scales(call, rank, dims)
    whole = [round(s) for s in scales]
    if any(abs(s - w) > 1e-6 or w < 1 for s, w in zip(scales, whole, strict=True)) or whole[:2] != [1, 1]:
        raise call.refuse(f"scales {scales}; only whole numbers for height and width are known here")
    if call.setting("mode", "nearest") != "nearest":
        raise call.refuse(f"mode {call.setting('mode', '')!r}; only 'nearest' is known here")
    for size, scale in zip(dims[2:], whole[2:], strict=True):
        if _nearest(call, size, scale) != [i // scale for i in range(size * scale)]:
            raise call.refuse(
                f"coordinate_transformation_mode {_coordinates(call)!r} with nearest_mode {_rounding(call)!r} and scale"
                f" {scale} is not a block of equal pixels; export with 'asymmetric' and 'floor'"
            )
    factors = (whole[2], whole[3] if rank == 4 else 1)
    node = call.put(Upsample(factors), image.node)
    return Value(node, image.ordered(call.draft.shape(node)))


def _scales(call: Call, rank: int, dims: tuple[int, ...]) -> list[float]:
    """Return by how much each dimension grows."""
    given = call.setting("scales", None)
    inputs = [call.optional(i) for i in range(1, len(call.values))]
    if given is None and len(inputs) == 1:  # Upsample, and Resize of opset 10
        given = inputs[0]
    elif given is None and len(inputs) > 1 and inputs[1] is not None and inputs[1].size:
        given = inputs[1]
    axes = [int(a) % rank for a in call.setting("axes", None) or range(rank)]
    if given is None and len(inputs) > 2 and inputs[2] is not None:
        if call.setting("keep_aspect_ratio_policy", "stretch") != "stretch":
            raise call.refuse("only the policy 'stretch' is known here")
        given = [float(n) / dims[a] for n, a in zip(inputs[2].ravel(), axes, strict=True)]
    if given is None or len(np.ravel(given)) != len(axes):
        raise call.refuse(f"neither scales nor sizes of its {len(axes)} axes")
    grown = dict(zip(axes, map(float, np.ravel(given)), strict=True))
    return [grown.get(a, 1.0) for a in range(rank)]


def _coordinates(call: Call) -> str:
    return str(call.setting("coordinate_transformation_mode", "half_pixel" if call.opset > 10 else "asymmetric"))


def _rounding(call: Call) -> str:
    return str(call.setting("nearest_mode", "round_prefer_floor" if call.opset > 10 else "floor"))


def _nearest(call: Call, size: int, scale: int) -> list[int]:
    """Return which input element each output element along an axis is, by ONNX's formulas."""
    places = np.arange(size * scale)
    x = {
        "half_pixel": (places + 0.5) / scale - 0.5,
        "half_pixel_symmetric": (places + 0.5) / scale - 0.5,
        "pytorch_half_pixel": (places + 0.5) / scale - 0.5 if size * scale > 1 else places * 0.0,
        "tf_half_pixel_for_nn": (places + 0.5) / scale,
        "align_corners": places * (size - 1) / max(1, size * scale - 1),
        "asymmetric": places / scale,
    }.get(_coordinates(call))
    if x is None:
        raise call.refuse(f"coordinate_transformation_mode {_coordinates(call)!r} is not known here")
    rounded = {
        "round_prefer_floor": np.ceil(x - 0.5),
        "round_prefer_ceil": np.floor(x + 0.5),
        "floor": np.floor(x),
        "ceil": np.ceil(x),
    }[_rounding(call)]
    return [int(i) for i in np.clip(rounded, 0, size - 1)]


def conv_transpose(call: Call) -> Value:
    """Return a transposed convolution; groups become a filter each over all channels, with zeros."""
    weight, bias = call.constant(1), call.optional(2)
    image, groups = call.image(0), int(call.setting("group", 1))
    if weight.ndim != image.rank or weight.ndim not in (3, 4) or groups < 1 or weight.shape[0] != image.shape[2]:
        raise call.refuse(f"weights {weight.shape} over a tensor {call.value(0).order.shape}")
    held = dilated(call, _filters(weight.reshape(*weight.shape, *[1] * (4 - weight.ndim)), groups))
    filters, kernel = len(held), (held.shape[2], held.shape[3])
    stride = pair(call, call.setting("strides", None) or [1] * (image.rank - 2), image.rank)
    operator = ConvTranspose(filters, kernel, stride, _crop(call, image, kernel, stride))
    node = call.put(operator, image.node)
    scale = call.scale(1, 1)
    call.hold(node, held.transpose(0, 2, 3, 1), bias, scale if scale is None else np.tile(scale, groups))
    return Value(node, image.ordered(call.draft.shape(node)))


def _filters(weight: np.ndarray, groups: int) -> np.ndarray:
    """Return (filters, channels, height, width) of (channels, filters / groups, height, width)."""
    channels, each = weight.shape[0] // groups, weight.shape[1]
    whole = np.zeros((groups * each, weight.shape[0], *weight.shape[2:]), weight.dtype)
    for g in range(groups):
        rows, columns = slice(g * each, (g + 1) * each), slice(g * channels, (g + 1) * channels)
        whole[rows, columns] = weight[columns].transpose(1, 0, 2, 3)
    return whole


def _crop(call: Call, image: Image, kernel: Pair, stride: Pair) -> tuple[int, int, int, int]:
    """Return top, bottom, left and right of what is cut off; below 0 where rows are added."""
    axes = image.rank - 2
    added = [int(n) for n in call.setting("output_padding", None) or [0] * axes]
    given = [int(n) for n in call.setting("pads", None) or [0] * (2 * axes)]
    sizes, automatic = call.setting("output_shape", None), call.setting("auto_pad", "NOTSET") or "NOTSET"
    if automatic not in ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"):
        raise call.refuse(f"auto_pad {automatic} is not known here")
    cuts: list[int] = []
    for a in range(axes):
        reached = (image.shape[a] - 1) * stride[a] + kernel[a] + added[a]
        wanted = sizes[-axes:][a] if sizes else image.shape[a] * stride[a]
        if not sizes and automatic in ("NOTSET", "VALID"):
            before, after = (given[a], given[axes + a]) if automatic == "NOTSET" else (0, 0)
        else:
            total = reached - int(wanted)
            small, large = math.floor(total / 2), math.ceil(total / 2)
            before, after = (small, large) if automatic == "SAME_UPPER" else (large, small)
        cuts += [before, after - added[a]]
    return (cuts[0], cuts[1], *(cuts[2:] or [0, 0]))  # type: ignore[return-value]


READERS = {"Resize": resize, "Upsample": resize, "ConvTranspose": conv_transpose}
