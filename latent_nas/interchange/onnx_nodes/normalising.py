"""Normalisation by what a tensor itself holds."""

from math import prod

import numpy as np

from latent_nas.interchange.onnx_nodes.call import Call, Value
from latent_nas.operators.layer_norm import LayerNorm


def layer_norm(call: Call) -> Value:
    """Return a tensor with mean 0 and variance 1 over its last axes, times a gain, plus an offset."""
    x, gain, offset = call.value(0), call.constant(1), call.optional(2)
    dims, axis = x.order.shape, int(call.setting("axis", -1))
    if not -len(dims) <= axis < len(dims) or axis % len(dims) == 0:
        raise call.refuse(f"axis {axis} of a tensor {dims}")
    features, last = prod(dims[axis % len(dims) :]), axis % len(dims) == len(dims) - 1
    operator = LayerNorm(float(call.setting("epsilon", 1e-5)))
    gains, offsets = (
        np.broadcast_to(d if a is None else a, dims[axis % len(dims) :]).ravel() for a, d in ((gain, 1), (offset, 0))
    )
    if x.order.size == features:  # the whole tensor, whatever order it lies in
        vector = call.flat(x)
        if sorted(x.order.ravel().tolist()) != list(range(prod(call.draft.shape(vector)))):
            vector, x = call.flat(call.in_order(x)), call.in_order(x)
        places = np.argsort(x.order.ravel())
        node = call.put(operator, vector)
        call.hold(node, gains[places], offsets[places], None)
        return Value(node, x.order)
    if not last:
        raise call.refuse(f"over axes from {axis} of a tensor {dims}; only over all of it, or over the last, is known")
    image = call.in_order(Value(x.node, np.moveaxis(x.order, -1, 1)))
    node = call.put(operator, image.node)
    call.hold(node, gains, offsets, None)
    return Value(node, np.moveaxis(image.order, 1, -1))


READERS = {"LayerNormalization": layer_norm}
