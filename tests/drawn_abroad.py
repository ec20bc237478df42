"""Random ONNX files around one operator that spaces lack, with any of its attributes: to be read, or refused."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

CHANNELS_IN = 2
UNARY: dict[str, tuple[str, ...]] = {
    **{"LeakyRelu": ("alpha",), "HardSigmoid": ("alpha", "beta"), "Elu": ("alpha",), "Selu": ("alpha", "gamma")},
    **{"ThresholdedRelu": ("alpha",), "Shrink": ("bias", "lambd"), "Celu": ("alpha",), "Gelu": ("approximate",)},
    **dict.fromkeys(("Sigmoid", "Tanh", "Softplus", "Softsign", "Mish", "HardSwish", "Erf", "Exp", "Abs"), ()),
    **dict.fromkeys(("Sign", "Floor", "Ceil", "Round", "Sin", "Cos", "Neg", "Relu"), ()),
}
SINCE = {"Gelu": 20, "Mish": 18, "HardSwish": 14, "Celu": 12}
COORDINATES = ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric")
ROUNDINGS = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")


@dataclass
class Drawing:
    """A file in the making: tensor "a" (1, channels, height, width) is there, "b" is to be made."""

    random: np.random.Generator
    opset: int
    channels: int
    size: tuple[int, int]
    nodes: list[Any] = field(default_factory=list)
    constants: dict[str, np.ndarray] = field(default_factory=dict)

    def node(self, kind: str, inputs: list[str], output: str | list[str], **attributes: Any) -> None:
        outputs = [output] if isinstance(output, str) else output
        self.nodes.append(helper.make_node(kind, inputs, outputs, **attributes))

    def constant(self, value: Any, kind: Any = np.float32) -> str:
        name = f"c{len(self.constants)}"
        self.constants[name] = np.asarray(value, kind)
        return name

    def nothing(self) -> str:
        """Return the name of an input that is not given; before opset 13 Resize wants one."""
        return "" if self.opset >= 13 else self.constant([])

    def below(self, least: int, most: int) -> int:
        return int(self.random.integers(least, most))

    def pair(self, least: int, most: int) -> list[int]:
        return [self.below(least, most), self.below(least, most)]

    def chance(self, share: float) -> bool:
        return bool(self.random.random() < share)

    def any(self, options: Any) -> str:
        return str(self.random.choice(list(options)))

    def conv(self, source: str, filters: int, output: str) -> None:
        channels = CHANNELS_IN if source == "x" else self.channels
        weight = self.constant(self.random.normal(size=(filters, channels, 1, 1)))
        self.node("Conv", [source, weight], output)


def resize(d: Drawing) -> None:
    factors = d.pair(1, 5)
    settings = {} if d.chance(0.3) else {"mode": "nearest", "nearest_mode": d.any(ROUNDINGS)}
    if settings:
        settings["coordinate_transformation_mode"] = d.any(COORDINATES)
    if d.chance(0.5):
        d.node("Resize", ["a", d.nothing(), d.constant([1, 1, *factors])], "b", **settings)
    else:
        sizes = [1, d.channels, *(n * f for n, f in zip(d.size, factors, strict=True))]
        d.node("Resize", ["a", d.nothing(), d.nothing(), d.constant(sizes, np.int64)], "b", **settings)


def linear(d: Drawing) -> None:
    """Append an image with any number of rows and columns, or scaled by any factor, also as before opset 11."""
    modes = {"mode": d.any(("linear", "linear", "nearest")), "coordinate_transformation_mode": d.any(COORDINATES)}
    modes |= {"nearest_mode": d.any(ROUNDINGS)} if modes["mode"] == "nearest" else {}
    sizes, way = d.pair(1, 15), d.any(("sizes", "size by size", "factors", "before"))
    if way == "sizes":
        d.node("Resize", ["a", d.nothing(), d.nothing(), d.constant([1, d.channels, *sizes], np.int64)], "b", **modes)
        return
    factors = [m / n for n, m in zip(d.size, sizes, strict=True)]  # which may be whole in one precision only
    if way != "size by size":
        factors = [round(d.random.uniform(0.51, 2.5), 2) for _ in range(2)]
    if way == "before":
        d.opset = 10
        d.node("Resize", ["a", d.constant([1, 1, *factors])], "b", mode=modes["mode"])
    else:
        d.node("Resize", ["a", d.nothing(), d.constant([1, 1, *factors])], "b", **modes)


def chosen(d: Drawing) -> None:
    """Append a choice by a comparison, of one tensor or of two."""
    d.conv("a", d.channels, "g")
    other = d.any(("a", "g", "number"))
    number = d.constant(round(d.random.uniform(-0.5, 0.5), 3))
    later = d.opset >= 16
    kinds = ["Greater", "Less", *(["GreaterOrEqual", "LessOrEqual"] if later else [])]
    d.node(d.any(kinds), ["a", number if other != "g" or d.chance(0.5) else "g"], "m")
    mask = "m"
    if d.chance(0.4):
        d.node(d.any(kinds), ["a", d.constant(round(d.random.uniform(-0.5, 0.5), 3))], "k")
        d.node(d.any(("And", "Or", "Xor")), ["m", "k"], "n")
        mask = "n"
    if d.chance(0.3):
        d.node("Not", [mask], "o")
        mask = "o"
    if d.chance(0.3):
        d.node("Cast", [mask], "f", to=1)
        d.node("Mul", ["f", "a" if other == "number" else other], "b")
        return
    first, second = ("a", number if other == "number" else other)[:: d.random.choice([1, -1])]
    d.node("Tanh", ["a"], "h")
    d.node("Where", [mask, "h" if first == "a" and second == "a" else first, second], "b")


def extreme(d: Drawing) -> None:
    d.conv("a", d.channels, "g")
    d.node(d.any(("Max", "Min")), ["a", "g"] if d.chance(0.5) else ["g", "a"], "b")


def transposed(d: Drawing) -> None:
    groups, each, kernel, stride = d.channels if d.chance(0.3) else 1, d.below(1, 4), d.pair(1, 5), d.pair(1, 4)
    inputs = ["a", d.constant(d.random.normal(size=(d.channels, each, *kernel)))]
    inputs += [d.constant(d.random.normal(size=groups * each))] if d.chance(0.5) else []
    settings: dict[str, Any] = {"strides": stride, "group": groups} | (
        {"kernel_shape": kernel} if d.chance(0.5) else {}
    )
    apart = d.pair(1, 3) if d.chance(0.2) else [1, 1]
    settings |= {"dilations": apart} if apart != [1, 1] else {}
    way = d.random.random()
    if way < 0.5:
        settings["pads"] = [d.below(0, kernel[i % 2]) for i in range(4)]
        if d.chance(0.4):
            settings["output_padding"] = [d.below(0, max(s, a)) for s, a in zip(stride, apart, strict=True)]
    elif way < 0.7:
        settings["auto_pad"] = d.any(("SAME_UPPER", "SAME_LOWER", "VALID"))
    elif way < 0.85:
        whole = [(n - 1) * s + (k - 1) * a + 1 for n, s, k, a in zip(d.size, stride, kernel, apart, strict=True)]
        settings["output_shape"] = [d.below(max(1, n - 2), n + 1) for n in whole]
        settings |= {"auto_pad": d.any(("SAME_UPPER", "SAME_LOWER"))} if d.chance(0.5) else {}
    d.node("ConvTranspose", inputs, "b", **settings)


def product(d: Drawing) -> None:
    way = d.any(("channel", "pixel", "same", "row"))
    if way == "channel":
        d.node(d.any(("GlobalAveragePool", "GlobalMaxPool")), ["a"], "g")
    elif way == "row":
        d.node("AveragePool", ["a"], "g", kernel_shape=[d.size[0], 1])
    else:
        d.conv("a", 1 if way == "pixel" else d.channels, "g")
    d.node(d.any(("Sigmoid", "Tanh", "HardSigmoid")), ["g"], "s")
    d.node("Mul", ["a", "s"] if d.chance(0.5) else ["s", "a"], "b")


def slopes(d: Drawing) -> None:
    shape = [(d.channels, 1, 1), (1,), (1, d.channels, 1, 1), (1, 1)][d.below(0, 4)]
    d.node("PRelu", ["a", d.constant(d.random.normal(size=shape))], "b")


def unary(d: Drawing) -> None:
    many = d.below(1, 4)
    for i in range(many):
        kind = d.any(UNARY)
        kind = kind if SINCE.get(kind, 0) <= d.opset else "Tanh"
        given: dict[str, Any] = {name: round(d.random.uniform(0.05, 1.5), 3) for name in UNARY[kind] if d.chance(0.7)}
        given |= {"approximate": d.any(("none", "tanh"))} if "approximate" in given else {}
        d.node(kind, [f"u{i}" if i else "a"], "b" if i == many - 1 else f"u{i + 1}", **given)


def chain(d: Drawing) -> None:
    """Append arithmetic with numbers, and with the tensor it began with."""
    many = d.below(1, 5)
    for i in range(many):
        source, made = f"u{i}" if i else "a", "b" if i == many - 1 else f"u{i + 1}"
        kind = d.any(("Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "Clip", "self", "Sigmoid"))
        number = round(d.random.uniform(0.2, 2), 3)
        if kind == "self":
            d.node(d.any(("Mul", "Add", "Sub", "Max", "Min")), [source, "a"], made)
        elif kind == "Sigmoid":
            d.node(kind, [source], made)
        elif kind == "Clip":
            d.node(kind, [source, d.constant(-number), d.constant(number)], made)
        elif kind == "Pow":
            d.node(kind, [source, d.constant(float(d.below(2, 4)))], made)
        else:
            pair = [source, d.constant(number if d.chance(0.5) else [number])]
            d.node(kind, pair[::-1] if kind in ("Add", "Sub", "Mul") and d.chance(0.3) else pair, made)


def part(d: Drawing) -> None:
    dims = {1: d.channels, 2: d.size[0], 3: d.size[1]}
    axes = [int(a) for a in d.random.choice([1, 2, 3], size=d.below(1, 4), replace=False)]
    begin = [d.below(0, dims[a]) for a in axes]
    end = [d.below(b + 1, dims[a] + 1) for a, b in zip(axes, begin, strict=True)]
    given = [d.constant(v, np.int64) for v in (begin, end, axes, [d.below(1, 3) for _ in axes])]
    d.node("Slice", ["a", *given], "t")
    d.node("Tanh", ["t"], "b")


def halves(d: Drawing) -> None:
    first = d.below(1, d.channels)
    sizes = [first, d.channels - first]
    if d.opset < 13:
        d.node("Split", ["a"], ["t", "u"], axis=1, split=sizes)
    else:
        d.node("Split", ["a", d.constant(sizes, np.int64)], ["t", "u"], axis=1)
    d.node("Tanh", ["t"], "v")
    d.node("Concat", ["u", "v"], "b", axis=1)


def padded(d: Drawing) -> None:
    amounts = [0, *(d.below(0, 3) for _ in range(3)), 0, *(d.below(0, 3) for _ in range(3))]
    d.node("Pad", ["a", d.constant(amounts, np.int64)], "t")
    d.node("Softplus", ["t"], "b")


def two(d: Drawing) -> None:
    d.conv("a", d.channels, "g")
    d.node(d.any(("Sub", "Add", "Mul")), ["a", "g"], "b")


DRAWN: dict[str, Callable[[Drawing], None]] = {
    f.__name__: f
    for f in (resize, linear, chosen, extreme, transposed, product, slopes, unary, chain, part, halves, padded, two)
}


def drawn_file(seed: int, path: Path, kind: str = "") -> tuple[int, int, int]:
    """Write a random file; return its input's (channels, height, width).

    Args:
        kind: of ``DRAWN``; "": by the seed.
    """
    random = np.random.default_rng(seed)
    size = (int(random.integers(1, 12)), int(random.integers(1, 12)))
    d = Drawing(random, int(random.integers(11, 23)), int(random.integers(2, 6)), size)
    d.conv("x", d.channels, "a")
    DRAWN[kind or list(DRAWN)[seed % len(DRAWN)]](d)
    end = random.random()
    if end < 0.5:
        d.node("GlobalAveragePool", ["b"], "e")
        d.node("Flatten", ["e"], "y")
    else:
        d.node("Relu" if end < 0.8 else "Identity", ["b"], "y")
    value, float_ = helper.make_tensor_value_info, TensorProto.FLOAT
    graph = helper.make_graph(
        d.nodes,
        "drawn",
        [value("x", float_, (1, CHANNELS_IN, *size))],
        [value("y", float_, None)],
        [numpy_helper.from_array(array, name) for name, array in d.constants.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", d.opset)], ir_version=8), path)
    return CHANNELS_IN, *size
