"""Numbers that describe a cell of NAS-Bench-201 to a surrogate, worked out for all cells at once.

What is known to predict accuracy there: for every set of operators the paths that use no other, the edges and the
degrees (Kadlecova et al., "Surprisingly strong performance prediction with neural graph features", ICML 2024); what
lies on each of the four ways from input to output; and how a signal spreads through the network.
"""

from functools import lru_cache
from itertools import combinations

import numpy as np

from latent_nas.spaces._nasbench201_cells import (
    CONV1,
    CONV3,
    EDGES,
    NONE,
    OPERATORS,
    POOL,
    SKIP,
    cells,
    representatives,
)
from latent_nas.spaces._nasbench201_signal import signal_features

PATHS = ((3,), (0, 4), (1, 5), (0, 2, 5))  # as edges
SHORT = {SKIP: "skip", CONV1: "conv1", CONV3: "conv3", POOL: "pool"}
SUBSETS = [s for size in range(1, 5) for s in combinations(SHORT, size)]


@lru_cache(1)
def cell_features() -> tuple[tuple[str, ...], np.ndarray]:
    """Return names, and a row for every cell in the order of ``index``, (15625, features) float32.

    A cell has its representative's row. Columns that are constant or equal to an earlier one are left out.
    """
    rows, where = np.unique(representatives(), return_inverse=True)
    named = _columns(cells()[rows]) | signal_features(cells()[rows])
    kept: dict[str, np.ndarray] = {}
    seen: set[bytes] = set()
    for name, column in named.items():
        column = column.astype(np.float32)
        if column.min() < column.max() and column.tobytes() not in seen:
            seen.add(column.tobytes())
            kept[f"cell.{name}"] = column
    return tuple(kept), np.stack(list(kept.values()), axis=1)[where]


def _columns(genes: np.ndarray) -> dict[str, np.ndarray]:
    """Return every feature (n,) of cells without dead edges (n, 6).

    ``count.O`` edges of an operator; ``in.I`` and ``out.I`` edges at a node. Of a set S of operators: ``paths.S`` from
    input to output with no others, ``longest.S`` and ``shortest.S`` of them in edges (0: none), ``edges.S``,
    ``first.S`` and ``last.S`` those at input and output, ``reached.S`` nodes; ``most.S`` and ``least.S`` of S on any
    living path.
    ``wayP.O``: operators of a kind on one of the four paths, and whether it lives. ``mean.O``: on a living path.
    ``field.*``: pixels that a path sees. ``weighted.*``: of paths by their convolutions. ``pooled``: paths on which a
    pooling comes before every convolution.
    """
    n = len(genes)
    on = {kind: np.stack([(genes[:, p] == kind).sum(axis=1) for p in map(list, PATHS)], axis=1) for kind in SHORT}
    lives = np.stack([(genes[:, p] != NONE).all(axis=1) for p in map(list, PATHS)], axis=1)
    paths = lives.sum(axis=1)
    size = np.array([len(p) for p in PATHS])
    found = {f"count.{OPERATORS[kind]}": (genes == kind).sum(axis=1) for kind in range(len(OPERATORS))}
    found["paths"] = paths
    for node in range(4):
        found[f"in.{node}"] = (genes[:, [i for i, e in enumerate(EDGES) if e[1] == node]] != NONE).sum(axis=1)
        found[f"out.{node}"] = (genes[:, [i for i, e in enumerate(EDGES) if e[0] == node]] != NONE).sum(axis=1)
    for subset in SUBSETS:
        name = "+".join(SHORT[kind] for kind in subset)
        inside = np.isin(genes, subset)
        through = np.stack([inside[:, p].all(axis=1) for p in map(list, PATHS)], axis=1)
        count = np.stack([on[kind] for kind in subset]).sum(axis=0)
        found[f"paths.{name}"] = through.sum(axis=1)
        found[f"longest.{name}"] = (through * size).max(axis=1)
        found[f"shortest.{name}"] = np.where(through.any(axis=1), np.where(through, size, 9).min(axis=1), 0)
        found[f"edges.{name}"] = inside.sum(axis=1)
        found[f"first.{name}"] = inside[:, [0, 1, 3]].sum(axis=1)
        found[f"last.{name}"] = inside[:, [3, 4, 5]].sum(axis=1)
        one = inside[:, 0]
        two = inside[:, 1] | (one & inside[:, 2])
        found[f"reached.{name}"] = 1.0 + one + two + through.any(axis=1)
        found[f"most.{name}"] = (lives * count).max(axis=1)
        found[f"least.{name}"] = np.where(paths > 0, np.where(lives, count, 9).min(axis=1), 0)
    for i, path in enumerate(PATHS):
        way = "".join(str(EDGES[e][0]) for e in path) + "3"
        found[f"way{way}"] = lives[:, i]
        for kind in SHORT:
            found[f"way{way}.{SHORT[kind]}"] = lives[:, i] * on[kind][:, i]
    for kind in SHORT:
        found[f"mean.{SHORT[kind]}"] = (lives * on[kind]).sum(axis=1) / np.maximum(paths, 1)
    field = lives * (1 + 2 * (on[CONV3] + on[POOL]))
    found |= {"field.most": field.max(axis=1), "field.mean": field.sum(axis=1) / np.maximum(paths, 1)}
    found["field.least"] = np.where(paths > 0, np.where(lives, field, 99).min(axis=1), 0)
    weight = 3 * on[CONV3] + on[CONV1]
    longest = (lives * (10 * (on[CONV3] + on[CONV1]) + weight)).argmax(axis=1)  # the path of most convolutions
    found["weighted.conv3"] = (lives * on[CONV3])[np.arange(n), longest]
    found["weighted.conv1"] = (lives * on[CONV1])[np.arange(n), longest]
    found["weighted.pool"] = (lives * on[POOL])[np.arange(n), longest]
    found["weighted.most"] = (lives * weight).max(axis=1)
    found["weighted.sum"] = (lives * weight).sum(axis=1)
    found["weighted.paths"] = (lives & (weight > 0)).sum(axis=1)
    found["pooled"] = sum(lives[:, i] & _pool_first(genes[:, list(p)]) for i, p in enumerate(PATHS))
    return found


def _pool_first(operators: np.ndarray) -> np.ndarray:
    """Return whether the first of a path's operators (n, edges) that is not a skip connection is a pooling, (n,)."""
    first = (operators != SKIP).argmax(axis=1)
    return np.asarray(operators[np.arange(len(operators)), first] == POOL)
