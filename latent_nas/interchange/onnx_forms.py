"""The forms that a file's input may have in a graph: an image with its channels first or last, a series, a vector.

A file does not say which. Any form under which all of its nodes can be read computes the same; the first is taken, the
likeliest is first.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

import numpy as np

from latent_nas.interchange.onnx_draft import LARGEST
from latent_nas.interchange.onnx_file import File, key
from latent_nas.interchange.onnx_nodes.call import Unreadable
from latent_nas.interchange.onnx_view import channels_first, channels_last, memory
from latent_nas.operators import Shape

TO_NCHW = [0, 3, 1, 2]
TRIVIAL = {"Identity", "Dropout", "QuantizeLinear", "DequantizeLinear", "Cast", "Mul", "Div", "Add", "Sub"}
TRIVIAL |= {"BatchNormalization", "ai.onnx.ml.Scaler"}


@dataclass(frozen=True)
class Form:
    """An input's shape in the graph, and where the elements of the file's input lie in it."""

    shape: Shape
    order: np.ndarray


def forms(file: File) -> Iterator[Form]:
    """Yield the forms of a file's input, the likeliest first.

    Raises:
        Unreadable: it is larger than any device can hold.
    """
    dims = file.dims
    if prod(dims) > LARGEST:
        raise Unreadable(f"its input {file.input!r} is {dims}, which no device here can hold")
    if len(dims) == 2:
        yield Form(dims[1:], memory(dims))
        inner = _reshaped(file)
        for one in _images(inner, False) if inner else ():
            yield Form(one.shape, one.order.reshape(dims))
    elif len(dims) == 3:
        yield from _series(dims, _turned(file))
    else:
        yield from _images(dims, _is_last(file))


def _images(dims: tuple[int, ...], last: bool) -> Iterator[Form]:
    """Yield the forms of a tensor of three or four dimensions."""
    if len(dims) == 3:
        yield from _series(dims, last)
        return
    _, a, b, c = dims
    first_form, last_form = (Form((b, c, a), channels_first((b, c, a))), Form((a, b, c), channels_last((a, b, c))))
    yield from (last_form, first_form) if last else (first_form, last_form)


def _series(dims: tuple[int, ...], last: bool) -> Iterator[Form]:
    """Yield the forms (steps, values, 1), as this package has series, of (1, values, steps) and (1, steps, values)."""
    _, a, b = dims
    first_form = Form((b, a, 1), memory((b, a)).T[None])
    last_form = Form((a, b, 1), memory((1, a, b)))
    yield from (last_form, first_form) if last else (first_form, last_form)


def _begins(file: File) -> Iterator[tuple[str, object, str]]:
    """Yield type, node and input of the first nodes that read the input, through those that change no layout."""
    name = file.input
    for node in file.nodes:
        if name in node.input:
            yield key(node), node, name
            if key(node) in TRIVIAL:
                name = node.output[0]


def _is_last(file: File) -> bool:
    """Return whether an image is made NCHW, or is flattened with one channel, before anything else happens."""
    for kind, node, name in _begins(file):
        if kind == "Transpose":
            return [list(a.ints) for a in node.attribute if a.name == "perm"] == [TO_NCHW]  # type: ignore[attr-defined]
        if kind in ("Reshape", "Flatten"):  # grey: (height, width, 1), not an image one pixel wide
            return file.inferred.get(name, file.dims)[3:] == (1,)
        if kind not in TRIVIAL:
            return False
    return False


def _turned(file: File) -> bool:
    """Return whether a series does not go into a convolution as it is: its values come last."""
    return not any(kind in ("Conv", "MaxPool", "AveragePool", "GlobalAveragePool") for kind, _, _ in _begins(file))


def _reshaped(file: File) -> tuple[int, ...] | None:
    """Return what a vector is reshaped to before anything else."""
    for kind, node, _ in _begins(file):
        if kind in ("Reshape", "Unsqueeze"):
            dims = file.inferred.get(node.output[0], ())  # type: ignore[attr-defined]
            return dims if len(dims) in (3, 4) and all(dims) and dims[0] == 1 else None
    return None
