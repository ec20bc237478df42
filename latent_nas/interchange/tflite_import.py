"""Import from TensorFlow Lite: an int8 or float model of the operators known here becomes a network.

An int8 file keeps its own integers and scales. A float one becomes a float graph with its weights beside it. What
converters put around a network (QUANTIZE, DEQUANTIZE, changes of form) leaves no trace; a function that closes it
(SOFTMAX, LOGISTIC, ARG_MAX) is left out, which ``Model.notes`` says.
"""

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from latent_nas.fixed_point import Quant
from latent_nas.graph import Builder, Graph
from latent_nas.interchange._flatbuffer import Damaged, Scalar
from latent_nas.interchange._tflite_names import ACTIVATIONS
from latent_nas.interchange.hints import advice
from latent_nas.interchange.onnx_view import memory
from latent_nas.interchange.tflite_file import File, Operation
from latent_nas.interchange.tflite_nodes import Reader, readers
from latent_nas.interchange.tflite_nodes.call import Call
from latent_nas.interchange.tflite_nodes.draft import Draft, Unreadable, Value
from latent_nas.interchange.tflite_nodes.ends import DEQUANTIZE
from latent_nas.interchange.tflite_nodes.moving import MOVES, moved
from latent_nas.interchange.tflite_nodes.settling import settled
from latent_nas.interchange.tflite_sizes import sized
from latent_nas.interchange.tflite_spelling import plainer
from latent_nas.operators import Shape

FORMS = {"RESHAPE", "SQUEEZE", "EXPAND_DIMS", "QUANTIZE", "DEQUANTIZE"}  # that move no element
MOST_INPUTS = 5  # of an operator that is read, but one that joins tensors
CLOSING = {"SOFTMAX", "LOG_SOFTMAX", "LOGISTIC", "ARG_MAX"}
MEANINGS = {  # of what a closing function reads
    **dict.fromkeys(("SOFTMAX", "LOG_SOFTMAX"), "logits, the largest is the class"),
    "LOGISTIC": "logits, above 0 where the sigmoid is above 0.5",
    "ARG_MAX": "its answer is the index of the largest",
    "QUANTIZE": "the same reals on another scale",
}


@dataclass(frozen=True)
class Model:
    """What a .tflite file holds.

    Attributes:
        quants, constants: of an int8 network, by node; none of a float one. weights: of a float one, by node.
        traced: by node, the number of the file's tensor that holds the same and the operator that makes it.
        notes: what was decided for the user, a line each. ending: which functions at the end were left out and what
            the outputs are; "" where none was. order: where each element of the file's input lies in the graph's, in
            the order of memory; None: as it comes.
    """

    file: File
    graph: Graph
    quants: tuple[Quant, ...]
    constants: tuple[dict[str, np.ndarray], ...]
    weights: dict[int, dict[str, np.ndarray]]
    traced: dict[int, tuple[int, str]]
    notes: tuple[str, ...]
    ending: str
    order: np.ndarray | None = None

    def entered(self, x: np.ndarray) -> np.ndarray:
        """Return inputs (n, ...) as the file takes them as the graph does (n, *input_shape)."""
        made = x.reshape(len(x), -1)
        made = made if self.order is None else made[:, np.argsort(self.order.ravel())]
        return made.reshape(len(x), *self.graph.input_shape)

    def given(self, x: np.ndarray) -> np.ndarray:
        """Return inputs (n, *input_shape) as the file takes them (n, ...)."""
        return x if self.order is None else x.reshape(len(x), -1)[:, self.order.ravel()]


def read_model(path: Path, output: str = "") -> Model:
    """Return the network of a .tflite file; ``output``: which of several, by name.

    Raises:
        ValueError: there is no such file, it is damaged, or it holds operators (named, all of them) or settings (the
            first) that are not known here.
    """
    file = sized(File.open(path, output))
    try:
        with np.errstate(all="ignore"):  # what a broken scale makes infinite is refused
            return _Reader(file, _needed(file)).read()
    except Damaged as error:
        raise ValueError(f"{path} is a damaged .tflite file: {error}; convert the model again") from None
    except Unreadable as error:
        raise ValueError(f"{path}: {error}") from None


def _needed(file: File) -> list[Operation]:
    """Return the operators that the output depends on, in the order of the file."""
    kept = plainer(list(file.operations), file.tensors, file.output)
    unknown = sorted({o.code for o in kept} - readers().keys())
    if unknown:
        raise Unreadable(f"it has operators that are not known here: {', '.join(unknown)}; {advice(unknown)}")
    return kept


class _Reader:
    """Reads a file's operators one after another; ``values`` and ``constants``: its tensors by their numbers."""

    def __init__(self, file: File, needed: list[Operation]) -> None:
        self.file, self.needed = file, needed
        made = {file.tensors[i].kind for o in needed for i in o.outputs} | {file.tensors[file.input].kind}
        self.draft = Draft(Builder(), integers=bool(made & {"INT8", "UINT8"}))
        self.values: dict[int, Value] = {}
        self.constants = {i: t.array for i, t in enumerate(file.tensors) if t.array is not None}
        self.order: np.ndarray | None = None
        self.uses = Counter([*(i for o in needed for i in o.inputs), file.output])

    def read(self) -> Model:
        """Return the network.

        Raises:
            Unreadable: what can't be expressed, and at which operator.
        """
        draft, file = self.draft, self.file
        self._enter()
        for operation in self.needed:
            several = readers()[operation.code].several
            if (len(operation.outputs) != 1 and not several) or min(operation.outputs) < 0:
                raise Unreadable(f"{operation.what} makes {len(operation.outputs)} tensors; only one is known here")
            for which, tensor in enumerate(operation.outputs):
                if not self.uses[tensor]:
                    continue
                made = self._made(replace(operation, outputs=(tensor,)), which)
                if isinstance(made, np.ndarray):
                    self.constants[tensor] = made
                else:
                    self.values[tensor] = made
        last = self.values.get(file.output)
        if last is None or any(last.pads):
            raise Unreadable("its output is padding, or does not depend on its input")
        if last.order is not None:
            try:
                last = settled(draft, last, (file.output, "its output"))
            except ValueError as error:
                raise Unreadable(f"its output: {error}") from None
        if not last.node:
            raise Unreadable("its output is its input")
        draft.keep(last.node)
        graph, quants = draft.builder.build(), tuple(draft.quants) if draft.integers else ()
        notes = tuple(dict.fromkeys(draft.notes))
        ending = _meaning(last.closed)
        return Model(
            file, graph, quants, tuple(draft.constants), draft.weights, draft.traced, notes, ending, self.order
        )

    def _enter(self) -> None:
        """Begin the graph with the file's input."""
        file, draft = self.file, self.draft
        given = file.tensors[file.input]
        if given.dynamic or min(given.dims, default=0) < 1 or given.dims[:1] != (1,) or len(given.dims) < 2:
            what = "a dynamic shape" if given.dynamic else f"the shape {given.dims}"
            raise Unreadable(f"its input {given.name!r} has {what}; wanted a batch of 1 and fixed sizes after it")
        quant = None
        if given.kind in ("INT8", "UINT8"):
            try:
                quant = given.quant()
            except ValueError as error:
                raise Unreadable(str(error)) from None
        elif given.kind != "FLOAT32":
            raise Unreadable(f"its input {given.name!r} is {given.kind}; known are FLOAT32, INT8 and UINT8")
        shape, order = self._turned() or (self._input_shape(), None)
        draft.builder = Builder(shape)
        if draft.integers:  # of a float input a stand-in, until it is quantised
            draft.quants.append(quant or Quant(1.0, 0))
            draft.constants.append({})
        draft.operators.append(draft.builder.build().input)
        draft.sources.append(())
        if order is None:
            draft.traced[0] = (file.input, f"input {given.name!r}")
        else:
            draft.notes.append(
                f"its input is taken as {' x '.join(map(str, shape))}, channels last; the file has {given.dims[1:]}"
            )
        self.order = order
        self.values[file.input] = Value(0, given.dims, quant, order=order)

    def _turned(self) -> tuple[Shape, np.ndarray] | None:
        """Return the shape that a TRANSPOSE at the very beginning makes, and where the input's elements lie there."""
        tensor, dims = self.file.input, self.file.tensors[self.file.input].dims
        while self.uses[tensor] == 1 and (reader := next((o for o in self.needed if tensor in o.inputs), None)):
            if reader.code == "TRANSPOSE" and len(reader.inputs) == 2:
                perm = np.ravel(self.constants.get(reader.inputs[1], np.zeros(0, int))).tolist()
                moved = [p for p in perm if p < len(dims) and dims[p] != 1]
                if (
                    sorted(perm) != list(range(len(dims)))
                    or perm[0]
                    or moved == sorted(moved)
                    or len(perm) not in (3, 4)
                ):
                    return None
                made = tuple(dims[p] for p in perm)
                order = memory(made).transpose(np.argsort(perm))
                return (made[1:] if len(made) == 4 else (made[1], 1, made[2])), order
            if reader.code != "QUANTIZE" or not reader.outputs:
                return None
            tensor = reader.outputs[0]
        return None

    def _input_shape(self) -> Shape:
        """Return the input's shape: as the first operator sees it that does more than change dimensions."""
        tensor, seen = self.file.input, [self.file.tensors[self.file.input].dims]
        while self.uses[tensor] == 1:
            reader = next((o for o in self.needed if tensor in o.inputs), None)
            if reader is None or reader.code not in FORMS or not reader.outputs:
                break
            tensor = reader.outputs[0]
            if self.file.tensors[tensor].dims[:1] == (1,):
                seen.append(self.file.tensors[tensor].dims)
        images = [dims for dims in seen if len(dims) == 4]
        dims = images[-1] if images else seen[-1]
        if dims[:1] != (1,) or not 2 <= len(dims) <= 4 or min(dims) < 1:
            raise Unreadable(f"its input is {dims}; wanted (1, features), (1, steps, channels) or an image")
        if images and len(seen[0]) == 4:
            return dims[1:]
        steps = [d for d in dims[1:-1] if d != 1]  # a sequence is an image one pixel wide
        return (steps[0], 1, dims[-1]) if len(dims) > 2 and len(steps) == 1 else _image(dims[1:])

    def _made(self, operation: Operation, which: int) -> Value | np.ndarray:
        """Return what an operator with one output makes: a tensor of the graph, or a constant."""
        reader, tensors = readers()[operation.code], self.file.tensors
        inputs = operation.inputs
        more = [-1] * max(0, MOST_INPUTS - len(inputs))  # that readers ask for, and a damaged operator may lack
        call = Call(
            operation,
            which,
            self.draft,
            [tensors[i] if i >= 0 else None for i in inputs],
            tensors[operation.outputs[0]],
            [self.values.get(i) for i in (*inputs, *more)],
            [self.constants.get(i) for i in (*inputs, *more)],
            [self.uses[i] for i in (*inputs, *more)],
            self._closes(operation.outputs[0]),
            _options(operation, reader),
            operation.options,
        )
        i, move = MOVES.get(operation.code, (0, None))
        x = call.values[i]
        if move is not None and x is not None and x.order is not None:
            if operation.code != "RESHAPE" or len(call.output.dims) > 2:
                return moved(call, i, move)
            with suppress(Unreadable):  # a vector has no rows and columns any more
                call.value(i)
            return moved(call, i, move)
        try:
            return reader.read(call)
        except Damaged:
            raise
        except ValueError as error:  # of shapes and scales
            first = error if isinstance(error, Unreadable) else call.refuse(str(error))
        if move is not None and x is not None:
            with suppress(Unreadable):
                return moved(call, i, move)
        raise first

    def _closes(self, tensor: int) -> bool:
        """Return whether nothing follows a tensor but what changes its form, or closes the network."""
        while tensor != self.file.output:
            following = [o for o in self.needed if tensor in o.inputs]
            if len(following) != 1 or following[0].code not in FORMS | CLOSING or not following[0].outputs:
                return False
            tensor = following[0].outputs[0]
        return True


def _meaning(closed: str) -> str:
    """Return in a line which functions were left out and what the outputs are; "" of none."""
    if closed in ("", DEQUANTIZE):
        return ""
    return f"{closed} left out; the outputs are its inputs: {MEANINGS[closed.split(', ')[0]]}"


def _image(shape: Shape) -> Shape:
    return shape if len(shape) != 2 else (shape[0], 1, shape[1])


def _options(operation: Operation, reader: Reader) -> dict[str, Scalar]:
    """Return an operator's options by name.

    Raises:
        Unreadable: it has options of another operator, or some that are not known here.
    """
    table = operation.options
    if operation.second:
        raise Unreadable(f"{operation.what} has options of a newer kind, which are not known here")
    if table is None:
        return {name: default for name, (_, _, default) in reader.fields.items()}
    if reader.options and operation.options_type not in (0, reader.options):
        raise Damaged(f"{operation.what} has options of kind {operation.options_type}, wanted {reader.options}")
    strange = set(table.fields) - {number for number, _, _ in reader.fields.values()}
    if strange:
        raise Unreadable(f"{operation.what} sets an option that is not known here (field {min(strange)})")
    options = {name: table.scalar(number, kind, default) for name, (number, kind, default) in reader.fields.items()}
    if options.get("activation", 0) not in ACTIVATIONS:
        raise Damaged(f"{operation.what} has the fused activation {options['activation']}")
    return options
