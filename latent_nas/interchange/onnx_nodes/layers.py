"""Layers, pooling, normalisation, sums and plain activations."""

from collections.abc import Callable
from typing import Any

import numpy as np

from latent_nas.interchange.onnx_nodes.call import Call, Value, Weights
from latent_nas.operators import Operator
from latent_nas.operators.add import Add
from latent_nas.operators.avg_pool import AvgPool
from latent_nas.operators.batch_norm import BatchNorm
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.dense import Dense
from latent_nas.operators.global_pool import GlobalPool
from latent_nas.operators.hard_swish import HardSwish
from latent_nas.operators.max_pool import MaxPool
from latent_nas.operators.relu import Relu
from latent_nas.operators.relu6 import Relu6
from latent_nas.operators.window import Padding, pads
from latent_nas.operators.zero import Zero


def _padding(call: Call, kernel: tuple[int, int], stride: tuple[int, int], before: tuple[int, ...]) -> Padding:
    """Return the padding of a window, "same" and "valid" by name where they are meant."""
    shape, automatic = call.shape(), call.setting("auto_pad", "NOTSET")
    if automatic in ("SAME_UPPER", "VALID") and not any(before):
        return "same" if automatic == "SAME_UPPER" else "valid"
    if automatic not in ("NOTSET", ""):
        raise call.refuse(f"auto_pad {automatic} is not known here")
    top, left, bottom, right = call.setting("pads", [0, 0, 0, 0])
    given = tuple(a + b for a, b in zip((top, bottom, left, right), before, strict=True))
    for name in ("same", "valid"):
        if given == pads(shape[0], shape[1], kernel, stride, name):
            return name
    return given[0], given[1], given[2], given[3]


def _window(call: Call, kernel: Any, before: tuple[int, ...] = (0, 0, 0, 0)) -> tuple[Any, Any, Padding]:
    if len(kernel) != 2 or len(call.shape()) != 3:
        raise call.refuse(f"a kernel {list(kernel)} over a tensor {call.shape()}; only images are known here")
    if any(d != 1 for d in call.setting("dilations", [1])) or call.setting("ceil_mode", 0):
        raise call.refuse("dilations and ceil_mode are not known here")
    size, stride = (kernel[0], kernel[1]), call.setting("strides", [1, 1])
    return size, (stride[0], stride[1]), _padding(call, size, (stride[0], stride[1]), before)


def _conv(call: Call) -> Value:
    x, held, bias, scale = call.value(0, padded=True), call.constant(1), call.optional(2), call.scales[1]
    weight = held.shape
    if len(call.shape()) == 1 and weight[2:] == (1, 1):  # after global pooling
        return call.hold(call.add(Dense(weight[0]), x), held[:, :, 0, 0], bias, scale)
    call.channels_first()
    size, stride, padding = _window(call, weight[2:], x.padded)
    made = call.add(Conv2d(weight[0], size, stride, padding, call.setting("group", 1)), x)
    return call.hold(made, held.transpose(0, 2, 3, 1), bias, scale)


def _dense(call: Call) -> Value:
    x, held = call.value(0), call.constant(1)
    if held.ndim != 2 or call.setting("transA", 0) or {call.setting("alpha", 1.0), call.setting("beta", 1.0)} != {1.0}:
        raise call.refuse("only a tensor times a constant matrix is known here")
    weight = held if call.setting("transB", 0) else held.T
    units, features = weight.shape
    if call.shape() != (features,):
        raise call.refuse(f"{features} features wanted, the tensor is {call.shape()}")
    if x.flat:  # the graph's vectors have the channels last
        height, width, channels = x.flat
        weight = weight.reshape(units, channels, height, width).transpose(0, 2, 3, 1).reshape(units, features)
    return call.hold(call.add(Dense(units), x), weight, call.optional(2), call.scales[1])


def _sum(call: Call) -> Value:
    if all(call.values):
        return call.add(Add(), call.value(0), call.value(1))
    x = call.value(0 if call.values[0] else 1)
    i = 0 if call.values[0] else 1
    bias, axis, rank = call.constant(1 - i), call.channel_axis(i), call.rank(i)
    along = [call.shape(i)[-1] if a == axis else 1 for a in range(rank)]
    if [1] * (rank - bias.ndim) + list(bias.shape) != along:
        raise call.refuse(
            f"a constant {bias.shape} is added that is not a bias: wanted {tuple(along)}, or that from the right"
        )
    call.alone(i)
    if x.node in call.held and "bias" in call.held[x.node].arrays:
        call.held[x.node].arrays["bias"] = call.held[x.node].arrays["bias"] + bias.ravel()
    else:
        call.held[x.node] = Weights({})  # which nothing here can hold
    return x  # of the operator before it, which has one


def _product(call: Call) -> Value:
    if call.constant(1).size == 1 and not call.constant(1).any():
        return call.add(Zero(), call.value(0))
    raise call.refuse("a product with anything but 0 is not known here")


def _clip(call: Call) -> Value:
    bounds = [call.setting("min", None), call.setting("max", None)]
    for i in (1, 2):
        if i < len(call.constants) and call.constants[i] is not None:
            bounds[i - 1] = float(call.constant(i))
    if bounds[0] != 0 or bounds[1] not in (6, None):
        raise call.refuse(f"bounds {bounds} are not known here, but 0 and 6")
    return call.add(Relu6() if bounds[1] == 6 else Relu(), call.value(0))


def _pool(call: Call, kind: Any) -> Value:
    call.channels_first()
    size, stride, padding = _window(call, call.setting("kernel_shape", []))
    if call.setting("count_include_pad", 0) and any(pads(call.shape()[0], call.shape()[1], size, stride, padding)):
        raise call.refuse("count_include_pad is not known here")
    return call.add(kind(size, stride, padding), call.value(0))


def _norm(call: Call) -> Value:
    x, (gamma, beta, mean, variance) = call.value(0), (call.constant(i).astype(float) for i in (1, 2, 3, 4))
    if call.setting("training_mode", 0) or not call.setting("spatial", 1):
        raise call.refuse("training_mode 1 and spatial 0 are not known here; export the model in evaluation mode")
    call.channels_first()
    epsilon = call.setting("epsilon", 1e-5)
    if len(call.shape()) > 1:
        made = call.add(BatchNorm(), x)
        variance += epsilon - BatchNorm.epsilon  # the graph's is its own
        call.held[made.node] = Weights({"weight": gamma, "bias": beta, "running_mean": mean, "running_var": variance})
        return made
    call.alone(0)
    factor = gamma / np.sqrt(variance + epsilon)
    if x.node not in call.held or not call.held[x.node].arrays:
        call.held[x.node] = Weights({})
        return x
    before = call.held[x.node].arrays  # it folds into the dense layer before it
    folded = {"weight": before["weight"] * factor[:, None], "bias": (before["bias"] - mean) * factor + beta}
    call.held[x.node] = Weights(folded)
    return x


def _global(call: Call, mode: str) -> Value:
    call.channels_first()
    return call.add(GlobalPool(mode), call.value(0))


def _plain(operator: Operator) -> Callable[[Call], Value]:
    return lambda call: call.add(operator, call.value(0))


READERS: dict[str, Callable[[Call], Value]] = {
    "Conv": _conv,
    "Gemm": _dense,
    "MatMul": _dense,
    "Add": _sum,
    "Mul": _product,
    "Relu": _plain(Relu()),
    "Clip": _clip,
    "HardSwish": _plain(HardSwish()),
    "MaxPool": lambda call: _pool(call, MaxPool),
    "AveragePool": lambda call: _pool(call, AvgPool),
    "GlobalAveragePool": lambda call: _global(call, "avg"),
    "GlobalMaxPool": lambda call: _global(call, "max"),
    "BatchNormalization": _norm,
}
