"""Post-training int8 quantisation as microcontrollers run it, and the integer reference network.

Batch norm folded, weights per channel and symmetric, activations per tensor with the range seen on training data,
int32 sums, fixed-point requantisation (Jacob et al. 2018). The integers here are the ones the firmware will hold.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from latent_nas import artifacts
from latent_nas.fixed_point import Quant
from latent_nas.graph import Graph
from latent_nas.graph.deploy import deploy
from latent_nas.graph.step import stepped
from latent_nas.operators.batch_norm import BatchNorm

if TYPE_CHECKING:  # it imports torch, which the integers do without
    from latent_nas.training.network import Network

KIND = "int8 network, format 2"  # of the artefact; format 1 held the factors of means with 7 fractional bits


@dataclass(frozen=True)
class QuantisedNetwork:
    """A deployed graph with its integers.

    Attributes:
        graph: deployed. quants: of every node's tensor. constants: of every node's operator.
    """

    graph: Graph
    quants: tuple[Quant, ...]
    constants: tuple[dict[str, np.ndarray], ...]

    def tensors(self, x: np.ndarray) -> list[np.ndarray]:
        """Return every node's int8 tensor (n, ...) for float NHWC data, or for tokens (n, any number of them)."""
        return self._run(self.graph.input.enter(x, self.quants[0]))

    def from_integers(self, x: np.ndarray) -> np.ndarray:
        """Return the int8 outputs (n, outputs) of int8 inputs (n, ...)."""
        return self._run(x)[-1]

    def _run(self, x: np.ndarray) -> list[np.ndarray]:
        values = [x]
        for node in self.graph.nodes[1:]:
            values.append(node.operator.int8(self.constants[node.id], *(values[i] for i in node.inputs)))
        return values

    def integers(self, x: np.ndarray, batch: int = 128) -> np.ndarray:
        """Return the int8 outputs (n, outputs) or (n, tokens, outputs), see ``tensors``."""
        return np.concatenate([self.tensors(x[i : i + batch])[-1] for i in range(0, len(x), batch)])

    def outputs(self, x: np.ndarray) -> np.ndarray:
        """Return the outputs as the reals that the integers stand for, float32."""
        return self.quants[-1].dequantise(self.integers(x))

    def in_steps(self) -> "QuantisedNetwork":
        """Return the network as it runs on a device, where a text comes one token at a time."""
        return QuantisedNetwork(stepped(self.graph), self.quants, self.constants)

    def save(self, folder: Path, made: dict[str, Any], beside: Mapping[str, bytes] | None = None) -> None:
        """Write the network as an artefact: the graph as JSON, the integers as safetensors.

        Args:
            beside: further files by name, e.g. those of ``metadata.Metadata``.
        """
        arrays = {f"{i}.{name}": value for i, c in enumerate(self.constants) for name, value in c.items()}
        arrays["scales"] = np.array([q.scale for q in self.quants])
        arrays["zero_points"] = np.array([q.zero_point for q in self.quants])
        graph = json.dumps(self.graph.to_json()).encode()
        files = {"graph.json": graph, "integers.safetensors": artifacts.pack(arrays), **(beside or {})}
        artifacts.save(folder, artifacts.Artifact(KIND, made, files=files))

    @staticmethod
    def load(folder: Path) -> "QuantisedNetwork":
        """Return the network of ``save``.

        Raises:
            ValueError: the artefact is damaged or is none.
        """
        files = artifacts.load(folder, KIND).files
        graph = Graph.from_json(json.loads(files["graph.json"]))
        arrays = artifacts.unpack(files["integers.safetensors"])
        pairs = zip(arrays.pop("scales"), arrays.pop("zero_points"), strict=True)
        constants: tuple[dict[str, np.ndarray], ...] = tuple({} for _ in graph.nodes)
        for key, value in arrays.items():
            node, name = key.split(".", 1)
            constants[int(node)][name] = value
        return QuantisedNetwork(graph, tuple(Quant(float(s), int(z)) for s, z in pairs), constants)


def quantise(
    graph: Graph, model: "Network", calibration: np.ndarray, output_range: tuple[float, float] | None = None
) -> QuantisedNetwork:
    """Return the int8 network of a trained float one.

    Args:
        graph: the float graph that ``model`` runs. calibration: NHWC training data for the activations' ranges.
        output_range: what the output must be able to say; None: what it says of the calibration data.
    """
    ranges = model.ranges(calibration)
    if output_range is not None:
        ranges[-1] = output_range
    deployment = deploy(graph)
    quants: list[Quant] = []
    constants: list[dict[str, np.ndarray]] = []
    weights = weights_of(graph, model)
    for node, sources in zip(deployment.graph.nodes, deployment.sources, strict=True):
        inputs = [quants[i] for i in node.inputs]
        output = inputs[0] if node.operator.keeps_quant else Quant.of_range(*ranges[sources[-1]])
        quants.append(output)
        constants.append(node.operator.constants(weights.get(node.id, {}), inputs, output) if node.id else {})
    return QuantisedNetwork(deployment.graph, tuple(quants), tuple(constants))


def weights_of(graph: Graph, model: "Network") -> dict[int, dict[str, np.ndarray]]:
    """Return the float weights of the deployed graph's nodes that have any, batch norms folded, by node."""
    deployment = deploy(graph)
    nodes = zip(deployment.graph.nodes, deployment.sources, strict=True)
    weighted = ((n, s) for n, s in nodes if n.operator.weight_shapes(*deployment.graph.shapes_into(n)))
    return {node.id: folded(graph, model, sources) for node, sources in weighted}


def folded(graph: Graph, model: "Network", sources: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Return the weights of a chain of original nodes as one: a convolution (or nothing) and batch norms."""
    first = graph.nodes[sources[0]].operator
    if isinstance(first, BatchNorm):
        channels = graph.nodes[sources[0]].shape[2]
        weights = {"weight": np.ones((channels, 1, 1, 1)), "bias": np.zeros(channels)}
    else:
        weights, sources = model.weights(sources[0]), sources[1:]
    for source in sources:
        operator = graph.nodes[source].operator
        if isinstance(operator, BatchNorm):
            weights = operator.fold(weights, model.weights(source))
    return weights
