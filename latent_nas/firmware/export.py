"""The C project of an int8 network: weights, operator order and arena offsets of its memory plan, kernels, start-up."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from latent_nas import artifacts
from latent_nas.costs.layer import Layer, layer
from latent_nas.costs.memory import MemoryPlan
from latent_nas.costs.memory import plan as memory_plan
from latent_nas.devices import Device, Region
from latent_nas.firmware import bench
from latent_nas.firmware.answer import Answer
from latent_nas.firmware.beside import makefile, readme
from latent_nas.firmware.emit import kernel_of
from latent_nas.firmware.linker import arena_region, script
from latent_nas.firmware.model import model
from latent_nas.firmware.sources import left_over, sources
from latent_nas.firmware.text import Speech
from latent_nas.graph import Graph
from latent_nas.runtimes import Kernel, Runtime, open_runtime
from latent_nas.training.quantise import QuantisedNetwork

RUNTIME = "native"
LICENCE = Path(__file__).parent / "LICENSE"  # of the kernels: whoever passes them on passes it on too


@dataclass(frozen=True)
class Project:
    """The sources of a firmware and where its tensors lie.

    Attributes:
        network: as it runs there: of a text, in steps. files: contents by name. plan: of the arena.
        state_bytes: beside it, what is remembered from run to run. region: of RAM, that holds both.
        operators: (node id, name of its function) in the order in which they run.
    """

    device: Device
    network: QuantisedNetwork
    files: dict[str, str]
    plan: MemoryPlan
    region: Region
    operators: tuple[tuple[int, str], ...]
    state_bytes: int = 0

    @property
    def heaviest(self) -> str:
        """The layer that takes most flash, in words."""
        graph = self.network.graph

        def flash(i: int) -> int:
            figures = layer(graph.nodes[i].operator, graph.shapes_into(graph.nodes[i]))
            return figures.weights_bytes + figures.bias_bytes

        return _name(graph, max(range(len(graph.nodes)), key=flash))

    def write(self, folder: Path) -> None:
        """Write all files into a folder, and remove kernels that an earlier project has left there."""
        for path in left_over(folder, self.files):
            path.unlink(missing_ok=True)
        for name, text in self.files.items():
            artifacts.write(folder / name, text)


def project(
    network: QuantisedNetwork,
    device: Device,
    region: Region | None = None,
    speech: Speech | None = None,
    answer: Answer | None = None,
) -> Project:
    """Return the firmware of a network for a device.

    Args:
        region: force the arena there, fit or not; None: the first region that it fits.
        speech: what a network of text says; None: it waits for tokens from outside, as others do for data.
        answer: what the outputs mean, see ``firmware.answer``; None: they are left as they are.

    Raises:
        ValueError: it fits no region, or an operator has no kernel in C.
    """
    network = network.in_steps()
    graph = network.graph
    layers = [layer(node.operator, graph.shapes_into(node)) for node in graph.nodes]
    plan = memory_plan(graph, layers, _runtime(layers))
    state = sum(one.state_bytes for one in layers)
    widest = max(range(len(graph.nodes)), key=lambda i: plan.live[i])
    region = region or arena_region(device, plan.peak + state, _name(graph, widest))
    operators = tuple(_operators(network, plan))
    kernels = [kernel_of(graph.nodes[i].operator, graph.shapes_into(graph.nodes[i])) for i, _ in operators]
    files = sources(kernels, device.core)
    files["model.c"] = model(network, plan, dict(operators)) + bench.source(graph, device, operators)
    if speech:
        files["text.c"] = speech.source()
    files |= (answer or Answer()).files
    files["device.ld"] = script(device, region)
    files["Makefile"] = makefile(device)
    files["README.md"] = readme(network, device, plan, region, (answer or Answer()).about)
    files["LICENSE"] = LICENCE.read_text(encoding="utf-8")
    return Project(device, network, files, plan, region, operators, state)


def _runtime(layers: Sequence[Layer]) -> Runtime:
    """Return our runtime with all kernels of some layers, of whose time nothing need be known to export them."""
    runtime = open_runtime(RUNTIME)
    scratch = {one.kernel: one.own.scratch_bytes if one.own else {} for one in layers}
    unknown = {name: Kernel({}, {}, each) for name, each in scratch.items() if name not in runtime.kernels}
    return runtime.including(unknown)


def _name(graph: Graph, i: int) -> str:
    return f"{i}:{graph.nodes[i].operator.kernel(*graph.shapes_into(graph.nodes[i]))}"


def _operators(network: QuantisedNetwork, plan: MemoryPlan) -> Iterator[tuple[int, str]]:
    for i in plan.order:
        node = network.graph.nodes[i]
        shapes = network.graph.shapes_into(node)
        if node.operator.work(*shapes):
            yield i, f"operator_{i}_{node.operator.kernel(*shapes)}"
