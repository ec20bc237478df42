"""Memory plans: by hand, against all orders of small random graphs, no two tensors in one place."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from latent_nas.costs.layer import layer
from latent_nas.costs.memory import MemoryPlan, plan
from latent_nas.graph import Builder, Graph
from latent_nas.graph.deploy import deploy
from latent_nas.operators.add import Add
from latent_nas.operators.concat import Concat
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.dense import Dense
from latent_nas.operators.flatten import Flatten
from latent_nas.operators.max_pool import MaxPool
from latent_nas.operators.relu import Relu
from latent_nas.runtimes import Runtime, open_runtime

CMSIS = open_runtime("cmsis_nn")
BARE = replace(  # no alignment, no scratch, free order
    CMSIS,
    keeps_order=False,
    alignment=1,
    kernels={name: replace(kernel, scratch_bytes={}) for name, kernel in CMSIS.kernels.items()},
)
IN_PLACE = replace(BARE, in_place=frozenset({"add", "relu"}))


def planned(graph: Graph, runtime: Runtime) -> MemoryPlan:
    """Return the plan of a deployed graph."""
    return plan(graph, [layer(n.operator, graph.shapes_into(n)) for n in graph.nodes], runtime)


def random_graph(rng: np.random.Generator, nodes: int) -> Graph:
    """Return a deployed graph of convolutions, additions, ReLUs, pooling; loose ends are concatenated."""
    b = Builder((4, 4, 4))
    read: set[int] = set()
    for i in range(nodes):
        a, c = (int(v) for v in rng.integers(max(0, i - 3), i + 1, 2))
        kind = rng.integers(5)
        if kind == 0 and b.shape(a) == b.shape(c) and a != c:
            read |= {a, c}
            b.add(Add(), a, c)
        else:
            read.add(a)
            b.add(Relu() if kind == 1 else Conv2d(int(rng.choice([4, 8, 20])), (1, 1)), a)
    ends = [i for i in range(1, nodes + 1) if i not in read]
    end = b.add(Concat(), *ends) if len(ends) > 1 else ends[0]
    if rng.integers(2):
        end = b.add(Flatten(), b.add(MaxPool(), end))
    return deploy(b.build()).graph


def orders(graph: Graph, done: tuple[int, ...] = ()) -> Iterator[tuple[int, ...]]:
    """Yield every valid order of execution."""
    if len(done) == len(graph.nodes):
        yield done
    for node in graph.nodes:
        if node.id not in done and set(node.inputs) <= set(done):
            yield from orders(graph, (*done, node.id))


def tensor(graph: Graph, node: int) -> int:
    """Return the node that makes the tensor that a node stands for: of flatten, its input's."""
    return tensor(graph, graph.nodes[node].inputs[0]) if graph.nodes[node].operator.kind == "flatten" else node


def uses(graph: Graph, order: tuple[int, ...]) -> dict[int, list[int]]:
    """Return, per tensor, the moments at which it is made, read, and (the result) given out."""
    moments: dict[int, list[int]] = {n.id: [] for n in graph.nodes if tensor(graph, n.id) == n.id}
    for moment, node in enumerate(order):
        moments[tensor(graph, node)].append(moment)
        for i in graph.nodes[node].inputs:
            moments[tensor(graph, i)].append(moment)
    moments[tensor(graph, len(order) - 1)].append(len(order))
    return moments


def written_over(graph: Graph, order: tuple[int, ...], node: int, runtime: Runtime) -> set[int]:
    """Return the tensors that an operator in place may write over."""
    if graph.nodes[node].operator.kind not in runtime.in_place:
        return set()
    last = uses(graph, order)
    inputs = {tensor(graph, i) for i in graph.nodes[node].inputs}
    size = np.prod(graph.nodes[node].shape)
    return {i for i in inputs if max(last[i]) == order.index(node) and np.prod(graph.nodes[i].shape) == size}


def worst(graph: Graph, order: tuple[int, ...], runtime: Runtime) -> int:
    """Return the live bytes of an order's worst step, counted anew at every step."""
    moments, most = uses(graph, order), 0
    for now, node in enumerate(order):
        alive = [t for t, when in moments.items() if min(when) <= now <= max(when)]
        held = sum(int(np.prod(graph.nodes[t].shape)) for t in alive)
        if written_over(graph, order, node, runtime):
            held -= int(np.prod(graph.nodes[node].shape))
        most = max(most, held)
    return most


def test_a_chain_by_hand():
    b = Builder((8, 8, 1))  # 64
    x = b.add(Conv2d(8), 0)  # 512
    x = b.add(Conv2d(16), x)  # 1024
    b.add(Dense(10), b.add(Flatten(), b.add(MaxPool(), x)))  # 256, the same, 10
    graph = b.build()
    found = planned(graph, BARE)
    assert found.live == (64, 64 + 512, 512 + 1024, 1024 + 256, 256, 256 + 10)
    assert found.peak == found.lower_bound == 1536
    assert found.offsets[4] == found.offsets[3]
    with_scratch = planned(graph, CMSIS)  # two patches of 3 x 3 x 8 int16
    assert with_scratch.peak == with_scratch.lower_bound == 512 + 1024 + 2 * 72 * 2
    assert with_scratch.scratch_sizes == (0, 48, 288, 0, 0, 0)


def test_a_residual_block_by_hand():
    b = Builder((8, 8, 32))  # 2048
    y = b.add(Conv2d(4, (1, 1)), 0)  # 256
    z = b.add(Conv2d(32, (1, 1)), y)  # 2048
    b.add(Add(), 0, z)
    graph = b.build()
    assert planned(graph, BARE).peak == 3 * 2048  # both inputs and the sum
    found = planned(graph, IN_PLACE)
    assert found.peak == 2048 + 256 + 2048  # the second convolution; the sum overwrites an input
    assert found.optimal
    assert found.offsets[3] in (found.offsets[0], found.offsets[2])


def test_an_input_that_is_read_again_is_not_written_over():
    b = Builder((4, 4, 4))
    first = b.add(Add(), 0, 0)
    b.add(Add(), first, 0)
    found = planned(b.build(), IN_PLACE)
    assert found.offsets[1] != found.offsets[0]
    assert found.peak == 2 * 64


def test_the_order_matters_where_two_branches_are_wide():
    b = Builder((8, 8, 4))  # 256
    wide = [b.add(Conv2d(64, (1, 1)), 0), b.add(Conv2d(64, (1, 1)), 0)]  # 4096 each
    b.add(Concat(), *[b.add(Conv2d(4, (1, 1)), w) for w in wide])  # 256 each, 512
    graph = b.build()
    found = planned(graph, BARE)
    assert found.peak == found.lower_bound == 256 + 4096 + 256  # one branch after the other
    assert found.order in ((0, 1, 3, 2, 4, 5), (0, 2, 4, 1, 3, 5))
    kept = planned(graph, replace(BARE, keeps_order=True))
    assert kept.order == (0, 1, 2, 3, 4, 5)
    assert kept.peak == kept.lower_bound == 256 + 2 * 4096


@pytest.mark.parametrize("runtime", [BARE, IN_PLACE], ids=["bare", "in place"])
@pytest.mark.parametrize("seed", range(40))
def test_no_order_of_a_small_graph_is_better(seed, runtime):
    graph = random_graph(np.random.default_rng(seed), 6)
    least = min(worst(graph, order, runtime) for order in orders(graph))
    found = planned(graph, runtime)
    assert worst(graph, found.order, runtime) == max(found.live) == found.lower_bound == least
    assert found.peak >= least


@pytest.mark.parametrize("runtime", [CMSIS, BARE, IN_PLACE], ids=["cmsis", "bare", "in place"])
@pytest.mark.parametrize("seed", range(40))
def test_no_two_live_tensors_overlap(seed, runtime):
    graph = random_graph(np.random.default_rng(seed), 5 + seed)
    found = planned(graph, runtime)
    moments = uses(graph, found.order)
    spans = [
        (min(when), max(when), found.offsets[t], found.offsets[t] + found.sizes[t], t) for t, when in moments.items()
    ]
    for node in graph.nodes:
        if found.scratch_sizes[node.id]:
            low, now = found.scratch_offsets[node.id], found.order.index(node.id)
            spans.append((now, now, low, low + found.scratch_sizes[node.id], -1))
    for a, b in combinations(sorted(spans), 2):
        both_live, apart = b[0] <= a[1], a[3] <= b[2] or b[3] <= a[2]
        shares = b[4] >= 0 and a[4] in written_over(graph, found.order, b[4], runtime) and a[2:4] == b[2:4]
        assert apart or shares or not both_live
    assert max(span[3] for span in spans) == found.peak
    assert all(found.sizes[t] >= np.prod(graph.nodes[t].shape) for t in moments)
    assert all(set(n.inputs) <= set(found.order[: found.order.index(n.id)]) for n in graph.nodes)
    assert found.lower_bound <= found.peak


class TestOverlaid:
    """Runtimes whose outputs may lie over inputs that nobody reads any more."""

    OVERLAID = replace(BARE, keeps_order=True, overlays=True)

    def test_a_chain_needs_its_largest_tensor(self):
        b = Builder((4, 4, 4))  # 64 B, then 320, then 64
        b.add(Conv2d(4, (1, 1)), b.add(Conv2d(20, (1, 1)), 0))
        found = planned(b.build(), self.OVERLAID)
        assert found.peak == 320
        assert found.live == (64, 320, 320)
        assert planned(b.build(), BARE).peak == 384

    def test_what_is_read_later_stays_apart(self):
        b = Builder((4, 4, 4))
        wide = b.add(Conv2d(8, (1, 1)), 0)  # 128 B over 64
        narrow = b.add(Conv2d(8, (1, 1)), wide)  # wide is read again
        b.add(Add(), wide, narrow)  # over one of them
        assert planned(b.build(), self.OVERLAID).peak == 256

    @pytest.mark.parametrize("seed", range(30))
    def test_never_more_than_apart_never_less_than_what_is_read(self, seed):
        graph = random_graph(np.random.default_rng(seed), 7)
        apart, overlaid = planned(graph, replace(BARE, keeps_order=True)), planned(graph, self.OVERLAID)
        assert overlaid.peak <= apart.peak
        for node in graph.nodes[1:]:
            read = sum(int(np.prod(graph.nodes[i].shape)) for i in set(node.inputs))
            assert overlaid.live[node.id] >= max(read, int(np.prod(node.shape)))
