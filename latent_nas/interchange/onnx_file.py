"""An ONNX file as it is opened: checked, its batch 1, cut before the functions that close it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from latent_nas.extras import need
from latent_nas.interchange import _onnx_external, onnx_classifiers
from latent_nas.interchange.onnx_ending import Ending, ending
from latent_nas.interchange.onnx_nodes.call import Unreadable
from latent_nas.interchange.onnx_sizes import as_run

OLDEST = 7  # before, sums and products broadcast by attributes of their own


@dataclass(frozen=True)
class File:
    """What is needed of an ONNX file.

    Attributes:
        onnx: the package. nodes: that the output depends on, in the order of the file. constants: by name.
        input: its name; dims: its shape, the batch 1; batch: as the file fixes it, else 1; dtype: its type.
        ending: the tensor that is read last, and what the file does with it. opset: of the operators of ONNX itself.
        inferred: the dimensions of the file's tensors as onnx infers them, 0 for those that are not known.
        types: of the file's tensors, as onnx infers them.
    """

    onnx: Any
    nodes: tuple[Any, ...]
    constants: dict[str, np.ndarray]
    input: str
    dims: tuple[int, ...]
    batch: int
    dtype: np.dtype[Any]
    ending: Ending
    opset: int
    inferred: dict[str, tuple[int, ...]]
    types: dict[str, np.dtype[Any]]


def key(node: Any) -> str:
    """Return the type of a node, with its domain where that is not ONNX itself."""
    rounds = node.op_type in ("QuantizeLinear", "DequantizeLinear") and node.domain == "com.microsoft"
    return str(node.op_type) if rounds or node.domain in ("", "ai.onnx") else f"{node.domain}.{node.op_type}"


def named(node: Any) -> str:
    """Return a node's type and name, for messages."""
    return f"{node.op_type} {node.name or next(iter(node.output), '')!r}"


def about(path: Path) -> str:
    """Return the file's metadata property of this project's name, "" where it has none.

    Raises:
        ValueError: ONNX is not installed, or the file is empty or damaged.
    """
    return next((str(entry.value) for entry in _loaded(path).metadata_props if entry.key == "latent_nas"), "")


def open_file(path: Path, weights: bool, output: str = "") -> File:
    """Return an ONNX file.

    Args:
        weights: read those too that lie in another file; else they are zeros. output: which of several, by name.

    Raises:
        ValueError: ONNX is not installed, the file is empty or damaged, or its weights can't be read.
        Unreadable: its inputs, outputs or opset are not such as are known here; the message lacks the path.
    """
    onnx, model = need("onnx", "onnx"), _loaded(path)
    if weights and _onnx_external.tensors(model):
        _onnx_external.load(model, path)
    if model.functions:
        model = _written_out(model)
    onnx_classifiers.written_out(onnx, model)
    end = ending(model.graph, output)  # first, as boosted trees come with opset 1
    opset = max((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), default=1)
    if opset < OLDEST:
        raise Unreadable(
            f"its opset is {opset}, wanted {OLDEST} or newer; onnx.version_converter makes another:"
            " convert_version(model, 13)"
        )
    nodes = _needed(model.graph, end.tensor)
    constants = {t.name: _array(onnx, t) for t in model.graph.initializer}
    read = {name for node in nodes for name in node.input} | {end.tensor}
    inputs = [v for v in model.graph.input if v.name not in constants and v.name in read]
    if len(inputs) != 1:
        names = f" ({', '.join(v.name for v in inputs)})" if inputs else ""
        raise Unreadable(f"it has {len(inputs)} inputs{names} that its output depends on; a graph here has one")
    first = inputs[0]
    dims = [d.dim_value for d in first.type.tensor_type.shape.dim]
    if len(dims) not in (2, 3, 4) or min(dims[1:]) < 1:
        raise Unreadable(
            f"its input {first.name!r} has the shape {dims[1:]} beside the batch; wanted (channels, height, width), its"
            " like with the channels last, a series (channels, steps) or (features), all fixed"
        )
    batch = max(1, dims[0])
    dtype = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(first.type.tensor_type.elem_type))
    if dtype.kind not in "fui" or dtype.itemsize > 8 or (dtype.kind in "ui" and dtype.itemsize > 1):
        raise Unreadable(f"its input {first.name!r} is of the type {dtype}; wanted floats, int8 or uint8")
    _batch_of_one(onnx, model, first, batch, constants)
    inferred, types = _inferred(onnx, model)
    return File(onnx, nodes, constants, first.name, (1, *dims[1:]), batch, dtype, end, opset, inferred, types)


def _loaded(path: Path) -> Any:
    onnx = need("onnx", "onnx")
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load(path, load_external_data=False)
    except FileNotFoundError:
        raise ValueError(f"there is no file {path}") from None
    except OSError as error:
        raise ValueError(f"{path} can't be read: {error.strerror}") from None
    except DecodeError:
        raise ValueError(f"{path} is not an ONNX file, or a damaged one") from None
    if not model.graph.node:
        raise ValueError(f"{path} is empty: it holds no ONNX operators; export the model again")
    if not all(isinstance(name, str) for name in _names(model.graph)):
        raise ValueError(f"{path} is damaged: a name in it is not text (UTF-8); export the model again")
    return model


def _written_out(model: Any) -> Any:
    """Return a model with the nodes of its own functions in their place; a function may be of another opset."""
    from onnx.inliner import inline_local_functions
    from onnx.shape_inference import infer_shapes

    plain = inline_local_functions(model)
    if not {(f.domain, f.name) for f in model.functions}.intersection((n.domain, n.op_type) for n in plain.graph.node):
        return plain
    try:
        return inline_local_functions(infer_shapes(model), convert_version=True)
    except Exception as error:  # noqa: BLE001  onnx's converter raises RuntimeError, and others
        reason = " ".join(str(error).split())[:160]
        raise Unreadable(f"its functions can't be brought to its opset ({reason}); export it without") from None


def _names(graph: Any) -> Iterator[Any]:
    """Yield every name of a graph; protobuf gives those that are not UTF-8 as bytes."""
    for node in graph.node:
        yield from (node.op_type, node.domain, node.name, *node.input, *node.output)
        yield from (a.name for a in node.attribute)
    yield from (v.name for v in (*graph.input, *graph.output, *graph.initializer, *graph.value_info))


def _needed(graph: Any, tensor: str) -> tuple[Any, ...]:
    """Return the nodes that a tensor depends on, in the order of the file."""
    wanted, kept = {tensor}, []
    for node in reversed(graph.node):
        if wanted.intersection(node.output):
            kept.append(node)
            wanted.update(node.input)
    return tuple(kept[::-1])


def _array(onnx: Any, tensor: Any) -> np.ndarray:
    """Return a constant; of one whose data lie in another file, zeros of its shape."""
    if tensor.data_location == onnx.TensorProto.EXTERNAL:
        return np.broadcast_to(np.float32(0), tuple(tensor.dims))
    array: np.ndarray = onnx.numpy_helper.to_array(tensor)
    return array


def _batch_of_one(onnx: Any, model: Any, first: Any, batch: int, constants: dict[str, np.ndarray]) -> None:
    """Give the input a batch of one, shapes that name another batch too, and forget what shapes the file noted."""
    first.type.tensor_type.shape.dim[0].dim_value = 1
    del model.graph.value_info[:]
    for output in model.graph.output:
        output.type.tensor_type.ClearField("shape")
    if batch == 1:
        return
    shapes = {node.input[1] for node in model.graph.node if node.op_type == "Reshape" and len(node.input) > 1}
    for tensor in model.graph.initializer:
        if tensor.name in shapes and constants[tensor.name].ravel()[:1].tolist() == [batch]:
            shape = constants[tensor.name].copy()
            shape[0] = 1
            constants[tensor.name] = shape
            tensor.CopyFrom(onnx.numpy_helper.from_array(shape, tensor.name))
    for value in (a.t for n in model.graph.node if shapes & set(n.output) for a in n.attribute if a.name == "value"):
        shape = np.array(onnx.numpy_helper.to_array(value))
        if shape.ndim == 1 and shape[:1].tolist() == [batch]:
            shape[0] = 1
            value.CopyFrom(onnx.numpy_helper.from_array(shape, value.name))


def _inferred(onnx: Any, model: Any) -> tuple[dict[str, tuple[int, ...]], dict[str, np.dtype[Any]]]:
    """Return the dimensions and the types of a file's tensors, as far as they are known."""
    try:
        graph = onnx.shape_inference.infer_shapes(as_run(onnx, model)).graph
    except onnx.shape_inference.InferenceError as error:
        raise Unreadable(f"its shapes contradict each other ({' '.join(str(error).split())[:160]})") from None
    tensors = {v.name: v.type.tensor_type for v in (*graph.input, *graph.value_info, *graph.output)}
    known = onnx.helper.get_all_tensor_dtypes()
    types = {
        n: np.dtype(onnx.helper.tensor_dtype_to_np_dtype(t.elem_type))
        for n, t in tensors.items()
        if t.elem_type in known
    }
    shaped = {name: t for name, t in tensors.items() if t.HasField("shape")}
    return {name: tuple(d.dim_value for d in t.shape.dim) for name, t in shaped.items()}, types
