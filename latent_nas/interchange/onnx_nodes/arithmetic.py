"""Sums, differences, products and quotients: of two tensors, or of one with constants, per channel or per element."""

import itertools
from functools import reduce
from math import prod

import numpy as np

from latent_nas.interchange.onnx_draft import Pairwise
from latent_nas.interchange.onnx_nodes.call import Call, Value
from latent_nas.interchange.onnx_nodes.functions import shortest
from latent_nas.interchange.onnx_view import memory
from latent_nas.operators import Operator
from latent_nas.operators.activation import Activation
from latent_nas.operators.add import Add
from latent_nas.operators.multiply import Multiply
from latent_nas.operators.subtract import Subtract
from latent_nas.operators.zero import Zero


def add(call: Call) -> Value:
    """Return the sum of two tensors, or of one and a constant, which becomes the bias of a neighbour."""
    i = _tensor(call)
    if i is None:
        return _sum(call, call.value(0), call.value(1))
    return call.affine(call.value(i), 1, call.constant(1 - i))


def total(call: Call) -> Value:
    """Return the sum of any number of tensors and constants."""
    tensors = [call.value(i) for i, v in enumerate(call.values) if v]
    constants = [call.constant(i) for i, v in enumerate(call.values) if not v]
    value = reduce(lambda a, b: _sum(call, a, b), tensors)
    return reduce(lambda a, b: call.affine(a, 1, b), constants, value)


def subtract(call: Call) -> Value:
    """Return a tensor less a constant, a constant less a tensor, or the difference of two tensors."""
    i = _tensor(call)
    if i is None:
        return _two(call, Subtract())
    constant = call.constant(1 - i)
    return call.affine(call.value(i), 1, -constant) if i == 0 else call.affine(call.value(i), -1, constant)


def multiply(call: Call) -> Value:
    """Return a tensor times a constant or another tensor, which may have a factor per channel or per pixel."""
    i = _tensor(call)
    if i is None:
        return product(call, call.value(0), call.value(1))
    constant = call.constant(1 - i)
    if constant.size == 1 and not constant.any():
        return call.add(Zero(), call.value(i))
    return call.affine(call.value(i, padded=True), constant, 0)


def product(call: Call, a: Value, b: Value) -> Value:
    """Return the product of two tensors, one of which may be broadcast to the other.

    Raises:
        Unreadable: their elements lie in different orders.
    """
    sizes = {v.node: prod(call.draft.shape(v.node)) for v in (a, b)}
    if any(np.unique(v.order).size != sizes[v.node] or v.order.min() < 0 for v in (a, b)):  # a part, or padded
        return call.together(Multiply(), a, b)
    if sizes[b.node] > sizes[a.node]:
        a, b = b, a
    shape = call.draft.shape(a.node)
    try:
        spread = np.broadcast_to(b.order, a.order.shape)
    except ValueError:  # neither broadcasts to the other
        return call.together(Multiply(), a, b)
    if sizes[a.node] == sizes[b.node] or a.order.size != sizes[a.node]:
        return call.together(Multiply(), a, b)
    places = np.full(prod(shape), -1)
    places[a.order.ravel()] = spread.ravel()
    size = prod(call.draft.shape(b.node))
    for kept in itertools.product((False, True), repeat=len(shape)):
        own = tuple(n if keep else 1 for n, keep in zip(shape, kept, strict=True))
        if prod(own) == size and np.array_equal(places.reshape(shape), np.broadcast_to(memory(own), shape)):
            own = own[-1:] if own[:-1] == (1, 1) else own  # a factor per channel is a vector, as pooling makes it
            return Value(call.put(Multiply(), a.node, call.reshaped(b.node, own)), a.order)
    return call.together(Multiply(), a, b)


def divide(call: Call) -> Value:
    """Return a tensor divided by a constant, or a constant by a tensor; of two tensors, the product with 1 / y."""
    i = _tensor(call)
    if i is None:
        a, b = call.value(0), call.value(1)
        if call.one_source(a, b):
            return call.together(Pairwise("x / y", call.what), a, b)
        return product(call, a, call.add(Activation("1 / x"), b))
    if i == 1:
        if call.constant(0).size != 1:
            raise call.refuse(f"constants {call.constant(0).shape} divided by a tensor; only one is known here")
        number = shortest(float(call.constant(0).ravel()[0]))
        return call.add(Activation(f"{number} / x"), call.value(1))
    with np.errstate(divide="ignore"):
        return call.affine(call.value(0, padded=True), 1 / call.constant(1).astype(float), 0)


def negate(call: Call) -> Value:
    """Return a tensor times -1."""
    return call.affine(call.value(0, padded=True), -1, 0)


def norm(call: Call) -> Value:
    """Return a tensor normalised by means and variances of training, per channel."""
    if call.setting("training_mode", 0) or not call.setting("spatial", 1):
        raise call.refuse("training_mode 1 and spatial 0 are not known here; export the model in evaluation mode")
    x = call.value(0)
    gamma, beta, mean, variance = (call.constant(i).astype(float).ravel() for i in (1, 2, 3, 4))
    if x.order.ndim < 2 or any(a.size != x.order.shape[1] for a in (gamma, beta, mean, variance)):
        raise call.refuse(f"parameters {gamma.shape} of a tensor {x.order.shape}; wanted one per channel, its axis 1")
    with np.errstate(invalid="ignore", divide="ignore"):  # of a damaged file, which is refused as not finite
        factor = gamma / np.sqrt(variance + call.setting("epsilon", 1e-5))
    along = [-1 if a == 1 else 1 for a in range(x.order.ndim)]
    return call.affine(x, factor.reshape(along), (beta - mean * factor).reshape(along), norm=True)


def _tensor(call: Call) -> int | None:
    """Return which of two inputs is a tensor; None: both."""
    first, second = call.values[0], call.values[1]
    return None if first and second else 0 if first else 1


def _two(call: Call, operator: Operator) -> Value:
    """Return an operator of two tensors."""
    return call.together(operator, call.value(0), call.value(1))


def _sum(call: Call, a: Value, b: Value) -> Value:
    if a.node == b.node and np.array_equal(a.order, b.order):
        return call.affine(a, 2, 0)
    return call.together(Add(), a, b)


READERS = {
    "Add": add,
    "Sum": total,
    "Sub": subtract,
    "Mul": multiply,
    "Div": divide,
    "Neg": negate,
    "BatchNormalization": norm,
}
