"""Features of a batch of ``dna_cnn`` networks without building a graph; a test holds them equal to the graphs'."""

import numpy as np

from latent_nas.operators import Shape
from latent_nas.spaces import _dna_cnn_layers as layers
from latent_nas.spaces._dna_cnn_layers import (
    FILTER,
    FILTERS,
    HEIGHT,
    LAYERS,
    OWN,
    POOLING,
    STARTS,
    STRIDE,
    WIDTH,
    Sizes,
)
from latent_nas.spaces._whole_features import WHOLE

KINDS = ("conv2d", "pointwise")
NAMES = (
    *(f"count.{k}" for k in (*KINDS, "max_pool", "concat")),
    *(f"{end}.{k}" for end in ("longest", "shortest") for k in ("all", "conv2d")),
    "log_paths",
    "degree.in_mean",
    "degree.in_max",
    *(f"{term}.{k}" for term in ("macs", "outputs", "weights") for k in KINDS),
    "patch.conv2d",
    "tail16_macs.pointwise",
    "outputs.max_pool",
    "patch.max_pool",
    "outputs.concat",
    "macs.dense",
    *WHOLE,
)
# the others are logarithms
PLAIN = ("count", "longest", "shortest", "log_paths", "degree", "width", "volume", "layers", "receptive", "chain")
LOGS = [i for i, name in enumerate(NAMES) if not name.startswith(PLAIN)]
SUMS = ("longest.all", "longest.conv2d", "chain.longest")  # the longest way to a tensor
LEASTS = ("shortest.all", "shortest.conv2d")
WAYS = (*SUMS, *LEASTS, "paths", "field", "jump")


class _Batch:
    """n networks while they are gone through, layer by layer; every array is (n,), or (layers so far, n) of a tensor.

    Attributes:
        ways: of every tensor that a layer has made, what is known of the ways to it. plane: its elements.
        last: the number of the layer that reads it last; LAYERS + 1 is the classifier.
    """

    def __init__(self, shape: Shape, columns: np.ndarray) -> None:
        self.shape, n = shape, columns.shape[1]
        self.total = {name: np.zeros(n) for name in NAMES}
        self.total["width.least"] += np.inf
        self.total["volume.least"] += np.inf
        self.nodes, self.edges = np.ones(n), np.zeros(n)
        self.ways = {name: np.zeros((LAYERS + 1, n)) for name in WAYS}
        for name in ("paths", "field", "jump"):
            self.ways[name][0] = 1
        self.sizes = Sizes(*np.zeros((2, LAYERS + 1, n), np.int64))
        self.channels = np.zeros((LAYERS + 1, n), np.int64)
        self.channels[0] = shape[2]
        self.plane = np.zeros((LAYERS + 1, n))
        self.plane[0] = np.prod(shape)
        self.total["tensor.sum"] += self.plane[0]
        self.reads = np.zeros((LAYERS + 2, LAYERS + 1, n), bool)  # reader (the classifier is the last), tensor, network
        used = np.arange(LAYERS)[:, None] <= columns[0]
        for layer in range(LAYERS):
            self.reads[layer + 1, : layer + 1] = layers.reads(columns, layer) & used[layer]
        self.reads[-1, 1:] = used & ~self.reads[:-1, 1:].any(axis=0)
        self.last = (self.reads * np.arange(LAYERS + 2)[:, None, None]).max(axis=0)

    def live(self, present: np.ndarray, elements: np.ndarray, copied: np.ndarray | float = 0) -> None:
        """Raise the peaks of live elements where a node is; ``copied``: 16-bit windows, in elements."""
        for name, amount in (("tensor.live", elements), ("tensor.apart", elements + copied)):
            np.maximum(self.total[name], np.where(present, amount, 0), out=self.total[name])

    def pool(self, present: np.ndarray, elements: np.ndarray, taps: np.ndarray) -> None:
        """Count a max pooling."""
        for name, amount in (
            ("count.max_pool", 1),
            ("outputs.max_pool", elements),
            ("patch.max_pool", elements * taps),
        ):
            self.total[name] += np.where(present, amount, 0)
        self.total["tensor.sum"] += np.where(present, elements, 0)
        self.nodes, self.edges = self.nodes + present, self.edges + present

    def meet(self, reader: int) -> tuple[dict[str, np.ndarray], Sizes, np.ndarray, np.ndarray, np.ndarray]:
        """Go through the poolings and the concatenation before a layer, or before the classifier.

        Returns:
            The ways to what is read, its sizes, channels and elements, and what else is alive behind it (n,).
        """
        before = min(reader, LAYERS + 1)
        chosen = self.reads[reader, :before]
        sizes = Sizes(self.sizes.twos[:before], self.sizes.threes[:before])
        here = sizes.common(chosen)
        height, width = here.image(self.shape)
        heights, widths = sizes.image(self.shape)
        by = here.factor // sizes.factor  # of what is not chosen it may be 0
        windows = np.minimum(by, heights), np.minimum(by, widths)
        pooled = chosen & (np.maximum(*windows) > 1)
        elements = height * width * self.channels[:before]
        waits = self.last[:before] > reader
        base = (self.plane[:before] * (self.last[:before] >= reader)).sum(axis=0)
        for tensor in range(before):  # in the order of the graph
            present = pooled[tensor]
            self.pool(present, elements[tensor], windows[0][tensor] * windows[1][tensor])
            self.live(present, base + elements[tensor])
            base = base + present * (elements[tensor] - self.plane[tensor] * ~waits[tensor])
        joins = chosen.sum(axis=0) > 1
        channels = (chosen * self.channels[:before]).sum(axis=0)
        whole = height * width * channels
        self.live(joins, base + whole)
        for name, amount in (("count.concat", 1), ("outputs.concat", whole), ("tensor.sum", whole)):
            self.total[name] += np.where(joins, amount, 0)
        self.nodes, self.edges = self.nodes + joins, self.edges + joins * chosen.sum(axis=0)
        degree = self.total["degree.in_max"]
        np.maximum(degree, np.where(chosen.any(axis=0), chosen.sum(axis=0), 0), out=degree)
        behind = (self.plane[:before] * (self.last[:before] > reader)).sum(axis=0)
        return self._ways(chosen, pooled, np.maximum(*windows), joins), here, channels, whole, behind

    def _ways(
        self, chosen: np.ndarray, pooled: np.ndarray, window: np.ndarray, joins: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Return the ways to what is read: through the pooling that each tensor has, and the concatenation."""
        ways = {name: array[: len(chosen)] for name, array in self.ways.items()}
        steps = {"longest.all": pooled, "shortest.all": pooled}
        found = {name: np.where(chosen, ways[name] + steps.get(name, 0), -np.inf).max(axis=0) for name in SUMS}
        found |= {name: np.where(chosen, ways[name] + steps.get(name, 0), np.inf).min(axis=0) for name in LEASTS}
        for name in steps:
            found[name] = found[name] + joins
        found["paths"] = np.where(chosen, ways["paths"], 0).sum(axis=0)
        window = np.where(pooled, window, 1)
        found["field"] = np.where(chosen, ways["field"] + (window - 1) * ways["jump"], 0).max(axis=0)
        found["jump"] = np.where(chosen, ways["jump"] * window, 0).max(axis=0)
        return found

    def layer(self, number: int, own: np.ndarray, used: np.ndarray) -> None:
        """Go through one layer (from 1) with its own genes (5, n), where it is used."""
        ways, here, before, read, behind = self.meet(number)
        taps_high, taps_wide, stride = own[HEIGHT] + 1, own[WIDTH] + 1, own[STRIDE] + 1
        filters, taps = np.array(FILTERS)[own[FILTER]], taps_high * taps_wide
        here.twos = here.twos + own[STRIDE]
        height, width = here.image(self.shape)
        pixels = height * width
        made, fan_in = pixels * filters, taps * before
        plain = (taps == 1) & (stride == 1)
        # What was concatenated or pooled for this layer dies with it, and so does what it alone reads.
        self.live(used, behind + self._held(number, read) + made, np.where(plain, 0, 4 * fan_in))
        self._count(used, plain, pixels, filters, fan_in, taps, before)
        window = np.minimum(own[POOLING] + 1, height), np.minimum(own[POOLING] + 1, width)
        pools = used & (own[POOLING] > 0)
        here.twos, here.threes = here.twos + (own[POOLING] == 1), here.threes + (own[POOLING] == 2)
        height, width = here.image(self.shape)
        self.plane[number] = np.where(used, height * width * filters, 0)
        self.pool(pools, self.plane[number], window[0] * window[1])
        self.live(pools, behind + made + self.plane[number])
        self.sizes.twos[number], self.sizes.threes[number] = here.twos * used, here.threes * used
        self.channels[number] = filters * used
        field = ways["field"] + (np.maximum(taps_high, taps_wide) - 1) * ways["jump"]
        jump = ways["jump"] * stride
        ways["field"] = field + np.where(pools, (np.maximum(*window) - 1) * jump, 0)
        ways["jump"] = np.where(pools, jump * np.maximum(*window), jump)
        for name in ("longest.all", "shortest.all"):
            ways[name] = ways[name] + 1 + pools
        for name in ("longest.conv2d", "shortest.conv2d"):
            ways[name] = ways[name] + ~plain
        ways["chain.longest"] = ways["chain.longest"] + 1
        for name, array in ways.items():
            self.ways[name][number] = np.where(used, array, 0)

    def _held(self, number: int, read: np.ndarray) -> np.ndarray:
        """Return the elements that a layer reads and that nobody waits for behind it, (n,)."""
        chosen = self.reads[number, :number]
        waits = (chosen & (self.last[:number] > number)).any(axis=0)
        return np.where((chosen.sum(axis=0) == 1) & waits, 0, read)  # one that waits is counted there

    def _count(
        self,
        used: np.ndarray,
        plain: np.ndarray,
        pixels: np.ndarray,
        filters: np.ndarray,
        fan_in: np.ndarray,
        taps: np.ndarray,
        before: np.ndarray,
    ) -> None:
        total, made = self.total, pixels * filters
        for kind, here in (("pointwise", used & plain), ("conv2d", used & ~plain)):
            each = (("count", 1), ("macs", made * fan_in), ("outputs", made), ("weights", filters * fan_in))
            for term, amount in each:
                total[f"{term}.{kind}"] += np.where(here, amount, 0)
        total["patch.conv2d"] += np.where(used & ~plain, pixels * taps * before, 0)
        total["tail16_macs.pointwise"] += np.where(used & plain, made * (fan_in % 16), 0)
        amounts = (
            ("macs", made * fan_in),
            ("parameters", filters * (fan_in + 1)),
            ("channels", filters),
            ("tensor.sum", made),
            ("width.mean", np.log2(filters)),
            ("width.inverse", 1 / filters),
            ("volume.inverse", 100 / made),
            ("layers.fine", pixels > self.shape[0] * self.shape[1] / 2),
            ("layers.coarse", pixels <= 4),
        )
        for name, amount in amounts:
            total[name] += np.where(used, amount, 0)
        all_pixels = self.shape[0] * self.shape[1]
        total["layers.middle"] += used & (pixels > all_pixels / 8) & (pixels <= all_pixels / 2)
        for name, value in (("width.least", filters), ("volume.least", made)):
            np.minimum(total[name], np.where(used, np.log2(value), np.inf), out=total[name])
        self.nodes, self.edges = self.nodes + used, self.edges + used

    def classify(self, outputs: int) -> None:
        """Go through the concatenation of what nobody read, the global pooling and the dense layer."""
        ways, here, channels, read, _ = self.meet(LAYERS + 1)
        total = self.total
        self.live(np.ones(len(read), bool), read + channels)
        self.live(np.ones(len(read), bool), channels + outputs)
        total["macs.dense"] += channels * outputs
        total["macs"] += channels * outputs
        total["parameters"] += (channels + 1) * outputs
        total["channels"] += outputs
        total["tensor.sum"] += channels + outputs
        total["degree.in_mean"] = (self.edges + 2) / (self.nodes + 2)
        total["pixels.last"] = np.prod(here.image(self.shape), axis=0).astype(float)
        for name in ("longest.all", "shortest.all"):
            total[name] = ways[name] + 2
        for name in ("longest.conv2d", "shortest.conv2d", "chain.longest"):
            total[name] = ways[name]
        total["log_paths"] = np.log2(ways["paths"])
        total["receptive_field"] = np.log2(1 + ways["field"])
        total["width.mean"] /= total["count.conv2d"] + total["count.pointwise"]


def features(shape: Shape, outputs: int, columns: np.ndarray) -> np.ndarray:
    """Return (n, len(NAMES)) float32 of canonical genes (genes, n)."""
    batch = _Batch(shape, columns)
    for layer in range(LAYERS):
        used = layer <= columns[0]
        if used.any():
            batch.layer(layer + 1, columns[STARTS[layer] : STARTS[layer] + len(OWN)], used)
    batch.classify(outputs)
    found = np.stack([batch.total[name] for name in NAMES], axis=1)
    found[:, LOGS] = np.log2(1 + found[:, LOGS])
    return found.astype(np.float32)
