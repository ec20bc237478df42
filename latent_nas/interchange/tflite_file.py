"""A .tflite file as tensors and operators: its one graph, with every offset, index and length checked.

The numbers of fields are those of the schema (tensorflow/compiler/mlir/lite/schema/schema.fbs, version 3). Nothing of
another library is needed to read it.
"""

from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np

from latent_nas.fixed_point import Quant
from latent_nas.interchange._flatbuffer import Damaged, Table
from latent_nas.interchange._tflite_names import OPERATORS, TYPES

IDENTIFIER = b"TFL3"
LARGEST_MB = 256  # of a file
LARGEST_RANK, LARGEST_ELEMENTS = 8, 2**27  # of a tensor
DTYPES = {"FLOAT32": "<f4", "FLOAT16": "<f2", "FLOAT64": "<f8", "INT8": "i1", "UINT8": "u1", "INT16": "<i2"}
DTYPES |= {"INT32": "<i4", "INT64": "<i8", "BOOL": "?"}


@dataclass(frozen=True)
class Tensor:
    """A tensor: its dimensions (the batch first), type, and how its integers stand for reals.

    Attributes:
        kind: by its name in the schema, "INT8". array: what a constant holds; None of any other tensor.
        scales, zeros: (n,), one or one for each index of ``axis``; empty where the file does not round.
        dynamic: whether a dimension beside the batch is fixed only when the file is run.
    """

    name: str
    dims: tuple[int, ...]
    kind: str
    array: np.ndarray | None
    scales: np.ndarray
    zeros: np.ndarray
    axis: int
    dynamic: bool

    @property
    def rounded(self) -> bool:
        """Whether it holds 8-bit integers that stand for reals."""
        return self.kind in ("INT8", "UINT8") and self.scales.size > 0

    def quant(self) -> Quant:
        """Return how its int8 elements stand for reals; those of uint8 are taken less 128.

        Raises:
            ValueError: it is not 8 bits with one valid scale and zero point.
        """
        zeros = self.zeros if self.zeros.size else np.zeros(1, np.int64)
        if self.kind not in ("INT8", "UINT8") or self.scales.size != 1 or zeros.size != 1:
            raise ValueError(
                f"its tensor {self.name!r} is {self.kind} with {self.scales.size} scales; wanted int8 or uint8 with one"
            )
        low = -128 if self.kind == "INT8" else 0
        if not (np.isfinite(self.scales[0]) and self.scales[0] > 0 and low <= zeros[0] <= low + 255):
            raise ValueError(
                f"its tensor {self.name!r} has the scale {self.scales[0]} and the zero point {zeros[0]}; wanted a scale"
                f" above 0 and a zero point of {self.kind}"
            )
        return Quant(float(self.scales[0]), int(zeros[0]) - 128 - low)


@dataclass(frozen=True)
class Operation:
    """An operator of the file: the tensors that it reads and makes by their numbers, -1 for an input left out.

    Attributes:
        code: its name in the schema, or "CUSTOM name". options, options_type: of ``BuiltinOptions``.
        second: whether it has options of the newer kind (``BuiltinOptions2``).
    """

    code: str
    index: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Table | None
    options_type: int
    second: bool

    @property
    def what(self) -> str:
        """Its name for messages."""
        return f"{self.code} (operator {self.index})"


@dataclass(frozen=True)
class File:
    """The graph of a .tflite file; ``input`` and ``output``: the numbers of their tensors."""

    data: bytes
    tensors: tuple[Tensor, ...]
    operations: tuple[Operation, ...]
    input: int
    output: int

    @staticmethod
    def open(path: Path, output: str = "") -> "File":
        """Return the graph of a file; ``output``: which of several, by the name of its tensor.

        Raises:
            ValueError: it is not there, is none, is damaged, or holds what is not known here.
        """
        try:
            if path.stat().st_size > LARGEST_MB * 2**20:
                raise ValueError(f"{path} is larger than {LARGEST_MB} MiB, which no microcontroller holds")
            data = path.read_bytes()
        except FileNotFoundError:
            raise ValueError(f"there is no file {path}") from None
        except OSError as error:
            raise ValueError(f"{path} can't be read: {error.strerror}") from None
        if not data:
            raise ValueError(f"{path} is empty; convert the model again")
        try:
            return _file(data, output)
        except Damaged as error:
            raise ValueError(f"{path} is damaged or not a .tflite file: {error}; convert the model again") from None
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None

    @property
    def about(self) -> str:
        """The file's metadata of this project's name, "" where it has none."""
        model = Table.root(self.data, IDENTIFIER)
        buffers = model.tables(4)
        for entry in model.tables(6):
            if entry.text(0) == "latent_nas" and (at := entry.integer(1, "I")) < len(buffers):
                return buffers[at].array(0, "u1").tobytes().decode(errors="backslashreplace")
        return ""

    def exposing(self, tensors: list[int]) -> bytes:
        """Return the file with these tensors as its outputs: an interpreter then keeps and gives all of them."""
        subgraph = Table.root(self.data, IDENTIFIER).tables(2)[0]
        at = subgraph.field(2)
        assert at is not None  # it has an output
        end = len(self.data) + -len(self.data) % 4
        vector = np.array([len(tensors), *tensors], "<i4").tobytes()
        data = bytearray(self.data.ljust(end, b"\0") + vector)
        data[at : at + 4] = (end - at).to_bytes(4, "little")
        return bytes(data)


def _file(data: bytes, output: str) -> File:
    model = Table.root(data, IDENTIFIER)
    if model.integer(0, "I") != 3:
        raise ValueError(f"it is of version {model.integer(0, 'I')} of the format; only 3 is known here")
    subgraphs, buffers = model.tables(2), model.tables(4)
    if len(subgraphs) != 1:
        signed = [table.text(2) for table in model.tables(7)]
        several = f"convert one signature alone, of {', '.join(signed)}" if len(signed) > 1 else ""
        raise ValueError(
            f"it has {len(subgraphs)} graphs; only one is known here"
            + (f": {several}" if several else ", so IF, WHILE and CALL are not")
        )
    if model.tables(8) or model.tables(9):
        raise ValueError("it keeps weights in other files; convert it as one file")
    graph, codes = subgraphs[0], [_code(table) for table in model.tables(1)]
    tensors = tuple(_tensor(table, buffers) for table in graph.tables(0))
    operations = tuple(_operation(table, i, codes, len(tensors)) for i, table in enumerate(graph.tables(3)))
    if not operations:
        raise ValueError("it is empty: it holds no operators; convert the model again")
    inputs, outputs = (_numbers(graph, field, len(tensors)) for field in (1, 2))
    if len(inputs) != 1:
        raise ValueError(f"it has {len(inputs)} inputs; only one is known here")
    if output or len(outputs) != 1:
        names = [tensors[i].name if i >= 0 else "" for i in outputs]
        if output not in names:
            other = f", and not {output!r}" * bool(output)
            raise ValueError(f"it has {len(outputs)} outputs, {', '.join(names)}{other}; say FILE.tflite#NAME for one")
        outputs = (outputs[names.index(output)],)
    file = File(data, tensors, operations, inputs[0], outputs[0])
    _in_order(file)
    return file


def _code(table: Table) -> str:
    number = max(table.integer(0, "b"), table.integer(3, "i"))  # the older field holds numbers up to 127
    if not 0 <= number < len(OPERATORS):
        raise ValueError(f"it has an operator with the number {number}, which is not known here")
    name = OPERATORS[number]
    return f"{name} {table.text(1)!r}" if name == "CUSTOM" else name


def _numbers(table: Table, field: int, tensors: int) -> tuple[int, ...]:
    """Return a vector of numbers of tensors; -1 stands for none."""
    found = table.array(field, "<i4")
    if found.size > tensors + 16 or (found.size and not -1 <= found.min() <= found.max() < tensors):
        raise Damaged(f"an operator or graph names {found.size} tensors of {tensors}, or one that is not there")
    return tuple(found.tolist())


def _operation(table: Table, index: int, codes: list[str], tensors: int) -> Operation:
    code = table.integer(0, "I")
    if code >= len(codes):
        raise Damaged(f"operator {index} is of kind {code}; there are {len(codes)}")
    inputs, outputs = (_numbers(table, field, tensors) for field in (1, 2))
    second = bool(table.integer(11, "B")) or table.field(12) is not None
    return Operation(codes[code], index, inputs, outputs, table.table(4), table.integer(3, "B"), second)


def _tensor(table: Table, buffers: list[Table]) -> Tensor:
    name, dims, kind = table.text(3), table.array(0, "<i4"), TYPES.get(table.integer(1, "b"), "of an unknown type")
    if dims.size > LARGEST_RANK or (dims.size and dims.min() < 0):
        raise Damaged(f"tensor {name!r} has the dimensions {dims[:LARGEST_RANK].tolist()}")
    shape = tuple(int(d) for d in dims)
    if prod(shape) > LARGEST_ELEMENTS:
        raise ValueError(f"its tensor {name!r} has {prod(shape):,} elements; at most {LARGEST_ELEMENTS:,} are read")
    if table.integer(5, "?"):
        raise ValueError(f"its tensor {name!r} is a variable, kept from one run to the next; not known here")
    if table.field(6) is not None:
        raise ValueError(f"its tensor {name!r} is sparse; convert the model with dense weights")
    quantisation = table.table(4)
    scales, zeros, axis = np.zeros(0), np.zeros(0, np.int64), 0
    if quantisation is not None:
        if quantisation.integer(4, "B"):
            raise ValueError(f"its tensor {name!r} is rounded in a way of its own (quantisation details); not known")
        scales, zeros = quantisation.array(2, "<f4").astype(float), quantisation.array(3, "<i8")
        axis = quantisation.integer(6, "i")
    dynamic = bool((table.array(7, "<i4")[1:] < 0).any())
    return Tensor(name, shape, kind, _constant(table, name, shape, kind, buffers), scales, zeros, axis, dynamic)


def _constant(table: Table, name: str, dims: tuple[int, ...], kind: str, buffers: list[Table]) -> np.ndarray | None:
    number = table.integer(2, "I")
    if number >= len(buffers):
        raise Damaged(f"tensor {name!r} has buffer {number}; there are {len(buffers)}")
    buffer = buffers[number]
    if buffer.integer(1, "Q") > 1 or buffer.integer(2, "Q") > 1 or table.integer(10, "I"):
        raise ValueError(f"its tensor {name!r} has its data outside of the file's table; convert it as one file")
    data = buffer.array(0, "u1")
    if not data.size:
        return None
    if kind not in DTYPES:
        raise ValueError(f"its constant {name!r} is {kind}; known are {', '.join(DTYPES)}")
    if data.size != prod(dims) * np.dtype(DTYPES[kind]).itemsize:
        raise Damaged(f"constant {name!r} is {dims} of {kind} and has {data.size} bytes")
    return data.view(DTYPES[kind]).reshape(dims)


def _in_order(file: File) -> None:
    """Raise Damaged unless every tensor is made once, before it is read."""
    made = {-1, file.input, *(i for i, tensor in enumerate(file.tensors) if tensor.array is not None)}
    if file.input < 0 or file.output < 0 or file.tensors[file.input].array is not None:
        raise Damaged("its input or output is left out, or its input is a constant")
    for operation in file.operations:
        late = [i for i in operation.inputs if i not in made]
        if late or made.intersection(operation.outputs):
            raise Damaged(f"{operation.what} reads a tensor before it is made, or makes one twice")
        made.update(operation.outputs)
    if file.output not in made:
        raise Damaged("nothing makes its output")
