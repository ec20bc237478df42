"""Layers that a random graph grows by: convolutions, pooling, scales, functions, sums, with any attributes."""

from typing import Any

from drawn_graph import Drawn
from drawn_shapes import padded

UNARY = ["Relu", "Sigmoid", "Tanh", "LeakyRelu", "Elu", "HardSigmoid", "Softplus", "Identity", "Dropout", "Neg"]
UNARY += ["Selu", "ThresholdedRelu"]
NEWER = {"HardSwish": 14, "Gelu": 20, "Mish": 18}
COMPARED = ["Greater", "Less"]


def scaled(graph: Drawn) -> None:
    """Scale the tensor by constants: one, per channel, per element, or broadcast in any other way."""
    kind, shape = graph.pick("Mul", "Add", "Sub", "Div"), graph.shape
    along = graph.pick((1,), (), (shape[1], *[1] * (len(shape) - 2)), (1, shape[1], *[1] * (len(shape) - 2)))
    if graph.chance(0.1):
        along = shape[1:]
    if graph.chance(0.25):
        along = tuple(n if graph.chance(0.5) else 1 for n in shape)[graph.pick(*range(len(shape))) :]
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


def chosen(graph: Drawn) -> None:
    """Choose between the tensor, what a function makes of it, and a number, by a comparison."""
    x, kinds = graph.at, COMPARED + ["GreaterOrEqual", "LessOrEqual"] * (graph.opset >= 16)
    if graph.opset < 9:
        raise ValueError("Where is of opset 9")
    mask = graph.node(graph.pick(*kinds), [x, graph.constant(graph.random.uniform(-0.5, 0.5))])
    if graph.chance(0.2):  # known before anything runs, broadcast in any way
        along = tuple(n if graph.chance(0.5) else 1 for n in graph.shapes[x])[
            graph.pick(*range(len(graph.shapes[x]))) :
        ]
        mask = graph.constant(graph.random.random(along) < 0.5, bool)
    elif graph.chance(0.3):
        other = graph.node(graph.pick(*kinds), [x, graph.constant(graph.random.uniform(-0.5, 0.5))])
        mask = graph.node(graph.pick("And", "Or", "Xor"), [mask, other])
    mask = graph.node("Not", [mask]) if graph.chance(0.3) else mask
    if graph.chance(0.3):
        graph.node("Mul", [x, graph.node("Cast", [mask], to=1)])
        return
    other = graph.node("Tanh", [x]) if graph.chance(0.6) else graph.constant(graph.random.uniform(-0.5, 0.5))
    graph.node("Where", [mask, *([x, other] if graph.chance(0.5) else [other, x])])
