"""What onnxruntime makes of a resized image: its sizes, and where each element of it reads, in single precision.

onnx infers sizes in double precision: of 10 rows times 0.7 one makes 7 and the other 6. What is read, and what is
written, is the network that runs.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from latent_nas.interchange.onnx_draft import LARGEST

RESIZED = ("Resize", "Upsample")
HALF = np.float32(0.5)
CLOSE = 8  # numbers of single precision on either side of a scale, among which one is looked for
TIE = 1e-6  # so far from a half, onnxruntime (1.32) takes a place for one: 14.499999 of 4.5 * (20 / 6) - 0.5
ROUNDED: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "round_prefer_floor": lambda x: np.ceil(_halves(x) - 0.5),
    "round_prefer_ceil": lambda x: np.floor(_halves(x) + 0.5),
    "floor": np.floor,
    "ceil": np.ceil,
}
COORDINATES: dict[str, Callable[[np.ndarray, np.float32, int, int], np.ndarray]] = {  # of i, scale, size and made
    "half_pixel": lambda i, scale, n, m: (i + HALF) / scale - HALF,
    "half_pixel_symmetric": lambda i, scale, n, m: _symmetric(i, scale, np.float32(n), m),
    "pytorch_half_pixel": lambda i, scale, n, m: (i + HALF) / scale - HALF if m > 1 else i * 0,
    "tf_half_pixel_for_nn": lambda i, scale, n, m: (i + HALF) / scale,
    "align_corners": lambda i, scale, n, m: i * np.float32(n - 1) / np.float32(max(1, m - 1)),
    "asymmetric": lambda i, scale, n, m: i / scale,
}


def places(coordinates: str, rounding: str, size: int, made: int, scale: float) -> np.ndarray:
    """Return where each of ``made`` elements along an axis reads the ``size`` that there are (made,).

    An axis of scale 1 is left as it is, whatever the formula.

    Args:
        coordinates: of ``COORDINATES``. rounding: of ``ROUNDED``; "": not to a neighbour.
    """
    i, one = np.arange(made, dtype=np.float32), np.float32(scale)
    x = i if one == 1 else COORDINATES[coordinates](i, one, size, made)
    return np.clip(ROUNDED[rounding](x) if rounding else x, 0, size - 1).astype(float)


def _halves(x: np.ndarray) -> np.ndarray:
    """Return places in double precision, in which 0.5 is added exactly; those close to a half are one."""
    whole = np.floor(x.astype(float))
    return np.where(np.abs(x - whole - 0.5) <= TIE, whole + 0.5, x.astype(float))


def _symmetric(i: np.ndarray, scale: np.float32, size: np.float32, made: int) -> np.ndarray:
    offset = size / 2 * (1 - np.float32(made) / (scale * size))  # in single precision, what is added in double
    return (offset + (i + 0.5).astype(float) / float(scale) - 0.5).astype(np.float32)


def scaled(dims: Sequence[int], scales: Sequence[float]) -> list[int]:
    """Return what dimensions become by scales, at most twice the largest tensor."""
    with np.errstate(over="ignore"):
        products = np.array(dims, np.float32) * np.array(scales, np.float32)
    return [int(n) for n in np.minimum(products, 2 * LARGEST)]


def scale_of(coordinates: str, rounding: str, size: int, read: Sequence[float]) -> float:
    """Return a scale by which onnxruntime, and onnx where it can be, makes as many elements and reads at these places.

    Args:
        coordinates, rounding: as of ``places``.

    Raises:
        ValueError: there is none: a place so close to a half that single precision rounds it to another neighbour.
    """
    made, wanted = len(read), np.array(read)
    near = np.float32(made / size)
    close = [near + np.float32(k) * np.spacing(near) for k in range(-CLOSE, CLOSE + 1)]
    close.sort(key=lambda scale: (int(size * float(scale)) != made, abs(float(scale) - made / size)))
    for scale in close:
        exact = scaled([size], [scale]) == [made]
        if exact and np.allclose(places(coordinates, rounding, size, made, scale), wanted, rtol=0, atol=1e-5 * size):
            return float(scale)
    raise ValueError(f"a resize of {size} to {made} reads places that no scale in single precision reaches")


def as_run(onnx: Any, model: Any) -> Any:
    """Return a model for shape inference: what is resized by known scales is an input, of the size that it has as run.

    Raises:
        InferenceError: onnx's, where shapes contradict each other.
    """
    if not any(node.op_type in RESIZED for node in model.graph.node):
        return model
    whole = onnx.ModelProto()
    whole.CopyFrom(model)
    graph = whole.graph
    while True:
        inferred = onnx.shape_inference.infer_shapes(whole).graph
        known = {v.name: v.type.tensor_type for v in (*inferred.input, *inferred.value_info)}
        arrays = _arrays(onnx, graph)
        for node in graph.node:
            source = known.get(node.input[0]) if node.op_type in RESIZED else None
            if source is None:
                continue
            dims = [d.dim_value for d in source.shape.dim]
            scales = _scales(onnx, node, arrays, len(dims))
            if scales is None or not all(dims):
                continue
            made = onnx.helper.make_tensor_value_info(node.output[0], source.elem_type, scaled(dims, scales))
            graph.node.remove(node)
            graph.input.append(made)
            break
        else:
            return whole


def _arrays(onnx: Any, graph: Any) -> dict[str, np.ndarray]:
    """Return the small constants of a graph by name, those of nodes too."""
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant":
            tensors.update((node.output[0], a.t) for a in node.attribute if a.name == "value")
    few = {n: t for n, t in tensors.items() if np.prod(t.dims, dtype=float) <= 8 and t.data_location == 0}
    return {name: onnx.numpy_helper.to_array(tensor) for name, tensor in few.items()}


def _scales(onnx: Any, node: Any, arrays: dict[str, np.ndarray], rank: int) -> Sequence[float] | None:
    """Return the scale of each of ``rank`` dimensions that a node resizes by; None where it goes by sizes."""
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    found = attributes.get("scales")
    if found is None and len(node.input) > 1:
        found = arrays.get(node.input[min(2, len(node.input) - 1)])
    axes = list(attributes.get("axes") or range(rank))
    scales = np.ones(rank)
    if found is None or np.size(found) != len(axes) or any(not -rank <= a < rank for a in axes):
        return None
    scales[axes] = np.ravel(found)
    return scales.tolist() if np.isfinite(scales).all() and min(scales) > 0 else None
