"""Nodes whose inputs are known before anything runs: shapes, and what is made of constants.

They are worked out by onnx's own reference evaluator.
"""

from math import prod
from typing import Any

import numpy as np

from latent_nas.interchange.onnx_draft import LARGEST
from latent_nas.interchange.onnx_nodes.call import Unreadable

DRAWN = ("Random", "Bernoulli", "Multinomial", "If", "Loop", "Scan")  # beginnings of types that are never constant


def is_constant(node: Any, known: Any) -> bool:
    """Return whether a node's outputs are known; ``known``: the names of tensors that are."""
    if node.op_type == "Constant":
        return True
    given = [name for name in node.input if name]
    return bool(given) and not node.op_type.startswith(DRAWN) and all(name in known for name in given)


def evaluate(onnx: Any, node: Any, inputs: list[np.ndarray | None], opset: int, what: str) -> list[np.ndarray]:
    """Return the outputs of a node.

    Args:
        inputs: None where it has none.

    Raises:
        Unreadable: it can't be worked out, or is larger than anything a device can hold.
    """
    if _elements(node, inputs) > LARGEST:
        raise Unreadable(f"{what} makes a constant of more than {LARGEST} elements")
    from onnx.reference import ReferenceEvaluator

    helper = onnx.helper
    feeds = {name: a for name, a in zip(node.input, inputs, strict=True) if name and a is not None}
    values = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
        for name, a in feeds.items()
    ]
    made = [onnx.ValueInfoProto(name=name) for name in node.output if name]
    graph = helper.make_graph([node], "one", values, made)
    versions = [helper.make_opsetid(node.domain, opset if node.domain in ("", "ai.onnx") else 1)]
    try:
        model = helper.make_model(graph, opset_imports=versions)
        results = ReferenceEvaluator(model).run(None, feeds)
    except Exception as error:  # noqa: BLE001  whatever a strange attribute makes numpy raise
        reason = " ".join(str(error).split())[:120]
        raise Unreadable(f"{what} can't be worked out ({type(error).__name__}: {reason})") from None
    return [np.asarray(r) for r in results]


def _elements(node: Any, inputs: list[np.ndarray | None]) -> float:
    """Return how many elements a node makes at most, of those that can make many of few."""
    arrays = [a for a in inputs if a is not None]
    if node.op_type == "ConstantOfShape" and arrays:
        return float(np.prod(arrays[0].astype(float)))
    if node.op_type == "Expand" and len(arrays) == 2:
        return float(np.prod(np.maximum(arrays[1].astype(float), 1))) * arrays[0].size
    if node.op_type == "Tile" and len(arrays) == 2:
        return float(np.prod(arrays[1].astype(float))) * arrays[0].size
    if node.op_type == "Pad" and len(arrays) > 1:
        rank = arrays[0].ndim
        added = np.abs(arrays[1].astype(float)).ravel()
        return float(np.prod([n + added[i::rank].sum() for i, n in enumerate(arrays[0].shape)]))
    if node.op_type == "Range" and len(arrays) == 3:
        start, end, step = (float(a.ravel()[0]) for a in arrays)
        return abs(end - start) / max(abs(step), 1e-30)
    try:
        return float(prod(np.broadcast_shapes(*(a.shape for a in arrays))))
    except ValueError:
        return float(sum(a.size for a in arrays))
