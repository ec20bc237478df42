"""Convolutional networks in stages: a stem, up to five stages of blocks, a head; over two axes or over time alone.

A stage repeats one kind of block: a plain convolution, a depthwise-separable one (Howard et al. 2017) or an inverted
bottleneck with linear projection (Sandler et al. 2018).
"""

import copy
from collections.abc import Iterator, Sequence
from typing import ClassVar

import numpy as np

from latent_nas.graph import Builder, Graph
from latent_nas.operators import Shape
from latent_nas.operators.add import Add
from latent_nas.operators.avg_pool import AvgPool
from latent_nas.operators.batch_norm import BatchNorm
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.dense import Dense
from latent_nas.operators.global_pool import GlobalPool
from latent_nas.operators.relu import Relu
from latent_nas.operators.window import Pair, pads
from latent_nas.spaces import Gene, Space
from latent_nas.spaces._staged_canonical import REPEATS, canonical
from latent_nas.spaces._staged_features import NAMES, features
from latent_nas.spaces._staged_wide import wide

STAGES = 5
WIDTHS, STEM_WIDTHS = tuple(range(4, 129, 4)), tuple(range(4, 33, 4))
BLOCKS = ("conv", "separable", *(f"bottleneck{e}" for e in range(1, 7)))
HEADS = (0, 16, 24, 32, 48, 64, 96, 128)
STAGE = ("block", "kernel", "width", "repeats", "stride", "skip")  # decisions of a stage
BLOCK, KERNEL, WIDTH, REPEAT, STRIDE, SKIP = range(len(STAGE))


def genes_of(kernels: tuple[int, ...], stem_kernels: tuple[int, ...]) -> tuple[Gene, ...]:
    """Return the genes of a space with these windows."""
    choices = (BLOCKS, kernels, WIDTHS, tuple(range(REPEATS + 1)), (1, 2), (False, True))
    named = tuple(zip(STAGE, choices, strict=True))
    return (
        Gene("stem_kernel", stem_kernels),
        Gene("stem_width", STEM_WIDTHS),
        Gene("stem_stride", (1, 2)),
        *(Gene(f"stage{i}_{name}", values) for i in range(1, STAGES + 1) for name, values in named),
        Gene("head_width", HEADS),
        Gene("pooling", ("avg", "max")),
    )


class Staged(Space):
    """What spaces of such networks share.

    Attributes:
        kernels, stem_kernels: sizes of windows. flat: whether windows slide along the first axis only, the stem's over
            all of the second, of which nothing is left then. pool: of how many rows and columns of the input networks
            begin with the mean, (1, 1) for the input as it is.
    """

    kernels: ClassVar[tuple[int, ...]]
    stem_kernels: ClassVar[tuple[int, ...]]
    flat: ClassVar[bool] = False
    pool: Pair = (1, 1)
    feature_names = NAMES

    def __init__(self, input_shape: Shape, outputs: int) -> None:
        """Bind the space to a task.

        Raises:
            ValueError: the input is not an image, or there is no output.
        """
        if len(input_shape) != 3 or min(input_shape) < 1:
            wanted = "(steps, values, channels)" if self.flat else "images (height, width, channels)"
            raise ValueError(f"space {self.name!r} takes {wanted}, got {tuple(input_shape)}")
        if outputs < 1:
            raise ValueError(f"space {self.name!r} wants an output or more, got {outputs}")
        super().__init__(input_shape, outputs)
        sides = np.arange(max(input_shape[:2]) + 1)  # a window of 2n - 1 sees all of n pixels from any of them
        self._largest = np.maximum(np.searchsorted(self.kernels, 2 * sides - 1, side="right") - 1, 0)

    def pooled(self, pool: Pair) -> "Staged":
        """Return this space with networks that begin with the means of ``pool`` rows and columns."""
        other = copy.copy(self)
        other.pool = pool
        return other

    @property
    def sides(self) -> tuple[int, int]:
        """Height and width that the blocks see, before the stem's stride."""
        height, width = (-(-side // by) for side, by in zip(self.input_shape, self.pool, strict=False))
        return height, 1 if self.flat else width

    def sample(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """Return n random canonical networks (n, genes): log-uniform widths, one to five stages."""
        stages = np.zeros((n, STAGES, len(STAGE)), np.int64)
        size = (n, STAGES)
        kind = rng.choice(3, size, p=(0.3, 0.3, 0.4))
        stages[..., BLOCK] = np.where(kind < 2, kind, 2 + rng.integers(6, size=size))
        stages[..., KERNEL] = rng.choice(3, size, p=(0.5, 0.3, 0.2))
        stages[..., WIDTH] = _log_uniform(rng, len(WIDTHS), size)
        used = np.arange(STAGES) < rng.integers(1, STAGES + 1, size=(n, 1))
        stages[..., REPEAT] = np.where(used, rng.choice((1, 2, 3), size, p=(0.5, 0.3, 0.2)), 0)
        stages[..., STRIDE] = rng.random(size) < 0.4
        stages[..., SKIP] = rng.random(size) < 0.5
        stem = np.stack([rng.integers(2, size=n), _log_uniform(rng, len(STEM_WIDTHS), n), rng.random(n) < 0.25], axis=1)
        head = np.where(rng.random(n) < 0.5, 0, rng.integers(1, len(HEADS), size=n))
        ends = np.stack([head, rng.integers(2, size=n)], axis=1)
        return self.canonical(np.concatenate([stem, stages.reshape(n, STAGES * len(STAGE)), ends], axis=1))

    def canonical(self, genes: np.ndarray) -> np.ndarray:
        """Return the representatives (n, genes).

        Unused decisions become 0, as is how one pixel is pooled, strides that a 1x1 image can't take become 1, kernels
        that reach beyond the image on both sides shrink, empty stages move to the end, and like blocks are gathered
        into as few stages as possible.
        """
        stem_chooses = self.stem_kernels[1] < 2 * max(self.sides)
        return canonical(np.require(genes, np.int64, ["C", "W"]), *self.sides, stem_chooses, self._largest)

    def graph(self, genes: Sequence[int]) -> Graph:
        """Return the float graph: convolutions without bias, each with batch norm."""
        genes = tuple(int(g) for g in self.canonical(self.check(genes))[0])
        build = Builder(self.input_shape)

        def conv(x: int, filters: int, kernel: int = 1, stride: int = 1, groups: int = 1, relu: bool = True) -> int:
            if self.flat:
                x = build.add(self._over_time(build.shape(x), filters, kernel, stride, groups), x)
            else:
                x = build.add(Conv2d(filters, (kernel, kernel), (stride, stride), groups=groups, bias=False), x)
            x = build.add(BatchNorm(), x)
            return build.add(Relu(), x) if relu else x

        x = 0 if self.pool == (1, 1) else build.add(AvgPool(self.pool, self.pool, "same"), 0)
        x = conv(x, STEM_WIDTHS[genes[1]], self.stem_kernels[genes[0]], 1 + genes[2])
        for block, kernel, filters, stride, skip in self.blocks(genes):
            start, channels = x, build.shape(x)[2]
            adds = skip and stride == 1 and channels == filters
            if block == 0:
                x = conv(x, filters, kernel, stride, relu=not adds)
            else:
                if block > 2:
                    channels *= block - 1
                    x = conv(x, channels)
                x = conv(x, channels, kernel, stride, groups=channels)
                x = conv(x, filters, relu=block == 1 and not adds)
            if adds:
                x = build.add(Add(), start, x)
                x = build.add(Relu(), x) if block < 2 else x
        if HEADS[genes[-2]]:
            x = conv(x, HEADS[genes[-2]])
        build.add(Dense(self.outputs), build.add(GlobalPool(("avg", "max")[genes[-1]]), x))
        return build.build()

    def features(self, genes: np.ndarray) -> np.ndarray:
        """Return (n, features) float32 of canonical genes, named by ``feature_names``."""
        sizes = self.stem_kernels, self.kernels, HEADS
        return features(self.input_shape, self.pool, self.outputs, genes, sizes, self.flat)

    def teacher(self, macs: int) -> Graph:
        """Return the widest of ``wide`` with at most so many MACs, or the narrowest."""
        for width in STEM_WIDTHS[::-1]:
            graph = self.graph(wide(self.sides, STAGES, width, WIDTHS, STEM_WIDTHS))
            if graph.macs <= macs:
                break
        return graph

    def blocks(self, genes: Sequence[int]) -> Iterator[tuple[int, int, int, int, bool]]:
        """Yield (block, kernel, filters, stride, skip) for every block of canonical genes."""
        for i in range(STAGES):
            block, kernel, width, repeats, stride, skip = genes[3 + i * len(STAGE) : 3 + (i + 1) * len(STAGE)]
            for repeat in range(repeats):
                yield block, self.kernels[kernel], WIDTHS[width], 1 + stride if repeat == 0 else 1, bool(skip)

    @staticmethod
    def _over_time(shape: Shape, filters: int, kernel: int, stride: int, groups: int) -> Conv2d:
        """Return the convolution whose windows are as wide as the image, so that one column is left."""
        top, bottom, _, _ = pads(shape[0], 1, (kernel, 1), (stride, 1), "same")
        padding = "same" if shape[1] == 1 else (top, bottom, 0, 0)
        return Conv2d(filters, (kernel, shape[1]), (stride, 1), padding, groups, bias=False)


def _log_uniform(rng: np.random.Generator, n: int, size: int | tuple[int, ...]) -> np.ndarray:
    return np.minimum(np.exp(rng.uniform(0, np.log(n + 1), size)).astype(np.int64) - 1, n - 1)
