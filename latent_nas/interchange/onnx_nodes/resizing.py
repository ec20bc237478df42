"""Images and series with more or fewer rows and columns, nearest or linear."""

from collections.abc import Callable

import numpy as np

from latent_nas.interchange.onnx_draft import LARGEST
from latent_nas.interchange.onnx_nodes.call import Call, Value
from latent_nas.operators.resize import Resize
from latent_nas.operators.upsample import Upsample

ROUNDED: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "round_prefer_floor": lambda x: np.ceil(x - np.float32(0.5)),
    "round_prefer_ceil": lambda x: np.floor(x + np.float32(0.5)),
    "floor": np.floor,
    "ceil": np.ceil,
}


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
    places = [_places(call, mode, *axis) for axis in zip(dims[2:], sizes[2:], scales[2:], strict=True)]
    places += [(0.0,)] * (4 - len(dims))
    factors = [len(p) // n for p, n in zip(places, image.shape, strict=False)]
    blocks = [tuple(float(i) for i in range(n) for _ in range(f)) for n, f in zip(image.shape, factors, strict=False)]
    if places == blocks:
        node = call.put(Upsample((factors[0], factors[1])), image.node)
    else:
        node = call.put(Resize(places[0], places[1]), image.node)
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
    with np.errstate(over="ignore"):
        products = np.array(dims, np.float32) * np.array(scales, np.float32)  # in single precision, as onnxruntime does
    return scales, [exact.get(a, int(n)) for a, n in enumerate(np.minimum(products, 2 * LARGEST))]


def _places(call: Call, mode: str, size: int, made: int, scale: float) -> tuple[float, ...]:
    """Return where each output element along an axis reads its input, by ONNX's formulas.

    They are worked out in single precision, as onnxruntime does: which neighbour is the nearest may hang on it.
    """
    usual = "half_pixel" if call.opset > 10 else "asymmetric"
    coordinates = str(call.setting("coordinate_transformation_mode", usual))
    i, one = np.arange(made, dtype=np.float32), np.float32(scale)
    middle = np.float32(size / 2 * (1 - made / (scale * size)))
    half = np.float32(0.5)
    x = {
        "half_pixel": (i + half) / one - half,
        "half_pixel_symmetric": middle + (i + half) / one - half,
        "pytorch_half_pixel": (i + half) / one - half if made > 1 else i * 0,
        "tf_half_pixel_for_nn": (i + half) / one,
        "align_corners": i * np.float32(size - 1) / np.float32(max(1, made - 1)),
        "asymmetric": i / one,
    }.get(coordinates)
    if x is None:
        raise call.refuse(f"coordinate_transformation_mode {coordinates!r} is not known here")
    if mode == "nearest":
        before = "ceil" if scale < 1 else "floor"  # opset 10 names no rounding; this is onnxruntime's
        rounding = str(call.setting("nearest_mode", "round_prefer_floor" if call.opset > 10 else before))
        if rounding not in ROUNDED:
            raise call.refuse(f"nearest_mode {rounding!r} is not known here")
        x = ROUNDED[rounding](x)
    return tuple(np.clip(x, 0, size - 1).astype(float).tolist())


READERS = {"Resize": resize, "Upsample": resize}
