"""Convolutions, dense layers, pooling and concatenation."""

from dataclasses import replace
from math import prod

import numpy as np

from latent_nas.interchange.onnx_view import memory
from latent_nas.interchange.tflite_nodes import Field, Reader, dilated
from latent_nas.interchange.tflite_nodes.call import Call
from latent_nas.interchange.tflite_nodes.draft import Held, Value
from latent_nas.interchange.tflite_nodes.weighted import bias as bias_of
from latent_nas.interchange.tflite_nodes.weighted import weighted, weights
from latent_nas.operators.avg_pool import AvgPool
from latent_nas.operators.concat import Concat
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.dense import Dense
from latent_nas.operators.max_pool import MaxPool
from latent_nas.operators.relu import Relu
from latent_nas.operators.relu6 import Relu6
from latent_nas.operators.window import Padding, Pair, pads

SAME, VALID = 0, 1
BIASES = (0, 2)  # the type of an int8 layer's bias: not given, int32
Rim = tuple[int, int, int, int]


def _turned(pair: Pair, turned: bool) -> Pair:
    return (pair[1], pair[0]) if turned else pair


def padding(call: Call, size: Pair, kernel: Pair, stride: Pair, before: Rim) -> Padding:
    """Return the padding of a window over a tensor (height, width) with a rim, by name where one is meant."""
    code = call.option("padding")
    if code not in (SAME, VALID):
        raise call.refuse(f"padding {code} is not known here, but SAME (0) and VALID (1)")
    height, width = size[0] + before[0] + before[1], size[1] + before[2] + before[3]
    own = pads(height, width, kernel, stride, "same" if code == SAME else "valid")
    given = tuple(a + b for a, b in zip(own, before, strict=True))
    for name in ("same", "valid"):
        if given == pads(size[0], size[1], kernel, stride, name):
            return name
    return given[0], given[1], given[2], given[3]


def window(call: Call, x: Value, kernel: Pair, turned: bool) -> tuple[Pair, Padding]:
    """Return stride and padding of a sliding window, as they are in the graph; so is ``kernel``."""
    stride = (call.option("stride_h"), call.option("stride_w"))
    if min(*kernel, *stride) < 1:
        raise call.refuse(f"a window {kernel} with stride {stride}; wanted at least 1")
    shape, stride = call.shape(), _turned(stride, turned)
    return stride, padding(call, (shape[0], shape[1]), kernel, stride, x.pads)


def _zero_filled(call: Call, x: Value) -> None:
    """Refuse a rim that is not of zeros, which a convolution puts around its input."""
    if any(x.pads) and x.fill != (x.quant.zero_point if x.quant else 0):
        raise call.refuse(f"the padding before it is of {x.fill}; wanted zeros")


def _convolution(call: Call, depthwise: bool) -> Value:
    x, held = call.value(0, padded=True), weights(call, 1, 3 if depthwise else 0)
    if held.values.ndim != 4 or len(x.dims) != 4:
        raise call.refuse(f"weights {held.values.shape} over a tensor {x.dims}; wanted four dimensions each")
    weight, channels = held.values, x.dims[3]
    if depthwise:
        if weight.shape[0] != 1 or call.option("multiplier") not in (0, weight.shape[3] / channels):
            raise call.refuse(
                f"weights {weight.shape}, depth_multiplier {call.option('multiplier')} of {channels} channels"
            )
        weight = weight.transpose(3, 1, 2, 0)
    filters, height, width, each = weight.shape
    groups = channels if depthwise else channels // max(each, 1)
    if not depthwise and groups * each != channels:
        raise call.refuse(f"weights {weight.shape} over {channels} channels")
    if call.options.get("bias_type", 0) not in BIASES:
        raise call.refuse("its bias is of a type that is not known here, but int32")
    _zero_filled(call, x)
    scales = None if held.scales is None or x.quant is None else held.scales * x.quant.scale
    bias = bias_of(call, 2, filters, scales)
    pixel = (height, width) == (1, 1) and groups == 1 and min(call.option("stride_h"), call.option("stride_w")) > 0
    if len(call.shape()) == 1 and x.dims[1:3] == (1, 1) and pixel:  # after global pooling
        return weighted(call, Dense(filters), x, Held(weight[:, 0, 0, :], held.scales), bias)
    given = (call.option("dilation_h"), call.option("dilation_w"))
    apart = x.apart if x.apart != (1, 1) else given
    if x.apart != (1, 1) and (given != (1, 1) or call.option("padding") != VALID):
        raise call.refuse("a dilation or padding of its own between SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND")
    turned = dilated.turned(call) if x.apart != (1, 1) else call.image()
    x = call.value(0, padded=True)
    kernel, apart = _turned((height, width), turned), _turned(apart, turned and x.apart == (1, 1))
    weight = weight.transpose(0, 2, 1, 3) if turned else weight
    whole = dilated.reach(call, kernel, apart)
    stride, around = window(call, x, whole, turned)
    if whole == kernel and x.apart == (1, 1):
        return weighted(call, Conv2d(filters, kernel, stride, around, groups), x, Held(weight, held.scales), bias)
    operator = Conv2d(filters, kernel, stride, around, groups)
    return dilated.convolution(call, operator, x, Held(weight, held.scales), bias, apart)


def _dense(call: Call) -> Value:
    x, held = call.value(moved=True), weights(call, 1, 0)
    if held.values.ndim != 2:
        raise call.refuse(f"weights {held.values.shape}; wanted two dimensions")
    if x.order is not None:  # its weights are put in the order of memory, where it reads every element once
        places = x.order.ravel()
        every = np.array_equal(np.sort(places), memory((prod(call.draft.builder.shape(x.node)),)))
        if every and places.size == held.values.shape[1]:
            x, held = replace(x, order=None), replace(held, values=held.values[:, np.argsort(places)])
        else:
            x = call.value()
    if call.option("format") or call.options["quant_spec"] or call.option("bias_type") not in BIASES:
        raise call.refuse("its weights are in an order of their own (weights_format, quant_spec); not known here")
    units, features = held.values.shape
    size = prod(x.dims)
    every = x.dims[-1:] == (features,) == call.draft.builder.shape(x.node)[-1:]
    if size != features and not every:
        raise call.refuse(f"{features} features over a tensor {x.dims}; only one vector at once is known here")
    if call.option("keep_dims") and x.dims[-1] != features:
        raise call.refuse(f"keep_num_dims with {features} features over a tensor {x.dims}")
    scales = None if held.scales is None or x.quant is None else held.scales * x.quant.scale
    bias = bias_of(call, 2, units, scales)
    if size != features:  # a layer of every step; the file may not know how many there are
        call = replace(call, output=replace(call.output, dims=(*x.dims[:-1], units)))
        operator = Conv2d(units, (1, 1), (1, 1), "valid")
        return weighted(call, operator, x, Held(held.values[:, None, None], held.scales), bias)
    return weighted(call, Dense(units), call.flattened(x), held, bias)


def _largest(call: Call) -> Value:
    x = call.value(0, padded=True)
    lowest = x.fill == -128 if x.quant else x.fill <= -3.4e38
    positive = not x.quant and x.fill == 0 and isinstance(call.draft.operators[x.node], (Relu, Relu6))
    inside = call.option("padding") == VALID and max(x.pads) < min(call.option("height"), call.option("width"))
    if any(x.pads) and not (inside and (lowest or positive)):  # a window of the rim alone is not its lowest value
        call.value(0)  # with its rim around it
    return _pool(call, MaxPool)


def _mean(call: Call) -> Value:
    call.value(0)  # with its rim around it, which counts
    return _pool(call, AvgPool)


def _pool(call: Call, kind: type[AvgPool | MaxPool]) -> Value:
    turned = call.image()
    x = call.value(0, padded=True)
    kernel = _turned((call.option("height"), call.option("width")), turned)
    stride, around = window(call, x, kernel, turned)
    return call.add(kind(kernel, stride, around), x, activation=call.activation())


def _concatenation(call: Call) -> Value:
    values = [call.value(i) for i in range(len(call.tensors))]
    rank, axis = len(values[0].dims), call.option("axis")
    if any(len(v.dims) != rank for v in values) or axis % max(rank, 1) != rank - 1 or not -rank <= axis < rank:
        raise call.refuse(f"axis {axis} of tensors {', '.join(str(v.dims) for v in values)}; only the last is known")
    if any(call.shape(i)[-1] != v.dims[-1] for i, v in enumerate(values)):
        raise call.refuse("the last axis of its tensors is not that of their channels")
    if len(values) == 1:
        raise call.refuse("it joins one tensor only")
    return call.add(Concat(), *call.alike(*values), activation=call.activation())


WINDOW: dict[str, Field] = {"padding": (0, "b", 0), "stride_w": (1, "i", 0), "stride_h": (2, "i", 0)}
POOL = {**WINDOW, "width": (3, "i", 0), "height": (4, "i", 0), "activation": (5, "b", 0)}
READERS = {
    "CONV_2D": Reader(
        lambda call: _convolution(call, depthwise=False),
        1,
        {
            **{**WINDOW, "activation": (3, "b", 0), "bias_type": (6, "b", 0)},
            **{"dilation_w": (4, "i", 1), "dilation_h": (5, "i", 1)},
        },
    ),
    "DEPTHWISE_CONV_2D": Reader(
        lambda call: _convolution(call, depthwise=True),
        2,
        {
            **{**WINDOW, "multiplier": (3, "i", 0), "activation": (4, "b", 0)},
            **{"dilation_w": (5, "i", 1), "dilation_h": (6, "i", 1)},
        },
    ),
    "FULLY_CONNECTED": Reader(
        _dense,
        8,
        {
            **{"activation": (0, "b", 0), "format": (1, "b", 0), "keep_dims": (2, "?", False)},
            **{"asymmetric_inputs": (3, "?", False), "bias_type": (4, "b", 0), "quant_spec": (5, "I", 0)},
        },
    ),
    "AVERAGE_POOL_2D": Reader(_mean, 5, POOL),
    "MAX_POOL_2D": Reader(_largest, 5, POOL),
    "CONCATENATION": Reader(_concatenation, 10, {"axis": (0, "i", 0), "activation": (1, "b", 0)}),
}
