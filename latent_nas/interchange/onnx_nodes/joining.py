"""Tensors joined to one."""

import numpy as np

from latent_nas.interchange.onnx_nodes.call import Call, Value
from latent_nas.operators.concat import Concat


def concat(call: Call) -> Value:
    """Return tensors joined along their channels, or vectors along their features."""
    n, axis = len(call.values), int(call.setting("axis", 1))
    values = [call.value(i) for i in range(n)]
    rank = values[0].order.ndim
    if n == 1:
        return values[0]
    if not -rank <= axis < rank or any(v.order.ndim != rank for v in values):
        raise call.refuse(f"axis {axis} of tensors {', '.join(str(v.order.shape) for v in values)}")
    if rank > 2 and axis % rank == 1:
        values = [call.in_order(v) for v in values]
    shapes = [call.draft.shape(v.node) for v in values]
    if len({len(s) for s in shapes}) > 1 or len({s[:-1] for s in shapes}) > 1:  # an image of a pixel beside a vector
        values = [Value(call.flat(v), v.order) for v in values]
        shapes = [call.draft.shape(v.node) for v in values]
    for value, shape in zip(values, shapes, strict=True):
        along = np.diff(value.order // shape[-1], axis=axis) if len(shape) == 3 else np.zeros(1)
        if along.any() or axis % rank == 0:
            raise call.refuse(f"axis {axis} of a tensor {value.order.shape} is not that of the channels")
    across, places, begin = sum(s[-1] for s in shapes), [], 0
    for value, shape in zip(values, shapes, strict=True):
        pixel, channel = np.divmod(value.order, shape[-1])
        places.append(pixel * across + channel + begin)
        begin += shape[-1]
    try:
        order = np.concatenate(places, axis=axis).astype(np.int32)
    except ValueError as error:
        raise call.refuse(str(error)) from None
    return Value(call.put(Concat(), *(v.node for v in values)), order)


READERS = {"Concat": concat}
