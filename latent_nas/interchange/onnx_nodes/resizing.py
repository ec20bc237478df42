"""Images and series with more or fewer rows and columns, nearest or linear."""

import numpy as np

from latent_nas.interchange.onnx_draft import LARGEST
from latent_nas.interchange.onnx_nodes.call import Call, Value
from latent_nas.interchange.onnx_sizes import COORDINATES, ROUNDED, places, scaled
from latent_nas.operators.resize import reading


def resize(call: Call) -> Value:
    """Return an image or a series read at other rows and columns; blocks of equal pixels are an operator of their own.

    Raises:
        Unreadable: another mode than nearest and linear, or one of the batch or the channels.
    """
    image, dims = call.image(0), call.value(0).order.shape
    scales, sizes = _grown(call, dims)
    mode = str(call.setting("mode", "nearest"))
    if mode not in ("nearest", "linear", "bilinear"):
        raise call.refuse(f"mode {mode!r}; only 'nearest' and 'linear' are known here")
    if call.setting("antialias", 0) and any(scale < 1 for scale in scales):
        raise call.refuse("antialias 1 is not known here; export with antialias=False")
    if tuple(sizes[:2]) != tuple(dims[:2]):
        raise call.refuse(f"a tensor {dims} becomes {tuple(sizes)}; only height and width may change")
    if np.prod(sizes, dtype=float) > LARGEST or min(sizes) < 1:
        raise call.refuse(f"a tensor {dims} becomes {tuple(sizes)}, which no device here can hold")
    if tuple(sizes) == tuple(dims):
        return call.value(0)  # as onnxruntime has it, whatever the scale is
    read = [_places(call, mode, *axis) for axis in zip(dims[2:], sizes[2:], scales[2:], strict=True)]
    read += [(0.0,)] * (4 - len(dims))
    node = call.put(reading(image.shape, read[0], read[1]), image.node)
    return Value(node, image.ordered(call.draft.shape(node)))


def _grown(call: Call, dims: tuple[int, ...]) -> tuple[list[float], list[int]]:
    """Return by how much each dimension grows, and what it becomes."""
    given, rank = call.setting("scales", None), len(dims)
    inputs = [call.optional(i) for i in range(1, len(call.values))]
    if given is None and len(inputs) == 1:  # Upsample, and Resize of opset 10
        given = inputs[0]
    elif given is None and len(inputs) > 1 and inputs[1] is not None and inputs[1].size:
        given = inputs[1]
    axes = [int(a) % rank for a in call.setting("axes", None) or range(rank)]
    wanted = None if given is not None or len(inputs) < 3 or inputs[2] is None else inputs[2].ravel()
    if wanted is not None and len(wanted) == len(axes):
        if call.setting("keep_aspect_ratio_policy", "stretch") != "stretch":
            raise call.refuse("only the policy 'stretch' is known here")
        given = [float(n) / dims[a] for n, a in zip(wanted, axes, strict=True)]
    if given is None or len(np.ravel(given)) != len(axes) or not np.isfinite(given).all():
        raise call.refuse(f"neither scales nor sizes of its {len(axes)} axes")
    grown = dict(zip(axes, map(float, np.ravel(given)), strict=True))
    scales = [grown.get(a, 1.0) for a in range(rank)]
    if min(scales) <= 0:
        raise call.refuse(f"scales {scales}; wanted above 0")
    exact = {} if wanted is None else dict(zip(axes, map(int, wanted), strict=True))
    return scales, [exact.get(a, n) for a, n in enumerate(scaled(dims, scales))]


def _places(call: Call, mode: str, size: int, made: int, scale: float) -> tuple[float, ...]:
    """Return where each output element along an axis reads its input."""
    usual = "half_pixel" if call.opset > 10 else "asymmetric"
    coordinates = str(call.setting("coordinate_transformation_mode", usual))
    if coordinates not in COORDINATES:
        raise call.refuse(f"coordinate_transformation_mode {coordinates!r} is not known here")
    rounding = ""
    if mode == "nearest":
        before = "ceil" if scale < 1 else "floor"  # opset 10 names no rounding; this is onnxruntime's
        rounding = str(call.setting("nearest_mode", "round_prefer_floor" if call.opset > 10 else before))
        if rounding not in ROUNDED:
            raise call.refuse(f"nearest_mode {rounding!r} is not known here")
    return tuple(places(coordinates, rounding, size, made, scale).tolist())


READERS = {"Resize": resize, "Upsample": resize}
