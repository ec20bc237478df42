"""What readers of TensorFlow Lite's operators are given and give back: calls, tensors, the network in the making."""

from dataclasses import dataclass, field, fields, replace

import numpy as np

from latent_nas.fixed_point import Quant, multiplier
from latent_nas.graph import Builder
from latent_nas.interchange._flatbuffer import Scalar, Table
from latent_nas.interchange._tflite_names import ACTIVATIONS
from latent_nas.interchange.tflite_file import Operation, Tensor
from latent_nas.operators import Operator, Shape
from latent_nas.operators.activation import Activation
from latent_nas.operators.flatten import Flatten
from latent_nas.operators.pad import Pad
from latent_nas.operators.relu import Relu
from latent_nas.operators.relu6 import Relu6
from latent_nas.operators.reshape import Reshape

FUSED: dict[str, Operator] = {"RELU": Relu(), "RELU6": Relu6(), "RELU_N1_TO_1": Activation("clip(x, -1, 1)")}
BIAS_SCALE = 0.02  # how far a bias's scale may be from input times weights: what the interpreter allows


class Unreadable(ValueError):
    """A model that has no graph here; the message says why."""


@dataclass(frozen=True)
class Value:
    """A tensor: the graph node that makes it, and what the file's tensor differs from the node's by.

    Attributes:
        dims: of the file's tensor with its rim, the batch first. Elements lie in the node's order whatever they are.
        quant: how its int8 elements stand for reals; None of floats.
        pads, fill: a rim (top, bottom, left, right) not yet put around the node's tensor, of an int8 or a real number.
        closed: the function that turns the node's tensor into the file's, which the graph goes without; "": none.
    """

    node: int
    dims: tuple[int, ...]
    quant: Quant | None
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    fill: float = 0
    closed: str = ""


@dataclass(frozen=True)
class Held:
    """Weights as the file has them: ``values``, and of integers a scale for each filter (filters,)."""

    values: np.ndarray
    scales: np.ndarray | None


@dataclass
class Draft:
    """A network in the making.

    Attributes:
        integers: whether tensors between operators are int8; else all are floats.
        quants, constants: by node, of an int8 network. weights: by node, of a float one.
        traced: by node, the number of the file's tensor that holds the same, and the operator that makes it.
        notes: what was decided, a line each.
    """

    builder: Builder
    integers: bool
    quants: list[Quant] = field(default_factory=list)
    constants: list[dict[str, np.ndarray]] = field(default_factory=list)
    weights: dict[int, dict[str, np.ndarray]] = field(default_factory=dict)
    traced: dict[int, tuple[int, str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    operators: list[Operator] = field(default_factory=list)

    def add(self, operator: Operator, nodes: list[int], quant: Quant | None, constants: dict[str, np.ndarray]) -> int:
        """Add a node, and of an int8 network how its tensor is rounded and its integers; return its number."""
        self.operators.append(operator)
        if quant is not None:
            self.quants.append(quant)
            self.constants.append(constants)
        return self.builder.add(operator, *nodes)


@dataclass(frozen=True)
class Call:
    """One operator of the file: its tensors, those of them that are in the graph or constants, its options.

    Attributes:
        tensors: that it reads; None is one left out. output: that it makes. constants: what is known of the inputs
            without running the network. readers: how many operators read each input. closing: whether nothing but
            changes of form and closing functions follow. options: its numbers; table: where they come from.
    """

    operation: Operation
    draft: Draft
    tensors: list[Tensor | None]
    output: Tensor
    values: list[Value | None]
    constants: list[np.ndarray | None]
    readers: list[int]
    closing: bool
    options: dict[str, Scalar]
    table: Table | None

    def refuse(self, why: str) -> Unreadable:
        """Return the error of an attribute or shape that has no equal here."""
        return Unreadable(f"{self.operation.what}: {why}")

    def tensor(self, i: int) -> Tensor:
        """Return the i-th input as the file has it."""
        found = self.tensors[i] if i < len(self.tensors) else None
        if found is None:
            raise self.refuse(f"it has no input {i}")
        return found

    def option(self, name: str) -> int:
        """Return an option that is a whole number."""
        return int(self.options[name])

    def value(self, i: int = 0, padded: bool = False, closed: bool = False) -> Value:
        """Return the i-th input, a tensor of the graph.

        Args:
            padded: take one with a rim too. closed: take one behind a closing function too.
        """
        tensor, found = self.tensor(i), self.values[i]
        if found is None:
            raise self.refuse(f"its input {tensor.name!r} is a constant; wanted one that the network computes")
        if found.closed and not closed:
            raise self.refuse(f"it reads what {found.closed} makes; that is known at the end of a network only")
        if self.draft.integers != (found.quant is not None) and not closed:
            raise self.refuse(f"its input {tensor.name!r} is {tensor.kind} among int8 tensors; wanted all int8")
        return found if padded or not any(found.pads) else self._with_rim(i, found)

    def _with_rim(self, i: int, x: Value) -> Value:
        """Return a value with its rim around it, by an operator of its own."""
        if x.fill != (x.quant.zero_point if x.quant else 0):
            raise self.refuse(f"it reads a tensor padded by {x.fill}; only zeros are known here")
        top, bottom, left, right = x.pads
        node = self.draft.add(Pad((top, left, 0), (bottom, right, 0)), [x.node], x.quant, _zero_point(x))
        self.draft.traced[node] = (self.operation.inputs[i], f"the padding before {self.operation.what}")
        self.values[i] = made = replace(x, node=node, pads=(0, 0, 0, 0))
        return made

    def constant(self, i: int) -> np.ndarray:
        """Return the i-th input, a constant."""
        tensor, found = self.tensor(i), self.constants[i]
        if found is None:
            raise self.refuse(f"its input {tensor.name!r} is computed; only a constant is known here")
        return found

    def shape(self, i: int = 0) -> Shape:
        """Return the shape that the i-th input has in the graph."""
        return self.draft.builder.shape(self.value(i, padded=True, closed=True).node)

    def outer(self, i: int = 0) -> Shape:
        """Return the shape that the i-th input has in the graph with its rim around it."""
        shape, (top, bottom, left, right) = self.shape(i), self.value(i, padded=True, closed=True).pads
        return (shape[0] + top + bottom, shape[1] + left + right, shape[2]) if len(shape) == 3 else shape

    def image(self, i: int = 0) -> bool:
        """Return whether the i-th input, an image, lies in the graph with height and width changed about.

        A vector that the file takes for one pixel becomes an image: ask for its value after this.

        Raises:
            Unreadable: it is no image, or has another shape in the graph.
        """
        x = self.value(i, padded=True)
        if len(self.shape(i)) == 1 and x.dims == (1, 1, 1, *self.shape(i)):
            self.values[i] = self.reshaped(x, x.dims[1:])
        dims, shape = self.value(i, padded=True).dims, self.outer(i)
        if len(dims) == 4 and dims == (1, *shape):
            return False
        if (
            len(dims) == 4
            and len(shape) == 3
            and (dims[0], dims[2], dims[1], dims[3]) == (1, *shape)
            and 1 in shape[:2]
        ):
            return True
        raise self.refuse(f"it reads a tensor {dims[1:]} beside the batch, which is {shape} in the graph")

    def activation(self) -> str:
        """Return the name of the fused activation, of ``FUSED``, "" where there is none."""
        number = self.option("activation")
        name = ACTIVATIONS.get(number, f"number {number}")
        if name not in (None, *FUSED):
            raise self.refuse(f"the fused activation {name} is not known here; known are {', '.join(FUSED)}")
        return name or ""

    def quant(self) -> Quant:
        """Return how the output is rounded."""
        try:
            return self.output.quant()
        except ValueError as error:
            raise self.refuse(str(error)) from None

    def add(
        self, operator: Operator, *values: Value, activation: str = "", constants: dict[str, np.ndarray] | None = None
    ) -> Value:
        """Add an operator to the graph, which makes the output.

        Args:
            activation: its fused one, of ``FUSED``. constants: its integers; None: what the operator makes of scales.
        """
        draft, nodes = self.draft, [v.node for v in values]
        after = FUSED.get(activation)
        if not draft.integers:
            node = draft.add(operator, nodes, None, {})
            last = node if after is None else draft.add(after, [node], None, {})
            return self._made(last, None)
        quant, quants = self.quant(), [v.quant for v in values if v.quant]
        if operator.keeps_quant and quants[0] != quant:
            raise self.refuse(
                f"it changes the scale and zero point from {_text(quants[0])} to {_text(quant)}; wanted the same"
            )
        if isinstance(after, (Relu, Relu6)) and "activation" in {f.name for f in fields(operator)}:
            operator, after = replace(operator, activation=after.kind), None  # type: ignore[call-arg]
        held = operator.constants({}, quants, quant) if constants is None else constants
        node = draft.add(operator, nodes, quant, held)
        if after is not None:
            node = draft.add(after, [node], quant, after.constants({}, [quant], quant))
        return self._made(node, quant)

    def again(self, x: Value) -> Value:
        """Return a value as the output, where nothing is computed."""
        return replace(x, dims=self.output.dims)

    def flattened(self, x: Value) -> Value:
        """Return a value as a vector."""
        shape = self.draft.builder.shape(x.node)
        return x if len(shape) == 1 else self._same_elements(Flatten(), x)

    def reshaped(self, x: Value, shape: Shape) -> Value:
        """Return a value under another shape, in the order of memory."""
        return self._same_elements(Reshape(shape), x)

    def _same_elements(self, operator: Operator, x: Value) -> Value:
        node = self.draft.add(operator, [x.node], x.quant, {})
        if x.node in self.draft.traced:
            self.draft.traced[node] = self.draft.traced[x.node]
        return replace(x, node=node)

    def alike(self, *values: Value) -> tuple[Value, ...]:
        """Return values all as vectors, where some are and the others are images of one pixel."""
        shapes = [self.draft.builder.shape(v.node) for v in values]
        mixed = len({len(shape) for shape in shapes}) > 1 and all(shape[:-1] in ((), (1, 1)) for shape in shapes)
        return tuple(self.flattened(v) for v in values) if mixed else values

    def _made(self, node: int, quant: Quant | None) -> Value:
        shape, dims = self.draft.builder.shape(node), self.output.dims
        if [d for d in dims if d != 1] != [d for d in shape if d != 1]:
            raise self.refuse(f"it makes a tensor {dims}, which would be {shape} here")
        self.draft.traced[node] = (self.operation.outputs[0], self.operation.what)
        return Value(node, dims, quant)

    def weights(self, i: int, axis: int) -> Held:
        """Return the i-th input, weights with their filters along an axis; integers are int8 around 0."""
        tensor, values = self.tensor(i), self.constant(i)
        if not self.draft.integers:
            if values.dtype.kind != "f":
                raise self.refuse(
                    f"its weights are {tensor.kind} beside float tensors (dynamic range); convert the model with a"
                    " representative data set, or without quantisation"
                )
            return Held(values.astype(float), None)
        filters = values.shape[axis] if values.ndim > axis else 0
        scales, zeros = tensor.scales, tensor.zeros if tensor.zeros.size else np.zeros(1, np.int64)
        if tensor.kind not in ("INT8", "UINT8"):
            raise self.refuse(f"its weights are {tensor.kind}; only int8 are known here")
        if (zeros != (0 if tensor.kind == "INT8" else 128)).any():
            raise self.refuse(f"its weights have the zero point {zeros[0]} (asymmetric); only those around 0 are known")
        if scales.size not in (1, filters) or zeros.size not in (1, scales.size) or not filters:
            raise self.refuse(f"its weights have {scales.size} scales for {filters} filters")
        if (scales.size > 1 and tensor.axis != axis) or not np.isfinite(scales).all() or scales.min() <= 0:
            raise self.refuse(f"its weights have scales along axis {tensor.axis} from {scales.min()}; wanted {axis}")
        integers = values if tensor.kind == "INT8" else (values.astype(np.int16) - 128).astype(np.int8)
        return Held(integers, np.broadcast_to(scales, filters))

    def bias(self, i: int, filters: int, scales: np.ndarray | None) -> np.ndarray:
        """Return the i-th input, a bias (filters,), zeros where it is left out; ``scales``: that integers should have.

        Raises:
            Unreadable: it has another size, type or scale.
        """
        if i >= len(self.tensors) or self.tensors[i] is None:
            return np.zeros(filters, float if scales is None else np.int32)
        tensor, values = self.tensor(i), self.constant(i)
        wanted = "FLOAT32" if scales is None else "INT32"
        if values.size != filters or (values.dtype.kind == "f") != (scales is None) or tensor.kind == "INT64":
            raise self.refuse(f"its bias is {tensor.dims} of {tensor.kind}; wanted ({filters},) of {wanted}")
        if scales is None:
            return values.ravel().astype(float)
        if tensor.scales.size not in (0, 1, filters) or (tensor.zeros != 0).any():
            raise self.refuse(f"its bias has {tensor.scales.size} scales and a zero point; wanted {filters} and 0")
        if tensor.scales.size and (np.abs(tensor.scales - scales) > BIAS_SCALE * scales).any():
            raise self.refuse("its bias has another scale than input times weights; convert the model again")
        return values.ravel().astype(np.int32)

    def factors(self, x: Quant, scales: np.ndarray) -> np.ndarray:
        """Return by what sums are multiplied (filters,), rounded to float32 as the interpreter's kernels round them."""
        factors: np.ndarray = np.float32(x.scale) * scales.astype(np.float32) / np.float32(self.quant().scale)
        return factors

    def weighted(self, operator: Operator, x: Value, held: Held, bias: np.ndarray) -> Value:
        """Add an operator with the file's own weights (filters, ...), channels last, and biases (filters,)."""
        activation = self.activation()
        if held.scales is None:
            made = self.add(operator, x, activation=activation)
            node = made.node - bool(activation)
            self.draft.weights[node] = {"weight": held.values, "bias": bias}
            return made
        assert x.quant is not None
        quant = self.quant()
        pairs = [multiplier(float(f)) for f in self.factors(x.quant, held.scales)]
        low, high = quant.clamp(activation.lower() if activation in ("RELU", "RELU6") else None)
        constants = {
            "weight": np.array(held.values, order="C"),
            "bias": np.array(bias),
            "multiplier": np.array([m for m, _ in pairs], np.int64),
            "shift": np.array([s for _, s in pairs], np.int64),
            "input_zero_point": np.array(x.quant.zero_point),
            "output_zero_point": np.array(quant.zero_point),
            "low": np.array(low),
            "high": np.array(high),
        }
        return self.add(operator, x, activation=activation, constants=constants)


def _zero_point(x: Value) -> dict[str, np.ndarray]:
    return {} if x.quant is None else Pad((), ()).constants({}, [x.quant], x.quant)


def _text(quant: Quant) -> str:
    return f"{quant.scale:.6g}, {quant.zero_point}"
