"""The C of an int8 network: a component for programs of others, and a demo around it for one device."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from latent_nas.costs.layer import Layer, layer
from latent_nas.costs.memory import MemoryPlan
from latent_nas.costs.memory import plan as memory_plan
from latent_nas.devices import Device, Region
from latent_nas.firmware import bench, frame, golden, preprocess, serial_report, sources
from latent_nas.firmware.beside import readme
from latent_nas.firmware.component import Component
from latent_nas.firmware.demo import demo
from latent_nas.firmware.emit import kernel_of
from latent_nas.firmware.header import header
from latent_nas.firmware.linker import arena_region
from latent_nas.firmware.model import model
from latent_nas.firmware.naming import PREFIX, checked_prefix
from latent_nas.firmware.text import Speech
from latent_nas.graph import Graph
from latent_nas.preprocessing import PIXEL, Preprocessing
from latent_nas.resampling import Frame
from latent_nas.runtimes import Kernel, Runtime, open_runtime
from latent_nas.training.metadata import Metadata
from latent_nas.training.quantise import QuantisedNetwork

RUNTIME = "native"
LICENCE = Path(__file__).parent / "LICENSE"  # of the kernels: whoever passes them on passes it on too
README = "README.md"


@dataclass(frozen=True)
class Project:
    """The sources of a firmware and where its tensors lie.

    Attributes:
        component: the network as C sees it; its ``network`` runs there: of a text, in steps.
        library: contents by name of the component's files. around: of the demo's.
        measuring: C behind the network's own, for the demo's ``bench.c``.
        plan: of the arena. state_bytes: beside it, what is remembered from run to run. region: of RAM, for both.
        operators: (node id, name of its function) in the order in which they run.
    """

    device: Device
    component: Component
    library: dict[str, str]
    around: dict[str, str]
    measuring: str
    plan: MemoryPlan
    region: Region
    operators: tuple[tuple[int, str], ...]
    state_bytes: int = 0

    @property
    def network(self) -> QuantisedNetwork:
        """The network as it runs on the device."""
        return self.component.network

    @property
    def files(self) -> dict[str, str]:
        """The demo with the component in a folder that is called as its prefix: contents by name."""
        about = readme(self.component, self.device, self.plan, self.region, tuple(self.around))
        inside = {f"{self.component.prefix}/{name}": text for name, text in self.library.items() if name != README}
        inside[f"{self.component.prefix}/{self.component.prefix}.c"] += self.measuring
        return {**self.around, **inside, README: about, "LICENSE": self.library["LICENSE"]}

    @property
    def heaviest(self) -> str:
        """The layer that takes most flash, in words."""
        graph = self.network.graph

        def flash(i: int) -> int:
            figures = layer(graph.nodes[i].operator, graph.shapes_into(graph.nodes[i]))
            return figures.weights_bytes + figures.bias_bytes

        return _name(graph, max(range(len(graph.nodes)), key=flash))

    def with_figures(self, figures: Mapping[str, Any]) -> "Project":
        """Return the project with what was measured of it in header and README."""
        component = replace(self.component, figures=figures)
        texts = {f"{component.prefix}.h": sources.SPDX + header(component)}
        texts[README] = readme(component, self.device, self.plan, self.region)
        return replace(self, component=component, library={**self.library, **texts})

    def write(self, folder: Path) -> None:
        """Write the demo into a folder, and remove what an earlier project has left there."""
        sources.write(folder, self.files)


def project(
    network: QuantisedNetwork,
    device: Device,
    region: Region | None = None,
    speech: Speech | None = None,
    about: Metadata | None = None,
    prefix: str = PREFIX,
    camera: Frame | None = None,
) -> Project:
    """Return the firmware of a network for a device.

    Args:
        region: force the arena there, fit or not; None: the first region that it fits.
        speech: what a network of text says; None: it waits for tokens from outside, as others do for data.
        about: what travels with the network; None: nothing is known, and raw data are what the input stands for.
        prefix: of the names in C. camera: whose frames it takes too; None for none.

    Raises:
        ValueError: no images of 8 bits for a camera; it fits no region, an operator has no kernel in C, or a prefix
            that is not a name.
    """
    checked_prefix(prefix)
    network, about = network.in_steps(), about or Metadata()
    graph = network.graph
    layers = [layer(node.operator, graph.shapes_into(node)) for node in graph.nodes]
    plan = memory_plan(graph, layers, _runtime(layers))
    state = sum(one.state_bytes for one in layers)
    widest = max(range(len(graph.nodes)), key=lambda i: plan.live[i])
    region = region or arena_region(device, plan.peak + state, _name(graph, widest))
    operators = tuple(_operators(network, plan))
    component = Component(prefix, network, about, _seen(network, about), plan.peak, {}, camera)
    kernels = [kernel_of(graph.nodes[i].operator, graph.shapes_into(graph.nodes[i])) for i, _ in operators]
    library = sources.kernel_files(kernels)
    own = {f"{prefix}.h": header(component), f"{prefix}.c": model(network, plan, dict(operators), prefix, about)}
    if component.seen is not None:
        own[f"{prefix}_preprocess.c"] = preprocess.source(component.seen, network.quants[0], prefix)
    if camera is not None:
        if component.seen is None or component.seen.raw != PIXEL or graph.input_shape[-1] not in (1, 3):
            raise ValueError("--camera is of images, this network's raw data are no pixels of 8 bits; leave it out")
        own[f"{prefix}_frame.c"] = frame.source(camera, graph.input_shape, prefix)
    own[f"{prefix}_report.c"] = serial_report.source(component)
    if component.golden:
        own[f"{prefix}_self_test.c"] = golden.source(component)
    if graph.input.vocabulary:
        library |= sources.with_source("sample.h")
    library |= {name: sources.SPDX + text for name, text in own.items()}
    library["LICENSE"] = LICENCE.read_text(encoding="utf-8")
    library[README] = readme(component, device, plan, region)
    around = demo(component, device, region, speech)
    measuring = bench.source(graph, device, operators)
    return Project(device, component, library, around, measuring, plan, region, operators, state)


def _seen(network: QuantisedNetwork, about: Metadata) -> Preprocessing | None:
    """Return how raw data become the input; where nothing is known, they are what it stands for."""
    shape = network.graph.input_shape
    if network.graph.input.vocabulary:
        return None
    if about.preprocessing is not None and tuple(about.preprocessing.shape) == tuple(shape):
        return about.preprocessing
    return Preprocessing(tuple(shape), unit="as the input stands for")


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
