"""An ONNX graph while it grows at random: nodes, constants, and the shapes that onnx infers."""

from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


@dataclass
class Drawn:
    """A graph while it grows.

    Attributes:
        at: the last tensor's name; shapes: of all, the batch 1. opset: of the file. kinds: of the nodes, for counts.
    """

    random: np.random.Generator
    opset: int
    dims: tuple
    nodes: list = field(default_factory=list)
    constants: dict[str, np.ndarray] = field(default_factory=dict)
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    types: dict[str, int] = field(default_factory=dict)
    at: str = "x"

    @property
    def shape(self) -> tuple[int, ...]:
        return self.shapes[self.at]

    def pick(self, *options: Any) -> Any:
        return options[self.random.integers(len(options))]

    def chance(self, share: float) -> bool:
        return bool(self.random.random() < share)

    def constant(self, value: Any, dtype: Any = np.float32) -> str:
        name = f"c{len(self.constants)}"
        self.constants[name] = np.asarray(value, dtype)
        return name

    def weight(self, *shape: int) -> str:
        scale = 1 / np.sqrt(max(1, prod(shape[1:])))
        return self.constant(self.random.normal(size=shape) * scale)

    def node(self, kind: str, inputs: list[str], outputs: int = 1, **attributes: Any) -> str:
        """Add a node; its (first) output is the last tensor then. Its shape comes from onnx."""
        names = [f"t{len(self.nodes)}{'' if i == 0 else f'_{i}'}" for i in range(outputs)]
        made = helper.make_node(kind, inputs, names, f"{kind}{len(self.nodes)}", **attributes)
        self.nodes.append(made)
        whole = self.model(names)
        known = [(n, self.types[n], self.shapes[n]) for n in made.input if n in self.types and all(self.shapes[n])]
        whole.graph.value_info.extend(helper.make_tensor_value_info(*one) for one in known)
        inferred = onnx.shape_inference.infer_shapes(whole, data_prop=True, strict_mode=True)
        for value in inferred.graph.output:
            self.types[value.name] = value.type.tensor_type.elem_type
            self.shapes[value.name] = tuple(d.dim_value for d in value.type.tensor_type.shape.dim)
        if kind not in ("Reshape", "Gather") and not all(
            self.shapes[name] and prod(self.shapes[name]) for name in names
        ):
            raise ValueError(f"{kind} makes {self.shapes[names[0]]}")
        self.at = names[0]
        return names[0]

    def model(self, outputs: list[str], dims: tuple | None = None) -> onnx.ModelProto:
        value = helper.make_tensor_value_info
        graph = helper.make_graph(
            self.nodes,
            "drawn",
            [value("x", TensorProto.FLOAT, (1, *self.dims[1:]) if dims is None else dims)],
            [
                value(name, self.types[name], None) if name in self.types else onnx.ValueInfoProto(name=name)
                for name in outputs
            ],
            [numpy_helper.from_array(array, name) for name, array in self.constants.items()],
        )
        version = 10 if self.opset > 20 else 8
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=version)
