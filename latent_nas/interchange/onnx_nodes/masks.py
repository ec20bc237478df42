"""Comparisons, what is made of their truth values, and the choice between two tensors by them.

A truth value is 0 or 1. What depends on one tensor alone becomes a function of one value, as any chain does; of several
tensors, products and sums.
"""

from collections.abc import Callable

import numpy as np

from latent_nas.interchange.onnx_draft import Pairwise
from latent_nas.interchange.onnx_nodes.arithmetic import product, subtract
from latent_nas.interchange.onnx_nodes.call import Call, Value
from latent_nas.interchange.onnx_nodes.functions import shortest
from latent_nas.operators.activation import Activation
from latent_nas.operators.add import Add

COMPARED = {  # what is made of the first input less the second
    "Greater": "max(sign(x), 0)",
    "Less": "max(-sign(x), 0)",
    "GreaterOrEqual": "1 + min(sign(x), 0)",
    "LessOrEqual": "1 - max(sign(x), 0)",
    "Equal": "1 - abs(sign(x))",
}
OF_SUM = {  # of two truth values
    "x * y": "max(x - 1, 0)",
    "max(x, y)": "min(x, 1)",
    "abs(x - y)": "1 - abs(x - 1)",
}


def compared(formula: str) -> Callable[[Call], Value]:
    """Return the reader of a comparison, as a formula of the first input less the second."""
    return lambda call: truth(call, subtract(call), formula)


def truth(call: Call, value: Value, formula: str) -> Value:
    """Return what a formula makes of a tensor, known to be 0 or 1."""
    made = call.add(Activation(formula), value)
    call.draft.truths.add(made.node)
    return made


def opposite(call: Call) -> Value:
    """Return 1 where a tensor is 0."""
    return truth(call, call.value(0), "1 - x")


def both(pair: str, constant: Callable[[Call, Value, np.ndarray], Value]) -> Callable[[Call], Value]:
    """Return the reader of a function of two truth values, one of which may be a constant.

    Args:
        pair: the formula of two tensors x and y, made of their sum where they are not functions of one. constant: makes
            it of a tensor and a constant of zeros and ones.
    """

    def read(call: Call) -> Value:
        first, second = call.values[0], call.values[1]
        if first and second:
            a, b = call.value(0), call.value(1)
            if call.one_source(a, b):
                made = call.together(Pairwise(pair, call.what), a, b)
            else:
                made = call.add(Activation(OF_SUM[pair]), call.together(Add(), a, b))
        else:
            i = 0 if first else 1
            made = constant(call, call.value(i), call.constant(1 - i).astype(float))
        call.draft.truths.add(made.node)
        return made

    return read


def where(call: Call) -> Value:
    """Return one tensor or constant where a truth value is 1, another where it is 0."""
    if call.values[0] is None:
        return _fixed(call, call.constant(0).astype(float))
    mask = call.value(0)
    values = [call.value(i) if call.values[i] else None for i in (1, 2)]
    numbers = [None if value else _number(call, i) for i, value in zip((1, 2), values, strict=True)]
    tensors = [value for value in values if value]
    alike = all(v.order.shape == mask.order.shape for v in tensors)
    if not tensors:
        yes, no = (float(n or 0) for n in numbers)
        return call.affine(mask, yes - no, no)
    if alike and call.one_source(mask, *tensors):
        names = iter("yz")
        chosen = [next(names) if v else shortest(float(n or 0)) for v, n in zip(values, numbers, strict=True)]
        return call.together(Pairwise(f"where(x, {', '.join(chosen)})", call.what), mask, *tensors)
    parts = []
    for value, number, factor, offset in zip(values, numbers, (1, -1), (0, 1), strict=True):
        share = call.affine(mask, factor, offset)
        if value:
            parts.append(product(call, value, share))
        elif number:
            parts.append(call.affine(share, number, 0))
    return parts[0] if len(parts) == 1 else call.together(Add(), *sorted(parts, key=lambda part: -part.order.size))


def _fixed(call: Call, mask: np.ndarray) -> Value:
    """Return a choice that is known before anything runs."""
    parts, constant = [], np.zeros(())
    one = 1 if mask.all() else 2
    if (mask == mask.ravel()[0]).all() and call.values[one]:
        return call.value(one)
    for i, share in ((1, mask), (2, 1 - mask)):
        if call.values[i]:
            parts.append(call.affine(call.value(i), share, 0))
        else:
            with np.errstate(invalid="ignore"):
                constant = constant + np.where(share, call.constant(i).astype(float), 0)
    whole = parts[0] if len(parts) == 1 else call.together(Add(), *parts)
    return call.affine(whole, 1, constant)


def _number(call: Call, i: int) -> float:
    constant = call.constant(i)
    if constant.size != 1 or not np.isfinite(constant).all():
        raise call.refuse(f"a constant {constant.shape} as input {i}; only one finite number is known here")
    return float(constant.ravel()[0])


READERS = {
    **{kind: compared(formula) for kind, formula in COMPARED.items()},
    "Not": opposite,
    "And": both("x * y", lambda call, value, c: call.affine(value, c, 0)),
    "Or": both("max(x, y)", lambda call, value, c: call.affine(value, 1 - c, c)),
    "Xor": both("abs(x - y)", lambda call, value, c: call.affine(value, 1 - 2 * c, c)),
    "Where": where,
}
