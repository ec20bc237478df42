"""Functions of every element."""

from collections.abc import Callable

import numpy as np

from latent_nas.interchange.onnx_draft import Pairwise
from latent_nas.interchange.onnx_nodes.call import Call, Value
from latent_nas.operators import Operator
from latent_nas.operators.activation import Activation
from latent_nas.operators.add import Add
from latent_nas.operators.hard_swish import HardSwish
from latent_nas.operators.relu import Relu
from latent_nas.operators.relu6 import Relu6
from latent_nas.operators.subtract import Subtract


def clip(call: Call) -> Value:
    """Return a tensor clipped at one or both ends."""
    bounds = [call.setting("min", None), call.setting("max", None)]
    for i in (1, 2):
        if (given := call.optional(i)) is not None:
            bounds[i - 1] = _one(call, given)
    return _clipped(call, *bounds)


def maximum(call: Call) -> Value:
    """Return a tensor clipped from below by constants, or the larger of two tensors."""
    if len(call.values) == 2 and all(call.values):
        return _beyond(call, "max(x, y)", 1)
    return _clipped(call, max(_constants(call)), None)


def minimum(call: Call) -> Value:
    """Return a tensor clipped from above by constants, or the smaller of two tensors."""
    if len(call.values) == 2 and all(call.values):
        return _beyond(call, "min(x, y)", -1)
    return _clipped(call, None, min(_constants(call)))


def _beyond(call: Call, formula: str, sign: int) -> Value:
    """Return the larger (sign 1) or smaller (-1) of two tensors: of several sources, b and what a is beyond it."""
    a, b = call.value(0), call.value(1)
    if call.one_source(a, b):
        return call.together(Pairwise(formula, call.what), a, b)
    more = call.add(Relu(), call.affine(call.together(Subtract(), a, b), sign, 0))
    return call.together(Add(), b, call.affine(more, sign, 0))


def _constants(call: Call) -> list[float]:
    if len([v for v in call.values if v]) != 1 or call.values[0] is None:
        raise call.refuse("only a tensor and constants after it are known here")
    return [_one(call, call.constant(i)) for i in range(1, len(call.values))]


def _one(call: Call, constant: np.ndarray) -> float:
    if constant.size != 1:
        raise call.refuse(f"a bound {constant.shape}; only one for all elements is known here")
    return float(constant.ravel()[0])


def _clipped(call: Call, low: float | None, high: float | None) -> Value:
    x = call.value(0)
    low = None if low is not None and low < -1e30 else low
    high = None if high is not None and high > 1e30 else high
    before = call.draft.nodes[x.node]
    if low in (None, 0) and high == 6 and isinstance(before.operator, Relu):  # which is read without it
        return Value(call.put(Relu6(), before.inputs[0]), x.order)
    if low is None and high is None:
        return x
    if low == 0 and high in (6, None):
        return call.add(Relu6() if high == 6 else Relu(), x)
    if low is not None and high is not None and low > high:
        raise call.refuse(f"bounds {[low, high]}: the lower one is above the other")
    both = f"clip(x, {low!r}, {high!r})"
    return call.add(Activation(f"min(x, {high!r})" if low is None else f"max(x, {low!r})" if high is None else both), x)


def plain(operator: Operator) -> Callable[[Call], Value]:
    """Return the reader of an operator without settings."""
    return lambda call: call.add(operator, call.value(0))


READERS = {
    "Clip": clip,
    "Max": maximum,
    "Min": minimum,
    "Relu": plain(Relu()),
    "HardSwish": plain(HardSwish()),
}
