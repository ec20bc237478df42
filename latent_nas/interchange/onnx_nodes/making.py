"""Nodes of a draft, added for one node of the file: operators with their weights, scales, and refusals that name it."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from latent_nas.interchange.onnx_draft import LARGEST, Affine, Draft, Weights
from latent_nas.operators import Operator, Shape
from latent_nas.operators.reshape import Reshape


class Unreadable(ValueError):
    """A model that has no graph here; the message says why."""


@dataclass(frozen=True, eq=False)
class Value:
    """A tensor of the file: the graph's node that holds its elements, and where in there each of them lies.

    Attributes:
        order: shaped as the file's tensor, a batch of one; positions in the node's tensor, which is stored channels
            last. -1 is a zero that a Pad put there.
    """

    node: int
    order: np.ndarray


@dataclass(frozen=True)
class Making:
    """What is made for one node of the file. ``what``: its name for messages."""

    what: str
    draft: Draft

    def put(self, operator: Operator, *nodes: int) -> int:
        """Add an operator to the graph; return its node.

        Raises:
            Unreadable: it can't take these shapes, or makes more than any device can hold.
        """
        try:
            node = self.draft.add(operator, *nodes)
        except ValueError as error:
            raise self.refuse(str(error)) from None
        if np.prod(self.draft.shape(node), dtype=float) > LARGEST:
            raise self.refuse(f"it makes a tensor {self.draft.shape(node)}, which no device here can hold")
        return node

    def hold(self, node: int, weight: np.ndarray, bias: np.ndarray | None, scale: np.ndarray | None) -> None:
        """Keep the weights (filters, ...), channels last, of a node.

        Args:
            bias: one per filter, or one for all. scale: of the weights' integers, see ``scale``.

        Raises:
            Unreadable: as many biases as filters are not there, or the weights don't fit the node.
        """
        filters, wanted = len(weight), self.draft.nodes[node]
        shapes = wanted.operator.weight_shapes(*(self.draft.shape(i) for i in wanted.inputs))
        if shapes["weight"] != weight.shape or (bias is not None and bias.size not in (1, filters)):
            beside = () if bias is None else bias.shape
            raise self.refuse(f"weights {weight.shape} and biases {beside}; its input wants {shapes['weight']}")
        total = np.zeros(filters) if bias is None else np.broadcast_to(bias.ravel(), filters).astype(float)
        biases = {"bias": total} if "bias" in shapes else {}
        self.draft.weights[node] = Weights({"weight": weight.astype(float), **biases}, scale)

    def affine(self, value: Value, factor: Any, offset: Any, norm: bool = False) -> Value:
        """Return a tensor times a constant plus a constant, both as broadcast to the file's tensor.

        Raises:
            Unreadable: a constant that makes the tensor larger.
        """
        order, shape = value.order, self.draft.shape(value.node)
        spread = []
        for constant, rest in ((factor, 1.0), (offset, 0.0)):
            array = np.asarray(constant, float)
            if not np.isfinite(array).all():
                raise self.refuse("a constant is not finite, or 0 is divided by")
            try:
                whole = np.broadcast_to(array, order.shape)[order >= 0]
            except ValueError:
                raise self.refuse(f"a constant {array.shape} does not broadcast to a tensor {order.shape}") from None
            elements = np.full(int(np.prod(shape)), np.nan)
            elements[order[order >= 0]] = whole
            if not np.array_equal(elements[order[order >= 0]], whole):
                raise self.refuse("one element of the tensor is scaled in two ways, which is not known here")
            spread.append(np.where(np.isnan(elements), rest, elements).reshape(-1, shape[-1]))
        if (spread[0] == 1).all() and (spread[1] == 0).all():
            return value
        if all((a == a[0]).all() for a in spread):
            return Value(self._affine(value.node, spread[0][0], spread[1][0], norm), order)
        pixel = self.put(Reshape((1, 1, int(np.prod(shape)))), value.node)  # each element a channel
        scaled = self._affine(pixel, spread[0].ravel(), spread[1].ravel(), False)
        return Value(self.put(Reshape(shape), scaled), order)

    def _affine(self, node: int, factor: np.ndarray, offset: np.ndarray, norm: bool) -> int:
        made = self.put(Affine(norm), node)
        self.draft.weights[made] = Weights({"factor": factor, "offset": offset})
        return made

    def reshaped(self, node: int, shape: Shape) -> int:
        """Return a node that holds the memory of another one under a shape."""
        return node if self.draft.shape(node) == shape else self.put(Reshape(shape), node)

    def refuse(self, why: str) -> Unreadable:
        """Return the error of what has no equal here."""
        return Unreadable(f"{self.what}: {why}")
