"""NAS-Bench-201 (Dong and Yang 2020): one cell of six edges between four nodes, five operators each, stacked 5-5-5.

An edge that can't matter is dead: a convolution of zeros is counted as zeros, although its batch norm may learn a
constant. A cell whose output gets nothing is ``Zero``, so that all 15,625 cells are legal graphs.
"""

from collections.abc import Sequence

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
from latent_nas.operators.zero import Zero
from latent_nas.spaces import Gene, Space
from latent_nas.spaces._nasbench201_cells import (
    CELLS_EACH,
    CONV1,
    CONV3,
    EDGES,
    NONE,
    OPERATORS,
    SKIP,
    WIDTHS,
    alive,
    cells,
    index,
    representatives,
)
from latent_nas.spaces._nasbench201_features import cell_features
from latent_nas.spaces._nasbench201_order import as_converted

COSTS = ("macs", "parameters")


class NasBench201(Space):
    """15,625 cells, 5,260 of them distinct as networks."""

    name = "nasbench201"
    genes = tuple(Gene(f"edge_{a}{b}", OPERATORS) for a, b in EDGES)

    def __init__(self, input_shape: Shape, outputs: int) -> None:
        """Bind the space to a task.

        Raises:
            ValueError: the input is not an image, or there are fewer than 2 outputs.
        """
        if len(input_shape) != 3 or min(input_shape) < 1:
            raise ValueError(f"space 'nasbench201' takes images (height, width, channels), got {tuple(input_shape)}")
        if outputs < 2:
            raise ValueError(f"space 'nasbench201' wants 2 or more outputs, got {outputs}")
        super().__init__(input_shape, outputs)
        names, table = cell_features()
        self.feature_names = (*names, *COSTS)
        self.listed = cells()[np.unique(representatives())]
        self._table = np.concatenate([table, np.log2(1 + self._costs())[representatives()].astype(np.float32)], axis=1)

    def sample(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """Return n networks (n, genes), every distinct one equally likely."""
        assert self.listed is not None
        return self.listed[rng.integers(len(self.listed), size=n)]

    def canonical(self, genes: np.ndarray) -> np.ndarray:
        """Return the representatives (n, genes): of the cells that compute the same, the one of fewest edges."""
        return cells()[representatives()[index(genes)]]

    def features(self, genes: np.ndarray) -> np.ndarray:
        """Return (n, features) float32, named by ``feature_names``."""
        return self._table[index(genes)]

    def graph(self, genes: Sequence[int]) -> Graph:
        """Return the float graph: stem, three stages of five cells, residual blocks that halve the image between."""
        return self.written(self.canonical(self.check(genes))[0].tolist())

    def written(self, genes: Sequence[int]) -> Graph:
        """Return the float graph of a cell as it is written, without dead edges; ``graph`` makes equal cells one."""
        cell = alive(genes)
        build = Builder(self.input_shape)
        x = build.add(BatchNorm(), build.add(Conv2d(WIDTHS[0], bias=False), 0))
        for stage, width in enumerate(WIDTHS):
            if stage:
                x = _residual(build, x, width)
            for _ in range(CELLS_EACH):
                x = _cell(build, x, cell, width)
        x = build.add(Relu(), build.add(BatchNorm(), x))
        build.add(Dense(self.outputs), build.add(GlobalPool("avg"), x))
        return as_converted(build.build())

    def _costs(self) -> np.ndarray:
        """Return MACs and parameters (15625, 2) of all cells without dead edges, deployed."""
        height, width, channels = self.input_shape
        total = np.zeros((len(cells()), 2))
        for stage, filters in enumerate(WIDTHS):
            weights = []  # (multiplications per pixel, biases)
            if stage:
                height, width = (height + 1) // 2, (width + 1) // 2
                weights = [(9 * channels * filters, filters), (9 * filters**2, filters), (channels * filters, filters)]
            else:
                weights = [(9 * channels * filters, filters)]
            for kind, taps in ((CONV1, 1), (CONV3, 9)):
                each = np.array([height * width * taps * filters**2, taps * filters**2 + filters])
                total += CELLS_EACH * (cells() == kind).sum(axis=1)[:, None] * each
            total += [sum(height * width * w for w, _ in weights), sum(w + b for w, b in weights)]
            channels = filters
        # The last batch norm is folded where the cell ends in one convolution, else it is a scale per channel.
        into = cells()[:, [i for i, (_, b) in enumerate(EDGES) if b == 3]]
        folded = ((into != NONE).sum(axis=1) == 1) & np.isin(into, (CONV1, CONV3)).any(axis=1)
        total += ~folded[:, None] * np.array([height * width * channels, 2 * channels])
        return total + np.array([channels * self.outputs, channels * self.outputs + self.outputs])


def _conv(build: Builder, x: int, filters: int, kernel: int, stride: int = 1) -> int:
    """Add a convolution of something already rectified, and its batch norm."""
    return build.add(BatchNorm(), build.add(Conv2d(filters, (kernel, kernel), (stride, stride), bias=False), x))


def _residual(build: Builder, x: int, filters: int) -> int:
    """Add the block that halves the image: two convolutions beside pooling and a pointwise one."""
    y = _conv(build, build.add(Relu(), x), filters, 3, stride=2)
    y = _conv(build, build.add(Relu(), y), filters, 3)
    pooled = build.add(AvgPool((2, 2), (2, 2), "same"), x)
    return build.add(Add(), y, build.add(Conv2d(filters, (1, 1), bias=False), pooled))


def _cell(build: Builder, x: int, cell: Sequence[int], filters: int) -> int:
    """Add a cell without dead edges; a node's value is the sum of its edges'.

    What several edges rectify or pool is rectified and pooled once, as converters merge equal operators.
    """
    values: list[int | None] = [x, None, None, None]
    rectified: dict[int, int] = {}
    pooled: dict[int, int] = {}
    for (a, b), operator in zip(EDGES, cell, strict=True):
        source = values[a]
        if operator == NONE or source is None:
            continue
        if operator in (CONV1, CONV3):
            if source not in rectified:
                rectified[source] = build.add(Relu(), source)
            new = _conv(build, rectified[source], filters, 3 if operator == CONV3 else 1)
        elif operator == SKIP:
            new = source
        else:
            if source not in pooled:
                pooled[source] = build.add(AvgPool((3, 3), (1, 1), "same"), source)
            new = pooled[source]
        old = values[b]
        values[b] = new if old is None else build.add(Add(), old, new)
    last = values[3]
    return build.add(Zero(), x) if last is None else last


Plugin = NasBench201
