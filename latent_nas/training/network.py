"""The float network of a graph, as a torch module."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from latent_nas import artifacts
from latent_nas.graph import Graph

KIND = "float network"
AT_ONCE, AT_ONCE_ON_A_GPU = 512, 2048  # samples of an evaluation
LARGEST = 64 * 2**20  # bytes of one tensor of these samples on a GPU


class Network(nn.Module):
    """Runs a graph's operators in their order, NCHW float32."""

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        self.graph = graph
        self.operators = nn.ModuleList(n.operator.module(*graph.shapes_into(n)) for n in graph.nodes)
        last_reader = {i: n.id for n in graph.nodes for i in n.inputs}
        self._plan = [(n.id, n.inputs, [i for i in set(n.inputs) if last_reader[i] == n.id]) for n in graph.nodes[1:]]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits (n, outputs) of images (n, channels, height, width), or those of every token (n, tokens)."""
        values = {0: x}
        for node, inputs, finished in self._plan:
            values[node] = self.operators[node](*(values[i] for i in inputs))
            for i in finished:
                del values[i]
        return values[len(self.operators) - 1]

    @property
    def device(self) -> torch.device:
        """Where its weights lie; the CPU where it has none."""
        return next((v.device for v in (*self.parameters(), *self.buffers())), torch.device("cpu"))

    @property
    def at_once(self) -> int:
        """Samples of an evaluation that pay where it lies; on a GPU fewer of a network with large tensors."""
        if self.device.type == "cpu":
            return AT_ONCE
        largest = max(math.prod(node.shape) for node in self.graph.nodes) * 4  # float32
        return min(AT_ONCE_ON_A_GPU, max(LARGEST // largest, 1))

    def outputs(self, x: "np.ndarray | torch.Tensor", batch: int = 0) -> np.ndarray:
        """Return the outputs (n, ...) of NHWC data or tokens, or of the tensor made of them, in evaluation mode.

        Args:
            batch: samples at once; 0: ``at_once``.
        """
        self.eval()
        batch, parts = batch or self.at_once, []
        with torch.inference_mode():
            for i in range(0, len(x), batch):
                part = x[i : i + batch]
                given = part if isinstance(part, torch.Tensor) else to_tensor(part)
                parts.append(self(given.to(self.device)).cpu().numpy())
        return np.concatenate(parts)

    def save(self, folder: Path, made: dict[str, Any]) -> None:
        """Write the network as an artefact: the graph as JSON, all weights as safetensors."""
        weights = artifacts.pack({name: value.numpy() for name, value in self.state_dict().items()})
        files = {"graph.json": json.dumps(self.graph.to_json()).encode(), "weights.safetensors": weights}
        artifacts.save(folder, artifacts.Artifact(KIND, made, files=files))

    @staticmethod
    def load(folder: Path) -> "Network":
        """Return the network of ``save``.

        Raises:
            ValueError: the artefact is damaged or is none.
        """
        files = artifacts.load(folder, KIND).files
        model = Network(Graph.from_json(json.loads(files["graph.json"])))
        arrays = artifacts.unpack(files["weights.safetensors"])
        model.load_state_dict({name: torch.from_numpy(value) for name, value in arrays.items()})
        return model

    def ranges(self, x: np.ndarray, batch: int = 256) -> np.ndarray:
        """Return the least and the largest value of every node's tensor over NHWC data, (nodes, 2)."""
        self.eval()
        found = np.tile([np.inf, -np.inf], (len(self.operators), 1))
        with torch.inference_mode():
            for start in range(0, len(x), batch):
                values = {0: to_tensor(x[start : start + batch])}
                for node, inputs, finished in [(0, (), []), *self._plan]:
                    if node:
                        values[node] = self.operators[node](*(values[i] for i in inputs))
                    low, high = values[node].aminmax()
                    found[node] = min(found[node, 0], float(low)), max(found[node, 1], float(high))
                    for i in finished:
                        del values[i]
        return found

    def weights(self, node: int) -> dict[str, np.ndarray]:
        """Return one operator's weights as float64, channels last: "weight" (filters, height, width, channels), ..."""
        state = {
            k.rsplit(".", 1)[-1]: v.numpy().astype(np.float64) for k, v in self.operators[node].state_dict().items()
        }
        if "weight" in state and state["weight"].ndim == 4:
            state["weight"] = state["weight"].transpose(0, 2, 3, 1)
        if "weight" in state and "bias" not in state:
            state["bias"] = np.zeros(len(state["weight"]))
        return state


def to_tensor(x: np.ndarray) -> torch.Tensor:
    """Return NHWC images as an NCHW tensor in the memory format channels_last; anything else as it is."""
    return torch.from_numpy(np.ascontiguousarray(x)).permute(0, 3, 1, 2) if x.ndim == 4 else torch.from_numpy(x)
