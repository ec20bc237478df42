"""Nodes that move elements and compute nothing: they are done to the order of the elements as they stand.

So there is nothing here to be read wrongly; whether what comes out is an image or a vector, its reader asks.
"""

import numpy as np

from latent_nas.interchange.onnx_draft import LARGEST
from latent_nas.interchange.onnx_nodes.call import Call, Value
from latent_nas.interchange.onnx_nodes.masks import truth
from latent_nas.operators import Shape

MOVES = {"Reshape", "Transpose", "Squeeze", "Unsqueeze", "Flatten", "Slice", "Split", "Gather", "Tile", "Expand"}
MOVES |= {"DepthToSpace", "SpaceToDepth", "ai.onnx.ml.ArrayFeatureExtractor"}  # by onnx's reference evaluator


def passed(call: Call) -> Value:
    """Return the tensor itself."""
    return call.value(0, padded=True)


def dropout(call: Call) -> Value:
    """Return the tensor itself, as in inference."""
    if (training := call.optional(2)) is not None and training.any():
        raise call.refuse("training_mode is true; export the model in evaluation mode")
    return call.value(0, padded=True)


def cast(call: Call) -> Value:
    """Return the tensor itself, of floats of another width or of truth values; or whether it is not 0."""
    kind, value = call.setting("to", 1), call.value(0, padded=True)
    if value.node in call.draft.truths:
        return value
    if kind == 9:
        return truth(call, call.value(0), "abs(sign(x))")
    if kind not in (1, 10, 11, 16):  # float, float16, double, bfloat16
        raise call.refuse("it rounds to integers; only types of floats are known here")
    return value


def pad(call: Call) -> Value:
    """Return a tensor with zeros around it, or without its rim where pads are below 0."""
    x, rank = call.value(0, padded=True), call.value(0, padded=True).order.ndim
    given = call.setting("pads", None) or call.setting("paddings", None)
    amounts = [int(a) for a in (call.constant(1).ravel() if given is None else given)]
    value, axes = call.optional(2), call.optional(3)
    filled = call.setting("value", 0.0) if value is None or not value.size else float(value.ravel()[0])
    mode = call.setting("mode", "constant")
    along = list(range(rank)) if axes is None else [int(a) % rank for a in axes.ravel()]
    if len(amounts) != 2 * len(along):
        raise call.refuse(f"pads {amounts} of {len(along)} axes")
    pairs: list[Shape] = [(0, 0)] * rank
    for i, axis in enumerate(along):
        pairs[axis] = (amounts[i], amounts[len(along) + i])
    if not any(a for pair in pairs for a in pair):
        return x
    copied = mode in ("reflect", "edge", "wrap")
    if not copied and (mode != "constant" or filled):
        raise call.refuse(f"mode {mode!r}, value {filled}; only zeros and copies of the rim are known here")
    if any(pairs[0]):
        raise call.refuse(f"pads {amounts} are of the batch too")
    size = np.prod([n + max(0, b) + max(0, a) for (b, a), n in zip(pairs, x.order.shape, strict=True)], dtype=float)
    if size > LARGEST:
        raise call.refuse(f"pads {amounts} make a tensor that no device here can hold")
    cut = x.order[tuple(slice(max(0, -b), n - max(0, -a)) for (b, a), n in zip(pairs, x.order.shape, strict=True))]
    added = [(max(0, b), max(0, a)) for b, a in pairs]
    order = np.pad(cut, added, mode) if copied else np.pad(cut, added, constant_values=-1)
    return Value(x.node, order)


READERS = {"Identity": passed, "Dropout": dropout, "Cast": cast, "Pad": pad}
