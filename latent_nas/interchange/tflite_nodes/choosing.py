"""Choices by a comparison, and quotients, of functions of one tensor: one table says what each value becomes."""

from collections.abc import Callable
from typing import Any

import numpy as np

from latent_nas.interchange.tflite_nodes import Reader
from latent_nas.interchange.tflite_nodes.call import Call
from latent_nas.interchange.tflite_nodes.draft import Function, Value
from latent_nas.operators.activation import Activation
from latent_nas.operators.formula import LONGEST, composed

Of = Callable[..., Any]  # of arrays
COMPARED: dict[str, tuple[str, Of]] = {
    "GREATER": ("max(sign(x - y), 0)", np.greater),
    "LESS": ("max(sign(y - x), 0)", np.less),
    "GREATER_EQUAL": ("1 - max(sign(y - x), 0)", np.greater_equal),
    "LESS_EQUAL": ("1 - max(sign(x - y), 0)", np.less_equal),
    "EQUAL": ("1 - abs(sign(x - y))", np.equal),
    "NOT_EQUAL": ("abs(sign(x - y))", np.not_equal),
}


def _function(call: Call, outer: str, of: Of) -> tuple[Value, Function]:
    """Return the tensor that all inputs are functions of, or constants, and what they make together.

    Args:
        outer: a formula of the inputs x, y, z. of: the same of arrays.

    Raises:
        Unreadable: they are functions of several tensors, or constants of several numbers.
    """
    found: list[Function] = []
    dims: set[tuple[int, ...]] = set()
    for i in range(len(call.tensors)):
        if call.constants[i] is not None:
            held = call.real(i)
            if np.unique(held).size != 1:
                raise call.refuse(f"a constant {held.shape}; only one number is known here")
            number = float(held.flat[0])
            found.append(Function(-1, repr(number), np.full(256, number)))
            continue
        raw = call.values[i]
        if raw is not None and raw.truth is not None:
            found.append(raw.truth)
            dims.add(raw.dims)
        else:
            x = call.value(i)
            found.append(call.draft.function(x))
            dims.add(x.dims)
    sources = {f.source for f in found} - {-1}
    if len(sources) != 1 or len(dims) != 1:
        raise call.refuse("only of tensors that are functions of one tensor, element by element, is it known here")
    formula = composed(outer, *(f.formula for f in found))
    if len(formula) > LONGEST:
        raise call.refuse("it is part of a function that is too long")
    source, reals = sources.pop(), [f.reals for f in found]
    quant = call.draft.quants[source] if call.draft.integers else None
    with np.errstate(all="ignore"):
        made = None if quant is None else np.asarray(of(*reals), float)
    return Value(source, dims.pop(), quant), Function(source, formula, made)


def of_one(call: Call, outer: str, of: Of) -> Value:
    """Return what inputs make together that are functions of one tensor; of int8 by the file's own roundings."""
    x, function = _function(call, outer, of)
    operator, constants = Activation(function.formula), None
    if function.reals is not None:
        if np.isnan(function.reals).any():
            raise call.refuse("it is not a number for some of its int8 inputs")
        constants = {"table": call.quant().quantise(np.clip(function.reals, -1e30, 1e30))}
    return call.add(
        operator, x, activation=call.activation() if "activation" in call.options else "", constants=constants
    )


def _compared(call: Call) -> Value:
    x, function = _function(call, *COMPARED[call.operation.code])
    return Value(x.node, call.output.dims, None, truth=function)


def _chosen(call: Call) -> Value:
    return of_one(call, "where(x, y, z)", lambda mask, yes, no: np.where(mask > 0.5, yes, no))


READERS = {
    **{code: Reader(_compared) for code in COMPARED},
    "SELECT": Reader(_chosen),
    "SELECT_V2": Reader(_chosen),
}
