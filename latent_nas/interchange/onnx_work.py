"""Nodes of a draft while scales are taken out of it and functions put in."""

from dataclasses import replace

import numpy as np

from latent_nas.fixed_point import Quant
from latent_nas.graph import Node
from latent_nas.interchange.onnx_draft import Draft
from latent_nas.interchange.onnx_nodes.functions import shortest


class Work:
    """Nodes by id, while they are taken out and put in. ``stands_for``: a removed node's tensor is made by that one."""

    def __init__(self, draft: Draft, last: int) -> None:
        self.draft, self.last = draft, last
        self.nodes: dict[int, Node] = {}
        self.stands_for: dict[int, int] = {}
        wanted = {last, 0}
        for node in reversed(draft.nodes):
            if node.id in wanted:
                wanted.update(node.inputs)
                self.nodes[node.id] = node
        self.order = sorted(self.nodes)

    def readers(self, node: int) -> list[Node]:
        """Return the nodes that read a node's tensor."""
        return [n for n in self.nodes.values() if node in n.inputs]

    def quant(self, node: int) -> Quant | None:
        """Return how a node's tensor is rounded, by itself or as the tensor is that it only moves."""
        while node not in self.draft.quants and self.nodes[node].operator.keeps_quant:
            node = self.nodes[node].inputs[0]
        return self.draft.quants.get(node)

    def scale(self, node: int) -> tuple[np.ndarray, np.ndarray]:
        """Return an ``Affine``'s factor and offset."""
        arrays = self.draft.weights[node].arrays
        return arrays["factor"], arrays["offset"]

    def formula(self, node: int) -> str | None:
        """Return a scale as a formula, if it is the same for all channels."""
        factor, offset = self.scale(node)
        if (factor != factor[0]).any() or (offset != offset[0]).any():
            return None
        scaled = "x" if factor[0] == 1 else f"{shortest(factor[0])} * x"
        if factor[0] and factor[0] != np.float32(factor[0]):  # perhaps 1 / n, of a file that divides: another last bit
            divisor = np.float32(1 / factor[0])
            scaled = f"x / {shortest(divisor)}" if 1 / float(divisor) == factor[0] else scaled
        return f"{scaled} + {shortest(offset[0])}" if offset[0] else scaled

    def becomes(self, kept: int, node: int) -> None:
        """Take out a node whose tensor an earlier one makes now, with what is known of that tensor."""
        self.draft.quants.pop(kept, None)
        if node in self.draft.quants:
            self.draft.quants[kept] = self.draft.quants[node]
        self.stands_for[node] = kept
        self.take_out(node, kept)

    def take_out(self, node: int, instead: int) -> None:
        """Remove a node; who read it reads another one."""
        del self.nodes[node]
        for reader in list(self.nodes.values()):
            if node in reader.inputs:
                inputs = tuple(instead if i == node else i for i in reader.inputs)
                self.nodes[reader.id] = replace(reader, inputs=inputs)
        self.last = instead if self.last == node else self.last
