"""The order of the operators: which one needs the least live bytes at its worst step.

A step holds every tensor that is still to be read, what it makes, and its scratch. What is alive after a set
of steps does not depend on their order, so the best order is a bottleneck path through the sets that are
closed under "comes before" (Ahn et al. 2020, "Ordering chaos", section 3.1), searched here best first.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

SEARCH_SETS = 2000  # within 100 ms of a desktop core; counted, so that results don't depend on its load


@dataclass(frozen=True)
class Steps:
    """What every node reads, makes and needs; tuples are by node id, sizes in bytes and aligned.

    Attributes:
        inputs: the nodes that come before it.
        reads: the tensors it reads, each named by the node that makes it (never a view).
        size: of the tensor that it makes; 0 for a view.
        scratch: what it needs only while it runs.
        in_place: may it write over a tensor of the same size that nobody reads after it?
        output: the tensor that is never given up.
        overlays: any node may write over the largest tensor that nobody reads after it, if what it makes is at most
            so many times larger; 0 for never.
    """

    inputs: tuple[tuple[int, ...], ...]
    reads: tuple[tuple[int, ...], ...]
    size: tuple[int, ...]
    scratch: tuple[int, ...]
    in_place: tuple[bool, ...]
    output: int
    overlays: float = 0.0

    @cached_property
    def readers(self) -> tuple[int, ...]:
        """Per tensor, the bit set of its readers; the output has one that never runs."""
        readers = [0] * len(self.size)
        for node, tensors in enumerate(self.reads):
            for tensor in tensors:
                readers[tensor] |= 1 << node
        readers[self.output] |= 1 << len(self.size)
        return tuple(readers)

    def step(self, done: int, live: int, node: int) -> tuple[int, int, int | None]:
        """Return (bytes during the step, live bytes after it, tensor it writes over) of running a node next.

        Args:
            done: bit set of the nodes that have run.
            live: bytes of the tensors that are then alive.
        """
        rest, size, freed, largest, over = ~(done | 1 << node), self.size[node], 0, 0, None
        for tensor in self.reads[node]:
            if not self.readers[tensor] & rest:
                freed += self.size[tensor]
                largest = max(largest, self.size[tensor])
                if over is None and size and self.in_place[node] and self.size[tensor] == size:
                    over = tensor
        more = size if over is None else 0
        if self.overlays and size <= self.overlays * largest:
            more = max(size - largest, 0)
        during = live + self.scratch[node] + more
        return during, live + size - freed, over


def peak(steps: Steps, order: Sequence[int]) -> int:
    """Return the live bytes of an order's worst step."""
    done = live = worst = 0
    for node in order:
        during, live, _ = steps.step(done, live, node)
        done |= 1 << node
        worst = max(worst, during)
    return worst


def best_order(steps: Steps, sets: int = SEARCH_SETS) -> tuple[tuple[int, ...], int]:
    """Return (order, lower bound): an order of low ``peak``, and bytes that no order stays below.

    The order is proven best when its peak equals the bound; else the search ended after ``sets`` sets.
    """
    given = tuple(range(len(steps.size)))
    best, order = peak(steps, given), given
    only = all(node - 1 in before for node, before in enumerate(steps.inputs) if node)
    least = max(_alone(steps, node) for node in given)
    if only or best == least:
        return given, best
    before = [sum(1 << i for i in set(inputs)) for inputs in steps.inputs]
    full = (1 << len(given)) - 1
    # set -> (peak up to it, set before, node between)
    reached: dict[int, tuple[int, int, int]] = {0: (0, 0, -1)}
    heap = [(0, 0, 0, 0)]  # peak up to a set, minus its nodes, the set, its live bytes
    while heap:
        worst, size, done, live = heapq.heappop(heap)
        if worst > reached[done][0]:
            continue
        if done == full:
            return _trace(reached, full), worst
        if not sets:
            return _greedy(steps, before, order), max(least, worst)
        sets -= 1
        for node, during, after in _moves(steps, before, done, live, worst):
            new, high = done | 1 << node, max(worst, during)
            if high < best and high < reached.get(new, (best,))[0]:
                reached[new] = (high, done, node)
                heapq.heappush(heap, (high, size - 1, new, after))
    return order, best


def _alone(steps: Steps, node: int) -> int:
    """Return the bytes that a node's step takes in any order."""
    read = [steps.size[tensor] for tensor in steps.reads[node]]
    made = 0 if steps.in_place[node] else steps.size[node]
    largest = max(read, default=0)
    over = bool(steps.overlays) and made <= steps.overlays * largest
    return sum(read) + (max(made - largest, 0) if over else made) + steps.scratch[node]


def _moves(steps: Steps, before: list[int], done: int, live: int, worst: int) -> list[tuple[int, int, int]]:
    """Return (node, bytes during, live bytes after) of the nodes worth trying next.

    A node that neither raises the peak nor leaves more alive can be moved to the front of any completion
    without harm (what it frees later, it frees now), so it is the only one worth trying.
    """
    moves = []
    for node, needed in enumerate(before):
        if needed & ~done or done >> node & 1:
            continue
        during, after, _ = steps.step(done, live, node)
        if during <= worst and after <= live:
            return [(node, during, after)]
        moves.append((node, during, after))
    return moves


def _greedy(steps: Steps, before: list[int], other: tuple[int, ...]) -> tuple[int, ...]:
    """Return the better of ``other`` and the order that always leaves the fewest bytes alive."""
    done = live = worst = 0
    order: list[int] = []
    while len(order) < len(before):
        moves = _moves(steps, before, done, live, worst)
        node, during, live = min(moves, key=lambda move: (move[2], move[1], move[0]))
        order.append(node)
        done, worst = done | 1 << node, max(worst, during)
    return min(other, tuple(order), key=lambda candidate: peak(steps, candidate))


def _trace(reached: dict[int, tuple[int, int, int]], done: int) -> tuple[int, ...]:
    order = []
    while done:
        _, done, node = reached[done]
        order.append(node)
    return tuple(reversed(order))
