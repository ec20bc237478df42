"""ONNX graphs at random: what tools write for small networks, with any attributes, of opset 7 to 24."""

from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FORMS = [("n", 3, 12, 12), (1, 1, 9, 14), (1, 2, 16, 8), ("n", 4, 24), (1, 6, 30), ("n", 20), (1, 7), ("n", 10, 10, 3)]
UNARY = ["Relu", "Sigmoid", "Tanh", "LeakyRelu", "Elu", "HardSigmoid", "Softplus", "Identity", "Dropout", "Neg"]
UNARY += ["Selu", "ThresholdedRelu"]
NEWER = {"HardSwish": 14, "Gelu": 20, "Mish": 18}


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


def drawn(seed: int) -> tuple[onnx.ModelProto, Drawn]:
    """Return a random graph."""
    for attempt in range(100):
        random = np.random.default_rng([seed, attempt])
        graph = Drawn(random, int(random.integers(7, 25)), FORMS[random.integers(len(FORMS))])
        graph.shapes["x"] = (1, *graph.dims[1:])
        try:
            if graph.dims[1:] == (10, 10, 3):
                graph.node("Transpose", ["x"], perm=[0, 3, 1, 2])
            if graph.chance(0.2):
                scaled(graph)
            for _ in range(int(random.integers(2, 8))):
                grown(graph)
            closed(graph)
        except (ValueError, onnx.shape_inference.InferenceError):  # its end does not fit
            continue
        return graph.model([graph.at], graph.dims), graph
    raise AssertionError(f"no graph of seed {seed}")


def grown(graph: Drawn) -> None:
    """Add a block that suits the last tensor; one that does not fit is left out."""
    before = (graph.at, len(graph.nodes), len(graph.constants))
    choices = {4: IMAGE, 3: SERIES, 2: VECTOR}[len(graph.shape)]
    block = graph.pick(*choices)
    try:
        block(graph)
    except (ValueError, onnx.shape_inference.InferenceError):
        graph.at, nodes, constants = before
        del graph.nodes[nodes:]
        graph.constants = dict(list(graph.constants.items())[:constants])


def scaled(graph: Drawn) -> None:
    """Scale the tensor by constants: one, per channel, per element."""
    kind, shape = graph.pick("Mul", "Add", "Sub", "Div"), graph.shape
    along = graph.pick((1,), (), (shape[1], *[1] * (len(shape) - 2)), (1, shape[1], *[1] * (len(shape) - 2)))
    if graph.chance(0.1):
        along = shape[1:]
    value = graph.random.uniform(0.5, 2, along) * graph.pick(1, 1, -1)
    inputs = [graph.at, graph.constant(value)]
    graph.node(kind, inputs[::-1] if kind != "Div" and graph.chance(0.3) else inputs)


def convolution(graph: Drawn) -> None:
    """Add Conv with any attributes, and often what follows it."""
    space = graph.shape[2:]
    kernel = [int(graph.random.integers(1, min(6, n + 1))) for n in space]
    groups = graph.pick(1, 1, 1, graph.shape[1], 2 if graph.shape[1] % 2 == 0 else 1)
    filters = groups * int(graph.random.integers(1, 7))
    settings: dict[str, Any] = {"kernel_shape": kernel, "group": groups, **window(graph, kernel)}
    if graph.chance(0.15) and "auto_pad" not in settings:
        settings["dilations"] = [graph.pick(1, 2) for _ in space]
    inputs = [graph.at, graph.weight(filters, graph.shape[1] // groups, *kernel)]
    if graph.chance(0.6):
        inputs.append(graph.weight(filters))
    if graph.chance(0.15) and "auto_pad" not in settings:
        padded(graph)
        inputs[0] = graph.at
    graph.node("Conv", inputs, **settings)
    for follows in (normalised, unary):
        if graph.chance(0.5):
            follows(graph)


def window(graph: Drawn, kernel: list[int], pool: bool = False) -> dict[str, Any]:
    """Return stride and padding of a window."""
    settings: dict[str, Any] = {"strides": [graph.pick(1, 1, 2, 3) for _ in kernel]}
    way = graph.pick("pads", "pads", "none", "SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET")
    if way in ("pads", "NOTSET"):
        most = [k // 2 if pool else k for k in kernel]
        ends = [graph.random.integers(0, n + 1, 2) for n in most]
        settings["pads"] = [int(e[0]) for e in ends] + [int(e[1]) for e in ends]
        if way == "pads" and graph.chance(0.6):
            settings["pads"] = [k // 2 for k in kernel] * 2
    elif way != "none":
        settings["auto_pad"] = way
    return settings


def pooled(graph: Drawn) -> None:
    """Add pooling over windows with any attributes."""
    kernel = [int(graph.random.integers(1, min(5, n + 1))) for n in graph.shape[2:]]
    kind = graph.pick("MaxPool", "AveragePool")
    settings: dict[str, Any] = {"kernel_shape": kernel, **window(graph, kernel, pool=True)}
    if graph.opset >= 10 and graph.chance(0.3) and "auto_pad" not in settings:
        settings["ceil_mode"] = 1
    if kind == "AveragePool" and graph.chance(0.3):
        settings["count_include_pad"] = 1
    graph.node(kind, [graph.at], **settings)


def padded(graph: Drawn) -> None:
    """Add Pad with zeros around the space."""
    rank = len(graph.shape)
    amounts = [0, 0, *graph.random.integers(0, 3, rank - 2), 0, 0, *graph.random.integers(0, 3, rank - 2)]
    if graph.opset < 11:
        graph.node("Pad", [graph.at], pads=[int(a) for a in amounts])
    else:
        graph.node("Pad", [graph.at, graph.constant(amounts, np.int64)])


def normalised(graph: Drawn) -> None:
    """Add batch normalisation."""
    channels = graph.shape[1]
    values = [graph.random.uniform(0.5, 2, channels), *graph.random.normal(size=(2, channels)) / 3]
    names = [graph.constant(v) for v in [*values, graph.random.uniform(0.5, 2, channels)]]
    graph.node("BatchNormalization", [graph.at, *names], epsilon=graph.pick(1e-5, 1e-3))


def unary(graph: Drawn) -> None:
    """Add a function of every element."""
    kind = graph.pick(
        "Relu", "Relu", "Relu", "Clip", "Min", "PRelu", *UNARY, *(k for k, o in NEWER.items() if o <= graph.opset)
    )
    if kind == "Clip":
        low, high = graph.pick((0, 6), (0, 6), (-1, 1), (0, 1), (None, 2), (0, None))
        if graph.opset < 11:
            graph.node(kind, [graph.at], **{k: float(v) for k, v in (("min", low), ("max", high)) if v is not None})
        else:
            graph.node(kind, [graph.at, *("" if v is None else graph.constant(v) for v in (low, high))])
    elif kind == "Min":
        graph.node(graph.pick("Min", "Max"), [graph.at, graph.constant(graph.pick(0.0, 0.5))])
    elif kind == "PRelu":
        slopes = graph.random.uniform(0, 0.5, (graph.shape[1], *[1] * (len(graph.shape) - 2)))
        graph.node(kind, [graph.at, graph.constant(slopes)])
    else:
        settings = {"LeakyRelu": {"alpha": 0.1}, "Elu": {"alpha": 0.7}, "HardSigmoid": {"alpha": 1 / 6, "beta": 0.5}}
        graph.node(kind, [graph.at], **settings.get(kind, {}))


def gated(graph: Drawn) -> None:
    """Add the tensor times a function of itself, or squeeze and excitation."""
    x, channels = graph.at, graph.shape[1]
    if graph.chance(0.5) or len(graph.shape) == 2:
        if graph.chance(0.5):
            graph.node("Sigmoid", [x])
        else:
            graph.node("HardSigmoid", [x], alpha=1 / 6, beta=0.5)
    else:
        ones = [1] * (len(graph.shape) - 2)
        graph.node("GlobalAveragePool", [x])
        graph.node("Conv", [graph.at, graph.weight(2, channels, *ones), graph.weight(2)])
        graph.node("Relu", [graph.at])
        graph.node("Conv", [graph.at, graph.weight(channels, 2, *ones), graph.weight(channels)])
        graph.node("Sigmoid", [graph.at])
    graph.node("Mul", [x, graph.at] if graph.chance(0.7) else [graph.at, x])


def residual(graph: Drawn) -> None:
    """Add the tensor to what a convolution or a scale makes of it."""
    x, channels, rank = graph.at, graph.shape[1], len(graph.shape)
    if rank == 2:
        graph.node("Gemm", [x, graph.weight(channels, channels)], transB=1)
    else:
        kernel = [3] * (rank - 2)
        graph.node(
            "Conv", [x, graph.weight(channels, channels, *kernel)], kernel_shape=kernel, pads=[1] * (2 * rank - 4)
        )
    if graph.chance(0.5):
        unary(graph)
    kind = graph.pick("Add", "Add", "Sub", "Sum", "Mul")
    graph.node(kind, [x, graph.at] if graph.chance(0.5) else [graph.at, x])


def joined(graph: Drawn) -> None:
    """Join the tensor with what a layer makes of it."""
    x, channels, rank = graph.at, graph.shape[1], len(graph.shape)
    if rank == 2:
        graph.node("Gemm", [x, graph.weight(channels, 4)])
    else:
        graph.node("Conv", [x, graph.weight(3, channels, *[1] * (rank - 2))])
    graph.node("Concat", [x, graph.at], axis=graph.pick(1, 1 - rank) if graph.opset >= 11 else 1)


def parted(graph: Drawn) -> None:
    """Take a part of the channels or of the space, or split and join the channels the other way round."""
    x, channels = graph.at, graph.shape[1]
    if graph.chance(0.5) and channels > 1:
        sizes = [channels // 2, channels - channels // 2]
        if graph.opset < 13:
            graph.node("Split", [x], 2, axis=1, split=sizes)
        else:
            graph.node("Split", [x, graph.constant(sizes, np.int64)], 2, axis=1)
        graph.node("Concat", [f"{graph.at}_1", graph.at], axis=1)
        return
    axis = int(graph.random.integers(1, len(graph.shape)))
    begin = int(graph.random.integers(0, max(1, graph.shape[axis] // 2)))
    end = int(graph.random.integers(begin + 1, graph.shape[axis] + 1))
    if graph.opset < 10:
        graph.node("Slice", [x], axes=[axis], starts=[begin], ends=[end])
    else:
        graph.node("Slice", [x, *(graph.constant([v], np.int64) for v in (begin, end, axis))])


def reduced(graph: Drawn) -> None:
    """Reduce over space."""
    rank = len(graph.shape)
    if graph.chance(0.4):
        graph.node(graph.pick("GlobalAveragePool", "GlobalMaxPool"), [graph.at])
        return
    kind = graph.pick("ReduceMean", "ReduceMean", "ReduceMax", "ReduceSum")
    axes = list(range(2, rank)) if graph.chance(0.7) else [graph.pick(*range(2, rank))]
    axes = [a - rank if graph.opset >= 11 and graph.chance(0.3) else a for a in axes]
    as_input = graph.opset >= (13 if kind == "ReduceSum" else 18)
    keep = graph.pick(0, 1)
    if keep == 0 and rank - len(axes) == 3 and rank == 4 and graph.chance(0.5):
        keep = 1
    inputs = [graph.at, graph.constant(axes, np.int64)] if as_input else [graph.at]
    graph.node(kind, inputs, keepdims=keep, **({} if as_input else {"axes": axes}))


def turned(graph: Drawn) -> None:
    """Work with the channels last for a while: a dense layer of each pixel, or a mean."""
    rank = len(graph.shape)
    last, first = [0, *range(2, rank), 1], [0, rank - 1, *range(1, rank - 1)]
    graph.node("Transpose", [graph.at], perm=last)
    if graph.chance(0.7):
        graph.node("MatMul", [graph.at, graph.weight(graph.shape[-1], 5)])
        graph.node("Add", [graph.at, graph.weight(5)])
        if graph.chance(0.5):
            graph.node("Relu", [graph.at])
    graph.node("Transpose", [graph.at], perm=first)


def larger(graph: Drawn) -> None:
    """Enlarge an image by whole numbers, or by a transposed convolution."""
    if graph.chance(0.5) and graph.opset >= 11:
        modes = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        factors = graph.constant([1, 1, *(graph.pick(1, 2) for _ in graph.shape[2:])])
        graph.node("Resize", [graph.at, "" if graph.opset >= 13 else graph.constant([]), factors], **modes)
        return
    kernel, filters = [graph.pick(2, 3) for _ in graph.shape[2:]], int(graph.random.integers(1, 5))
    settings = {"strides": [2] * len(kernel), "kernel_shape": kernel, "pads": [graph.pick(0, 1)] * (2 * len(kernel))}
    graph.node("ConvTranspose", [graph.at, graph.weight(graph.shape[1], filters, *kernel)], **settings)


def dense(graph: Drawn) -> None:
    """Add a dense layer, as Gemm with any attributes or as MatMul and Add."""
    features, units = graph.shape[1], int(graph.random.integers(2, 9))
    bias = graph.pick((units,), (1, units), (1,), ())
    if graph.chance(0.5):
        graph.node("MatMul", [graph.at, graph.weight(features, units)])
        if graph.chance(0.8):
            graph.node("Add", [graph.at, graph.weight(units)])
        return
    settings: dict[str, Any] = {"transB": graph.pick(0, 1)}
    settings |= graph.pick({}, {}, {"alpha": 0.5}, {"beta": 2.0}, {"alpha": 1.5, "beta": 0.25})
    if graph.chance(0.1):
        graph.node("Transpose", [graph.at], perm=[1, 0])
        settings["transA"] = 1
    shape = (units, features) if settings["transB"] else (features, units)
    inputs = [graph.at, graph.weight(*shape)]
    if graph.opset < 11 or graph.chance(0.7):
        inputs.append(graph.constant(graph.random.normal(size=bias)))
    graph.node("Gemm", inputs, **settings)


def flattened(graph: Drawn) -> None:
    """Make a vector of the tensor: by Flatten, Reshape, Squeeze, or a shape that is worked out as torch does."""
    x, rank = graph.at, len(graph.shape)
    way = graph.pick("Flatten", "Reshape", "view", "view")
    if way == "Flatten":
        graph.node("Flatten", [x], axis=1)
    elif way == "Reshape":
        graph.node("Reshape", [x, graph.constant(graph.pick([1, -1], [0, -1], [-1, prod(graph.shape[1:])]), np.int64)])
    else:
        shape = graph.node("Shape", [x])
        batch = graph.node("Gather", [shape, graph.constant(0, np.int64)], axis=0)
        ones = graph.constant([-1], np.int64)
        if graph.opset < 13:
            batch = graph.node("Unsqueeze", [batch], axes=[0])
        else:
            batch = graph.node("Unsqueeze", [batch, graph.constant([0], np.int64)])
        size = graph.node("Concat", [batch, ones], axis=0)
        graph.node("Reshape", [x, size])
        graph.shapes[graph.at] = (1, prod(graph.shapes[x][1:]))
    assert len(graph.shape) == 2, (way, rank)


def unflattened(graph: Drawn) -> None:
    """Make an image or a series of a vector."""
    features = graph.shape[1]
    divisors = [n for n in range(2, features) if features % n == 0]
    if not divisors:
        raise ValueError("a prime number of features")
    channels = graph.pick(*divisors)
    rest = features // channels
    height = graph.pick(*(n for n in range(1, rest + 1) if rest % n == 0))
    size = graph.pick([1, channels, height, rest // height], [1, channels, rest])
    graph.node("Reshape", [graph.at, graph.constant(size, np.int64)])
    if channels > 8:
        raise ValueError("more channels than are drawn here")


def closed(graph: Drawn) -> None:
    """End as a classifier often does."""
    if len(graph.shape) > 2 and graph.chance(0.85):
        if graph.chance(0.5):
            graph.node("GlobalAveragePool", [graph.at])
        flattened(graph)
    if len(graph.shape) == 2 and graph.chance(0.95):
        dense(graph)
    if len(graph.shape) != 2 or graph.shape[1] < 2 or graph.at == "x":
        return
    end = graph.pick("", "", "Softmax", "Sigmoid", "LogSoftmax", "ArgMax")
    if end in ("Softmax", "LogSoftmax", "ArgMax"):
        graph.node(end, [graph.at], axis=1)
    elif end:
        graph.node(end, [graph.at])


BOTH = [
    convolution,
    convolution,
    convolution,
    pooled,
    scaled,
    normalised,
    unary,
    gated,
    residual,
    joined,
    parted,
    reduced,
]
IMAGE = [*BOTH, turned, larger, padded, flattened]
SERIES = [*BOTH, turned, flattened]
VECTOR = [dense, dense, scaled, normalised, unary, gated, residual, joined, parted, unflattened]
