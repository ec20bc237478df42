"""How reals become int8 and back, and the functions that close a network, which the graph goes without."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from latent_nas.fixed_point import Quant
from latent_nas.interchange.tflite_nodes import Reader
from latent_nas.interchange.tflite_nodes.activations import function
from latent_nas.interchange.tflite_nodes.call import Call
from latent_nas.interchange.tflite_nodes.draft import Value

DEQUANTIZE = "DEQUANTIZE"


def _quantize(call: Call) -> Value | np.ndarray:
    quant = call.quant()
    if (constant := call.constants[0]) is not None:
        if constant.dtype.kind != "f" or call.output.kind != "INT8":
            raise call.refuse(f"a constant of {call.tensor(0).kind} becomes {call.output.kind}; wanted floats to int8")
        steps = np.rint(constant.astype(np.float32) / np.float32(quant.scale)) + quant.zero_point
        return steps.clip(-128, 127).astype(np.int8)
    x = call.value(closed=True, moved=True)
    if x.closed or x.quant == quant:
        return replace(x, dims=call.output.dims)
    if x.node == 0 and call.readers[0] == 1:
        return entered(call, x, quant)
    if x.quant is None:
        raise call.refuse("it rounds floats between operators; wanted int8 from the input on")
    if call.closing:
        return _closed(call, x)
    return function(call, call.value(), "x")


def entered(call: Call, x: Value, quant: Quant) -> Value:
    """Return the network's input, rounded so from now on."""
    call.draft.quants[0] = quant
    if x.order is None:
        call.draft.traced[0] = (call.operation.outputs[0], call.operation.what)
    if x.quant is not None:
        call.draft.notes.append(
            f"its {call.operation.what} is left out: the input is taken with the scale {quant.scale:.6g} and the zero"
            f" point {quant.zero_point} that it makes, not {x.quant.scale:.6g} and {x.quant.zero_point}"
        )
    return replace(x, quant=quant, dims=call.output.dims)


def _dequantize(call: Call) -> Value | np.ndarray:
    tensor = call.tensor(0)
    if (constant := call.constants[0]) is not None:
        if constant.dtype.kind == "f":
            return constant.astype(np.float32)
        around = [1] * constant.ndim
        if tensor.scales.size > 1 and 0 <= tensor.axis < constant.ndim:
            around[tensor.axis] = -1
        count = constant.shape[tensor.axis] if -1 in around else 1
        if tensor.scales.size != count or tensor.zeros.size not in (0, 1, count):
            raise call.refuse(f"a constant {constant.shape} with {tensor.scales.size} scales")
        zeros = (
            tensor.zeros if tensor.zeros.size == count else np.resize(tensor.zeros if tensor.zeros.size else 0, count)
        )
        return (constant.astype(float) - zeros.reshape(around)) * tensor.scales.reshape(around)
    x = call.value(closed=True, moved=True)
    return replace(x, dims=call.output.dims, closed=x.closed or DEQUANTIZE)


def _closed(call: Call, x: Value) -> Value:
    """Return the tensor itself, behind a function that the graph goes without."""
    before = "" if x.closed in ("", DEQUANTIZE) else f"{x.closed}, "
    return replace(x, dims=call.output.dims, closed=f"{before}{call.operation.code}")


def _closing(classes: bool) -> Callable[[Call], Value]:
    """Return the reader of a closing function; ``classes``: it looks at the last axis, which must be the classes'."""

    def read(call: Call) -> Value:
        if call.operation.code == "LOGISTIC" and not call.closing:
            return function(call, call.value(), "sigmoid(x)")
        x = call.value(closed=True)
        if classes and (not x.dims or x.dims[-1] != call.shape()[-1]):
            raise call.refuse(f"the last axis of a tensor {x.dims} is not that of the classes")
        if call.operation.code == "SOFTMAX" and not call.options["beta"] > 0:
            raise call.refuse(f"beta is {call.options['beta']}; wanted more than 0")
        if call.operation.code == "ARG_MAX" and call.constant(1).ravel().tolist() not in ([-1], [len(x.dims) - 1]):
            raise call.refuse(f"axis {call.constant(1).ravel().tolist()} is not that of the classes")
        return _closed(call, x)

    return read


READERS = {
    "QUANTIZE": Reader(_quantize, 89),
    "DEQUANTIZE": Reader(_dequantize, 38),
    "SOFTMAX": Reader(_closing(classes=True), 9, {"beta": (0, "f", 0.0)}),
    "LOG_SOFTMAX": Reader(_closing(classes=True), 36),
    "LOGISTIC": Reader(_closing(classes=False)),
    "ARG_MAX": Reader(_closing(classes=True), 40, {"output_type": (0, "b", 0)}),
}
