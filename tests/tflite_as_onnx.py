"""An int8 .tflite file as tf2onnx writes it: QDQ, images channels last, transpositions around what ONNX wants first.

Every operator stands between DequantizeLinear and QuantizeLinear, weights and biases are integers behind a
DequantizeLinear, a transposition goes to NCHW before a convolution or pooling and back after it.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tflite_files import RELU, RELU6, SAME
from tflite_graphs import FIXED, KEEPS, Layer, ranges, scale_of

TO_FIRST, TO_LAST = [0, 3, 1, 2], [0, 2, 3, 1]
SLID = {"CONV_2D", "DEPTHWISE_CONV_2D", "AVERAGE_POOL_2D"}


class Writer:
    """Nodes and constants in the making."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, value: np.ndarray) -> str:
        """Add a constant; return its name."""
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def node(self, kind: str, *inputs: str, **attributes) -> str:
        """Add a node; return its output."""
        name = f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name, **attributes))
        return name

    def rounded(self, x: str, scale: float, zero: int) -> str:
        """Add a QuantizeLinear and a DequantizeLinear."""
        held = self.constant(np.float32(scale)), self.constant(np.int8(zero))
        return self.node("DequantizeLinear", self.node("QuantizeLinear", x, *held), *held)

    def integers(self, value: np.ndarray, scales: np.ndarray, axis: int) -> str:
        """Add constant integers, one scale for each index of an axis, as reals."""
        held = self.constant(scales.astype(np.float32)), self.constant(np.zeros(len(scales), value.dtype))
        return self.node("DequantizeLinear", self.constant(value), *held, axis=axis)


def write(path: Path, layers: list[Layer], x: np.ndarray, per_tensor: bool = False) -> Path:
    """Write the file of layers calibrated with inputs x (n, *dims), and return its path."""
    w, seen, shape = Writer(), ranges(layers, x), layers[0].dims
    quants = [scale_of(*seen[0])]
    made = [w.rounded("input", *quants[0])]
    for i, layer in enumerate(layers[1:], 1):
        quant = FIXED.get(layer.code) or (quants[layer.inputs[0]] if layer.code in KEEPS else scale_of(*seen[i]))
        quants.append(quant)
        y = _operator(w, layer, layers, [made[j] for j in layer.inputs], quants[layer.inputs[0]][0], per_tensor)
        made.append(w.rounded(y, *quant))
    w.nodes.append(helper.make_node("Identity", [made[-1]], ["output"]))
    graph = helper.make_graph(
        w.nodes,
        "tf2onnx",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["unk__1", *shape[1:]])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["unk__2", *layers[-1].dims[1:]])],
        w.constants,
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


def _operator(w: Writer, layer: Layer, layers: list[Layer], inputs: list[str], x_scale: float, per_tensor: bool) -> str:
    before, code, options = layers[layer.inputs[0]].dims, layer.code, layer.options[1] if layer.options else {}
    if layer.weight is not None:
        inputs = [inputs[0], *_weights(w, layer, x_scale, per_tensor)]
    activation = {"CONV_2D": 3, "DEPTHWISE_CONV_2D": 4, "FULLY_CONNECTED": 0, "ADD": 0}.get(code)
    if code in SLID:
        slid = _window(layer, before, options)
        first = w.node("Transpose", inputs[0], perm=TO_FIRST)
        kind = "AveragePool" if code == "AVERAGE_POOL_2D" else "Conv"
        y = w.node(kind, first, *inputs[1:], **slid)
        y = _activated(w, y, options.get(activation, (0, 0))[1] if activation is not None else 0)
        return w.node("Transpose", y, perm=TO_LAST)
    if code == "FULLY_CONNECTED":
        y = w.node("Add", w.node("MatMul", inputs[0], w.node("Transpose", inputs[1], perm=[1, 0])), inputs[2])
        return _activated(w, y, options.get(0, (0, 0))[1])
    if code == "ADD":
        return _activated(w, w.node("Add", *inputs), options.get(0, (0, 0))[1])
    if code == "PAD":
        return w.node("Pad", inputs[0], w.constant(layer.constants[0][1].T.ravel().astype(np.int64)))
    if code == "MEAN":
        return w.node("ReduceMean", inputs[0], axes=[1, 2], keepdims=0)
    if code == "RESHAPE":
        return w.node("Reshape", inputs[0], w.constant(layer.constants[0][1].astype(np.int64)))
    assert code == "SOFTMAX"
    return w.node("Softmax", inputs[0], axis=-1)


def _activated(w: Writer, y: str, activation: int) -> str:
    if activation == RELU6:
        return w.node("Clip", y, w.constant(np.float32(0)), w.constant(np.float32(6)))
    return w.node("Relu", y) if activation == RELU else y


def _window(layer: Layer, before: tuple[int, ...], options: dict) -> dict:
    """Return the attributes of a sliding window, padding as numbers."""
    depthwise = layer.code == "DEPTHWISE_CONV_2D"
    kernel = layer.weight.shape[1:3] if layer.weight is not None else (options[4][1], options[3][1])
    stride = (options[2][1], options[1][1])
    missing = [
        max((-(-n // s) - 1) * s + k - n, 0) if options[0][1] == SAME else 0
        for n, k, s in zip(before[1:3], kernel, stride, strict=True)
    ]
    first = [m // 2 for m in missing]
    pads = [*first, *(m - f for m, f in zip(missing, first, strict=True))]
    return {"kernel_shape": list(kernel), "strides": list(stride), "pads": pads} | (
        {"group": before[3]} if depthwise else {}
    )


def _weights(w: Writer, layer: Layer, x_scale: float, per_tensor: bool) -> list[str]:
    assert layer.weight is not None
    assert layer.bias is not None
    weight = layer.weight.transpose(3, 1, 2, 0) if layer.code == "DEPTHWISE_CONV_2D" else layer.weight
    most = np.abs(weight).reshape(len(weight), -1).max(axis=1)
    most = np.full(len(weight), most.max()) if per_tensor else most
    scales = np.float32(np.maximum(most, 1e-6) / 127)
    integers = np.rint(weight / scales.reshape(-1, *[1] * (weight.ndim - 1))).clip(-127, 127).astype(np.int8)
    bias_scales = np.float32(x_scale) * scales
    bias = np.rint(layer.bias / bias_scales).astype(np.int32)
    integers = integers.transpose(0, 3, 1, 2) if weight.ndim == 4 else integers
    return [w.integers(np.ascontiguousarray(integers), scales, 0), w.integers(bias, bias_scales, 0)]
