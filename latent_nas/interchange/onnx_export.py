"""Export to ONNX: the float network with its weights, and the int8 network as QDQ.

The input is called "input": float images (n, channels, height, width) or vectors (n, features); the output "output" is
float (n, outputs). Dense layers after a flatten read the order of NHWC, so a transposition stands before it.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from latent_nas import artifacts
from latent_nas.extras import need
from latent_nas.fixed_point import Quant
from latent_nas.graph import Graph, Node
from latent_nas.graph.deploy import deploy
from latent_nas.interchange._onnx_operators import ordered, spell
from latent_nas.operators import Shape

if TYPE_CHECKING:
    from latent_nas.training.network import Network
    from latent_nas.training.quantise import QuantisedNetwork

OPSET = 14  # the first with HardSwish; Q and DQ per axis are of 13


def export_float(graph: Graph, model: "Network", path: Path) -> None:
    """Write the float network of a graph in its deployed form (batch norm folded) to an ONNX file.

    Raises:
        ValueError: ONNX is not installed, or an operator has no form in it.
    """
    from latent_nas.training.quantise import folded

    writer, deployment = _Writer(), deploy(graph)
    for node, sources in zip(deployment.graph.nodes, deployment.sources, strict=True):
        shapes = deployment.graph.shapes_into(node)
        names = [writer.tensors[i] for i in node.inputs]
        if node.operator.weight_shapes(*shapes):
            weights = folded(graph, model, sources)
            weight, _ = ordered(node.operator, shapes, weights["weight"])
            names.append(writer.constant(f"{node.id}.weight", np.ascontiguousarray(weight, np.float32)))
            if "bias" in node.operator.weight_shapes(*shapes):
                names.append(writer.constant(f"{node.id}.bias", weights["bias"].astype(np.float32)))
        writer.node(node, shapes, names)
    writer.save(deployment.graph, path)


def export_int8(network: "QuantisedNetwork", path: Path, about: str = "") -> str:
    """Write an int8 network to an ONNX file as QDQ, with the integers that the device holds; return what it takes.

    Args:
        about: what travels with it, as JSON; it becomes the file's metadata property "latent_nas".

    Raises:
        ValueError: ONNX is not installed, or an operator has no form in it.
    """
    writer, graph = _Writer(), network.graph
    for node in graph.nodes:
        shapes, constants = graph.shapes_into(node), network.constants[node.id]
        names = [writer.tensors[i] for i in node.inputs]
        if node.operator.weight_shapes(*shapes):
            x, y = network.quants[node.inputs[0]], network.quants[node.id]
            factors = constants["multiplier"] / 2.0 ** constants["shift"]  # = weight scale * x.scale / y.scale
            scale = np.maximum(factors * y.scale / x.scale, np.finfo(np.float32).tiny)
            weight, axis = ordered(node.operator, shapes, constants["weight"])
            names.append(writer.integers(f"{node.id}.weight", np.ascontiguousarray(weight), scale, axis))
            if "bias" in constants:
                names.append(writer.integers(f"{node.id}.bias", constants["bias"].astype(np.int32), scale * x.scale))
        writer.node(node, shapes, names, network.quants[node.id])
    writer.save(graph, path, about)
    first = ", channels first" * (len(graph.input_shape) == 3)
    return f"float input {' x '.join(map(str, _dims(graph.input_shape)))}{first}"


def _dims(shape: Shape) -> list[Any]:
    return ["n", shape[2], shape[0], shape[1]] if len(shape) == 3 else ["n", *shape]


class _Writer:
    """Gathers the nodes and constants of one ONNX model; ``tensors``: the name of every graph node's tensor."""

    def __init__(self) -> None:
        self.onnx = need("onnx", "onnx")
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.tensors: list[str] = []

    def constant(self, name: str, value: np.ndarray) -> str:
        self.constants.append(self.onnx.numpy_helper.from_array(value, name))
        return name

    def op(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.nodes.append(self.onnx.helper.make_node(kind, inputs, [output], output, **attributes))
        return output

    def integers(self, name: str, value: np.ndarray, scale: np.ndarray, axis: int = 0) -> str:
        """Add a constant tensor of integers, one scale per filter (along ``axis``), and what makes floats of it."""
        zero = self.constant(f"{name}.zero_point", np.zeros(len(scale), value.dtype))
        scales = self.constant(f"{name}.scale", scale.astype(np.float32))
        held = self.constant(f"{name}.integers", value)
        return self.op("DequantizeLinear", [held, scales, zero], name, axis=axis)

    def node(self, node: Node, shapes: tuple[Shape, ...], inputs: list[str], quant: Quant | None = None) -> None:
        """Add a graph node: its ONNX operators, and the rounding to its int8 tensor."""
        tensors = list(inputs) if node.id else ["input"]
        for position, step in enumerate(spell(node.operator, shapes) if node.id else []):
            if step.reads is None:
                read = list(inputs) if position == 0 else tensors[-1:]
            else:
                read = [tensors[i] for i in step.reads]
            for i, value in enumerate(step.constants):
                array = np.array(value, np.float32) if isinstance(value, float) else value
                read.append("" if array is None else self.constant(f"{node.id}.{position}.constant{i}", array))
            name = f"{node.id}.{node.operator.kind}" + (f".{position}" if position else "")
            tensors.append(self.op(step.type, read, name, **step.attributes))
        last = tensors[-1]
        if quant:
            scale = self.constant(f"{node.id}.scale", np.array(quant.scale, np.float32))
            zero = self.constant(f"{node.id}.zero_point", np.array(quant.zero_point, np.int8))
            q = self.op("QuantizeLinear", [last, scale, zero], f"{node.id}.int8")
            last = self.op("DequantizeLinear", [q, scale, zero], f"{node.id}.float")
        self.tensors.append(last)

    def save(self, graph: Graph, path: Path, about: str = "") -> None:
        """Name the output, check the model by ONNX's own checker and write it."""
        helper, kind = self.onnx.helper, self.onnx.TensorProto.FLOAT
        self.op("Identity", [self.tensors[-1]], "output")
        model = helper.make_model(
            helper.make_graph(
                self.nodes,
                "latent_nas",
                [helper.make_tensor_value_info("input", kind, _dims(graph.input_shape))],
                [helper.make_tensor_value_info("output", kind, _dims(graph.output_shape))],
                self.constants,
            ),
            producer_name="latent_nas",
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=8,
        )
        if about:
            helper.set_model_props(model, {"latent_nas": about})
        self.onnx.checker.check_model(model)
        artifacts.write(path, model.SerializeToString())


Plugin = export_int8
