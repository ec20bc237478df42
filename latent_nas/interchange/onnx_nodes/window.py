"""Sliding windows: their size, stride, dilation and padding, as attributes say them."""

import numpy as np

from latent_nas.interchange.onnx_draft import LARGEST
from latent_nas.interchange.onnx_nodes.call import Call
from latent_nas.interchange.onnx_view import Image
from latent_nas.operators.window import Padding, Pair, pads


def pair(call: Call, given: list[int], rank: int, rest: int = 1) -> Pair:
    """Return the two numbers of an attribute; of a series the one of its steps, and ``rest``."""
    numbers = [int(n) for n in given]
    if len(numbers) != rank - 2 or rank not in (3, 4) or min(numbers, default=1) < 1:
        raise call.refuse(f"{numbers} for a tensor of {rank} dimensions; only images and series are known here")
    return (numbers[0], numbers[1]) if rank == 4 else (numbers[0], rest)


def dilated(call: Call, weight: np.ndarray) -> np.ndarray:
    """Return weights (filters, channels, height, width) with zeros between them, as the dilations say."""
    rank = call.value(0, padded=True).order.ndim
    apart = pair(call, call.setting("dilations", None) or [1] * (rank - 2), rank)
    if apart == (1, 1):
        return weight
    height, width = ((n - 1) * a + 1 for n, a in zip(weight.shape[2:], apart, strict=True))
    if float(height) * width * weight.shape[0] * weight.shape[1] > LARGEST:
        raise call.refuse(f"dilations {apart} make a window of {height}x{width}, which no device here can hold")
    whole = np.zeros((*weight.shape[:2], height, width), weight.dtype)
    whole[:, :, :: apart[0], :: apart[1]] = weight
    call.draft.note(f"{call.what}: dilations {apart} become a window of {height}x{width} with zeros in between")
    return whole


def padding_of(call: Call, kernel: tuple[int, ...], image: Image) -> tuple[Pair, Pair, Padding]:
    """Return kernel, stride and padding ("same" and "valid" by name where they are meant) over an image."""
    size = (int(kernel[0]), int(kernel[1]))
    stride = pair(call, call.setting("strides", None) or [1] * (image.rank - 2), image.rank)
    given = _amounts(call, size, stride, image)
    total = tuple(a + b for a, b in zip(given, image.padding, strict=True))
    for name in ("same", "valid"):
        if total == pads(image.shape[0], image.shape[1], size, stride, name):
            return size, stride, name
    return size, stride, (total[0], total[1], total[2], total[3])


def _amounts(call: Call, size: Pair, stride: Pair, image: Image) -> tuple[int, int, int, int]:
    """Return top, bottom, left and right of the node's own padding."""
    automatic = call.setting("auto_pad", "NOTSET") or "NOTSET"
    if automatic == "VALID":
        return 0, 0, 0, 0
    if automatic in ("SAME_UPPER", "SAME_LOWER"):
        rows, columns = image.shape[0] + sum(image.padding[:2]), image.shape[1] + sum(image.padding[2:])
        top, bottom, left, right = pads(rows, columns, size, stride, "same")
        return (top, bottom, left, right) if automatic == "SAME_UPPER" else (bottom, top, right, left)
    if automatic != "NOTSET":
        raise call.refuse(f"auto_pad {automatic} is not known here")
    amounts = [int(n) for n in call.setting("pads", None) or [0] * (2 * image.rank - 4)]
    if len(amounts) != 2 * image.rank - 4 or min(amounts) < 0:
        raise call.refuse(f"pads {amounts}; wanted {2 * image.rank - 4} of at least 0")
    if image.rank == 3:
        return amounts[0], amounts[1], 0, 0
    return amounts[0], amounts[2], amounts[1], amounts[3]
