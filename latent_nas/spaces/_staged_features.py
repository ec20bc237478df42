"""Features of a batch of staged networks without building a graph; a test holds them equal to the graphs'."""

import numpy as np

from latent_nas.compiled import compiled
from latent_nas.operators import Shape
from latent_nas.spaces._whole_features import WHOLE

Sizes = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]

WORK = {
    "conv2d": ("macs", "outputs", "pixels", "patch", "weights"),
    "pointwise": ("macs", "outputs", "tail16_macs", "weights"),
    "depthwise": ("macs", "outputs", "pixels", "gathers", "gathered"),
}
NAMES = (
    *(f"count.{k}" for k in ("conv2d", "pointwise", "depthwise", "add")),
    "longest.all",
    *(f"shortest.{k}" for k in ("all", "conv2d", "pointwise", "depthwise")),
    "degree.in_mean",
    *(f"{term}.{kind}" for kind, terms in WORK.items() for term in terms),
    "macs.dense",
    "outputs.add",
    *WHOLE,
)
# the others are logarithms
PLAIN = ("count", "longest", "shortest", "degree", "width", "volume", "layers", "chain")
LOGS = np.flatnonzero([not name.startswith(PLAIN) for name in NAMES])

CONV2D, POINTWISE, DEPTHWISE = range(3)  # in the order of their columns
# Numbers of numpy, as numba compiles a function anew for every one of Python that is written in its call: of use for
# the kinds, each of which gets its own code, and for nothing else.
NONE, ONE, MAIN = np.int64(0), np.int64(1), np.bool_(True)
LOG2 = np.log2(np.maximum(np.arange(1 + 6 * 128), 1))  # of widths
COUNT, SHORTEST = 0, NAMES.index("shortest.conv2d")
MACS, OUTPUTS = (tuple(NAMES.index(f"{term}.{kind}") for kind in WORK) for term in ("macs", "outputs"))
PIXELS_CONV2D, PATCH, WEIGHTS_CONV2D = (NAMES.index(f"{term}.conv2d") for term in ("pixels", "patch", "weights"))
TAIL, WEIGHTS_POINTWISE = NAMES.index("tail16_macs.pointwise"), NAMES.index("weights.pointwise")
PIXELS_DEPTHWISE, GATHERS, GATHERED = (NAMES.index(f"{term}.depthwise") for term in ("pixels", "gathers", "gathered"))
COUNT_ADD, OUTPUTS_ADD, MACS_DENSE = (NAMES.index(name) for name in ("count.add", "outputs.add", "macs.dense"))
LONGEST_ALL, SHORTEST_ALL, IN_MEAN = (NAMES.index(n) for n in ("longest.all", "shortest.all", "degree.in_mean"))
ALL_MACS, PARAMETERS, CHANNELS = (NAMES.index(name) for name in ("macs", "parameters", "channels"))
SUM, LIVE, APART, LAST = (NAMES.index(n) for n in ("tensor.sum", "tensor.live", "tensor.apart", "pixels.last"))
WIDTH, MEAN, INVERSE = (NAMES.index(f"width.{name}") for name in ("least", "mean", "inverse"))
VOLUME, VOLUME_INVERSE = NAMES.index("volume.least"), NAMES.index("volume.inverse")
FINE, MIDDLE, COARSE = (NAMES.index(f"layers.{name}") for name in ("fine", "middle", "coarse"))
FIELD, CHAIN = NAMES.index("receptive_field"), NAMES.index("chain.longest")


def features(
    input_shape: Shape, pool: tuple[int, int], outputs: int, genes: np.ndarray, sizes: Sizes, flat: bool
) -> np.ndarray:
    """Return (n, len(NAMES)) float32 of canonical genes (n, genes).

    Args:
        pool: rows and columns of the input whose means come first. sizes: what the genes' kernels of the stem, those of
            blocks and head widths stand for.
        flat: whether windows slide along the first axis only.
    """
    found = np.empty((len(genes), len(NAMES)), np.float32)
    _all(np.array(genes, np.int64, order="C"), tuple(input_shape), pool, outputs, sizes, flat, LOG2, found)
    logs = found[:, LOGS]
    logs += 1
    np.log(logs, out=logs)
    logs *= np.float32(1 / np.log(2))
    found[:, LOGS] = logs
    return found


@compiled
def _all(
    genes: np.ndarray,
    input_shape: Shape,
    pool: tuple[int, int],
    outputs: int,
    sizes: Sizes,
    flat: bool,
    log2: np.ndarray,
    found: np.ndarray,
) -> None:
    """Write the features of genes (n, genes) into ``found``, those of LOGS as they are before the logarithm."""
    total = np.empty(found.shape[1])
    for row in range(len(genes)):
        _network(genes[row], input_shape, pool, outputs, sizes, flat, log2, total)
        for i in range(len(total)):
            found[row, i] = total[i]


@compiled
def _network(
    genes: np.ndarray,
    input_shape: Shape,
    pool: tuple[int, int],
    outputs: int,
    sizes: Sizes,
    flat: bool,
    log2: np.ndarray,
    total: np.ndarray,
) -> None:
    """Write the features of one network into ``total``."""
    for i in range(len(total)):
        total[i] = 0
    total[WIDTH] = total[VOLUME] = np.inf
    height, width, inputs = input_shape
    stem_kernels, kernels, heads = sizes
    plane, step = height * width, max(pool)
    height, width = (height + pool[0] - 1) // pool[0], (width + pool[1] - 1) // pool[1]
    seen, pools = height * width, int(step > 1)
    total[SUM] += plane * inputs
    if pools:
        total[SUM] += seen * inputs
        _live(total, (plane + seen) * inputs, NONE)
    kernel, channels, reach = stem_kernels[genes[0]], 4 + 4 * genes[1], 1 + genes[2]
    longer, taps = kernel, kernel**2
    if flat:  # the stem's window is as wide as the input; a window is counted by its longer side
        longer, taps, width = max(width, kernel), kernel * width, 1
    height, width = (height + genes[2]) // reach, (width + genes[2]) // reach
    pixels, log_pixels = height * width, np.log2(height * width)
    field, reach = float(step * longer), reach * step
    _layer(total, CONV2D, ONE, pixels, log_pixels, plane, inputs, channels, taps, MAIN, log2)
    _live(total, seen * inputs + pixels * channels, 4 * taps * inputs)
    longest, run, head = 1, 1, heads[genes[-2]]
    for start in range(3, len(genes) - 2, 6):
        kind, kernel, filters, repeats, stride, skip = genes[start : start + 6]
        kernel, filters = kernels[kernel], 4 + 4 * filters
        # The first block of a stage may have a stride; those after it are all alike.
        for times in (min(repeats, 1), repeats - 1):
            if times <= 0:
                continue
            adds = skip == 1 and stride == 0 and channels == filters
            pixels_in, log_in = pixels, log_pixels
            field += times * (kernel - 1) * reach
            if stride:
                height, width, reach, stride = (height + 1) // 2, (width + 1) // 2, 2 * reach, 0
                pixels = height * width
                log_pixels = np.log2(pixels)
            here = pixels_in, log_in, pixels, log_pixels, plane
            _block(total, times, kind, kernel, flat, here, channels, filters, adds, log2)
            channels = filters
            depth = 1 + (kind > 0) + (kind > 2)
            if adds:  # an addition ends a chain
                longest, run = max(longest, run + depth), 0
            else:
                run += times * depth
                longest = max(longest, run)
    if head:
        _layer(total, POINTWISE, ONE, pixels, log_pixels, plane, channels, head, ONE, MAIN, log2)
        _live(total, pixels * (channels + head), NONE)
        channels, run = head, run + 1
    _live(total, max(pixels * channels + channels, channels + outputs), NONE)
    layers = total[COUNT] + total[COUNT + 1] + total[COUNT + 2]
    total[MEAN] /= layers
    total[MACS_DENSE] = channels * outputs
    total[ALL_MACS] += channels * outputs
    total[PARAMETERS] += channels * outputs + outputs
    total[CHANNELS] += outputs
    total[SUM] += channels + outputs  # global pooling and the dense layer
    total[LONGEST_ALL] += layers + total[COUNT_ADD] + 2 + pools
    total[SHORTEST_ALL] += 2 + total[COUNT_ADD] + pools
    total[IN_MEAN] = (layers + 2 * total[COUNT_ADD] + 2 + pools) / (layers + total[COUNT_ADD] + 3 + pools)
    total[LAST], total[FIELD], total[CHAIN] = pixels, field, max(longest, run)


@compiled
def _block(
    total: np.ndarray,
    times: int,
    kind: int,
    kernel: int,
    flat: bool,
    here: tuple[int, float, int, float, int],
    channels: int,
    filters: int,
    adds: bool,
    log2: np.ndarray,
) -> None:
    """Add blocks that are alike: the spatial layer, and around it the pointwise layers that its kind has.

    ``here``: pixels and their log before and behind the blocks, and those of the input.
    """
    pixels_in, log_in, pixels, log_pixels, plane = here
    taps, main = kernel if flat else kernel**2, not adds
    start, end = pixels_in * channels, pixels * filters
    if kind == 0:
        _layer(total, CONV2D, times, pixels, log_pixels, plane, channels, filters, taps, main, log2)
        _live(total, start + end, 4 * taps * channels)
    else:
        held = start if adds else 0  # the tensor kept for the addition
        inner, before = channels, start
        if kind > 2:
            inner = channels * (kind - 1)
            before = pixels_in * inner + held
            _layer(total, POINTWISE, times, pixels_in, log_in, plane, channels, inner, ONE, main, log2)
            _live(total, start + pixels_in * inner, NONE)
        middle = pixels * inner
        _layer(total, DEPTHWISE, times, pixels, log_pixels, plane, inner, inner, taps, main, log2)
        copied = 0
        if flat or taps > 9:  # a depthwise 3x3 window is read where it lies; others are copied
            copied = 2 * taps * inner
            total[GATHERS] += times * pixels * taps
            total[GATHERED] += times * pixels * taps * inner
        _live(total, before + middle, copied)
        _layer(total, POINTWISE, times, pixels, log_pixels, plane, inner, filters, ONE, main, log2)
        _live(total, middle + held + end, NONE)
    if adds:
        total[COUNT_ADD] += times
        total[OUTPUTS_ADD] += times * end
        total[SUM] += times * end
        total[APART] = max(total[APART], 3 * end)  # in place it is never the peak


@compiled
def _layer(
    total: np.ndarray,
    kind: int,
    times: int,
    pixels: int,
    log_pixels: float,
    plane: int,
    before: int,
    filters: int,
    taps: int,
    main: bool | np.bool_,
    log2: np.ndarray,
) -> None:
    """Add like layers from ``before`` channels to ``filters`` at ``pixels`` outputs.

    ``main``: no addition skips over them. ``plane``: pixels of the input.
    """
    fan_in = float(taps if kind == DEPTHWISE else taps * before)
    written, weights = times * float(pixels * filters), filters * fan_in
    total[COUNT + kind] += times
    total[MACS[kind]] += written * fan_in
    total[OUTPUTS[kind]] += written
    total[ALL_MACS] += written * fan_in
    total[SUM] += written
    total[PARAMETERS] += times * (weights + filters)
    total[CHANNELS] += times * filters
    if main:
        total[SHORTEST_ALL] += times
        total[SHORTEST + kind] += times
    if kind == CONV2D:
        total[PIXELS_CONV2D] += times * pixels
        total[PATCH] += times * pixels * fan_in
        total[WEIGHTS_CONV2D] += times * weights
    elif kind == POINTWISE:
        total[TAIL] += written * (before % 16)
        total[WEIGHTS_POINTWISE] += times * weights
    else:
        total[PIXELS_DEPTHWISE] += times * pixels
    log_width = log2[filters]
    total[WIDTH] = min(total[WIDTH], log_width)
    total[MEAN] += times * log_width
    total[INVERSE] += times / filters
    total[VOLUME] = min(total[VOLUME], log_width + log_pixels)
    total[VOLUME_INVERSE] += times * 100 / (filters * pixels)
    if 2 * pixels > plane:
        total[FINE] += times
    elif 8 * pixels > plane:
        total[MIDDLE] += times
    if pixels <= 4:
        total[COARSE] += times


@compiled
def _live(total: np.ndarray, elements: int, copied: int) -> None:
    """Raise the peaks of live elements; ``copied``: 16-bit windows, in elements."""
    total[LIVE] = max(total[LIVE], elements)
    total[APART] = max(total[APART], elements + copied)
