"""What readers of ONNX nodes are given: a node's inputs, tensors of the graph and constants, and its attributes."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from latent_nas.interchange.onnx_draft import LARGEST
from latent_nas.interchange.onnx_nodes import images
from latent_nas.interchange.onnx_nodes.making import Making, Unreadable, Value
from latent_nas.interchange.onnx_view import Image, channels_first, channels_last, memory
from latent_nas.operators import Operator, Shape
from latent_nas.operators.elementwise import Elementwise
from latent_nas.operators.flatten import Flatten


@dataclass(frozen=True)
class Call(Making):
    """One ONNX node: its name for messages, its inputs (tensors of the graph, constants), its attributes.

    Attributes:
        scales: of constants that were integers, the scale of each element, shaped as the constant.
        opset: of the file.
    """

    values: list[Value | None]
    constants: list[np.ndarray | None]
    settings: dict[str, Any]
    scales: list[np.ndarray | None]
    opset: int

    def value(self, i: int, padded: bool = False, raw: bool = False) -> Value:
        """Return the i-th input, a tensor of the graph.

        Args:
            padded: zeros around it are left to the reader; else they are made. raw: so is the form of the network's own
                series, (steps, values, 1); else the values become channels.
        """
        found = self.values[i] if i < len(self.values) else None
        if found is None:
            raise Unreadable(f"{self.what} wants a tensor as input {i}, not a constant")
        shape = self.draft.shape(found.node)
        if not raw and found.order.ndim == 3 and len(shape) == 3 and shape[1] > 1 and shape[2] == 1:
            found = Value(self.reshaped(found.node, (shape[0], 1, shape[1])), found.order)
        return found if padded else images.whole(self, found)

    def constant(self, i: int) -> np.ndarray:
        """Return the i-th input, a constant."""
        found = self.optional(i)
        if found is None:
            raise Unreadable(f"{self.what} wants a constant as input {i}")
        return found

    def optional(self, i: int) -> np.ndarray | None:
        """Return the i-th input, a constant, or None where there is none."""
        if i < len(self.values) and self.values[i] is not None:
            raise Unreadable(f"{self.what} wants a constant as input {i}, not a tensor")
        return self.constants[i] if i < len(self.constants) else None

    def scale(self, i: int, axis: int = 0) -> np.ndarray | None:
        """Return the scale of each filter (filters,) of the i-th input, a constant that was integers.

        Args:
            axis: along which the filters lie.

        Returns:
            None where it was floats, or has several scales within a filter: it is rounded anew then.
        """
        whole = self.scales[i] if i < len(self.scales) else None
        if whole is None or not whole.ndim:
            return None
        rows = np.moveaxis(whole, axis, 0).reshape(whole.shape[axis], -1)
        return rows[:, 0].astype(float) if (rows == rows[:, :1]).all() and (rows > 0).all() else None

    def setting(self, name: str, otherwise: Any) -> Any:
        """Return an attribute; bytes become text, sequences lists."""
        found = self.settings.get(name)
        if found is None:
            return otherwise
        if isinstance(found, bytes):
            return found.decode()
        return found if isinstance(found, (int, float, str)) else list(found)

    def shape(self, i: int = 0) -> Shape:
        """Return the shape of the node that holds the i-th input, channels last, without the batch."""
        return self.draft.shape(self.value(i, padded=True).node)

    def image(self, i: int = 0, padded: bool = False, shuffled: bool = False) -> Image:
        """Return the i-th input as an image (channels first in the file) or a series (channels, steps).

        Args:
            padded: zeros around it are left to the reader. shuffled: so are channels in another order.

        Raises:
            Unreadable: its elements lie in another order.
        """
        value = self.value(i, padded)
        image = images.as_image(self, value)
        if image.channels is not None and not shuffled:
            image = image.plain(images.chosen(self, image))
        return image

    def flat(self, value: Value) -> int:
        """Return a node that holds a tensor's elements as a vector, in the order of their memory."""
        return value.node if len(self.draft.shape(value.node)) == 1 else self.put(Flatten(), value.node)

    def in_order(self, value: Value) -> Value:
        """Return a tensor as an image with its channels in order.

        Raises:
            Unreadable: it is none.
        """
        return images.in_order(self, value)

    def together(self, operator: Operator, a: Value, *others: Value) -> Value:
        """Add an operator that works on the elements of tensors of one shape in the file, or broadcast to one.

        Raises:
            Unreadable: their shapes do not broadcast, or their elements lie in orders that are not those of images.
        """
        values = self.broadcast(a, *others)
        a = values[0]
        sizes = {int(np.prod(self.draft.shape(v.node))) for v in values}
        if len(sizes) > 1 or any(not np.array_equal(a.order, v.order) for v in others):
            values = self._in_one_order(values)
            a = values[0]
            if any(not np.array_equal(values[0].order, v.order) for v in values):
                raise self.refuse(f"the elements of the tensors {a.order.shape} that it reads lie in different orders")
        first = values[0].node
        nodes = [first, *(self.reshaped(v.node, self.draft.shape(first)) for v in values[1:])]
        return Value(self.put(operator, *nodes), values[0].order)

    def _in_one_order(self, values: list[Value]) -> list[Value]:
        """Return tensors of one shape as images with their channels in order, which come first in the file, or last."""
        try:
            return [self.in_order(v) for v in values]
        except Unreadable as error:
            try:
                made = [self.in_order(Value(v.node, np.moveaxis(v.order, -1, 1))) for v in values]
            except Unreadable:
                raise error from None
            return [Value(v.node, np.moveaxis(v.order, 1, -1)) for v in made]

    def broadcast(self, *values: Value) -> list[Value]:
        """Return tensors of one shape: elements of those that are broadcast lie at several places.

        Raises:
            Unreadable: their shapes do not broadcast, or make more than any device can hold.
        """
        shapes = [v.order.shape for v in values]
        try:
            whole = np.broadcast_shapes(*shapes)
        except ValueError:
            raise self.refuse(f"tensors {' and '.join(map(str, shapes))}, which do not broadcast") from None
        if np.prod(whole, dtype=float) > LARGEST:
            raise self.refuse(f"it makes a tensor {whole}, which no device here can hold")
        return [Value(v.node, np.broadcast_to(v.order, whole)) for v in values]

    def one_source(self, *values: Value) -> bool:
        """Return whether tensors are functions of every element of one tensor, and lie alike."""
        sources = self.draft.sources()
        alike = all(np.array_equal(v.order, values[0].order) for v in values)
        return alike and len({sources[v.node] for v in values}) == 1

    def add(self, operator: Operator, *values: Value) -> Value:
        """Add an operator that works on each element, or on images, all of which lie alike in the file."""
        node = self.put(operator, *(v.node for v in values))
        if isinstance(operator, Elementwise):
            return Value(node, values[0].order)
        shape, made = self.draft.shape(values[0].node), self.draft.shape(node)
        for lies in (channels_first, channels_last):
            if len(shape) == 3 and np.array_equal(values[0].order, lies(shape)):
                return Value(node, lies(made) if len(made) == 3 else memory((1, *made)))
        if len(shape) == 1 and np.array_equal(values[0].order, memory((1, *shape))):
            return Value(node, memory((1, *made)))
        raise self.refuse(
            f"its input {values[0].order.shape} is neither an image nor a vector as this operator wants it"
        )
