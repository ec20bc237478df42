"""Staged networks that choose how wide their weights are: 8 or 4 bits, stage by stage and for the head."""

from collections.abc import Iterator, Sequence
from typing import ClassVar

import numpy as np

from latent_nas.graph import Graph
from latent_nas.graph.bits import layers, with_weight_bits
from latent_nas.operators import Shape
from latent_nas.spaces import Gene, Space
from latent_nas.spaces._staged import BLOCK, HEADS, REPEAT, STAGE, STAGES, STEM_WIDTHS, WIDTHS, Staged
from latent_nas.spaces._staged_canonical import REPEATS
from latent_nas.spaces._staged_features import NAMES

BITS = (8, 4)
PARTS = (*(f"stage{i}" for i in range(1, STAGES + 1)), "head")  # the stem has few weights and keeps 8 bits


class Mixed(Space):
    """What such spaces share: the genes of a staged space, and behind them the bits of every stage and of the head.

    Attributes:
        staged: the space of the networks with 8 bits.
    """

    staged: ClassVar[type[Staged]]
    narrows = True
    feature_names = (*NAMES, "macs.narrow", "parameters.narrow")

    def __init__(self, input_shape: Shape, outputs: int) -> None:
        """Bind the space to a task.

        Raises:
            ValueError: what the staged space can't take.
        """
        super().__init__(input_shape, outputs)
        self._whole = self.staged(input_shape, outputs)
        self.genes = (*self._whole.genes, *(Gene(f"{part}_bits", BITS) for part in PARTS))

    def sample(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """Return n random canonical networks (n, genes): half with 8 bits alone, the others with any."""
        narrow = rng.integers(0, len(BITS), (n, len(PARTS)))
        narrow[rng.random(n) < 0.5] = 0
        return self.canonical(np.concatenate([self._whole.sample(rng, n), narrow], axis=1))

    def canonical(self, genes: np.ndarray) -> np.ndarray:
        """Return the representatives (n, genes): of the staged space, whose bits are those of its stages then."""
        genes = np.array(genes, np.int64)
        genes[:, : -len(PARTS)] = self._whole.canonical(genes[:, : -len(PARTS)])
        genes[:, -len(PARTS) : -1] *= _stages(genes)[:, :, REPEAT] > 0
        return genes

    def graph(self, genes: Sequence[int]) -> Graph:
        """Return the float graph: the staged one, whose layers have the bits of their parts."""
        row = self.canonical(self.check(genes))[0]
        graph = self._whole.graph(row[: -len(PARTS)].tolist())
        bits = np.append(0, row[-len(PARTS) :])[list(_parts(row))]
        return with_weight_bits(
            graph, 4, [node for node, narrow in zip(layers(graph), bits, strict=True) if not narrow]
        )

    def teacher(self, macs: int) -> Graph:
        """Return the staged space's, with 8 bits."""
        return self._whole.teacher(macs)

    def features(self, genes: np.ndarray) -> np.ndarray:
        """Return (n, features) float32 of canonical genes, named by ``feature_names``."""
        genes = np.asarray(genes, np.int64)
        staged = self._whole.features(genes[:, : -len(PARTS)])
        return np.concatenate([staged, np.log2(1 + self._narrow(genes)).astype(np.float32)], axis=1)

    def _narrow(self, genes: np.ndarray) -> np.ndarray:
        """Return MACs and parameters of the layers of 4 bits (n, 2) of canonical genes."""
        found = np.zeros((len(genes), 2))
        sides = np.tile(self._whole.sides, (len(genes), 1))
        sides = -(-sides // (1 + genes[:, 2:3]))
        channels = np.array(STEM_WIDTHS)[genes[:, 1]]

        def add(narrow: np.ndarray, pixels: np.ndarray, products: np.ndarray, filters: np.ndarray) -> None:
            """Count convolutions of so many products for a pixel, where they are narrow."""
            found[:, 0] += narrow * pixels * products
            found[:, 1] += narrow * (products + filters)

        for i, (block, kernel, width, repeats, stride, _) in enumerate(_stages(genes).transpose(1, 2, 0)):
            taps = np.array(self.staged.kernels)[kernel] ** (1 if self.staged.flat else 2)
            filters = np.array(WIDTHS)[width]
            for repeat in range(REPEATS):
                narrow = genes[:, i - len(PARTS)] * (repeats > repeat)
                before = sides.prod(axis=1)
                if repeat == 0:
                    sides = -(-sides // (1 + stride * (repeats > 0))[:, None])
                pixels, inner = sides.prod(axis=1), channels * np.maximum(block - 1, 1)
                add(narrow * (block == 0), pixels, taps * channels * filters, filters)
                add(narrow * (block > 2), before, channels * inner, inner)
                add(narrow * (block > 0), pixels, taps * inner, inner)
                add(narrow * (block > 0), pixels, inner * filters, filters)
                channels = np.where(repeats > repeat, filters, channels)
        narrow, head = genes[:, -1], np.array(HEADS)[genes[:, -len(PARTS) - 2]]
        add(narrow * (head > 0), sides.prod(axis=1), channels * head, head)
        add(narrow, np.ones(len(genes)), np.where(head > 0, head, channels) * self.outputs, np.array(self.outputs))
        return found


def _stages(genes: np.ndarray) -> np.ndarray:
    """Return the decisions of the stages (n, stages, decisions)."""
    return genes[:, 3 : 3 + STAGES * len(STAGE)].reshape(len(genes), STAGES, len(STAGE))


def _parts(row: np.ndarray) -> Iterator[int]:
    """Yield the part of every layer with weights of canonical genes (genes,), in their order: 0 the stem, 1 a stage."""
    yield 0
    for i, stage in enumerate(_stages(row[None])[0], 1):
        depth = 1 + (stage[BLOCK] > 0) + (stage[BLOCK] > 2)
        yield from [i] * int(depth * stage[REPEAT])
    yield from [len(PARTS)] * (1 + bool(HEADS[row[-len(PARTS) - 2]]))
