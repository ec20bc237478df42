"""Float networks as layers, and what a converter makes of them: a float .tflite file, and an int8 one.

The ranges of an int8 file are those that the interpreter finds when it runs the float file, so that no scale is ours.
"""

from dataclasses import dataclass, field

import numpy as np
from tflite_files import Fields, Model

Dims = tuple[int, ...]
KEEPS = {"RESHAPE", "SQUEEZE", "EXPAND_DIMS", "PAD", "PADV2", "AVERAGE_POOL_2D", "MAX_POOL_2D", "TRANSPOSE", "SLICE"}
KEEPS |= {
    "RESIZE_NEAREST_NEIGHBOR",
    "RESIZE_BILINEAR",
    "REDUCE_MAX",
    "STRIDED_SLICE",
    "TILE",
    "GATHER",
    "SPACE_TO_BATCH_ND",
    "BATCH_TO_SPACE_ND",
}  # their outputs have the scale of their input
FIXED = {"SOFTMAX": (1 / 256, -128), "LOGISTIC": (1 / 256, -128), "TANH": (1 / 128, 0), "LOG_SOFTMAX": (16 / 256, 127)}
WEIGHTED = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 0, "TRANSPOSE_CONV": 0}  # the axis of the filters


@dataclass
class Layer:
    """An operator: which layers it reads, the dimensions that it makes, its options and constants.

    ``weight``, ``bias``: of a weighted one. ``constants``: (position among the inputs, integers). ``number``: a real
    constant that is the second input. ``spared``: no tensor that the interpreter could be compared by.
    """

    code: str
    inputs: list[int]
    dims: Dims
    options: tuple[int, Fields] | None = None
    weight: np.ndarray | None = None
    bias: np.ndarray | None = None
    constants: list[tuple[int, np.ndarray]] = field(default_factory=list)
    number: np.ndarray | None = None


def float_file(layers: list[Layer], every: bool = False) -> bytes:
    """Return the float file of layers, of which the first is the input; ``every``: all tensors are outputs."""
    model = Model()
    made = [model.tensor(layers[0].dims, "FLOAT32")]
    for layer in layers[1:]:
        inputs = [made[i] for i in layer.inputs]
        for weight in (layer.weight, layer.bias):
            if weight is not None:
                inputs.append(model.tensor(weight.shape, "FLOAT32", data=weight))
        inputs = _with_constants(model, layer, inputs, "FLOAT32")
        made.append(model.op(layer.code, inputs, model.tensor(layer.dims, "FLOAT32"), layer.options))
    from tflite_files import packed

    return packed(model.root(made[:1], made if every else made[-1:]))


def _with_constants(model: Model, layer: Layer, inputs: list[int], kind: str) -> list[int]:
    if layer.code == "TRANSPOSE_CONV":
        inputs = [inputs[1], inputs[0], *inputs[2:]]
    for position, value in layer.constants:
        inputs.insert(position, model.tensor(value.shape, "INT32", data=value))
    if layer.number is not None:
        scale, zero = scale_of(layer.number.min(), layer.number.max())
        if kind == "FLOAT32":
            held = model.tensor(layer.number.shape, kind, data=layer.number)
        else:
            steps = np.clip(np.rint(layer.number / scale) + zero, -128, 127) + 128 * (kind == "UINT8")
            held = model.tensor(layer.number.shape, kind, scale, zero + 128 * (kind == "UINT8"), steps)
        inputs.append(held)
    return inputs


def scale_of(low: float, high: float) -> tuple[float, int]:
    """Return the scale and zero point (int8) of reals between two numbers."""
    low, high = min(float(low), 0.0), max(float(high), 0.0)
    scale = float(np.float32((high - low or 1.0) / 255))
    return scale, int(np.clip(round(-128 - low / scale), -128, 127))


def ranges(layers: list[Layer], x: np.ndarray) -> list[tuple[float, float]]:
    """Return the smallest and largest element of every layer's tensor, as the interpreter runs the float file."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=float_file(layers, every=True), num_threads=1)
    interpreter.allocate_tensors()
    numbers = [d["index"] for d in interpreter.get_output_details()]
    found = []
    for row in x:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], row[None].astype(np.float32))
        interpreter.invoke()
        found.append([(t.min(), t.max()) for t in map(interpreter.get_tensor, numbers)])
    low, high = np.array(found).transpose(2, 1, 0)
    return list(zip(low.min(axis=1), high.max(axis=1), strict=True))


def int8_file(layers: list[Layer], x: np.ndarray, ends: str = "INT8", per_tensor: bool = False) -> bytes:
    """Return the int8 file of layers, calibrated with inputs x (n, *dims); ``ends``: the type of input and output."""
    model, seen = Model(), ranges(layers, x)
    quants = [scale_of(*seen[0])]
    made = [model.tensor(layers[0].dims, "INT8", *quants[0])]
    first = made[0]
    if ends != "INT8":
        first = model.tensor(layers[0].dims, ends, *((quants[0][0], quants[0][1] + 128) if ends == "UINT8" else ()))
        model.op("QUANTIZE", [first], made[0], (89, {}))
    for i, layer in enumerate(layers[1:], 1):
        quant = FIXED.get(layer.code) or (quants[layer.inputs[0]] if layer.code in KEEPS else scale_of(*seen[i]))
        quants.append(quant)
        inputs = [made[j] for j in layer.inputs]
        if layer.code in ("CONCATENATION", "MAXIMUM", "MINIMUM"):  # whose kernels want one scale
            inputs = [
                t
                if quants[j] == quant
                else model.op("QUANTIZE", [t], model.tensor(layers[j].dims, "INT8", *quant), (89, {}))
                for t, j in zip(inputs, layer.inputs, strict=True)
            ]
        if layer.weight is not None:
            inputs += _integers(model, layer, quants[layer.inputs[0]][0], per_tensor)
        inputs = _with_constants(model, layer, inputs, "INT8")
        made.append(model.op(layer.code, inputs, model.tensor(layer.dims, "INT8", *quant), layer.options))
    last = made[-1]
    if ends == "UINT8":
        whole = model.tensor(layers[-1].dims, ends, quants[-1][0], quants[-1][1] + 128)
        last = model.op("QUANTIZE", [last], whole, (89, {}))
    elif ends == "FLOAT32":
        last = model.op("DEQUANTIZE", [last], model.tensor(layers[-1].dims, ends), (38, {}))
    return model.file(first, last)


def _integers(model: Model, layer: Layer, x_scale: float, per_tensor: bool) -> list[int]:
    """Return weights and biases as int8 and int32 tensors."""
    assert layer.weight is not None
    axis = WEIGHTED[layer.code]
    others = tuple(a for a in range(layer.weight.ndim) if a != axis)
    most = np.abs(layer.weight).max() if per_tensor else np.abs(layer.weight).max(axis=others)
    scales = np.float32(np.maximum(most, 1e-6) / 127)
    around = [-1 if a == axis and not per_tensor else 1 for a in range(layer.weight.ndim)]
    steps = np.rint(layer.weight / scales.reshape(around)).clip(-127, 127)
    weight = model.tensor(layer.weight.shape, "INT8", scales, 0, steps, axis)
    if layer.bias is None:
        return [weight]
    bias_scales = np.float32(x_scale) * scales
    bias = model.tensor(layer.bias.shape, "INT32", bias_scales, 0, np.rint(layer.bias / bias_scales))
    return [weight, bias]
