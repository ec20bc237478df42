"""What readers of ONNX nodes are given and give back: calls and tensors."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from latent_nas.interchange.onnx_draft import LARGEST, Affine, Draft, Weights
from latent_nas.interchange.onnx_view import Image, channels_first, channels_last, image_of, memory
from latent_nas.operators import Operator, Shape
from latent_nas.operators.add import Add
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.dense import Dense
from latent_nas.operators.elementwise import Elementwise
from latent_nas.operators.flatten import Flatten
from latent_nas.operators.max_pool import MaxPool
from latent_nas.operators.multiply import Multiply
from latent_nas.operators.pad import Pad
from latent_nas.operators.reshape import Reshape
from latent_nas.operators.slice import Slice
from latent_nas.operators.subtract import Subtract
from latent_nas.operators.window import Pair

MOST_CHOSEN = 2**14  # weights of a convolution that only puts channels in another order


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
class Call:
    """One ONNX node: its name for messages, its inputs (tensors of the graph, constants), its attributes.

    Attributes:
        scales: of constants that were integers, the scale of each element, shaped as the constant.
        opset: of the file.
    """

    what: str
    draft: Draft
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
        return found if padded else self._whole(found)

    def _whole(self, value: Value) -> Value:
        """Return a tensor with the zeros around it."""
        if (value.order >= 0).all():
            return value
        image = self._image(value)
        top, bottom, left, right = image.padding
        height, width, channels = image.shape
        around = (height + top + bottom, width + left + right, channels)
        node = self._chosen(image)
        if any(image.padding):
            node = self.put(Pad((top, left, 0), (bottom, right, 0)), node)
        return Value(node, image.ordered(around))

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
        image = self._image(value)
        if image.channels is not None and not shuffled:
            image = image.plain(self._chosen(image))
        return image

    def flat(self, value: Value) -> int:
        """Return a node that holds a tensor's elements as a vector, in the order of their memory."""
        return value.node if len(self.draft.shape(value.node)) == 1 else self.put(Flatten(), value.node)

    def together(self, operator: Operator, a: Value, *others: Value) -> Value:
        """Add an operator that works on the elements of tensors of one shape in the file.

        Raises:
            Unreadable: their elements lie in orders that are not those of images.
        """
        values = [a, *others]
        sizes = {int(np.prod(self.draft.shape(v.node))) for v in values}
        if len(sizes) > 1 or any(not np.array_equal(a.order, v.order) for v in others):
            values = [self.in_order(v) for v in values]
            if any(not np.array_equal(values[0].order, v.order) for v in values):
                raise self.refuse(f"the elements of the tensors {a.order.shape} that it reads lie in different orders")
        first = values[0].node
        nodes = [first, *(self.reshaped(v.node, self.draft.shape(first)) for v in values[1:])]
        return Value(self.put(operator, *nodes), values[0].order)

    def one_source(self, *values: Value) -> bool:
        """Return whether tensors are functions of every element of one tensor, and lie alike."""
        sources = self.draft.sources()
        alike = all(np.array_equal(v.order, values[0].order) for v in values)
        return alike and len({sources[v.node] for v in values}) == 1

    def in_order(self, value: Value) -> Value:
        """Return a tensor as an image with its channels in order.

        Raises:
            Unreadable: it is none.
        """
        image = self._image(self._whole(value))
        node = self._chosen(image)
        return Value(node if image.rank > 2 else self.reshaped(node, image.shape[2:]), image.ordered(image.shape))

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

    def refuse(self, why: str) -> Unreadable:
        """Return the error of an attribute or shape that has no equal here."""
        return Unreadable(f"{self.what}: {why}")

    def _affine(self, node: int, factor: np.ndarray, offset: np.ndarray, norm: bool) -> int:
        made = self.put(Affine(norm), node)
        self.draft.weights[made] = Weights({"factor": factor, "offset": offset})
        return made

    def _image(self, value: Value) -> Image:
        if value.order.ndim > 1:
            inside = (value.order >= 0).reshape(*value.order.shape[:2], -1).max(axis=2)[0]
            channels = np.flatnonzero(inside)
            if not inside.all() and len(channels) and np.ptp(channels) + 1 == len(channels):
                return self._among_zeros(value, channels)
        try:
            return image_of(value.order, self.draft.shape(value.node), value.node, self.reshaped, self._part)
        except ValueError as error:
            turned = np.moveaxis(value.order, 1, -1).ravel()  # of a dense layer whose features become channels first
            if (node := self._permuted(value.node, turned)) is None:
                raise self.refuse(str(error)) from None
            order = np.moveaxis(memory((1, *value.order.shape[2:], value.order.shape[1])), -1, 1)
            return image_of(order, self.draft.shape(node), node, self.reshaped, self._part)

    def _permuted(self, node: int, places: np.ndarray) -> int | None:
        """Return a node that makes a vector's elements in another order; None if that can't be had of a dense layer."""
        made, size = self.draft.nodes[node], places.size
        if made.shape != (size,) or not np.array_equal(np.sort(places), memory((size,))):
            return None
        held, quant = self.draft.weights.get(node), self.draft.quants.get(node)
        if isinstance(made.operator, Dense):
            again = self.put(made.operator, *made.inputs)
        elif isinstance(made.operator, (Elementwise, Affine, Add, Subtract, Multiply)):
            sources = [self._permuted(i, places) for i in made.inputs]
            if None in sources:
                return None
            again = self.put(made.operator, *(i for i in sources if i is not None))
        else:
            return None
        if held is not None:
            arrays = {name: array[places] for name, array in held.arrays.items()}
            self.draft.weights[again] = Weights(arrays, None if held.scale is None else held.scale[places])
        if quant is not None:
            self.draft.quants[again] = quant
        return again

    def reshaped(self, node: int, shape: Shape) -> int:
        """Return a node that holds the memory of another one under a shape."""
        return node if self.draft.shape(node) == shape else self.put(Reshape(shape), node)

    def _among_zeros(self, value: Value, channels: np.ndarray) -> Image:
        """Return an image with channels of zeros before and after some of its own."""
        before, after = int(channels[0]), value.order.shape[1] - int(channels[-1]) - 1
        inner = self._image(Value(value.node, value.order[:, before : before + len(channels)]))
        top, bottom, left, right = inner.padding
        node = self.put(Pad((top, left, before), (bottom, right, after)), self._chosen(inner))
        return Image(node, self.draft.shape(node), (0, 0, 0, 0), None, inner.rank)

    def _part(self, node: int, begin: Shape, size: Shape, step: Pair) -> int:
        """Return a node that holds a part of an image, of every so many rows and columns."""
        span = ((size[0] - 1) * step[0] + 1, (size[1] - 1) * step[1] + 1, size[2])
        whole = self.draft.shape(node)
        reached = tuple((n - 1) // every + 1 for n, every in zip(whole, (*step, 1), strict=True))
        if reached != size or any(begin):
            node = self.put(Slice(begin, span), node)
        return node if step == (1, 1) else self.put(MaxPool((1, 1), step, "valid"), node)

    def _chosen(self, image: Image) -> int:
        """Return a node that holds an image's channels in their order: a part, or a convolution of one weight each."""
        if image.channels is None:
            return image.node
        first, channels = int(image.channels[0]), len(image.channels)
        if np.array_equal(image.channels, np.arange(first, first + channels)):
            return self.put(Slice((0, 0, first), image.shape), image.node)
        across = self.draft.shape(image.node)[2]
        if channels * across > MOST_CHOSEN:
            raise self.refuse(f"{channels} of {across} channels in another order, which would take as many weights")
        weight = np.zeros((channels, 1, 1, across))
        weight[np.arange(channels), 0, 0, image.channels] = 1
        made = self.put(Conv2d(channels, (1, 1)), image.node)
        self.hold(made, weight, None, None)
        source = next(iter(self.draft.nodes[image.node].inputs), 0)
        if (quant := self.draft.quants.get(image.node) or self.draft.quants.get(source)) is not None:
            self.draft.quants[made] = quant
        return made
