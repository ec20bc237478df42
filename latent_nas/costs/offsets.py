"""Where every tensor lies in the arena: buffers with a size and a time of life that may not overlap.

To find the least height of the whole is "dynamic storage allocation", NP-hard; the live bytes of the worst
step are a lower bound that the tensors of a network nearly always reach.
"""

from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

LAYOUTS = 8  # that the sweep follows at once
SEARCH_NODES = 1000  # of the exact search; both are counted, not timed, so that results don't depend on load


class Buffer(NamedTuple):
    """Bytes that are needed from step ``start`` to step ``end``, both included."""

    size: int
    start: int
    end: int


_ORDERS: tuple[Callable[[Buffer], tuple[int, ...]], ...] = (
    lambda b: (-b.size, b.start),
    lambda b: (b.start - b.end, -b.size),
    lambda b: (-b.size * (1 + b.end - b.start), b.start),
    lambda b: (b.start, -b.end),
)


def place(buffers: Sequence[Buffer], bound: int) -> tuple[list[int], int]:
    """Return (offset per buffer, peak), of the lowest peak found.

    Args:
        buffers: in any order.
        bound: a peak that no placement stays below; the search ends when it is reached.
    """
    beside = _neighbours(buffers)
    best: list[int] = []
    lowest = -1
    for order in _ORDERS:
        offsets = _first_fit(buffers, beside, sorted(range(len(buffers)), key=lambda i: order(buffers[i])))
        peak = max((o + b.size for o, b in zip(offsets, buffers, strict=True)), default=0)
        if peak < lowest or lowest < 0:
            best, lowest = offsets, peak
        if lowest <= bound:
            return best, lowest
    found = _sweep(buffers, bound) or _search(buffers, beside, bound)
    return (found, bound) if found else (best, lowest)


def place_greedily(buffers: Sequence[Buffer], scratch: Collection[int]) -> tuple[list[int], int]:
    """Return (offset per buffer, peak) as the planner of TensorFlow Lite Micro places them.

    From the largest to the smallest, each at the lowest place that is free for all its life. Of equal sizes it takes
    the last tensor of the file first, and scratch, which comes after all tensors, before any (its GreedyMemoryPlanner
    fills the table that it sorts from the end).

    Args:
        buffers: in the order of the file. scratch: positions of those that are an operator's scratch.
    """
    sequence = sorted(range(len(buffers)), key=lambda i: (-buffers[i].size, i not in scratch, -i))
    offsets = _first_fit(buffers, _neighbours(buffers), sequence)
    return offsets, max((o + b.size for o, b in zip(offsets, buffers, strict=True)), default=0)


def _neighbours(buffers: Sequence[Buffer]) -> list[list[int]]:
    """Return, per buffer, those that live at a common step."""
    beside: list[list[int]] = [[] for _ in buffers]
    alive: list[int] = []
    for i in sorted(range(len(buffers)), key=lambda i: buffers[i].start):
        start = buffers[i].start
        alive = [j for j in alive if buffers[j].end >= start]
        for j in alive:
            beside[i].append(j)
            beside[j].append(i)
        alive.append(i)
    return beside


def _first_fit(buffers: Sequence[Buffer], beside: list[list[int]], sequence: Sequence[int]) -> list[int]:
    """Return offsets: every buffer, in this sequence, lies at the lowest place free for all its life."""
    offsets = [-1] * len(buffers)
    for i in sequence:
        size, low = buffers[i].size, 0
        for start, j in sorted([(offsets[j], j) for j in beside[i] if offsets[j] >= 0]):
            if start - low >= size:
                break
            low = max(low, start + buffers[j].size)
        offsets[i] = low
    return offsets


def _sweep(buffers: Sequence[Buffer], bound: int) -> list[int] | None:
    """Return offsets of peak ``bound`` or None, from one sweep through time.

    What can follow depends only on where the buffers that are still alive lie: of layouts that agree in this,
    one is kept. A new buffer is put at either end or beside one that is alive.
    """
    # (offset, buffer) of those alive -> all offsets up to now
    layouts: dict[tuple[tuple[int, int], ...], tuple[int, ...]] = {(): ()}
    sequence = sorted(range(len(buffers)), key=lambda i: (buffers[i].start, -buffers[i].size))
    for i in sequence:
        size, start, _ = buffers[i]
        following: dict[tuple[tuple[int, int], ...], tuple[int, ...]] = {}
        for layout, offsets in layouts.items():
            alive = [(low, j) for low, j in layout if buffers[j].end >= start]
            spans = [(low, low + buffers[j].size) for low, j in alive]
            places = {0, bound - size, *(high for _, high in spans), *(low - size for low, _ in spans)}
            for place in sorted(places):
                free = all(place + size <= low or high <= place for low, high in spans)
                if free and 0 <= place <= bound - size:
                    following.setdefault(tuple(sorted([*alive, (place, i)])), (*offsets, place))
        layouts = dict(list(following.items())[:LAYOUTS])
    for offsets in layouts.values():
        return [offset for _, offset in sorted(zip(sequence, offsets, strict=True))]
    return None


def _search(buffers: Sequence[Buffer], beside: list[list[int]], bound: int) -> list[int] | None:
    """Return offsets of peak ``bound``, or None: there are none, or ``SEARCH_NODES`` were not enough.

    Press any placement down until every buffer lies on the floor or on a neighbour, and take the buffers by
    rising offset: each lies on the highest of its neighbours before it. So only such sequences are tried.
    """
    offsets, floor = [-1] * len(buffers), [0] * len(buffers)
    left = SEARCH_NODES

    def descend(last: int, placed: int) -> bool:
        """Place the buffers that wait, none below ``last``; whether all found a place."""
        nonlocal left
        if placed == len(buffers):
            return True
        waiting = [i for i in range(len(buffers)) if offsets[i] < 0]
        if any(max(floor[i], last) + buffers[i].size > bound for i in waiting):
            return False
        for i in sorted((i for i in waiting if floor[i] >= last), key=lambda i: (floor[i], -buffers[i].size)):
            left -= 1
            if left < 0:
                return False
            offsets[i] = floor[i]
            raised = [(j, floor[j]) for j in beside[i] if offsets[j] < 0]
            for j, _ in raised:
                floor[j] = max(floor[j], floor[i] + buffers[i].size)
            if descend(floor[i], placed + 1):
                return True
            offsets[i] = -1
            for j, old in raised:
                floor[j] = old
        return False

    return offsets if descend(0, 0) else None
