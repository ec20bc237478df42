"""Export to TensorFlow Lite: the int8 network, with the integers that the device holds.

The input is called "input": int8 (1, height, width, channels) or (1, features); the output "output" is int8
(1, outputs); both are quantised as the file says.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from latent_nas import artifacts
from latent_nas.extras import need
from latent_nas.fixed_point import Quant
from latent_nas.interchange import _tflite_abroad, _tflite_functions
from latent_nas.interchange._tflite_operators import Place, spell
from latent_nas.operators import Shape

if TYPE_CHECKING:
    from latent_nas.training.quantise import QuantisedNetwork

VERSIONS = {  # the first with int8, of operators whose first version has none
    **{"CONV_2D": 3, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 4, "ADD": 2, "MUL": 2, "CONCATENATION": 2},
    **{
        "SUB": 2,
        "SLICE": 2,
        "RESIZE_NEAREST_NEIGHBOR": 2,
        "RESIZE_BILINEAR": 2,
        "TRANSPOSE_CONV": 4,
        "LOGISTIC": 2,
        "TANH": 2,
    },
    **{"LEAKY_RELU": 2, "EXP": 2, "GELU": 2},
    **{"AVERAGE_POOL_2D": 2, "MAX_POOL_2D": 2, "MEAN": 2, "PAD": 2, "PADV2": 2, "RELU": 2, "RELU6": 2},
}
SPELLINGS = (_tflite_abroad, _tflite_functions)  # beside those of _tflite_operators
ALIGNMENT = 16  # of constants: kernels read them in place


def export_int8(network: "QuantisedNetwork", path: Path, about: str = "") -> str:
    """Write an int8 network to a .tflite file; return what it takes.

    Args:
        about: what travels with it, as JSON; it becomes the file's metadata "latent_nas".

    Raises:
        ValueError: the extra is not installed, or an operator has no form in TensorFlow Lite.
    """
    artifacts.write(path, to_bytes(network, about))
    shape = network.graph.input_shape
    return f"int8 input {' x '.join(map(str, (1, *shape)))}{', channels last' * (len(shape) == 3)}"


def to_bytes(network: "QuantisedNetwork", about: str = "") -> bytes:
    """Return the .tflite file of an int8 network.

    Raises:
        ValueError: as ``export_int8``.
    """
    graph, model = network.graph, _Model(need("ai_edge_litert.schema_py_generated", "tflite"))
    tensors = [model.tensor("input", graph.input_shape, network.quants[0])]
    for node in graph.nodes[1:]:
        place = Place(
            model,
            [tensors[i] for i in node.inputs],
            graph.shapes_into(node),
            [network.quants[i] for i in node.inputs],
            node.shape,
            network.quants[node.id],
            network.constants[node.id],
        )
        tensors.append(spell(node.operator, place))
    return model.finish(tensors[0], tensors[-1], about)


class _Model:
    """Gathers tensors, buffers and operators of one subgraph in the objects of the schema."""

    def __init__(self, schema: Any) -> None:
        self.schema = schema
        self.tensors: list[Any] = []
        self.buffers: list[bytes] = [b""]  # the first is the empty one, of all that is not a constant
        self.operators: list[Any] = []
        self.codes: list[str] = []

    def tensor(self, name: str, shape: Shape, quant: Quant) -> int:
        """Return a new activation tensor (1, *shape)."""
        scale, zero = np.array([quant.scale], np.float32), np.array([quant.zero_point], np.int64)
        return self._tensor(name, (1, *shape), "INT8", 0, scale, zero)

    def constant(self, value: np.ndarray, scale: np.ndarray | None = None, axis: int = 0, zero: int = 0) -> int:
        """Return a constant tensor; ``scale``: per channel along ``axis``, or of the whole."""
        kind = {"int8": "INT8", "int32": "INT32"}[value.dtype.name]
        self.buffers.append(value.astype(value.dtype.newbyteorder("<")).tobytes())
        zeros = None if scale is None else np.full(len(scale), zero, np.int64)
        name = f"constant{len(self.buffers) - 1}"
        return self._tensor(name, value.shape, kind, len(self.buffers) - 1, scale, zeros, axis)

    def _tensor(
        self,
        name: str,
        shape: Shape,
        kind: str,
        buffer: int,
        scale: np.ndarray | None,
        zero: np.ndarray | None,
        axis: int = 0,
    ) -> int:
        tensor = self.schema.TensorT()
        tensor.name, tensor.shape, tensor.buffer = name, np.array(shape, np.int32), buffer
        tensor.type = getattr(self.schema.TensorType, kind)
        if scale is not None:
            quantisation = self.schema.QuantizationParametersT()
            quantisation.scale, quantisation.zeroPoint = scale.astype(np.float32), zero
            quantisation.quantizedDimension = axis
            tensor.quantization = quantisation
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def op(self, code: str, inputs: list[int], shape: Shape, quant: Quant, options: str = "", **settings: Any) -> int:
        """Return the output, shaped (1, *shape), of one operator of TensorFlow Lite."""
        operator = self.schema.OperatorT()
        if code not in self.codes:
            self.codes.append(code)
        operator.opcodeIndex, operator.inputs = self.codes.index(code), np.array(inputs, np.int32)
        if options:
            operator.builtinOptionsType = getattr(self.schema.BuiltinOptions, options)
            operator.builtinOptions = getattr(self.schema, f"{options}T")()
            for name, value in settings.items():
                if not hasattr(operator.builtinOptions, name):
                    raise AttributeError(f"the schema's {options} has no {name!r}")
                setattr(operator.builtinOptions, name, value)
        made = self.tensor(f"{len(self.operators)}.{code.lower()}", shape, quant)
        operator.outputs = np.array([made], np.int32)
        self.operators.append(operator)
        return made

    def finish(self, first: int, last: int, about: str = "") -> bytes:
        """Return the file; ``first`` and ``last``: the tensors of input and output; ``about``: its metadata."""
        import flatbuffers

        schema = self.schema
        model, subgraph = schema.ModelT(), schema.SubGraphT()
        self.tensors[last].name = "output"
        subgraph.name, subgraph.tensors, subgraph.operators = "main", self.tensors, self.operators
        subgraph.inputs, subgraph.outputs = np.array([first], np.int32), np.array([last], np.int32)
        model.version, model.description, model.subgraphs = 3, "latent_nas", [subgraph]
        model.operatorCodes = [self._code(name) for name in self.codes]
        if about:
            entry = schema.MetadataT()
            entry.name, entry.buffer = "latent_nas", len(self.buffers)
            self.buffers.append(about.encode())
            model.metadata = [entry]
        model.buffers = [_aligned(schema, data) for data in self.buffers]
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
        return bytes(builder.Output())

    def _code(self, name: str) -> Any:
        code, number = self.schema.OperatorCodeT(), getattr(self.schema.BuiltinOperator, name)
        code.builtinCode, code.deprecatedBuiltinCode, code.version = number, min(number, 127), VERSIONS.get(name, 1)
        return code


def _aligned(schema: Any, data: bytes) -> Any:
    """Return a buffer whose data start at a multiple of ``ALIGNMENT``, which the schema's own ``BufferT`` forgets."""

    class Aligned(schema.BufferT):
        def Pack(self, builder: Any) -> Any:
            """Write the buffer and return its offset, as the schema's own classes do."""
            if data:
                builder.StartVector(1, len(data), ALIGNMENT)
                builder.head = builder.head - len(data)
                builder.Bytes[builder.head : builder.head + len(data)] = data
                held = builder.EndVector()
            schema.BufferStart(builder)
            if data:
                schema.BufferAddData(builder, held)
            return schema.BufferEnd(builder)

    return Aligned()


Plugin = export_int8
