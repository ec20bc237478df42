"""Parts of a tensor, and the lists of dimensions that a file takes apart to work out a shape."""

import numpy as np

from latent_nas.interchange.tflite_nodes import Field, Reader
from latent_nas.interchange.tflite_nodes.call import Call
from latent_nas.interchange.tflite_nodes.draft import Value
from latent_nas.operators.slice import Slice


def _slice(call: Call) -> Value:
    begin, size = (call.constant(i).ravel().tolist() for i in (1, 2))
    return _part(
        call, begin, [d - b if s == -1 else s for d, b, s in zip(call.tensor(0).dims, begin, size, strict=True)]
    )


def _part(call: Call, begin: list[int], size: list[int], i: int = 0) -> Value:
    x, shape = call.value(i), call.shape(i)
    wide = [axis for axis, d in enumerate(x.dims) if d != 1]
    if [x.dims[axis] for axis in wide] != [d for d in shape if d != 1] or not len(begin) == len(size) == len(x.dims):
        raise call.refuse(f"a part of a tensor {x.dims}, which is {shape} in the graph")
    if any((begin[axis], size[axis]) != (0, 1) for axis in range(len(begin)) if axis not in wide):
        raise call.refuse(f"a part from {begin} of the size {size} of a tensor {x.dims}")
    parts = iter([(begin[axis], size[axis]) for axis in wide])  # a sequence is an image one pixel wide
    begin, size = (list(n) for n in zip((0, 1), *(next(parts) if d != 1 else (0, 1) for d in shape), strict=True))
    if (*begin[1:], *size[1:]) == (*[0] * len(shape), *shape):
        return call.again(x)
    return call.add(Slice(tuple(begin[1:]), tuple(size[1:])), x)


def _strided_slice(call: Call) -> Value | np.ndarray:
    if call.constants[0] is None:
        return _strided_part(call)
    values, begin, end, stride = (call.constant(i).ravel() for i in range(4))
    flags = {name: call.option(name) for name in call.options}
    shrink = flags.pop("shrink")
    if (
        call.constant(0).ndim != 1
        or begin.size != 1
        or stride.tolist() != [1]
        or shrink not in (0, 1)
        or any(flags[name] for name in ("ellipsis", "new_axis", "offset"))
    ):
        raise call.refuse("only a part of a list of dimensions, with stride 1, is known here")
    first = None if flags["begin"] & 1 else int(begin[0])
    last = None if flags["end"] & 1 else int(end[0])
    found = values[first] if shrink and first is not None else values[first:last]
    return np.asarray(found)


def _strided_part(call: Call) -> Value:
    begin, end, stride = (call.constant(i).ravel().tolist() for i in (1, 2, 3))
    dims = call.tensor(0).dims
    flags = {name: call.option(name) for name in call.options}
    others = [name for name in ("ellipsis", "new_axis", "offset") if flags[name]]
    if any(s != 1 for s in stride) or others or not len(begin) == len(end) == len(dims):
        raise call.refuse(f"strides {stride}, {', '.join(others)}; only parts with stride 1 are known here")
    ends = [slice(b, e).indices(d)[:2] for b, e, d in zip(begin, end, dims, strict=True)]
    first = [0 if flags["begin"] >> i & 1 else b for i, (b, _) in enumerate(ends)]
    last = [dims[i] if flags["end"] >> i & 1 else e for i, (_, e) in enumerate(ends)]
    last = [b + 1 if flags["shrink"] >> i & 1 else e for i, (b, e) in enumerate(zip(first, last, strict=True))]
    return _part(call, first, [e - b for b, e in zip(first, last, strict=True)])


def _shape(call: Call) -> np.ndarray:
    tensor = call.tensor(0)
    return np.array(tensor.dims, np.int64)


def _pack(call: Call) -> np.ndarray:
    parts = [call.constant(i) for i in range(len(call.tensors))]
    if any(part.size != 1 for part in parts):
        raise call.refuse("only single dimensions are packed here")
    return np.array([part.ravel()[0] for part in parts])


def _split(call: Call) -> Value:
    """Return one of equal parts along an axis."""
    dims, number = call.tensor(1).dims, call.option("number")
    axis = _axis(call, call.constant(0), len(dims))
    if number < 1 or dims[axis] % number:
        raise call.refuse(f"{number} parts of {dims} along axis {axis}")
    return _along(call, 1, axis, [dims[axis] // number] * number)


def _split_by(call: Call) -> Value:
    """Return one of parts of stated sizes along an axis."""
    dims, sizes = call.tensor(0).dims, call.constant(1).ravel().tolist()
    axis = _axis(call, call.constant(2), len(dims))
    left = dims[axis] - sum(s for s in sizes if s != -1)
    sizes = [left if s == -1 else s for s in sizes]
    if sum(sizes) != dims[axis] or min(sizes) < 1:
        raise call.refuse(f"parts {sizes} of {dims} along axis {axis}")
    return _along(call, 0, axis, sizes)


def _axis(call: Call, held: np.ndarray, rank: int) -> int:
    if held.size != 1 or not -rank <= int(held.ravel()[0]) < rank:
        raise call.refuse(f"axis {held.ravel().tolist()} of {rank}")
    return int(held.ravel()[0]) % rank


def _along(call: Call, i: int, axis: int, sizes: list[int]) -> Value:
    if call.which >= len(sizes):
        raise call.refuse(f"{len(sizes)} parts and more outputs")
    dims = list(call.tensor(i).dims)
    begin, size = [0] * len(dims), dims
    begin[axis], size[axis] = sum(sizes[: call.which]), sizes[call.which]
    return _part(call, begin, size, i)


STRIDED: dict[str, Field] = {
    **{"begin": (0, "i", 0), "end": (1, "i", 0), "ellipsis": (2, "i", 0), "new_axis": (3, "i", 0)},
    **{"shrink": (4, "i", 0), "offset": (5, "?", False)},
}
READERS = {
    "SLICE": Reader(_slice, 48),
    "STRIDED_SLICE": Reader(_strided_slice, 32, STRIDED),
    "SPLIT": Reader(_split, 35, {"number": (0, "i", 0)}, several=True),
    "SPLIT_V": Reader(_split_by, 79, {"number": (0, "i", 0)}, several=True),
    "SHAPE": Reader(_shape, 55, {"type": (0, "b", 0)}),
    "PACK": Reader(_pack, 59, {"count": (0, "i", 0), "axis": (1, "i", 0)}),
}
