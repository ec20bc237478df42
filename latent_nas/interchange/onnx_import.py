"""Import from ONNX: a float or QDQ model of the operators known here becomes a graph, with its weights beside it.

Images are NCHW; transpositions to and from NHWC are seen through. Rounding (Q and DQ), dropout and a closing softmax
leave no trace, biases are those that the operators have, explicit padding goes into the convolution after it.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from latent_nas.extras import need
from latent_nas.fixed_point import Quant
from latent_nas.graph import Builder, Graph
from latent_nas.interchange import _onnx_external
from latent_nas.interchange.onnx_nodes import layout, readers
from latent_nas.interchange.onnx_nodes.call import Call, Unreadable, Value, Weights
from latent_nas.operators import Shape


@dataclass(frozen=True)
class Traced:
    """The tensor of the file that holds what a node of the graph makes, to compare the two.

    Attributes:
        tensor: its name. what: the file's node that makes it, for messages. nhwc, flat: its layout, as of ``Value``.
    """

    tensor: str
    what: str
    nhwc: bool
    flat: Shape | None


@dataclass(frozen=True)
class Model:
    """What an ONNX file holds.

    Attributes:
        weights: by node of the graph. quants: of the tensors that the file rounds, by node: none in a float file.
        nhwc: images go in with their channels last. traced: the file's tensors, by node.
    """

    graph: Graph
    weights: dict[int, Weights]
    quants: dict[int, Quant]
    nhwc: bool
    traced: dict[int, Traced]


def read(path: Path) -> Graph:
    """Return the graph of an ONNX file.

    Raises:
        ValueError: as ``read_model``.
    """
    return read_model(path).graph


def read_model(path: Path, weights: bool = False) -> Model:
    """Return the graph of an ONNX file, and its weights.

    Args:
        weights: read those too that lie in another file; else they are zeros, which costs can do with.

    Raises:
        ValueError: ONNX is not installed, the file is empty or damaged, its weights can't be read, or it has operators
            (named, all of them) or settings (the first) that are not known here.
    """
    onnx = need("onnx", "onnx")
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load(path, load_external_data=False)
    except FileNotFoundError:
        raise ValueError(f"there is no file {path}") from None
    except OSError as error:
        raise ValueError(f"{path} can't be read: {error.strerror}") from None
    except DecodeError:
        raise ValueError(f"{path} is no ONNX file, or a damaged one") from None
    if not model.graph.node:
        raise ValueError(f"{path} is empty: it holds no ONNX operators; export the model again")
    if not all(isinstance(name, str) for name in _names(model.graph)):
        raise ValueError(f"{path} is damaged: a name in it is not text (UTF-8); export the model again")
    if weights and _onnx_external.tensors(model):
        _onnx_external.load(model, path)
    if len(model.graph.output) != 1:
        raise ValueError(f"{path} has {len(model.graph.output)} outputs; a graph here has one")
    needed = _needed(model.graph)
    unknown = sorted({n.op_type if n.domain in ("", "ai.onnx") else f"{n.domain}.{n.op_type}" for n in needed} - _KNOWN)
    if unknown:
        raise ValueError(
            f"{path} has operators that are not known here: {', '.join(unknown)}; known: {', '.join(sorted(_KNOWN))}"
        )
    try:
        return _Reader(onnx, model.graph, needed, _dims(onnx, model), _opset(model)).read()
    except Unreadable as error:
        raise ValueError(f"{path}: {error}") from None
    except (IndexError, KeyError) as error:  # of a node without an input that ONNX wants, or an unknown type
        raise ValueError(f"{path} is damaged: it lacks what a node or constant wants ({error!r})") from None


PASSES = {"Identity", "Dropout", "QuantizeLinear", "DequantizeLinear", "Cast"}
_KNOWN = {*readers(), *PASSES, "Constant", "Softmax"}


def _names(graph: Any) -> Iterator[Any]:
    """Yield every name of a graph; protobuf gives those that are not UTF-8 as bytes."""
    for node in graph.node:
        yield from (node.op_type, node.domain, node.name, *node.input, *node.output)
        yield from (a.name for a in node.attribute)
    yield from (v.name for v in (*graph.input, *graph.output, *graph.initializer, *graph.value_info))


def _needed(graph: Any) -> list[Any]:
    """Return the nodes that the output depends on, in the order of the file."""
    wanted, kept = {graph.output[0].name}, []
    for node in reversed(graph.node):
        if wanted.intersection(node.output):
            kept.append(node)
            wanted.update(node.input)
    return kept[::-1]


def _opset(model: Any) -> int:
    return max((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), default=1)


def _dims(onnx: Any, model: Any) -> dict[str, tuple[int, ...]]:
    """Return the dimensions of the file's tensors as onnx infers them, 0 for those that are not known.

    Raises:
        Unreadable: they contradict each other.
    """
    try:
        graph = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    except onnx.shape_inference.InferenceError as error:
        raise Unreadable(f"its shapes contradict each other ({' '.join(str(error).split())[:160]})") from None
    tensors = [v for v in (*graph.input, *graph.value_info, *graph.output) if v.type.tensor_type.HasField("shape")]
    return {v.name: tuple(d.dim_value for d in v.type.tensor_type.shape.dim) for v in tensors}


@dataclass
class _Reader:
    onnx: Any
    model: Any
    nodes: list[Any]
    dims: dict[str, tuple[int, ...]]
    opset: int
    held: dict[int, Weights] = field(default_factory=dict)
    quants: dict[int, Quant] = field(default_factory=dict)
    constants: dict[str, np.ndarray] = field(default_factory=dict)
    scales: dict[str, np.ndarray] = field(default_factory=dict)
    traced: dict[int, Traced] = field(default_factory=dict)

    def read(self) -> Model:
        """Return the graph and what its nodes hold.

        Raises:
            Unreadable: what can't be expressed, and at which node.
        """
        numpy = self.onnx.numpy_helper
        constants = self.constants
        constants.update({t.name: self._shaped(t) for t in self.model.initializer})
        inputs = [v for v in self.model.input if v.name not in constants]
        if len(inputs) != 1:
            raise Unreadable(f"it has {len(inputs)} inputs; a graph here has one")
        builder, nhwc = Builder(self._input_shape(inputs[0])), self._is_nhwc(inputs[0].name)
        values = {inputs[0].name: Value(0, nhwc=nhwc)}
        closed = False  # by a softmax
        uses = Counter([*(n for node in self.nodes for n in node.input), self.model.output[0].name])
        for node in self.nodes:
            settings = {a.name: self.onnx.helper.get_attribute_value(a) for a in node.attribute}
            what = f"{node.op_type} {node.name or node.output[0]!r}"
            if node.op_type == "Constant":
                held = settings.get("value")
                given = next((v for k, v in settings.items() if k.startswith("value_")), None)
                constants[node.output[0]] = np.asarray(given) if held is None else numpy.to_array(held)
                continue
            if node.op_type in PASSES and node.input[0] in constants:  # weights, rounded or not
                constants[node.output[0]] = self._rounded(node, settings.get("axis", 1))
                continue
            if node.op_type == "Softmax" and node.output[0] != self._last_name():
                raise Unreadable(f"{what} is not at the end")
            read = [values.get(name) for name in node.input]
            held_constants = [constants.get(name) if name else None for name in node.input]
            scales = [self.scales.get(name) for name in node.input]
            dims = [self.dims.get(name) for name in node.input]
            shared = [uses[name] for name in node.input]
            call = Call(what, builder, read, held_constants, settings, scales, self.held, dims, shared, self.opset)
            if node.op_type in readers():
                try:
                    values[node.output[0]] = readers()[node.op_type](call)
                except Unreadable:
                    raise
                except ValueError as error:  # of shapes
                    raise Unreadable(f"{what}: {error}") from None
            else:
                values[node.output[0]] = layout.softmax(call) if node.op_type == "Softmax" else self._passed(call, node)
                closed = closed or node.op_type == "Softmax"
                if node.op_type == "QuantizeLinear" and not closed:  # else it rounds probabilities, which ours lacks
                    self.quants[call.value(0).node] = self._quant(call)
            result = values[node.output[0]]
            self._agrees(what, self.dims.get(node.output[0]), result, builder.shape(result.node))
            if node.op_type != "QuantizeLinear" and not closed and not any(result.padded):
                self.traced[result.node] = Traced(node.output[0], what, result.nhwc, result.flat)
        last = values.get(self.model.output[0].name)
        if last is None or any(last.padded):
            raise Unreadable("its output is padding, or does not depend on its input")
        return Model(builder.build(), self.held, self.quants, nhwc, self.traced)

    def _passed(self, call: Call, node: Any) -> Value:
        """Return the tensor that a node of ``PASSES`` passes on."""
        if node.op_type == "Cast" and call.setting("to", 0) not in self._floats():
            raise call.refuse("it rounds to integers; only types of floats are known here")
        if node.op_type == "Dropout" and (training := call.optional(2)) is not None and training.any():
            raise call.refuse("training_mode is true; export the model in evaluation mode")
        return call.value(0)

    def _floats(self) -> set[int]:
        kinds = self.onnx.TensorProto
        return {kinds.FLOAT, kinds.FLOAT16, kinds.DOUBLE, kinds.BFLOAT16}

    def _agrees(self, what: str, dims: tuple[int, ...] | None, value: Value, shape: Shape) -> None:
        """Refuse a tensor whose dimensions in the file are not those that it has here."""
        if dims is None or not all(dims[1:]) or any(value.padded):
            return
        if len(shape) == 1:
            same = prod(dims[1:]) == shape[0]
        else:
            same = dims[1:] == (shape if value.nhwc else (shape[2], *shape[:2]))
        if not same:
            raise Unreadable(
                f"{what} makes a tensor {dims[1:]} beside the batch, which is not known here; wanted {shape}"
            )

    def _rounded(self, node: Any, axis: int) -> np.ndarray:
        """Return the constant that a node makes of one: as floats, their scale kept in ``scales``."""
        constant = self.constants[node.input[0]]
        if node.op_type == "Cast":
            to = next(a.i for a in node.attribute if a.name == "to")
            return constant.astype(self.onnx.helper.tensor_dtype_to_np_dtype(to))
        if node.op_type not in ("QuantizeLinear", "DequantizeLinear"):
            return constant
        if any(name and name not in self.constants for name in node.input[1:]):
            raise Unreadable(f"{node.op_type} {node.output[0]!r} wants constants as its scale and zero point")
        scale = self.constants[node.input[1]].astype(float)
        zero = self.constants[node.input[2]] if len(node.input) > 2 and node.input[2] else np.zeros(1, np.uint8)
        channels = constant.shape[axis] if -constant.ndim <= axis < constant.ndim else 1
        if scale.ndim > 1 or scale.size not in (1, channels) or not np.isfinite(scale).all() or scale.min() < 0:
            raise Unreadable(
                f"{node.op_type} {node.output[0]!r} has scales {scale.shape}; wanted finite ones, 1 or {channels}"
            )
        if node.op_type == "QuantizeLinear":
            if zero.dtype not in (np.int8, np.uint8, np.int16, np.uint16, np.int32) or not scale.all():
                raise Unreadable(
                    f"{node.op_type} {node.output[0]!r} rounds to {zero.dtype} by scales from {scale.min()};"
                    " wanted int8 or uint8, and scales above 0"
                )
            each, offset = (self._along(a, constant, axis) for a in (scale, zero.astype(float)))
            limits, steps = np.iinfo(zero.dtype), constant.astype(np.float32) / each.astype(np.float32)
            integers: np.ndarray = np.clip(np.rint(steps) + offset, limits.min, limits.max).astype(zero.dtype)
            return integers
        if not zero.any():
            self.scales[node.output[0]] = scale
        each, offset = (self._along(a, constant, axis) for a in (scale, zero.astype(float)))
        floats: np.ndarray = (constant.astype(float) - offset) * each
        return floats

    @staticmethod
    def _along(values: np.ndarray, constant: np.ndarray, axis: int) -> np.ndarray:
        """Return one value, or those of each channel, as they are broadcast to a constant."""
        around = [-1 if i == axis % max(constant.ndim, 1) else 1 for i in range(constant.ndim)]
        return values.reshape(around) if values.size > 1 else values.reshape(())

    def _quant(self, call: Call) -> Quant:
        """Return how a QuantizeLinear rounds; unsigned integers are moved to signed ones."""
        scale, zero = call.constant(1), call.optional(2)
        if scale.size != 1 or (zero is not None and zero.dtype not in (np.int8, np.uint8)):
            raise call.refuse("only one scale and 8 bits are known here for a tensor between operators")
        unsigned = zero is None or zero.dtype == np.uint8
        return Quant(float(scale.ravel()[0]), int(0 if zero is None else zero.ravel()[0]) - 128 * unsigned)

    def _shaped(self, tensor: Any) -> np.ndarray:
        """Return a constant; of one whose data lie in another file, zeros of its shape."""
        if tensor.data_location == self.onnx.TensorProto.EXTERNAL:
            return np.broadcast_to(np.float32(0), tuple(tensor.dims))
        array: np.ndarray = self.onnx.numpy_helper.to_array(tensor)
        return array

    def _last_name(self) -> str:
        """Return the name of the tensor before nodes at the end that change nothing."""
        name = self.model.output[0].name
        for node in reversed(self.nodes):
            if name in node.output and node.op_type in PASSES:
                name = node.input[0]
        return str(name)

    def _input_shape(self, value: Any) -> Shape:
        dims = [d.dim_value for d in value.type.tensor_type.shape.dim][1:]
        if len(dims) not in (1, 3) or min(dims) < 1:
            raise Unreadable(
                f"its input {value.name!r} has the shape {dims} beside the batch; wanted (channels, height, width) or"
                " (features), all fixed"
            )
        return tuple(dims) if len(dims) == 1 or self._is_nhwc(value.name) else (dims[1], dims[2], dims[0])

    def _is_nhwc(self, name: str) -> bool:
        """Return whether the tensor is made NCHW, or is flattened with one channel, before anything else happens."""
        for node in self.nodes:
            if name in node.input and node.op_type in PASSES:
                name = node.output[0]
            elif name in node.input:
                perm = [list(a.ints) for a in node.attribute if a.name == "perm"]
                if node.op_type in ("Reshape", "Flatten"):  # grey: (height, width, 1), not an image one pixel wide
                    return self.dims.get(name, ())[3:] == (1,)
                return node.op_type == "Transpose" and perm == [[0, 3, 1, 2]]
        return False
