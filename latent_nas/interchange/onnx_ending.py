"""The functions that close a classifier in its file: they are left out, as what the outputs decide does not change."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from latent_nas.interchange.onnx_nodes.call import Unreadable

ML = "ai.onnx.ml"
CLOSING = {
    "Softmax": 0,
    "LogSoftmax": 0,
    "Sigmoid": 0,
    "Hardmax": 0,
    "ArgMax": 0,
    f"{ML}.ArrayFeatureExtractor": 1,
    f"{ML}.ZipMap": 0,
    f"{ML}.Normalizer": 0,
}  # by type, which input is the tensor
READ = ("Scaler", "Imputer", "LinearRegressor")  # of ML, beside these
ONE_OF_THEM = "give FILE.onnx#NAME for one of them"  # what to do about several outputs
Dims = dict[str, tuple[int, ...]]
PASSING = {"Identity", "Cast", "Dropout", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "QuantizeLinear"}
PASSING |= {"DequantizeLinear"}
LABELS = {
    "ArrayFeatureExtractor",
    "ZipMap",
    "Normalizer",
    "Hardmax",
}  # say nothing that ArgMax or the function before does not


@dataclass(frozen=True)
class Ending:
    """The tensor that is read last. ``nodes``: what the file does with it and is left out, in the order of the file."""

    tensor: str
    nodes: tuple[Any, ...] = ()

    @property
    def functions(self) -> list[str]:
        """The names of what is left out, e.g. ["Softmax", "ArgMax"]."""
        return [n.op_type for n in self.nodes if n.op_type not in LABELS] or [n.op_type for n in self.nodes]

    def meaning(self) -> str:
        """Return in a line what was left out and what the outputs are; "" of nothing."""
        if not self.nodes:
            return ""
        left, first = " and ".join(self.functions), self.functions[0]
        what = "the outputs are its inputs: "
        if first == "Sigmoid":
            return f"{left} left out; {what}logits, above 0 where the sigmoid is above 0.5"
        if first == "ArgMax":
            return f"{left} left out; {what}its answer is the index of the largest"
        return f"{left} left out; {what}logits, the largest is the class"

    def check(self, order: np.ndarray, shape: tuple[int, ...], inferred: Dims, opset: int) -> None:
        """Refuse functions that do not go over the classes.

        Args:
            order, shape: of the tensor, and of the node that it lies in. inferred: dimensions of the file's tensors.
        """
        for node in self.nodes:
            if node.op_type in ("Softmax", "LogSoftmax", "Hardmax", "ArgMax"):
                _over_classes(node, order, shape, inferred.get(node.input[0], ()), opset)
            if node.op_type == "ArgMax":
                return  # what follows tells of the class alone


def _over_classes(node: Any, order: np.ndarray, shape: tuple[int, ...], known: tuple[int, ...], opset: int) -> None:
    """Refuse a function along another axis than that of the classes; ``known``: the dimensions of what it reads."""
    dims = known if known and all(known) else order.shape
    whole = node.op_type != "ArgMax" and opset < 13  # it flattened what follows the axis
    otherwise = 0 if node.op_type == "ArgMax" else 1 if whole else -1
    axis = next((a.i for a in node.attribute if a.name == "axis"), otherwise)
    if -len(dims) <= axis < len(dims):
        if np.prod(dims[axis:] if whole and axis % len(dims) else dims[axis]) == np.prod(dims):
            return
        if dims == order.shape and not whole and axis % len(dims):
            steps = np.diff(np.broadcast_to(order, dims) // shape[-1], axis=axis)
            if not steps.any() and dims[axis] == shape[-1]:
                return
    raise Unreadable(
        f"{node.op_type} {node.name or node.output[0]!r}: axis {axis} of a tensor {tuple(dims)} is not that of"
        " the classes"
    )


def ending(graph: Any, output: str = "") -> Ending:
    """Return where a graph's answer is read.

    Args:
        output: which of several outputs, or a tensor before them, by name.

    Raises:
        Unreadable: it has several outputs that are not made of one tensor, or no such tensor.
    """
    names = [o.name for o in graph.output]
    makers = {name: node for node in graph.node for name in node.output}
    ones = {tensor.name for tensor in graph.initializer if _is_one(tensor)}
    ones |= {n.output[0] for n in graph.node if n.op_type == "Constant" and any(_is_one(a.t) for a in n.attribute)}
    odd = {
        n.op_type for n in graph.node if n.domain == ML and n.op_type not in READ and f"{ML}.{n.op_type}" not in CLOSING
    }
    if odd and not output:
        raise Unreadable(
            f"has {', '.join(sorted(odd))} of {ML}, which is not known here: of scikit-learn's models MLPs, linear and"
            " logistic regressions are read, behind scalers too; train one of these"
        )
    if output and output not in makers:
        raise Unreadable(f"it has no tensor {output!r}; its outputs are: {', '.join(names)}")
    if not names:
        raise Unreadable("it has 0 outputs; a graph here has one")
    ends = {name: _stripped(makers, ones, name) for name in ([output] if output else names)}
    tensors = {end.tensor for end in ends.values()}
    if len(tensors) > 1:
        raise Unreadable(f"it has {len(names)} outputs: {', '.join(names)}; a graph here has one, {ONE_OF_THEM}")
    return max(ends.values(), key=lambda end: len(end.nodes))


def _stripped(makers: dict[str, Any], ones: set[str], output: str) -> Ending:
    """Return the tensor before the functions that close an output."""
    at, cut = output, output
    nodes: list[Any] = []
    kept: list[Any] = []
    while (node := makers.get(at)) is not None:
        plain = node.domain in ("", "ai.onnx", "com.microsoft")
        kind = node.op_type if plain else f"{node.domain}.{node.op_type}"
        if kind in CLOSING and len(node.input) > CLOSING[kind] and not _keeps(makers, node):
            at = node.input[CLOSING[kind]]
            nodes.insert(0, node)
            if at in makers:  # else the function is all there is
                cut, kept = at, list(nodes)
        elif kind in PASSING and node.input:
            at = node.input[0]
            if node.op_type == "Identity" and not nodes and at in makers:
                cut = at  # the same tensor by another name
        elif (both := _two_classes(makers, ones, node)) is not None:
            at = both
        else:
            break
    return Ending(cut, tuple(kept))


def _keeps(makers: dict[str, Any], node: Any) -> bool:
    """Return whether a node is one of the network: a choice of features, a division by what may be negative."""
    if node.op_type == "ArrayFeatureExtractor":
        return node.input[1] not in makers  # places that are known
    norms = [a.s for a in node.attribute if a.name == "norm"]
    return node.op_type == "Normalizer" and not set(norms) & {b"L1", b"L2"}


def _two_classes(makers: dict[str, Any], ones: set[str], node: Any) -> str | None:
    """Return the tensor p of a Concat of 1 - p and p, by which scikit-learn's converter makes two classes of one."""
    if node.op_type != "Concat" or len(node.input) != 2:
        return None
    first, p = makers.get(node.input[0]), str(node.input[1])
    if first is None or first.op_type != "Sub" or list(first.input[1:]) != [p]:
        return None
    return p if first.input[0] in ones else None


def _is_one(tensor: Any) -> bool:
    """Return whether a constant is the number 1."""
    from onnx import TensorProto, numpy_helper

    if tensor.data_type != TensorProto.FLOAT or int(np.prod(tensor.dims)) != 1 or tensor.data_location:
        return False
    return bool(numpy_helper.to_array(tensor).item() == 1)
