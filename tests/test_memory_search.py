"""The two searches under a memory plan: the order of operators, the offsets of buffers."""

from itertools import combinations, product

import numpy as np
import pytest

from latent_nas.costs.offsets import Buffer, place
from latent_nas.costs.order import Steps, best_order, peak


def test_a_search_cut_short_still_tells_the_truth():
    rng = np.random.default_rng(0)
    wide = tuple(int(size) for size in rng.integers(50, 100, 5))
    inputs = ((), *[(0,)] * 5, *[(i,) for i in range(1, 6)], tuple(range(6, 11)))
    steps = Steps(inputs, inputs, (1, *wide, *[9] * 5, 1), (0,) * 12, (False,) * 12, 11)
    best, bound = best_order(steps)
    assert peak(steps, best) == bound < peak(steps, range(12))
    for sets in range(0, 100, 9):
        order, low = best_order(steps, sets)
        assert low <= bound <= peak(steps, order) <= peak(steps, range(12))
        assert sorted(order) == list(range(12))


@pytest.mark.parametrize("seed", range(30))
def test_placement_reaches_the_bound_where_any_can(seed):
    rng = np.random.default_rng(seed)
    starts = rng.integers(0, 4, 5)
    buffers = [Buffer(int(rng.integers(1, 4)), int(s), int(s + rng.integers(0, 3))) for s in starts]
    bound = max(sum(b.size for b in buffers if b.start <= now <= b.end) for now in range(7))
    pairs = [(i, j) for i, j in combinations(range(5), 2) if buffers[i].start <= buffers[j].end]
    pairs = [(i, j) for i, j in pairs if buffers[j].start <= buffers[i].end]

    def fits(offsets: tuple[int, ...]) -> bool:
        ends = [o + b.size for o, b in zip(offsets, buffers, strict=True)]
        return all(ends[i] <= offsets[j] or ends[j] <= offsets[i] for i, j in pairs)

    possible = any(fits(offsets) for offsets in product(*(range(bound - b.size + 1) for b in buffers)))
    offsets, high = place(buffers, bound)
    assert fits(tuple(offsets))
    assert (high == bound) == possible
