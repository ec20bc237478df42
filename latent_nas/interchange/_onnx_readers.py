"""What each ONNX operator becomes in a graph; ``READERS`` by operator type."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from latent_nas.graph import Builder
from latent_nas.operators import Operator, Shape
from latent_nas.operators.add import Add
from latent_nas.operators.avg_pool import AvgPool
from latent_nas.operators.batch_norm import BatchNorm
from latent_nas.operators.concat import Concat
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.dense import Dense
from latent_nas.operators.elementwise import Elementwise
from latent_nas.operators.flatten import Flatten
from latent_nas.operators.global_pool import GlobalPool
from latent_nas.operators.hard_swish import HardSwish
from latent_nas.operators.max_pool import MaxPool
from latent_nas.operators.relu import Relu
from latent_nas.operators.relu6 import Relu6
from latent_nas.operators.window import Padding, pads
from latent_nas.operators.zero import Zero

PASSES = {"Identity", "Dropout", "QuantizeLinear", "DequantizeLinear", "Cast"}


class Unreadable(ValueError):
    """A model that has no graph here; the message says why."""


@dataclass(frozen=True)
class Value:
    """A tensor: the graph node that makes it, and what the file's tensor differs from the node's by.

    Attributes:
        padded: zero padding (top, bottom, left, right) not yet applied.
        nhwc: the file's image has its channels last. flat: the file's vector is an image (height, width, channels)
            flattened with its channels first.
    """

    node: int
    padded: tuple[int, int, int, int] = (0, 0, 0, 0)
    nhwc: bool = False
    flat: Shape | None = None


@dataclass
class Weights:
    """What a node holds: arrays by name, channels last, as floats; ``scale``: of its integers, per filter."""

    arrays: dict[str, np.ndarray]
    scale: np.ndarray | None = None


@dataclass(frozen=True)
class Call:
    """One ONNX node: its name for messages, its inputs (tensors of the graph, constants), its attributes.

    Attributes:
        scales: of constants that were integers, the scale of each channel or of all.
        held: what nodes of the graph hold, as readers find it: see ``Weights``.
    """

    what: str
    builder: Builder
    values: list[Value | None]
    constants: list[np.ndarray | None]
    settings: dict[str, Any]
    scales: list[np.ndarray | None]
    held: dict[int, "Weights"]

    def value(self, i: int, padded: bool = False) -> Value:
        """Return the i-th input, a tensor of the graph; padded ones only where the reader takes them."""
        found = self.values[i] if i < len(self.values) else None
        if found is None:
            raise Unreadable(f"{self.what} wants a tensor as input {i}, not a constant")
        if any(found.padded) and not padded:
            raise Unreadable(f"{self.what} reads a padded tensor; only a convolution may")
        return found

    def constant(self, i: int) -> np.ndarray:
        """Return the i-th input, a constant."""
        found = self.constants[i] if i < len(self.constants) else None
        if found is None:
            raise Unreadable(f"{self.what} wants a constant as input {i}")
        return found

    def setting(self, name: str, otherwise: Any) -> Any:
        """Return an attribute; bytes become text, sequences lists."""
        found = self.settings.get(name, otherwise)
        if isinstance(found, bytes):
            return found.decode()
        return found if isinstance(found, (int, float, str)) or found is None else list(found)

    def shape(self, i: int = 0) -> Shape:
        """Return the shape of the i-th input, channels last, without the batch."""
        return self.builder.shape(self.value(i, padded=True).node)

    def add(self, operator: Operator, *values: Value) -> Value:
        """Add an operator to the graph."""
        made = Value(self.builder.add(operator, *(v.node for v in values)), nhwc=values[0].nhwc)
        if not any(v.flat for v in values):
            return made
        if len(values) == 1 and isinstance(operator, Elementwise):
            return replace(made, flat=values[0].flat)
        if not isinstance(operator, Dense):  # which reorders its weights
            raise self.refuse("it reads an image flattened with its channels first; only a dense layer may")
        return made

    def hold(self, made: Value, weight: np.ndarray, bias: np.ndarray | None, scale: np.ndarray | None) -> Value:
        """Keep the weights (filters, ...), channels last, of the node that makes a tensor; return the tensor."""
        filters = len(weight)
        total = np.zeros(filters) if bias is None else np.broadcast_to(bias.ravel(), filters).astype(float)
        each = None if scale is None else np.broadcast_to(scale.ravel(), filters).astype(float)
        self.held[made.node] = Weights({"weight": weight.astype(float), "bias": total}, each)
        return made

    def optional(self, i: int) -> np.ndarray | None:
        """Return the i-th input if it is a constant."""
        return self.constants[i] if i < len(self.constants) else None

    def refuse(self, why: str) -> Unreadable:
        """Return the error of an attribute or shape that has no equal here."""
        return Unreadable(f"{self.what}: {why}")


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
    bias = call.constant(1 if call.values[0] else 0)
    if bias.size != call.builder.shape(x.node)[-1]:
        raise call.refuse("a constant is added that is no bias")
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
    size, stride, padding = _window(call, call.setting("kernel_shape", []))
    if call.setting("count_include_pad", 0) and any(pads(call.shape()[0], call.shape()[1], size, stride, padding)):
        raise call.refuse("count_include_pad is not known here")
    return call.add(kind(size, stride, padding), call.value(0))


def _mean(call: Call) -> Value:
    axes = call.setting("axes", None) or [int(a) for a in call.constant(1)]
    if sorted(a % 4 for a in axes) not in ([2, 3], [1, 2]) or len(call.shape()) != 3:
        raise call.refuse(f"the mean over axes {axes} of a tensor {call.shape()}; only over height and width")
    return call.add(GlobalPool(), call.value(0))


def _flat(call: Call) -> Value:
    if call.setting("axis", 1) != 1:
        raise call.refuse("only axis 1 is known here")
    return call.value(0) if len(call.shape()) == 1 else _flattened(call)


def _flattened(call: Call) -> Value:
    """Return the image as a vector, and how the file's vector is ordered where that differs."""
    x, shape = call.value(0), call.shape()
    same = x.nhwc or shape[2] == 1 or shape[:2] == (1, 1)
    return replace(call.add(Flatten(), x), flat=None if same else shape)


def _reshape(call: Call) -> Value:
    shape, wanted = call.shape(), [int(n) for n in call.constant(1)]
    beside = wanted[1:]
    if len(beside) == 1:
        return call.value(0) if len(shape) == 1 else _flattened(call)
    if len(shape) == 1 and sorted(beside)[:2] == [1, 1]:  # a vector as an image of one pixel
        return call.value(0)
    if beside in ([shape[-1], *shape[:-1]], list(shape)):
        return call.value(0)
    raise call.refuse(f"a tensor {shape} as {wanted} is not known here, but flattening")


def _squeeze(call: Call) -> Value:
    if len(call.shape()) == 3:
        return call.add(Flatten(), call.value(0)) if call.shape()[:2] == (1, 1) else call.value(0)
    return call.value(0)


def _transpose(call: Call) -> Value:
    perm = call.setting("perm", [])
    if len(call.shape()) == 3 and perm not in ([0, 2, 3, 1], [0, 3, 1, 2]):
        raise call.refuse(f"perm {perm} is not known here, but NCHW to NHWC and back")
    return replace(call.value(0), nhwc=perm == [0, 2, 3, 1]) if len(call.shape()) == 3 else call.value(0)


def _pad(call: Call) -> Value:
    amounts = call.setting("pads", None) or [int(a) for a in call.constant(1)]
    value = call.constants[2] if len(call.constants) > 2 else None
    if call.setting("mode", "constant") != "constant" or (value is not None and value.any()):
        raise call.refuse("only zeros are known here")
    if len(amounts) != 8 or any(amounts[i] for i in (0, 1, 4, 5)) or min(amounts) < 0:
        raise call.refuse(f"pads {amounts} are not of height and width alone")
    x = call.value(0, padded=True)
    top, left, bottom, right = amounts[2], amounts[3], amounts[6], amounts[7]
    t, b, le, r = x.padded
    return replace(x, padded=(t + top, b + bottom, le + left, r + right))


def _norm(call: Call) -> Value:
    x, (gamma, beta, mean, variance) = call.value(0), (call.constant(i).astype(float) for i in (1, 2, 3, 4))
    epsilon = call.setting("epsilon", 1e-5)
    if len(call.shape()) > 1:
        made = call.add(BatchNorm(), x)
        variance += epsilon - BatchNorm.epsilon  # the graph's is its own
        call.held[made.node] = Weights({"weight": gamma, "bias": beta, "running_mean": mean, "running_var": variance})
        return made
    factor = gamma / np.sqrt(variance + epsilon)
    if x.node not in call.held or not call.held[x.node].arrays:
        call.held[x.node] = Weights({})
        return x
    before = call.held[x.node].arrays  # it folds into the dense layer before it
    folded = {"weight": before["weight"] * factor[:, None], "bias": (before["bias"] - mean) * factor + beta}
    call.held[x.node] = Weights(folded)
    return x


def _concat(call: Call) -> Value:
    if call.setting("axis", 1) not in (1, -3, 3, -1):
        raise call.refuse("only along the channels")
    return call.add(Concat(), *(call.value(i) for i in range(len(call.values))))


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
    "GlobalAveragePool": _plain(GlobalPool()),
    "GlobalMaxPool": _plain(GlobalPool("max")),
    "ReduceMean": _mean,
    "Flatten": _flat,
    "Reshape": _reshape,
    "Squeeze": _squeeze,
    "Transpose": _transpose,
    "Pad": _pad,
    "BatchNormalization": _norm,
    "Concat": _concat,
}
