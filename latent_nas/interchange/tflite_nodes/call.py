"""What readers of TensorFlow Lite's operators are given: the operator, its tensors, and how to add to the network."""

from dataclasses import dataclass, fields, replace

import numpy as np

from latent_nas.fixed_point import Quant
from latent_nas.graph.functions import CURVED, PLAIN
from latent_nas.interchange._flatbuffer import Scalar, Table
from latent_nas.interchange._tflite_names import ACTIVATIONS
from latent_nas.interchange.tflite_file import Operation, Tensor
from latent_nas.interchange.tflite_nodes.draft import Draft, Function, Unreadable, Value
from latent_nas.interchange.tflite_nodes.settling import settled
from latent_nas.operators import Operator, Shape
from latent_nas.operators.activation import Activation
from latent_nas.operators.flatten import Flatten
from latent_nas.operators.formula import LONGEST, composed
from latent_nas.operators.pad import Pad
from latent_nas.operators.relu import Relu
from latent_nas.operators.relu6 import Relu6
from latent_nas.operators.reshape import Reshape

FUSED: dict[str, Operator] = {"RELU": Relu(), "RELU6": Relu6(), "RELU_N1_TO_1": Activation("clip(x, -1, 1)")}


@dataclass(frozen=True)
class Call:
    """One operator of the file: its tensors, those of them that are in the graph or constants, its options.

    Attributes:
        which: of its outputs is read, the first where it makes one. tensors: that it reads; None is one left out.
        output: that it makes. constants: what is known of the inputs
            without running the network. readers: how many operators read each input. closing: whether nothing but
            changes of form and closing functions follow. options: its numbers; table: where they come from.
    """

    operation: Operation
    which: int
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

    def value(self, i: int = 0, padded: bool = False, closed: bool = False, moved: bool = False) -> Value:
        """Return the i-th input, a tensor of the graph.

        Args:
            padded: take one with a rim too. closed: take one behind a closing function too.
            moved: take one whose elements lie in another order too.
        """
        tensor, found = self.tensor(i), self.values[i]
        if found is None:
            raise self.refuse(f"its input {tensor.name!r} is a constant; wanted one that the network computes")
        if found.truth is not None:
            raise self.refuse(
                f"its input {tensor.name!r} is of truth values; only a choice (SELECT) by them is known here"
            )
        if found.order is not None and not moved:
            found = self._settled(i, found)
        if found.closed and not closed:
            raise self.refuse(f"it reads what {found.closed} makes; that is known at the end of a network only")
        if self.draft.integers != (found.quant is not None) and not closed:
            raise self.refuse(f"its input {tensor.name!r} is {tensor.kind} among int8 tensors; wanted all int8")
        return found if padded or not any(found.pads) else self._with_rim(i, found)

    def _settled(self, i: int, x: Value) -> Value:
        """Return a value whose elements lie in another order as an operator makes it, once for all that read it."""
        number = self.operation.inputs[i]
        if number not in self.draft.settled:
            try:
                self.draft.settled[number] = settled(
                    self.draft, x, (number, f"the elements moved before {self.operation.what}")
                )
            except ValueError as error:
                raise self.refuse(str(error)) from None
        self.values[i] = self.draft.settled[number]
        return self.draft.settled[number]

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

    def real(self, i: int) -> np.ndarray:
        """Return the i-th input, a constant, as reals.

        Raises:
            Unreadable: its integers have no scale.
        """
        tensor, values = self.tensor(i), self.constant(i)
        if values.dtype.kind == "f":
            return values.astype(float)
        try:
            quant = tensor.quant()
        except ValueError as error:
            raise self.refuse(str(error)) from None
        return (values.astype(float) - 128 * (tensor.kind == "UINT8") - quant.zero_point) * quant.scale

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
            Unreadable: it is not an image, or has another shape in the graph.
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
            node = self._function(draft.add(operator, nodes, None, {}), operator, values)
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
        node = self._function(draft.add(operator, nodes, quant, held), operator, values)
        if after is not None:
            node = draft.add(after, [node], quant, after.constants({}, [quant], quant))
        return self._made(node, quant)

    def _function(self, node: int, operator: Operator, values: tuple[Value, ...]) -> int:
        """Keep that a node is a function of one tensor's elements; return it."""
        formula = operator.formula if isinstance(operator, Activation) else (PLAIN | CURVED).get(operator)
        if formula is None or len(values) != 1:
            return node
        draft, before, reals = self.draft, self.draft.function(values[0]), None
        if before.reals is not None:
            x, y = draft.quants[values[0].node], draft.quants[node]
            reals = y.dequantise(operator.int8(draft.constants[node], x.quantise(before.reals))).astype(float)
        if len(whole := composed(formula, before.formula)) <= LONGEST:
            draft.functions[node] = Function(before.source, whole, reals)
        return node

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


def _zero_point(x: Value) -> dict[str, np.ndarray]:
    return {} if x.quant is None else Pad((), ()).constants({}, [x.quant], x.quant)


def _text(quant: Quant) -> str:
    return f"{quant.scale:.6g}, {quant.zero_point}"
