"""The walk through a file's nodes: each is worked out, moves elements, rounds, or has a reader in ``onnx_nodes``."""

from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from latent_nas.graph import Builder
from latent_nas.interchange import onnx_integers
from latent_nas.interchange.onnx_draft import LARGEST, Draft
from latent_nas.interchange.onnx_file import File, key, named
from latent_nas.interchange.onnx_fold import evaluate, is_constant
from latent_nas.interchange.onnx_forms import Form
from latent_nas.interchange.onnx_model import Given, Model, Traced
from latent_nas.interchange.onnx_nodes import readers
from latent_nas.interchange.onnx_nodes.call import Call, Unreadable, Value
from latent_nas.interchange.onnx_nodes.moving import MOVES
from latent_nas.interchange.onnx_rounding import Rounding, Roundings, rounded
from latent_nas.interchange.onnx_simplify import simplified
from latent_nas.interchange.onnx_view import channels_first, memory
from latent_nas.operators.flatten import Flatten

ROUNDS = {"QuantizeLinear", "DequantizeLinear"}


@dataclass
class Walk:
    """One reading of a file's nodes, in order, with its input in one form. ``done``: how many were read."""

    file: File
    form: Form
    draft: Draft = field(default_factory=Draft)
    values: dict[str, Value] = field(default_factory=dict)
    constants: dict[str, np.ndarray] = field(default_factory=dict)
    scales: dict[str, np.ndarray] = field(default_factory=dict)
    traced: dict[int, Traced] = field(default_factory=dict)
    rounding: Rounding | None = None
    rounds: Roundings = field(init=False)
    done: int = 0

    def read(self) -> Model:
        """Return the graph and what its nodes hold.

        Raises:
            Unreadable: what can't be expressed, and at which node.
        """
        file = self.file
        self.draft, self.constants = Draft.of(self.form.shape), dict(file.constants)
        self.rounds = Roundings(self.draft, file)
        self.values[file.input] = Value(0, self.form.order)
        for node in file.nodes:
            self._node(node)
            self.done += 1
        last = self.values.get(file.ending.tensor)
        if last is None or not last.node:
            raise Unreadable("its output does not depend on its input, or is the input itself")
        last = self._in_order(last)
        file.ending.check(last.order, self.draft.shape(last.node), file.inferred, file.opset)
        made, place = simplified(self.draft, last.node)
        builder = Builder()
        for one in made.nodes:
            builder.add(one.operator, *one.inputs)
        given = Given(file.input, (file.batch, *file.dims[1:]), file.dtype, self.form.order, self.rounding)
        traced = {place[i]: t for i, t in sorted(self.traced.items()) if i in place}
        return Model(
            builder.build(), made.weights, made.quants, traced, given, tuple(made.notes), file.ending.meaning()
        )

    def _in_order(self, last: Value, again: bool = True) -> Value:
        """Return the output as a node holds it; say that an image has its channels last.

        Raises:
            Unreadable: its elements lie in another order.
        """
        shape = self.draft.shape(last.node)
        if last.order.size == np.prod(shape):
            if np.array_equal(last.order.ravel(), memory((last.order.size,))):
                return last
            if len(shape) == 3 and np.array_equal(last.order.ravel(), channels_first(shape).ravel()):
                self.draft.note(
                    f"the outputs come channels last, as {' x '.join(map(str, shape))}; the file has them first"
                )
                return last
        if again:
            call = Call("its output", self.draft, [last], [None], {}, [None], self.file.opset)
            with suppress(Unreadable):  # a part, or padded
                whole = call.in_order(last)
                self.traced[whole.node] = Traced(self.file.ending.tensor, "its output", whole.order)
                return self._in_order(whole, again=False)
        raise Unreadable(
            f"its output {last.order.shape} is padded, a part of what is computed, or in another order than channels"
            " first or last; give FILE.onnx#NAME for the tensor before what moves its elements"
        )

    def _node(self, node: Any) -> None:
        what, onnx, opset = named(node), self.file.onnx, self.file.opset
        evaluated = partial(evaluate, onnx, node, opset=opset, what=what)
        lost = [n for n in node.input if n and n not in self.values and n not in self.constants]
        if lost:
            raise Unreadable(f"{what} reads {lost[0]!r}, which is not known here: a second output, or none at all")
        constants = [self.constants.get(name) if name else None for name in node.input]
        settings = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        if is_constant(node, self.constants):
            self._constant(node, constants, settings, what)
        elif node.op_type in ("Shape", "Size"):
            held = self.values[node.input[0]].order
            self.constants.update(zip(node.output, evaluated(inputs=[held]), strict=True))
        elif key(node) in MOVES:
            moved = self.values.get(node.input[0])
            if moved is None or any(name in self.values for name in node.input[1:]):
                raise Unreadable(f"{what}: it moves a constant, or moves a tensor by another one")
            results = evaluated(inputs=[moved.order, *constants[1:]])
            for name, order in zip((n for n in node.output if n), results, strict=True):
                places = np.asarray(order, np.int32)
                flattened = places.ndim == 2 and len(self.draft.shape(moved.node)) == 3 and places.min() >= 0
                source = self.draft.add(Flatten(), moved.node) if flattened else moved.node
                self._made(node, name, what, Value(source, places))
        elif node.op_type in ROUNDS:
            self._round(node, constants, what)
        else:
            given = [self.values.get(name) for name in node.input]
            scales = [self.scales.get(name) for name in node.input]
            onnx_integers.check(node, self.file.types)
            call = Call(what, self.draft, given, constants, settings, scales, opset)
            try:
                made = readers()[key(node)](call)
            except Unreadable:
                raise
            except ValueError as error:  # of shapes, or a setting that is not a number
                raise Unreadable(f"{what}: {' '.join(str(error).split())}") from None
            self._made(node, node.output[0], what, made)

    def _constant(self, node: Any, inputs: list[np.ndarray | None], settings: dict[str, Any], what: str) -> None:
        """Keep what a node makes of constants, and the scale of integers among them."""
        if node.op_type in ROUNDS:
            made, scale = rounded(node.op_type, inputs, settings.get("axis", 1), what, settings.get("block_size", 0))
            self.constants[node.output[0]] = made
            if scale is not None:
                self.scales[node.output[0]] = scale
            return
        made_all = evaluate(self.file.onnx, node, inputs, self.file.opset, what)
        self.constants.update(zip((n for n in node.output if n), made_all, strict=True))
        scale = self.scales.get(node.input[0]) if node.input else None
        if scale is not None and node.op_type in MOVES | {"Identity"}:
            moved = evaluate(self.file.onnx, node, [np.ascontiguousarray(scale), *inputs[1:]], self.file.opset, what)
            self.scales.update(zip((n for n in node.output if n), moved, strict=True))

    def _round(self, node: Any, constants: list[np.ndarray | None], what: str) -> None:
        """Note how a tensor is rounded; it passes as it is."""
        value = self.values[node.input[0]]
        if constants[1] is None:
            raise Unreadable(f"{what} wants constants as its scale and zero point")
        made = next((a.i for a in node.attribute if a.name == "output_dtype"), 0)  # where no zero point says it
        zero = constants[2] if len(constants) > 2 else None
        if zero is None and made and node.op_type == "QuantizeLinear":
            zero = np.zeros((), self.file.onnx.helper.tensor_dtype_to_np_dtype(made))
        rounding = Rounding.of(constants[1], zero, what)
        if node.op_type == "QuantizeLinear" or (value.node == 0 and self.file.dtype.kind in "ui"):
            if node.op_type == "DequantizeLinear" and self.rounding is None:
                self.rounding = rounding
            self.rounds.note(value, rounding.quant(), node.input[0], what)
        self._made(node, node.output[0], what, value)

    def _made(self, node: Any, name: str, what: str, value: Value) -> None:
        """Keep a tensor that a node makes; refuse one that is not what the file says of it."""
        size = int(np.prod(self.draft.shape(value.node)))
        if not value.order.size or value.order.size > LARGEST:
            raise Unreadable(f"{what} makes a tensor {value.order.shape}; wanted 1 to {LARGEST} elements")
        dims = self.file.inferred.get(name)
        if dims is not None and (
            len(dims) != value.order.ndim or any(d not in (0, n) for d, n in zip(dims, value.order.shape, strict=True))
        ):
            raise Unreadable(f"{what} makes a tensor {dims} in the file; it was read as {value.order.shape}")
        self.values[name] = value
        if node.op_type != "QuantizeLinear" and value.order.size == size and value.order.min() >= 0:
            self.traced[value.node] = Traced(name, what, value.order)
