"""Features of a batch of ``mcu_cnn`` networks without building a graph; a test holds them equal to the graphs'."""

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
PLAIN = ("count", "longest", "shortest", "degree", "width", "volume", "layers", "receptive_field", "chain")  # no log2


class _Sums:
    """Running sums over the layers of n networks; ``times`` (n,) says how often a layer occurs, 0 for absent."""

    def __init__(self, n: int, pixels_in: int) -> None:
        self.total = {name: np.zeros(n) for name in NAMES}
        self.total["width.least"] += np.inf
        self.total["volume.least"] += np.inf
        self.pixels_in = pixels_in
        self.nodes, self.edges = np.ones(n), np.zeros(n)
        self.field, self.jump, self.run = np.ones(n), np.ones(n), np.zeros(n)

    def layer(
        self,
        kind: str,
        times: np.ndarray,
        pixels: np.ndarray,
        before: np.ndarray,
        filters: np.ndarray,
        taps: np.ndarray | int,
        main: np.ndarray,
    ) -> None:
        """Add a layer from ``before`` channels to ``filters`` at ``pixels`` outputs; ``main``: not skipped over."""
        total, fan_in = self.total, taps * (1 if kind == "depthwise" else before)
        outputs = pixels * filters
        macs = times * outputs * fan_in
        total[f"macs.{kind}"] += macs
        total["macs"] += macs
        total["parameters"] += times * (filters * fan_in + filters)
        total["channels"] += times * filters
        total["tensor.sum"] += times * outputs
        total["longest.all"] += times
        total["shortest.all"] += times * main
        self.nodes, self.edges = self.nodes + times, self.edges + times
        if kind != "dense":
            self._flow(times, pixels, np.maximum(filters, 1))
            total[f"count.{kind}"] += times
            total[f"shortest.{kind}"] += times * main
            copied = taps * (taps > 9)  # a depthwise 3x3 window is read where it lies
            amounts = {
                "outputs": outputs,
                "pixels": pixels,
                "patch": pixels * taps * before,
                "weights": filters * fan_in,
                "tail16_macs": outputs * (fan_in % 16),
                "gathers": pixels * copied,
                "gathered": pixels * copied * before,
            }
            for term in WORK[kind]:
                if term != "macs":
                    total[f"{term}.{kind}"] += times * amounts[term]

    def _flow(self, times: np.ndarray, pixels: np.ndarray, filters: np.ndarray) -> None:
        """Count a convolution's width and volume."""
        total, present, log_width = self.total, times > 0, np.log2(filters)
        log_volume = log_width + np.log2(pixels)
        total["width.mean"] += times * log_width
        total["width.inverse"] += times / filters
        total["volume.inverse"] += times * 100 / (filters * pixels)
        for name, value in (("width.least", log_width), ("volume.least", log_volume)):
            np.minimum(total[name], np.where(present, value, np.inf), out=total[name])
        total["layers.fine"] += times * (pixels > self.pixels_in / 2)
        total["layers.middle"] += times * ((self.pixels_in / 8 < pixels) & (pixels <= self.pixels_in / 2))
        total["layers.coarse"] += times * (pixels <= 4)

    def reach(self, times: np.ndarray, kernel: np.ndarray, stride: np.ndarray | int) -> None:
        """Widen the receptive field by a window; of repeated layers only the first may have a stride."""
        self.field = self.field + times * (kernel - 1) * self.jump
        self.jump = self.jump * np.where(times > 0, stride, 1)

    def chain(self, times: np.ndarray, layers: np.ndarray | int, adds: np.ndarray) -> None:
        """Lengthen the run of convolutions by a block's layers, ``times`` over; an addition ends it."""
        run = self.run + np.where(adds, np.minimum(times, 1), times) * layers
        np.maximum(self.total["chain.longest"], run, out=self.total["chain.longest"])
        self.run = np.where(adds & (times > 0), 0, run)

    def add(self, times: np.ndarray, elements: np.ndarray) -> None:
        """Count residual additions of ``elements`` elements."""
        for name, amount in (("count.add", 1), ("outputs.add", elements), ("tensor.sum", elements)):
            self.total[name] += times * amount
        self.total["longest.all"] += times
        self.total["shortest.all"] += times
        self.nodes, self.edges = self.nodes + times, self.edges + 2 * times

    def live(self, present: np.ndarray, elements: np.ndarray, copied: np.ndarray | int = 0) -> None:
        """Raise the peaks of live elements where a layer is present; ``copied``: 16-bit windows, in elements."""
        for name, amount in (("tensor.live", elements), ("tensor.apart", elements + copied)):
            np.maximum(self.total[name], np.where(present, amount, 0), out=self.total[name])


def features(input_shape: Shape, outputs: int, stem: np.ndarray, stages: np.ndarray, head: np.ndarray) -> np.ndarray:
    """Return (n, len(NAMES)) float32.

    Args:
        stem: kernel, width and stride, (3, n). stages: canonical gene values, (n, stages, 6). head: width or 0, (n,).
    """
    n = len(stages)
    sums, always = _Sums(n, input_shape[0] * input_shape[1]), np.ones(n)
    height, width = (-(-np.full(n, s) // stem[2]) for s in input_shape[:2])
    channels, elements = stem[1], height * width * stem[1]
    sums.total["tensor.sum"] += np.prod(input_shape)
    sums.layer("conv2d", always, height * width, np.full(n, input_shape[2]), channels, stem[0] ** 2, always)
    sums.live(always, np.prod(input_shape) + elements, 4 * stem[0] ** 2 * input_shape[2])
    sums.reach(always, stem[0], stem[2])
    sums.chain(always, 1, np.zeros(n, bool))
    for stage in stages.transpose(1, 2, 0):
        kind, kernel, filters, repeats, stride, skip = stage
        kernel, filters, stride = 3 + 2 * kernel, 4 + 4 * filters, 1 + stride
        for first in (True, False):
            times = (repeats > 0).astype(float) if first else np.maximum(repeats - 1.0, 0)
            step = stride if first else 1
            h, w = -(-height // step), -(-width // step)
            h, w = np.where(repeats > 0, h, height), np.where(repeats > 0, w, width)
            adds = (skip == 1) & (channels == filters) & (step == 1)
            _block(sums, times, kind, kernel, channels, filters, height * width, h * w, adds)
            sums.reach(times, kernel, step)
            sums.chain(times, np.where(kind == 0, 1, np.where(kind > 2, 3, 2)), adds)
            channels, height, width = np.where(repeats > 0, filters, channels), h, w
    pixels = height * width
    wide = (head > 0).astype(float)
    sums.layer("pointwise", wide, pixels, channels, head, 1, always)
    sums.live(head > 0, pixels * (channels + head))
    sums.chain(wide, 1, np.zeros(n, bool))
    last = np.where(head > 0, head, channels)
    sums.live(always, pixels * last + last)
    sums.live(always, last + outputs)
    sums.layer("dense", always, always, last, np.full(n, outputs), 1, always)
    total = sums.total
    total["tensor.sum"] += last  # global pooling: one more node, without weights
    total["longest.all"] += 1
    total["shortest.all"] += 1
    total["degree.in_mean"] = (sums.edges + 1) / (sums.nodes + 1)
    total["pixels.last"] = pixels
    total["width.mean"] /= sum(total[f"count.{kind}"] for kind in WORK)
    total["receptive_field"] = np.log2(1 + sums.field)
    columns = [total[k] if k.startswith(PLAIN) else np.log2(1 + total[k]) for k in NAMES]
    return np.stack(columns, axis=1).astype(np.float32)


def _block(
    sums: _Sums,
    times: np.ndarray,
    kind: np.ndarray,
    kernel: np.ndarray,
    channels: np.ndarray,
    filters: np.ndarray,
    pixels_in: np.ndarray,
    pixels: np.ndarray,
    adds: np.ndarray,
) -> None:
    """Add one block per row: the spatial layer, and around it the pointwise layers that its kind has."""
    main = ~adds
    is_conv = kind == 0
    expands = kind > 2
    inner = channels * np.where(expands, kind - 1, 1)
    taps = kernel**2
    start = pixels_in * channels
    held = np.where(adds, start, 0)  # the tensor kept for the addition
    present = times > 0
    sums.layer("conv2d", times * is_conv, pixels, channels, filters, taps, main)
    sums.live(present & is_conv, start + pixels * filters, 4 * taps * channels)
    sums.layer("pointwise", times * expands, pixels_in, channels, inner, 1, main)
    sums.live(present & expands, start + pixels_in * inner)
    sums.layer("depthwise", times * ~is_conv, pixels, inner, inner, taps, main)
    before = np.where(expands, pixels_in * inner + held, start)
    sums.live(present & ~is_conv, before + pixels * inner, 2 * taps * (taps > 9) * inner)
    sums.layer("pointwise", times * ~is_conv, pixels, inner, filters, 1, main)
    sums.live(present & ~is_conv, pixels * inner + held + pixels * filters)
    sums.add(times * adds, pixels * filters)
    apart = np.where(present & adds, 3 * pixels * filters, 0)  # in place it is never the peak
    np.maximum(sums.total["tensor.apart"], apart, out=sums.total["tensor.apart"])
