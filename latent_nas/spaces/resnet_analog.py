"""Residual networks for analog hardware, with the genes of AnalogNAS (Benmeziane et al. 2023, arXiv 2305.10459).

A stem of 3x3, then stages. A stage repeats a block: so many parallel branches of one type, and a skip, are summed. A
stage's channels are the first layer's times its width factor; all but the first stage halve the image while it has
more than 4 pixels a side. The first block of a stage skips by a 1x1 convolution wherever anything changes, and always
from the second stage on, so that no two settings of the genes in use build the same network.
"""

from collections.abc import Sequence

import numpy as np

from latent_nas.graph import Builder, Graph
from latent_nas.operators import Shape
from latent_nas.operators.add import Add
from latent_nas.operators.batch_norm import BatchNorm
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.dense import Dense
from latent_nas.operators.global_pool import GlobalPool
from latent_nas.operators.relu import Relu
from latent_nas.spaces import Gene, Space
from latent_nas.spaces._resnet_analog_features import NAMES, Sums

# Kernel and share of the block's channels of each convolution. The paper names the types A to D and draws them; these
# are this project's: basic (He et al. 2016), bottleneck, 3x3 then 1x1, one 5x5.
BLOCKS = {
    "A": ((3, 1.0), (3, 1.0)),
    "B": ((1, 0.5), (3, 0.5), (1, 1.0)),
    "C": ((3, 1.0), (1, 1.0)),
    "D": ((5, 1.0),),
}
STAGE = ("repeats", "block", "width", "branches")
SMALLEST = 4  # pixels a side that are not halved any more


class ResnetAnalog(Space):
    """Residual networks of up to five stages, or those of ranges of your own."""

    name = "resnet_analog"
    feature_names = NAMES

    def __init__(
        self,
        input_shape: Shape,
        outputs: int,
        first: Sequence[int] = (8, 12, 16, 24, 32, 48, 64, 96, 128),
        stages: Sequence[int] = tuple(range(1, 6)),
        repeats: Sequence[int] = tuple(range(1, 17)),
        block: Sequence[str] = tuple(BLOCKS),
        width: Sequence[int] = (1, 2, 3, 4),
        branches: Sequence[int] = tuple(range(1, 13)),
    ) -> None:
        """Bind the space to a task.

        Args:
            first: channels of the first layer. stages: how many. repeats, block, width, branches: of every stage.

        Raises:
            ValueError: no image, fewer than 2 outputs, or a range that is empty or has a value that can't be.
        """
        if len(input_shape) != 3 or min(input_shape) < 1 or outputs < 2:
            raise ValueError(
                f"space 'resnet_analog' takes images (height, width, channels) and 2 or more outputs,"
                f" got {tuple(input_shape)} and {outputs}"
            )
        super().__init__(input_shape, outputs)
        ranges = {"first": first, "stages": stages, "repeats": repeats, "width": width, "branches": branches}
        for name, values in (*ranges.items(), ("block", block)):
            known = all(v in BLOCKS for v in values) if name == "block" else all(_natural(v) for v in values)
            if not known or not values or len(set(values)) < len(values):
                wanted = f"types out of {', '.join(BLOCKS)}" if name == "block" else "positive whole numbers"
                raise ValueError(f"{name} of space 'resnet_analog' wants different {wanted}, got {list(values)}")
        own = {"repeats": repeats, "block": block, "width": width, "branches": branches}
        self.stages = max(stages)
        self.genes = (
            Gene("first", tuple(first)),
            Gene("stages", tuple(stages)),
            *(Gene(f"stage{i}_{name}", tuple(own[name])) for i in range(1, self.stages + 1) for name in STAGE),
        )

    def sample(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """Return n random canonical networks (n, genes): repeats and branches log-uniform, the rest uniform."""
        genes = rng.integers(0, self.sizes, (n, len(self.genes)))
        for i, gene in enumerate(self.genes):
            if gene.name.endswith(("repeats", "branches")):
                size = len(gene.choices)
                genes[:, i] = np.minimum(np.exp(rng.uniform(0, np.log(size + 1), n)).astype(np.int64) - 1, size - 1)
        return self.canonical(genes)

    def canonical(self, genes: np.ndarray) -> np.ndarray:
        """Return the genes with those of absent stages 0, (n, genes)."""
        genes = np.array(genes, np.int64)
        by_stage = genes[:, 2:].reshape(len(genes), self.stages, len(STAGE))
        by_stage[self._count(genes)[:, None] <= np.arange(self.stages)] = 0
        genes[:, 2:] = by_stage.reshape(len(genes), -1)
        return genes

    def _count(self, genes: np.ndarray) -> np.ndarray:
        return np.array(self.genes[1].choices)[genes[:, 1]]

    def graph(self, genes: Sequence[int]) -> Graph:
        """Return the float graph: convolutions without bias, each with batch norm."""
        genes = self.canonical(self.check(genes))[0]
        values = [gene.choices[v] for gene, v in zip(self.genes, genes, strict=True)]
        build = Builder(self.input_shape)

        def conv(x: int, filters: int, kernel: int, stride: int = 1) -> int:
            return build.add(BatchNorm(), build.add(Conv2d(filters, (kernel,) * 2, (stride,) * 2, bias=False), x))

        x = build.add(Relu(), conv(0, values[0], 3))
        for stage in range(values[1]):
            repeats, kind, width, branches = values[2 + stage * len(STAGE) : 2 + (stage + 1) * len(STAGE)]
            channels = values[0] * width
            for repeat in range(repeats):
                begins = repeat == 0
                stride = _stride(stage, build.shape(x)) if begins else 1
                total = None
                for _ in range(branches):
                    y = x
                    for i, (kernel, share) in enumerate(BLOCKS[kind]):
                        y = build.add(Relu(), y) if i else y
                        y = conv(y, _width(channels, share), kernel, 1 if i else stride)
                    total = y if total is None else build.add(Add(), total, y)
                assert total is not None
                projects = begins and (stage > 0 or build.shape(x)[2] != channels)
                skip = conv(x, channels, 1, stride) if projects else x
                x = build.add(Relu(), build.add(Add(), total, skip))
        build.add(Dense(self.outputs), build.add(GlobalPool("avg"), x))
        return build.build()

    def features(self, genes: np.ndarray) -> np.ndarray:
        """Return (n, features) float32 of canonical genes, named by ``feature_names``."""
        genes = np.asarray(genes, np.int64)
        first, count = np.array(self.genes[0].choices)[genes[:, 0]], self._count(genes)
        sums = Sums(len(genes), self.input_shape)
        shape: Shape = self.input_shape
        sums.layer(np.ones(len(genes)), shape, np.full(len(genes), shape[2]), first, 3)
        sums.way(np.ones(len(genes)), 1, 1)
        channels = first
        for stage in range(self.stages):
            at = 2 + stage * len(STAGE)
            repeats, width, branches = (
                np.array(self.genes[at + i].choices, float)[genes[:, at + i]] for i in (0, 2, 3)
            )
            kinds = np.array([list(BLOCKS).index(k) for k in self.genes[at + 1].choices])[genes[:, at + 1]]
            used, wide = (count > stage).astype(float), first * width
            stride = _stride(stage, shape)
            shape = (-(-shape[0] // stride), -(-shape[1] // stride), shape[2])
            projects = used * ((stage > 0) | (channels != wide))
            for times, before, step in ((used, channels, stride), (used * (repeats - 1), wide, 1)):
                for kind, layers in enumerate(BLOCKS.values()):
                    into, here = before, times * (kinds == kind)
                    for i, (kernel, share) in enumerate(layers):
                        filters = np.maximum(np.floor(wide * share), 1)
                        sums.layer(here * branches, shape, into, filters, kernel, 1 if i else step)
                        into = filters
                    sums.way(here, len(layers) + branches, 1)
                sums.additions(times * branches, shape, wide)
                sums.paths(times, branches + 1)
            sums.layer(projects, shape, channels, wide, 1, stride)
            sums.way(projects, 0, 1)
            sums.ends(used, shape)
            channels = np.where(used > 0, wide, channels)
        return sums.columns(channels, self.outputs)


def _stride(stage: int, shape: Shape) -> int:
    return 2 if stage and max(shape[:2]) > SMALLEST else 1


def _width(channels: int, share: float) -> int:
    return max(int(channels * share), 1)


def _natural(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


Plugin = ResnetAnalog
