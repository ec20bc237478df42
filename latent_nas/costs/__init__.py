"""What a network costs on a device under a runtime: flash, RAM, time, and which limit binds where."""

from dataclasses import dataclass
from math import hypot, prod
from typing import NamedTuple

from latent_nas.costs.flash import flash
from latent_nas.costs.latency import latency
from latent_nas.costs.layer import layer
from latent_nas.costs.lowered import lowered
from latent_nas.costs.memory import MemoryPlan, plan
from latent_nas.costs.own_kernels import with_own_kernels
from latent_nas.devices import Device, Power
from latent_nas.graph import Graph
from latent_nas.graph.deploy import deploy
from latent_nas.graph.step import stepped
from latent_nas.limits import Limits
from latent_nas.runtimes import Runtime
from latent_nas.units import COSTS


class LayerCost(NamedTuple):
    """One deployed operator.

    Attributes:
        node: its place among the layers. sources: the ids in the given graph of what is folded into it.
        flash_bytes: weights, biases and quantisation constants. live_bytes: of the arena, while it runs.
    """

    node: int
    sources: tuple[int, ...]
    kind: str
    kernel: str
    macs: int
    weights_bytes: int
    flash_bytes: int
    live_bytes: int
    cycles: float


class Binding(NamedTuple):
    """The limit exceeded most, or nearest to it: name, cost / limit, and the layer that costs most."""

    name: str
    ratio: float
    layer: LayerCost


@dataclass(frozen=True)
class Costs:
    """All costs of a graph, of a text those of one token.

    ``flash_bytes``, ``ram_high_bytes`` and ``latency_ms`` are what limits count.

    Attributes:
        code_bytes: kernels in use, the runtime, and what the model's file adds. runtime_ram_bytes: the runtime's own.
            Both are in ``flash_bytes`` and ``ram_bytes`` where ``counts_image``.
        arena_bytes: tensors and scratch, what is most likely; arena_low_bytes, arena_high_bytes: the ends of its range
            (``runtimes.RamError``), equal to it where the plan is the runtime's own.
        state_bytes: what operators remember from one run to the next.
        latency_error_ms: half width of the interval around ``latency_ms`` (see ``latency``).
        region: name of the device's first region of RAM that arena and state fit, None where there is none.
        plan, layers: by the node ids of the graph as the runtime runs it (``lowered``).
        counts_image: whether limits count the whole image (``Runtime.counts_image``).
        power: of the device, None where nobody has measured it at its clock.
        estimated: kernels that the runtime does not know, so that the operators' own figures stand for it.
    """

    weights_bytes: int
    bias_bytes: int
    quantisation_bytes: int
    code_bytes: int
    arena_bytes: int
    arena_low_bytes: int
    arena_high_bytes: int
    state_bytes: int
    runtime_ram_bytes: int
    cycles: float
    latency_ms: float
    latency_error_ms: float
    macs: int
    parameters: int
    region: str | None
    plan: MemoryPlan
    layers: tuple[LayerCost, ...]
    counts_image: bool = False
    estimated: tuple[str, ...] = ()
    power: Power | None = None

    @property
    def flash_bytes(self) -> int:
        """What the flash limit counts: weights, biases, quantisation constants; of a whole image, its code as well."""
        model = self.weights_bytes + self.bias_bytes + self.quantisation_bytes
        return model + (self.code_bytes if self.counts_image else 0)

    @property
    def ram_bytes(self) -> int:
        """Arena, and what is remembered; of a whole image, the runtime's own RAM as well."""
        return self.arena_bytes + self._beside_arena

    @property
    def ram_low_bytes(self) -> int:
        """The lower end of the range around ``ram_bytes``."""
        return self.arena_low_bytes + self._beside_arena

    @property
    def ram_high_bytes(self) -> int:
        """The upper end of the range around ``ram_bytes``: what the RAM limit counts."""
        return self.arena_high_bytes + self._beside_arena

    @property
    def energy_uj(self) -> float | None:
        """Energy of one inference: its time at the device's power; None where that is not known."""
        return None if self.power is None else self.power.mw * self.latency_ms

    @property
    def energy_error_uj(self) -> float | None:
        """Half width of the interval around ``energy_uj``: time and power are off independently of each other."""
        if self.power is None or not self.latency_ms:
            return None
        return self.power.mw * self.latency_ms * hypot(self.latency_error_ms / self.latency_ms, self.power.error)

    @property
    def _beside_arena(self) -> int:
        return self.state_bytes + (self.runtime_ram_bytes if self.counts_image else 0)

    @property
    def limited(self) -> tuple[float, float, float]:
        """What limits count, in the order of ``COSTS``."""
        return self.flash_bytes, self.ram_high_bytes, self.latency_ms

    def exceeded(self, limits: Limits) -> dict[str, float]:
        """Return cost / limit of every limit that is exceeded, by its name; empty when the network fits."""
        return limits.exceeded(*self.limited)

    def binding(self, limits: Limits) -> Binding | None:
        """Return the limit with the largest cost / limit; None when there are no limits."""
        ratios = limits.ratios(*self.limited)
        if not ratios:
            return None
        name = max(ratios, key=lambda limit: ratios[limit])
        return Binding(name, ratios[name], self.largest(name))

    def largest(self, name: str) -> LayerCost:
        """Return the layer that takes most of a cost: of "flash_bytes", "ram_bytes" or "latency_ms"."""
        return max(self.layers, key=lambda layer: float(getattr(layer, COSTS[name].layer)))


def costs(graph: Graph, device: Device, runtime: Runtime, softmax: bool = False) -> Costs:
    """Return the costs of a graph in its deployed form; it is deployed here.

    Args:
        softmax: a softmax closes the network, which its graph does not hold; its time counts.

    Raises:
        ValueError: the runtime has no kernel for an operator, or no cycles of it on the device's core.
    """
    deployment = deploy(graph)
    runs_as, sources = lowered(stepped(deployment.graph), deployment.sources, runtime.pads)
    nodes = runs_as.nodes
    layers = [layer(node.operator, runs_as.shapes_into(node)) for node in nodes]
    estimated = tuple(sorted({x.kernel for x in layers if x.work} - runtime.kernels.keys()))
    runtime = with_own_kernels(runtime, layers, device.core)
    memory = plan(runs_as, layers, runtime)
    state = sum([one.state_bytes for one in layers])
    size, time = flash(layers, runtime), latency(layers, device, runtime, prod(graph.output_shape) if softmax else 0)
    table = zip(nodes, sources, layers, size.layers, memory.live, time.cycles, strict=True)
    channels = sum([runtime.scales(one.kernel, one.channels) for one in layers])
    runs = sum([bool(one.work) for one in layers])
    own = runtime.ram_bytes + runtime.ram_bytes_per_operator * runs + runtime.ram_bytes_per_channel * channels
    ram = runtime.ram
    arena, low, high = (round(memory.peak * factor) for factor in (ram.scale, ram.low, ram.high))
    region = device.region_for(high + state, own if runtime.counts_image else 0)
    return Costs(
        weights_bytes=size.weights,
        bias_bytes=size.bias,
        quantisation_bytes=size.quantisation,
        code_bytes=size.code + runtime.row(device.core).code_bytes + (device.boot_bytes if runtime.counts_image else 0),
        arena_bytes=arena,
        arena_low_bytes=low,
        arena_high_bytes=high,
        state_bytes=state,
        runtime_ram_bytes=own,
        cycles=sum(time.cycles) + time.beside,
        latency_ms=time.ms,
        latency_error_ms=time.error_ms,
        power=device.power,
        macs=sum([one.macs for one in layers]),
        parameters=sum([one.parameters for one in layers]),
        region=region.name if region else None,
        plan=memory,
        layers=tuple(
            LayerCost(n.id, s, n.operator.kind, x.kernel, x.macs, x.weights_bytes, held, live, cycles)
            for n, s, x, held, live, cycles in table
        ),
        counts_image=runtime.counts_image,
        estimated=estimated,
    )
