"""Features of a batch of staged networks without building a graph; a test holds them equal to the graphs'."""

import numpy as np

from latent_nas.operators import Shape

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
    "macs",
    "parameters",
    "channels",
    "tensor.sum",
    "tensor.live",
    "tensor.apart",
    "pixels.last",
    "width.least",
    "width.mean",
    "width.inverse",
    "volume.least",
    "volume.inverse",
    "layers.fine",
    "layers.middle",
    "layers.coarse",
    "receptive_field",
    "chain.longest",
)
# the others are logarithms
PLAIN = ("count", "longest", "shortest", "degree", "width", "volume", "layers", "receptive_field", "chain")
LOGS = [i for i, name in enumerate(NAMES) if not name.startswith(PLAIN)]


class _Sums:
    """Sums over the layers of n networks, taken in groups of like layers: every argument is (layers, n) or a number.

    ``times`` says how often a layer occurs, 0 for absent; ``main`` whether no addition skips over it.
    """

    def __init__(self, n: int, pixels_in: int, flat: bool) -> None:
        self.total = {name: np.zeros(n, np.float32) for name in NAMES}
        self.total["width.least"] += np.inf
        self.total["volume.least"] += np.inf
        self.pixels_in = pixels_in
        self.read_in_place = 0 if flat else 9  # a depthwise 3x3 window is read where it lies; others are copied
        self.nodes, self.edges = np.ones(n, np.float32), np.zeros(n, np.float32)

    def _add(self, name: str, amounts: np.ndarray) -> None:
        self.total[name] += amounts.sum(axis=0)

    def layers(
        self,
        kind: str,
        times: np.ndarray,
        pixels: np.ndarray,
        before: np.ndarray,
        filters: np.ndarray,
        taps: np.ndarray | int,
        main: np.ndarray,
    ) -> None:
        """Add layers from ``before`` channels to ``filters`` at ``pixels`` outputs."""
        total = self.total
        fan_in = taps * (before if kind != "depthwise" else np.float32(1))
        outputs, weights = pixels * filters, filters * fan_in
        occurrences, shortest = times.sum(axis=0), (times * main).sum(axis=0)
        work, written = times * (outputs * fan_in), times * outputs
        macs, elements = work.sum(axis=0), written.sum(axis=0)
        total[f"macs.{kind}"] += macs
        total["macs"] += macs
        total["tensor.sum"] += elements
        self._add("parameters", times * (weights + filters))
        self._add("channels", times * filters)
        total["longest.all"] += occurrences
        total["shortest.all"] += shortest
        self.nodes, self.edges = self.nodes + occurrences, self.edges + occurrences
        if kind == "dense":
            return
        self._flow(times, pixels, np.maximum(filters, 1))
        total[f"count.{kind}"] += occurrences
        total[f"shortest.{kind}"] += shortest
        total[f"outputs.{kind}"] += elements
        if kind == "depthwise":
            gathers = times * pixels * (taps * (taps > self.read_in_place))
            self._add("pixels.depthwise", times * pixels)
            self._add("gathers.depthwise", gathers)
            self._add("gathered.depthwise", gathers * before)
            return
        self._add(f"weights.{kind}", times * weights)
        if kind == "conv2d":
            self._add("pixels.conv2d", times * pixels)
            self._add("patch.conv2d", times * pixels * fan_in)
        else:
            self._add("tail16_macs.pointwise", written * (fan_in % 16))

    def _flow(self, times: np.ndarray, pixels: np.ndarray, filters: np.ndarray) -> None:
        """Count convolutions' widths and volumes."""
        total, absent, log_width = self.total, times == 0, np.log2(filters)
        log_volume = log_width + np.log2(pixels)
        self._add("width.mean", times * log_width)
        self._add("width.inverse", times / filters)
        self._add("volume.inverse", times * 100 / (filters * pixels))
        for name, value in (("width.least", log_width), ("volume.least", log_volume)):
            np.minimum(total[name], np.where(absent, np.inf, value).min(axis=0), out=total[name])
        fine, coarse = pixels > self.pixels_in / 2, pixels <= 4
        self._add("layers.fine", times * fine)
        self._add("layers.middle", times * ((self.pixels_in / 8 < pixels) & ~fine))
        self._add("layers.coarse", times * coarse)

    def additions(self, times: np.ndarray, elements: np.ndarray) -> None:
        """Count residual additions of ``elements`` elements."""
        occurrences, written = times.sum(axis=0), (times * elements).sum(axis=0)
        for name, amount in (("count.add", occurrences), ("outputs.add", written), ("tensor.sum", written)):
            self.total[name] += amount
        self.total["longest.all"] += occurrences
        self.total["shortest.all"] += occurrences
        self.nodes, self.edges = self.nodes + occurrences, self.edges + 2 * occurrences

    def live(self, present: np.ndarray, elements: np.ndarray, copied: np.ndarray | int = 0) -> None:
        """Raise the peaks of live elements where layers are present; ``copied``: 16-bit windows, in elements."""
        for name, amount in (("tensor.live", elements), ("tensor.apart", elements + copied)):
            np.maximum(self.total[name], (present * amount).max(axis=0), out=self.total[name])


def features(
    input_shape: Shape,
    outputs: int,
    stem: np.ndarray,
    stages: np.ndarray,
    head: np.ndarray,
    kernels: tuple[int, ...],
    flat: bool,
) -> np.ndarray:
    """Return (n, len(NAMES)) float32.

    Args:
        stem: kernel, width and stride, (3, n). stages: canonical gene values, (n, stages, 6). head: width or 0, (n,).
        kernels: what the stages' kernels stand for. flat: whether windows slide along the first axis only.
    """
    n = len(stages)
    stem, head = stem.astype(np.float32), head.astype(np.float32)
    sums, always = _Sums(n, input_shape[0] * input_shape[1], flat), np.ones((1, n), np.float32)
    plane = int(np.prod(input_shape))
    taps = stem[0] * (input_shape[1] if flat else stem[0])
    height = np.ceil(input_shape[0] / stem[2])
    width = np.ones_like(height) if flat else np.ceil(input_shape[1] / stem[2])
    pixels, channels = height * width, stem[1]
    first = np.full((1, n), input_shape[2], np.float32)
    sums.total["tensor.sum"] += plane
    sums.layers("conv2d", always, pixels[None], first, channels[None], taps, always)
    sums.live(always, plane + pixels * channels, 4 * taps * input_shape[2])
    sizes = np.array(kernels, np.float32)
    pixels, channels, longest, run, field = _stages(sums, stages, stem, height, width, sizes, flat)
    if flat:
        field = field + np.maximum(input_shape[1] - stem[0], 0)  # a window is counted by its longer side
    wide = (head > 0).astype(np.float32)
    sums.layers("pointwise", wide[None], pixels[None], channels[None], head[None], 1, always)
    sums.live(wide[None], pixels * (channels + head))
    last = np.where(head > 0, head, channels)
    sums.live(always, pixels * last + last)
    sums.live(always, last + outputs)
    sums.layers("dense", always, always, last[None], np.full((1, n), outputs, np.float32), 1, always)
    total = sums.total
    total["chain.longest"] = np.maximum(longest, run + wide)
    total["tensor.sum"] += last  # global pooling: one more node, without weights
    total["longest.all"] += 1
    total["shortest.all"] += 1
    total["degree.in_mean"] = (sums.edges + 1) / (sums.nodes + 1)
    total["pixels.last"] = pixels
    total["width.mean"] /= sum(total[f"count.{kind}"] for kind in WORK)
    total["receptive_field"] = np.log2(1 + field)
    columns = np.stack([total[k] for k in NAMES], axis=1)
    columns[:, LOGS] = np.log2(1 + columns[:, LOGS])
    return columns


def _stages(
    sums: _Sums,
    stages: np.ndarray,
    stem: np.ndarray,
    height: np.ndarray,
    width: np.ndarray,
    sizes: np.ndarray,
    flat: bool,
) -> tuple[np.ndarray, ...]:
    """Add all stages; return what they leave: pixels, channels, longest chain, the open one's length, receptive field.

    A stage is two rows: its first block, which may have a stride, and those after it.
    """
    rows, n = 2 * stages.shape[1], len(stages)
    shape = (rows, n)
    kind, kernel, filters, repeats, stride, skip = stages.transpose(2, 1, 0)
    kind, kernel, filters, skip = (np.repeat(a, 2, axis=0).astype(np.float32) for a in (kind, kernel, filters, skip))
    kernel, filters = sizes[kernel.astype(int)], 4 + 4 * filters
    times, before, pixels_in, pixels, jump = (np.empty(shape, np.float32) for _ in range(5))
    times[::2], times[1::2] = repeats > 0, np.maximum(repeats - 1, 0)
    channels, reach = stem[1], stem[2]
    for row in range(0, rows, 2):
        used = times[row] > 0
        step = np.where(used, 1 + stride[row // 2], 1).astype(np.float32)
        before[row], pixels_in[row], jump[row] = channels, height * width, reach
        height, width, reach = np.ceil(height / step), np.ceil(width / step), reach * step
        channels = np.where(used, filters[row], channels)
        before[row + 1], jump[row + 1] = channels, reach
        pixels[row] = pixels[row + 1] = pixels_in[row + 1] = height * width
    adds = (skip == 1) & (before == filters)
    adds[::2] &= stride == 0
    _blocks(sums, times, kind, kernel if flat else kernel**2, before, filters, pixels_in, pixels, adds)
    field = stem[0] + (times * (kernel - 1) * jump).sum(axis=0)
    longest = run = np.ones(n, np.float32)
    depth = times + times * (kind > 0) + times * (kind > 2)
    ends = adds & (times > 0)  # an addition ends a chain
    per_block = np.where(ends, depth / np.maximum(times, 1), depth)
    for row in range(rows):
        run = run + per_block[row]
        longest = np.maximum(longest, run)
        run = np.where(ends[row], 0, run)
    return height * width, channels, longest, run, field


def _blocks(
    sums: _Sums,
    times: np.ndarray,
    kind: np.ndarray,
    taps: np.ndarray,
    channels: np.ndarray,
    filters: np.ndarray,
    pixels_in: np.ndarray,
    pixels: np.ndarray,
    adds: np.ndarray,
) -> None:
    """Add blocks, (rows, n): the spatial layer, and around it the pointwise layers that its kind has."""
    main = ~adds
    plain, expands = times * (kind == 0), times * (kind > 2)
    deep = times - plain
    inner = channels * np.where(kind > 2, kind - 1, 1)
    start, middle, end = pixels_in * channels, pixels * inner, pixels * filters
    held = start * adds  # the tensor kept for the addition
    expanded = pixels_in * inner
    sums.layers("conv2d", plain, pixels, channels, filters, taps, main)
    sums.live(plain > 0, start + end, 4 * taps * channels)
    sums.layers("pointwise", expands, pixels_in, channels, inner, 1, main)
    sums.live(expands > 0, start + expanded)
    sums.layers("depthwise", deep, pixels, inner, inner, taps, main)
    sums.live(
        deep > 0, np.where(kind > 2, expanded + held, start) + middle, 2 * taps * (taps > sums.read_in_place) * inner
    )
    sums.layers("pointwise", deep, pixels, inner, filters, 1, main)
    sums.live(deep > 0, middle + held + end)
    residual = times * adds
    sums.additions(residual, end)
    apart = ((residual > 0) * (3 * end)).max(axis=0)  # in place it is never the peak
    np.maximum(sums.total["tensor.apart"], apart, out=sums.total["tensor.apart"])
