"""LinearClassifier of ai.onnx.ml, one node for scores, their function and the label, as a node each.

So what closes a file is left out here as in any other, and onnxruntime can say what the scores are before.
"""

from dataclasses import dataclass, field
from typing import Any

ML = "ai.onnx.ml"
FUNCTIONS = {"NONE": "", "SOFTMAX": "Softmax", "LOGISTIC": "Sigmoid"}


def written_out(onnx: Any, model: Any) -> None:
    """Put nodes for sums, function and label in the place of each LinearClassifier with a row of weights per class.

    The others stay, and are refused by name.
    """
    nodes = list(model.graph.node)
    del model.graph.node[:]
    for node in nodes:
        model.graph.node.extend(_parts(onnx, node) or [node])


def _parts(onnx: Any, node: Any) -> list[Any]:
    """Return the nodes that do what a LinearClassifier does; [] of any other node, or one that is not understood."""
    if node.op_type != "LinearClassifier" or node.domain != ML or len(node.output) != 2 or len(node.input) != 1:
        return []
    given = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    function = FUNCTIONS.get(given.get("post_transform", b"NONE").decode(errors="replace"))
    classes = given.get("classlabels_strings") or given.get("classlabels_ints") or []
    rows = len(given.get("intercepts", ()))
    if function is None or rows < 2 or rows != len(classes):
        return []
    label, scores = node.output
    made = _Parts(onnx.helper.make_node, f"{scores or label}/sums")  # a name that no tool gives
    weights = {"coefficients": given.get("coefficients", ()), "intercepts": given["intercepts"], "targets": rows}
    sums = made.add("LinearRegressor", node.input[0], output="" if function else scores, domain=ML, **weights)
    if scores and function:
        made.add(function, sums, output=scores, **({"axis": 1} if function == "Softmax" else {}))
    if label:
        kind = onnx.TensorProto.STRING if isinstance(classes[0], bytes) else onnx.TensorProto.INT64
        names = made.add("Constant", value=onnx.helper.make_tensor("classes", kind, [rows], classes))
        flat = made.add("Constant", value=onnx.helper.make_tensor("flat", onnx.TensorProto.INT64, [1], [-1]))
        found = made.add("ArrayFeatureExtractor", names, made.add("ArgMax", sums, axis=1), domain=ML)
        made.add("Reshape", found, flat, output=label)
    return made.nodes


@dataclass
class _Parts:
    """Nodes that are added one by one. ``prefix``: of the names of tensors between them."""

    make: Any
    prefix: str
    nodes: list[Any] = field(default_factory=list)

    def add(self, kind: str, *inputs: str, output: str = "", **settings: Any) -> str:
        """Add a node; return the name of its tensor."""
        name = output or f"{self.prefix}{len(self.nodes) or ''}"
        self.nodes.append(self.make(kind, list(inputs), [name], **settings))
        return name
