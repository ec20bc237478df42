"""ONNX operators that move, join or drop dimensions: each axis is looked at, as NCHW and NHWC name them differently."""

from dataclasses import replace
from math import prod

from latent_nas.interchange.onnx_nodes.call import Call, Value
from latent_nas.operators.concat import Concat
from latent_nas.operators.flatten import Flatten
from latent_nas.operators.global_pool import GlobalPool

TO_NHWC, TO_NCHW = [0, 2, 3, 1], [0, 3, 1, 2]


def mean(call: Call) -> Value:
    """Return the mean over height and width."""
    axes, shape = call.setting("axes", None) or [int(a) for a in call.constant(1)], call.shape()
    wanted = [1, 2] if call.value(0).nhwc else [2, 3]
    if len(shape) != 3 or sorted(a % 4 for a in axes) != wanted:
        raise call.refuse(f"the mean over axes {axes}; only over height and width, {wanted} of an image here")
    return call.add(GlobalPool(), call.value(0))


def concat(call: Call) -> Value:
    """Return tensors joined along their channels."""
    n, axis = len(call.values), call.setting("axis", 1)
    for i in range(n):
        call.value(i)
        if axis % call.rank(i) != call.channel_axis(i):
            raise call.refuse(f"axis {axis} is not that of the channels, {call.channel_axis(i)}")
    return call.add(Concat(), *(call.value(i) for i in range(n)))


def softmax(call: Call) -> Value:
    """Return the tensor itself: probabilities are ordered as what they are made of."""
    axis = call.setting("axis", -1 if call.opset >= 13 else 1)
    image = len(call.shape()) == 3
    if axis % call.rank() != call.channel_axis() or (image and call.opset < 13):  # it flattened what follows
        raise call.refuse(f"axis {axis} is not that of the classes, {call.channel_axis()}")
    return call.value(0)


def flatten(call: Call) -> Value:
    """Return an image as a vector."""
    if call.setting("axis", 1) not in (1, 1 - call.rank()):
        raise call.refuse("only axis 1 is known here")
    return call.value(0) if len(call.shape()) == 1 else flattened(call)


def flattened(call: Call) -> Value:
    """Return the image as a vector, and how the file's vector is ordered where that differs."""
    x, shape = call.value(0), call.shape()
    same = x.nhwc or shape[2] == 1 or shape[:2] == (1, 1)
    return replace(call.add(Flatten(), x), flat=None if same else shape)


def reshape(call: Call) -> Value:
    """Return a flattened image, or the tensor where only dimensions of 1 move."""
    x, shape, given = call.value(0), call.shape(), [int(n) for n in call.constant(1)]
    image, size = len(shape) == 3, prod(shape)
    first, last = [shape[-1], *shape[:-1]], list(shape)
    before = (last if x.nhwc else first) if image else [size]
    beside = [before[i] if n == 0 and i < len(before) else n for i, n in enumerate(given[1:])]
    if beside.count(-1) == 1 and given[0] != -1:
        beside = [size // max(1, -prod(beside)) if n == -1 else n for n in beside]
    if given[0] in (-1, 0, 1, (call.dims[0] or (1,))[0]) and prod(beside) == size:
        if beside == before:
            return x
        if len(beside) == 1:
            return flattened(call)
        if not image and size in beside and len(beside) == 3:  # a vector as an image of one pixel
            return x
        if image and (shape[2] == 1 or shape[:2] == (1, 1)) and beside == (first if x.nhwc else last):
            return replace(x, nhwc=not x.nhwc)
    raise call.refuse(f"a tensor {tuple(before)} beside the batch as {given} is not known here, but flattening")


def squeeze(call: Call) -> Value:
    """Return an image of one pixel as a vector, and a vector as it is."""
    if len(call.shape()) == 1:
        return call.value(0)
    if call.shape()[:2] != (1, 1):
        raise call.refuse(f"a tensor {call.shape()} loses a dimension; only an image of one pixel may")
    return call.add(Flatten(), call.value(0))


def transpose(call: Call) -> Value:
    """Return an image with its channels at the other end."""
    perm, x = call.setting("perm", []), call.value(0)
    if len(call.shape()) == 1:
        if perm[:1] != [0]:
            raise call.refuse(f"perm {perm} moves the batch")
        return x
    if perm != (TO_NCHW if x.nhwc else TO_NHWC):
        raise call.refuse(f"perm {perm} is not known here, but NCHW to NHWC and back")
    return replace(x, nhwc=not x.nhwc)


def pad(call: Call) -> Value:
    """Return a tensor that the convolution after it pads with zeros."""
    amounts = call.setting("pads", None) or [int(a) for a in call.constant(1)]
    value, axes = call.optional(2), call.optional(3)
    mode, filled = call.setting("mode", "constant"), call.setting("value", 0.0) if value is None else value.ravel()[0]
    if mode != "constant" or filled:
        raise call.refuse(f"mode {mode!r}, value {filled}; only zeros are known here")
    if axes is not None:
        rank = call.rank()
        pairs = {int(a) % rank: (amounts[i], amounts[len(axes) + i]) for i, a in enumerate(axes.ravel())}
        amounts = [pairs.get(a, (0, 0))[end] for end in (0, 1) for a in range(rank)]
    x = call.value(0, padded=True)
    rows, columns = (1, 2) if x.nhwc else (2, 3)
    others = [amounts[i] for i in range(len(amounts)) if i % 4 not in (rows, columns)]
    if len(amounts) != 8 or any(others) or min(amounts) < 0 or len(call.shape()) != 3:
        raise call.refuse(f"pads {amounts} are not of height and width alone")
    t, b, le, r = x.padded
    top, bottom, left, right = (amounts[i] for i in (rows, rows + 4, columns, columns + 4))
    return replace(x, padded=(t + top, b + bottom, le + left, r + right))


READERS = {
    "ReduceMean": mean,
    "Flatten": flatten,
    "Reshape": reshape,
    "Squeeze": squeeze,
    "Transpose": transpose,
    "Pad": pad,
    "Concat": concat,
}
