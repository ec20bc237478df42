"""The memory plan: the order of the operators, and the place of every int8 tensor in one arena."""

from collections.abc import Sequence
from dataclasses import dataclass

from latent_nas.costs.layer import Layer
from latent_nas.costs.offsets import Buffer, place, place_greedily
from latent_nas.costs.order import Steps, best_order
from latent_nas.graph import Graph
from latent_nas.runtimes import Runtime


@dataclass(frozen=True)
class MemoryPlan:
    """Where everything lies while a deployed graph runs. In bytes; tuples are by node id.

    Attributes:
        order: node ids, as they run.
        offsets, sizes: of the tensor that a node makes, aligned. Those of a view or of an operator in place
            are its input's.
        scratch_offsets, scratch_sizes: of what a node needs only while it runs; size 0 for most.
        live: all that is needed while a node runs.
        peak: size of the arena.
        lower_bound: a size that no order and no placement stays below; of the file's order alone, where the
            runtime keeps it.
    """

    order: tuple[int, ...]
    offsets: tuple[int, ...]
    sizes: tuple[int, ...]
    scratch_offsets: tuple[int, ...]
    scratch_sizes: tuple[int, ...]
    live: tuple[int, ...]
    peak: int
    lower_bound: int

    @property
    def optimal(self) -> bool:
        """Whether the peak is proven to be the least."""
        return self.peak == self.lower_bound


def plan(graph: Graph, layers: Sequence[Layer], runtime: Runtime) -> MemoryPlan:
    """Return the memory plan of a deployed graph with the figures of its nodes.

    The order is the file's where the runtime keeps it, else the best found (``order.best_order``). A view
    shares its input's place; so does an operator in place (in this runtime) that is its input's last reader. Where all
    lies is the lowest placement found, or what the runtime's own planner makes.

    Raises:
        ValueError: the runtime has no kernel for an operator.
    """
    steps, root = _steps(graph, layers, runtime)
    nodes = range(len(graph.nodes))
    order, bound = (tuple(nodes), None) if runtime.keeps_order else best_order(steps)
    live, buffers, owner, scratch = _lives(steps, order)
    if runtime.planner == "greedy":
        offsets, peak = place_greedily(buffers, frozenset(scratch.values()))
    else:
        offsets, peak = place(buffers, max(live))
    made = [owner[root[node]] for node in nodes]
    return MemoryPlan(
        order=order,
        offsets=tuple([offsets[buffer] for buffer in made]),
        sizes=tuple([buffers[buffer].size for buffer in made]),
        scratch_offsets=tuple([offsets[scratch[node]] if node in scratch else 0 for node in nodes]),
        scratch_sizes=steps.scratch,
        live=tuple(live),
        peak=peak,
        lower_bound=max(live) if bound is None else bound,
    )


def _steps(graph: Graph, layers: Sequence[Layer], runtime: Runtime) -> tuple[Steps, list[int]]:
    """Return what every node needs, and per node the one that makes its tensor: of a view, its input's."""
    align = runtime.alignment
    root: list[int] = []
    size, scratch, in_place = [], [], []
    for node, layer in zip(graph.nodes, layers, strict=True):
        needs = layer.total(runtime.kernel(layer.kernel).scratch_bytes) if layer.work else 0
        root.append(root[node.inputs[0]] if layer.view else node.id)
        size.append(0 if layer.view else -int(-layer.output_bytes // align) * align)
        scratch.append(-int(-needs // align) * align)
        in_place.append(node.operator.kind in runtime.in_place and layer.may_overwrite)
    inputs = tuple([node.inputs for node in graph.nodes])
    overlays = runtime.overlay_ratio if runtime.overlays else 0.0
    reads = tuple([tuple({root[i]: None for i in ids}) for ids in inputs])
    return Steps(inputs, reads, tuple(size), tuple(scratch), tuple(in_place), root[-1], overlays), root


def _lives(steps: Steps, order: Sequence[int]) -> tuple[list[int], list[Buffer], dict[int, int], dict[int, int]]:
    """Return (live bytes per node, buffers, tensor -> buffer, node -> buffer of its scratch) of an order."""
    last = {tensor: moment for moment, node in enumerate(order) for tensor in steps.reads[node]}
    last[steps.output] = len(order) - 1
    live = [0] * len(order)
    buffers: list[Buffer] = []
    owner: dict[int, int] = {}
    scratch: dict[int, int] = {}
    done = alive = 0
    for moment, node in enumerate(order):
        live[node], alive, over = steps.step(done, alive, node)
        done |= 1 << node
        if over is not None:
            owner[node] = owner[over]
            buffers[owner[node]] = buffers[owner[node]]._replace(end=last[node])
        elif steps.size[node]:
            owner[node] = len(buffers)
            buffers.append(Buffer(steps.size[node], moment, last[node]))
            if steps.overlays:
                _overlay(buffers, {owner[tensor] for tensor in steps.reads[node]}, moment, steps.overlays)
        if steps.scratch[node]:
            scratch[node] = len(buffers)
            buffers.append(Buffer(steps.scratch[node], moment, moment))
    return live, buffers, owner, scratch


def _overlay(buffers: list[Buffer], read: set[int], moment: int, ratio: float) -> None:
    """Let the newest buffer and the largest one that dies at this moment share it: the larger stands for both.

    Unless the newest is more than ``ratio`` times as large.
    """
    dying = [i for i in read if buffers[i].end == moment]
    if not dying:
        return
    largest, new = max(dying, key=lambda i: buffers[i].size), buffers[-1]
    if new.size > ratio * buffers[largest].size:
        return
    if buffers[largest].size <= new.size:
        buffers[largest] = buffers[largest]._replace(end=moment - 1)
    else:
        buffers[-1] = new._replace(start=moment + 1, end=max(new.end, moment + 1))
