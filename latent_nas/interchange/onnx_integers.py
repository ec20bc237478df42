"""Arithmetic of a file on integers, which cut off and wrap around as real numbers do not: it is refused by name."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from latent_nas.interchange.onnx_file import named
from latent_nas.interchange.onnx_nodes.call import Unreadable

FRACTIONS = {"Div", "ReduceMean", "Pow"}  # which integers cut off
EXACT = {"Clip", "Concat", "Equal", "GlobalMaxPool", "Greater", "GreaterOrEqual", "Identity", "Less", "LessOrEqual"}
EXACT |= {"Cast", "Dropout", "Max", "MaxPool", "Min", "Pad", "ReduceMax", "Relu", "Sign", "Where"}


def check(node: Any, types: Mapping[str, np.dtype[Any]]) -> None:
    """Refuse a node that rounds to integers, or makes a sum or product of so few bits that it may wrap around.

    Args:
        types: of the file's tensors, as far as they are known.

    Raises:
        Unreadable: it does.
    """
    found = [types[name] for name in (*node.input[:1], *node.output[:1]) if name in types]
    whole = next((dtype for dtype in found if dtype.kind in "iu"), None)
    if whole is None:
        return
    resized = node.op_type in ("Resize", "Upsample")
    between = resized and any(a.name == "mode" and a.s != b"nearest" for a in node.attribute)
    if node.op_type in FRACTIONS or between or (whole.itemsize < 4 and node.op_type not in EXACT and not resized):
        raise Unreadable(
            f"{named(node)} works on integers ({whole}), which it cuts off or lets wrap around; only floats are known"
            " here: put a Cast before it"
        )
