"""What readers of ONNX operators are given and give back: calls, tensors, weights."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from latent_nas.graph import Builder
from latent_nas.operators import Operator, Shape
from latent_nas.operators.dense import Dense
from latent_nas.operators.elementwise import Elementwise


class Unreadable(ValueError):
    """A model that has no graph here; the message says why."""


@dataclass(frozen=True)
class Value:
    """A tensor: the graph node that makes it, and what the file's tensor differs from the node's by.

    Attributes:
        padded: zero padding (top, bottom, left, right) not yet applied.
        nhwc: the file's image has its channels last. flat: the file's vector is an image (height, width, channels)
            flattened with its channels first.
    """

    node: int
    padded: tuple[int, int, int, int] = (0, 0, 0, 0)
    nhwc: bool = False
    flat: Shape | None = None


@dataclass
class Weights:
    """What a node holds: arrays by name, channels last, as floats; ``scale``: of its integers, per filter."""

    arrays: dict[str, np.ndarray]
    scale: np.ndarray | None = None


@dataclass(frozen=True)
class Call:
    """One ONNX node: its name for messages, its inputs (tensors of the graph, constants), its attributes.

    Attributes:
        scales: of constants that were integers, the scale of each channel or of all.
        held: what nodes of the graph hold, as readers find it: see ``Weights``.
        dims: of the file's tensors, the batch first, where onnx infers them; 0 for what is not known.
        readers: how many nodes read each input. opset: of the file.
    """

    what: str
    builder: Builder
    values: list[Value | None]
    constants: list[np.ndarray | None]
    settings: dict[str, Any]
    scales: list[np.ndarray | None]
    held: dict[int, "Weights"]
    dims: list[tuple[int, ...] | None]
    readers: list[int]
    opset: int

    def value(self, i: int, padded: bool = False) -> Value:
        """Return the i-th input, a tensor of the graph; padded ones only where the reader takes them."""
        found = self.values[i] if i < len(self.values) else None
        if found is None:
            raise Unreadable(f"{self.what} wants a tensor as input {i}, not a constant")
        if any(found.padded) and not padded:
            raise Unreadable(f"{self.what} reads a padded tensor; only a convolution may")
        return found

    def constant(self, i: int) -> np.ndarray:
        """Return the i-th input, a constant."""
        found = self.optional(i)
        if found is None:
            raise Unreadable(f"{self.what} wants a constant as input {i}")
        return found

    def setting(self, name: str, otherwise: Any) -> Any:
        """Return an attribute; bytes become text, sequences lists."""
        found = self.settings.get(name, otherwise)
        if isinstance(found, bytes):
            return found.decode()
        return found if isinstance(found, (int, float, str)) or found is None else list(found)

    def shape(self, i: int = 0) -> Shape:
        """Return the shape of the i-th input, channels last, without the batch."""
        return self.builder.shape(self.value(i, padded=True).node)

    def rank(self, i: int = 0) -> int:
        """Return the number of dimensions of the i-th input in the file; vectors may be images of one pixel there."""
        dims = self.dims[i]
        return 4 if len(self.shape(i)) == 3 else 2 if dims is None else len(dims)

    def channel_axis(self, i: int = 0) -> int:
        """Return the axis of the channels, or features, of the i-th input in the file."""
        dims = self.dims[i]
        if len(self.shape(i)) == 3 or dims is None:
            return 3 if len(self.shape(i)) == 3 and self.value(i, padded=True).nhwc else 1
        return next((a for a in range(1, len(dims)) if dims[a] > 1), 1)

    def channels_first(self, i: int = 0) -> None:
        """Refuse an image with its channels last, which ONNX's operator takes for one with its channels first."""
        if len(self.shape(i)) == 3 and self.value(i, padded=True).nhwc:
            raise self.refuse("it reads an image with its channels last as one with its channels first")

    def alone(self, i: int) -> None:
        """Refuse to fold into the node before, where others read what that makes."""
        if self.readers[i] > 1:
            raise self.refuse(f"{self.readers[i]} nodes read what it would be folded into; only one may")

    def add(self, operator: Operator, *values: Value) -> Value:
        """Add an operator to the graph."""
        if len({v.nhwc for v in values if len(self.builder.shape(v.node)) == 3}) > 1:
            raise self.refuse("it reads images with their channels first and last")
        made = Value(self.builder.add(operator, *(v.node for v in values)), nhwc=values[0].nhwc)
        if not any(v.flat for v in values):
            return made
        if len(values) == 1 and isinstance(operator, Elementwise):
            return replace(made, flat=values[0].flat)
        if not isinstance(operator, Dense):  # which reorders its weights
            raise self.refuse("it reads an image flattened with its channels first; only a dense layer may")
        return made

    def hold(self, made: Value, weight: np.ndarray, bias: np.ndarray | None, scale: np.ndarray | None) -> Value:
        """Keep the weights (filters, ...), channels last, of the node that makes a tensor; return the tensor."""
        filters = len(weight)
        total = np.zeros(filters) if bias is None else np.broadcast_to(bias.ravel(), filters).astype(float)
        each = None if scale is None else np.broadcast_to(scale.ravel(), filters).astype(float)
        self.held[made.node] = Weights({"weight": weight.astype(float), "bias": total}, each)
        return made

    def optional(self, i: int) -> np.ndarray | None:
        """Return the i-th input, a constant, or None where there is none."""
        if i < len(self.values) and self.values[i] is not None:
            raise Unreadable(f"{self.what} wants a constant as input {i}, not a tensor")
        return self.constants[i] if i < len(self.constants) else None

    def refuse(self, why: str) -> Unreadable:
        """Return the error of an attribute or shape that has no equal here."""
        return Unreadable(f"{self.what}: {why}")
