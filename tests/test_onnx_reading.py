"""Forms in which other tools write the same network: constants, layouts, inputs, ends. Needs the extra ``onnx``."""

from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("torch")

from held_onnx import Fate, fate  # noqa: E402
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from latent_nas import cli  # noqa: E402
from latent_nas.graph import Builder, Graph  # noqa: E402
from latent_nas.graph.deploy import deploy  # noqa: E402
from latent_nas.interchange.onnx_import import read, read_model  # noqa: E402
from latent_nas.interchange.onnx_network import open_int8  # noqa: E402
from latent_nas.operators.conv2d import Conv2d  # noqa: E402
from latent_nas.operators.dense import Dense  # noqa: E402
from latent_nas.operators.flatten import Flatten  # noqa: E402
from latent_nas.operators.global_pool import GlobalPool  # noqa: E402
from latent_nas.operators.relu import Relu  # noqa: E402

IMAGE = ("n", 3, 6, 8)
ENDING = [("GlobalAveragePool", ["e"], "p", {}), ("Flatten", ["p"], "f", {}), ("Gemm", ["f", "m"], "y", {"transB": 1})]


def drawn(*shape: int) -> np.ndarray:
    return np.random.default_rng(shape).normal(size=shape).astype(np.float32)


def write(
    path: Path,
    nodes: list,
    shape: tuple = IMAGE,
    opset: int = 13,
    kind: int = 1,
    outputs: tuple = ("y",),
    **held: object,
) -> Path:
    """Write a model of nodes (type, inputs, output, attributes) that read x; weights that none holds are drawn."""
    constants = {"w": drawn(4, 3, 3, 3), "m": drawn(5, 4), **held}
    read_names = {n for _, inputs, _, _ in nodes for n in inputs} - {output for _, _, output, _ in nodes}
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node(kind, inputs, [output], **attributes) for kind, inputs, output, attributes in nodes],
        "toy",
        [value("x", kind, shape)],
        [onnx.ValueInfoProto(name=name) for name in outputs],
        [numpy_helper.from_array(np.asarray(a), name) for name, a in constants.items() if name in read_names],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    inferred = onnx.shape_inference.infer_shapes(model).graph.output
    for output, known in zip(model.graph.output, inferred, strict=True):
        output.type.tensor_type.elem_type = known.type.tensor_type.elem_type or TensorProto.FLOAT
    onnx.save(model, path)
    return path


def small() -> Graph:
    b = Builder((6, 8, 3))
    b.add(Dense(5), b.add(GlobalPool(), b.add(Conv2d(4, padding="valid"), 0)))
    return b.build()


CONV = [("Conv", ["x", "w"], "e", {}), *ENDING]
LONG = numpy_helper.from_array(np.array([2]))


@pytest.mark.parametrize(
    ("nodes", "held"),
    [
        ([("Reshape", ["flat", "s"], "w", {}), *CONV], {"flat": drawn(108), "s": np.array([4, 3, 3, 3])}),
        ([("Transpose", ["v"], "w", {"perm": [3, 2, 0, 1]}), *CONV], {"v": drawn(3, 3, 3, 4)}),
        ([("Div", ["x", "k"], "a", {}), ("Conv", ["a", "w"], "e", {}), *ENDING], {"k": np.float32(255)}),
        (
            [("Sub", ["x", "k"], "a", {}), ("Div", ["a", "s"], "b", {}), ("Conv", ["b", "w"], "e", {}), *ENDING],
            {"k": drawn(3, 1, 1), "s": 1 + drawn(1, 3, 1, 1) ** 2},
        ),
        (
            [("Conv", ["x", "w"], "a", {}), ("Mul", ["a", "k"], "b", {}), ("Sub", ["b", "s"], "e", {}), *ENDING],
            {"k": drawn(4, 1, 1), "s": drawn(1, 4, 1, 1)},
        ),
    ],
)
def test_constants_go_into_the_layers(nodes, held, tmp_path):
    path = write(tmp_path / "m.onnx", nodes, **held)
    assert read(path) == small()
    assert fate(path).kind == "accepted"


BLOCKS = {"six": np.array([1, 4, 4, 1, 6, 1]), "twice": np.array([1, 1, 1, 2, 1, 3])}
BLOCKS |= {"whole": np.array([1, 4, 8, 18]), "k": np.array([1, 4, 4, 2, 6, 3])}
SIX, WHOLE = ("Reshape", ["a", "six"], "r", {}), ("Reshape", ["t", "whole"], "e", {})
ROWS, SPACE = np.array([3, 0, 0, 2]), ("ReduceMean", ["a", "space"], "v", {})
LAST, FIRST = ("Transpose", ["a"], "l", {"perm": [0, 2, 3, 1]}), ("Transpose", ["n"], "e", {"perm": [0, 3, 1, 2]})
EACH = {"g": 1 + drawn(4) / 4, "b": drawn(4)}
AXES = {"one": np.array([1]), "two": np.array([1, 2]), "space": np.array([2, 3])}


@pytest.mark.parametrize(
    ("nodes", "held"),
    [
        ([SIX, ("Tile", ["r", "twice"], "t", {}), WHOLE], BLOCKS),
        ([SIX, ("Expand", ["r", "k"], "t", {}), WHOLE], BLOCKS),
        (
            [
                ("Gather", ["a", "i"], "b", {"axis": 2}),
                ("ReduceMean", ["b", "space"], "q", {}),
                ("Add", ["a", "q"], "e", {}),
            ],
            {"i": ROWS, "space": np.array([2, 3])},
        ),
        ([("Gather", ["a", "i"], "b", {"axis": 2}), ("Gather", ["b", "i"], "e", {"axis": 1})], {"i": ROWS}),
        ([("ReduceMean", ["a", "one"], "q", {}), ("Sub", ["a", "q"], "e", {})], AXES),
        ([("ReduceMean", ["a", "two"], "q", {}), ("Add", ["q", "a"], "e", {})], AXES),
        ([("ReduceSum", ["a", "one"], "q", {}), SPACE, ("Mul", ["q", "v"], "e", {})], AXES),
        ([SPACE, ("Max", ["v", "a"], "e", {})], AXES),
        ([SPACE, ("Expand", ["v", "k"], "q", {}), ("Mul", ["a", "q"], "e", {})], AXES | {"k": np.array([1, 4, 4, 6])}),
        ([("ReduceMax", ["a", "two"], "q", {}), ("Add", ["q", "a"], "e", {})], AXES),
        ([LAST, ("ReduceMean", ["l", "i"], "q", {}), ("Sub", ["l", "q"], "n", {}), FIRST], {"i": np.array([3])}),
        ([("Pad", ["a", "rim"], "e", {"mode": "reflect"})], {"rim": np.array([0, 0, 1, 2, 0, 0, 2, 1])}),
        ([("ReduceL2", ["a", "one"], "q", {}), ("Div", ["a", "q"], "e", {})], AXES),
        ([LAST, ("LayerNormalization", ["l", "g", "b"], "n", {"epsilon": 0.5}), FIRST], EACH),
        ([("LayerNormalization", ["a", "g", "b"], "e", {"axis": 1})], {"g": drawn(4, 4, 6), "b": drawn(4, 4, 6)}),
    ],
)
def test_what_is_repeated_broadcast_or_normalised(nodes, held, tmp_path):
    path = write(tmp_path / "m.onnx", [("Conv", ["x", "w"], "a", {}), *nodes, *ENDING], opset=18, **held)
    assert fate(path) == Fate("accepted")


def test_a_shape_that_is_worked_out_is_a_flattening(tmp_path):
    nodes = [
        ("Conv", ["x", "w"], "a", {}),
        ("Shape", ["a"], "s", {}),
        ("Gather", ["s", "zero"], "n", {"axis": 0}),
        ("Unsqueeze", ["n"], "u", {"axes": [0]}),
        ("Concat", ["u", "rest"], "t", {"axis": 0}),
        ("Reshape", ["a", "t"], "r", {}),
        ("MatMul", ["r", "k"], "y", {}),
    ]
    held = {"zero": np.array(0), "rest": np.array([-1]), "k": drawn(96, 5)}
    path = write(tmp_path / "m.onnx", nodes, opset=11, **held)
    b = Builder((6, 8, 3))
    b.add(Dense(5), b.add(Flatten(), b.add(Conv2d(4, padding="valid"), 0)))
    assert read(path) == b.build()
    assert fate(path).kind == "accepted"


def test_padding_where_no_pooling_counts_it_the_same(tmp_path):
    """Zeros before max pooling count as outside behind a ReLU only."""
    tail = [("MaxPool", ["q"], "e", {"kernel_shape": [3, 3], "strides": [2, 2]}), *ENDING]
    for first, kinds in (("Relu", ["conv2d", "max_pool"]), ("Neg", ["conv2d", "pad", "max_pool"])):
        nodes = [("Conv", ["x", "w"], "a", {}), (first, ["a"], "b", {}), ("Pad", ["b", "pads"], "q", {}), *tail]
        path = write(tmp_path / "m.onnx", nodes, pads=np.array([0, 0, 1, 1, 0, 0, 1, 1]))
        assert [n.operator.kind for n in deploy(read(path)).graph.nodes][1:-2] == kinds
        assert fate(path).kind == "accepted"


def test_a_series_has_the_form_of_the_space_of_series(tmp_path):
    """(channels, steps) of a Conv1d are (steps, channels, 1) here, as recordings and series are."""
    nodes = [
        ("Conv", ["x", "w"], "a", {"pads": [2, 2], "strides": [2]}),
        ("Relu", ["a"], "b", {}),
        ("Conv", ["b", "v"], "e", {}),
        *ENDING,
    ]
    path = write(tmp_path / "m.onnx", nodes, ("n", 6, 20), w=drawn(7, 6, 5), v=drawn(4, 7, 3))
    b = Builder((20, 6, 1))
    first = b.add(Relu(), b.add(Conv2d(7, (5, 6), (2, 1), (2, 2, 0, 0)), 0))
    b.add(Dense(5), b.add(GlobalPool(), b.add(Conv2d(4, (3, 1), padding="valid"), first)))
    assert read(path) == b.build()
    assert fate(path).kind == "accepted"


@pytest.mark.parametrize("kind", [np.int8, np.uint8])
def test_integers_that_go_in_keep_the_scale_that_the_file_gives_them(kind, tmp_path):
    zero = kind(3)

    def rounded(name: str, to: str) -> list:
        quantised = ("QuantizeLinear", [name, "s", "t"], f"{to}_q", {})
        return [quantised, ("DequantizeLinear", [f"{to}_q", "s", "t"], to, {})]

    nodes = [("DequantizeLinear", ["x", "s", "t"], "a", {}), ("Conv", ["a", "w"], "c", {}), *rounded("c", "e")]
    nodes += [ENDING[0], *rounded("p", "g"), ("Flatten", ["g"], "y", {})]
    element = helper.np_dtype_to_tensor_dtype(np.dtype(kind))
    path = write(tmp_path / "m.onnx", nodes, IMAGE, kind=element, s=np.float32(0.05), t=zero, w=drawn(4, 3, 3, 3) / 9)
    first = open_int8(path).quants[0]
    assert (first.scale, first.zero_point) == (pytest.approx(0.05), 3 - 128 * (kind is np.uint8))
    assert fate(path).kind == "accepted"


@pytest.mark.parametrize("other", [0.05, 0.02])
def test_parts_of_one_tensor_have_one_rounding(other, tmp_path):
    def rounded(name: str, to: str, scale: str) -> list:
        quantised = ("QuantizeLinear", [name, scale, "t"], f"{to}_q", {})
        return [quantised, ("DequantizeLinear", [f"{to}_q", scale, "t"], to, {})]

    nodes = [*rounded("x", "a", "s"), ("Conv", ["a", "w"], "c", {})]
    nodes += [("Slice", ["c", "zero", "two", "one"], "l", {}), ("Slice", ["c", "two", "four", "one"], "r", {})]
    nodes += [*rounded("l", "lq", "s"), *rounded("r", "rq", "other"), ("Add", ["lq", "rq"], "e", {})]
    nodes += [*rounded("e", "eq", "s"), ("GlobalAveragePool", ["eq"], "p", {}), *rounded("p", "g", "s")]
    bounds = {name: np.array([n]) for name, n in (("zero", 0), ("one", 1), ("two", 2), ("four", 4))}
    held = {"s": np.float32(0.05), "other": np.float32(other), "t": np.int8(0), "w": drawn(4, 3, 3, 3) / 9}
    path = write(tmp_path / "m.onnx", [*nodes, ("Flatten", ["g"], "y", {})], **held, **bounds)
    if other == 0.05:
        assert fate(path).kind == "accepted"
    else:
        with pytest.raises(ValueError, match=r"rounds a part of a tensor with scale 0.02 "):
            open_int8(path)


@pytest.mark.parametrize("used", [False, True])
def test_a_part_rounded_again_is_taken_for_the_whole_only_where_nothing_else_is_used(used, tmp_path):
    """As onnxruntime's quantiser writes a ReLU of a slice: the tensor is rounded, and its part once more."""

    def rounded(name: str, to: str, scale: str) -> list:
        quantised = ("QuantizeLinear", [name, scale, "t"], f"{to}_q", {})
        return [quantised, ("DequantizeLinear", [f"{to}_q", scale, "t"], to, {})]

    nodes = [*rounded("x", "a", "s"), ("Conv", ["a", "w"], "c", {}), *rounded("c", "cq", "s")]
    nodes += [("Slice", ["cq", "zero", "two", "one"], "l", {}), *rounded("l", "lq", "other")]
    nodes += [("GlobalAveragePool", ["lq"], "p", {}), *rounded("p", "g", "other"), ("Flatten", ["g"], "y", {})]
    if used:
        nodes[-1:] = [("Slice", ["cq", "two", "four", "one"], "r", {}), ("GlobalAveragePool", ["r"], "rp", {})]
        nodes += [*rounded("rp", "rg", "other"), ("Add", ["g", "rg"], "e", {}), *rounded("e", "eq", "other")]
        nodes += [("Flatten", ["eq"], "y", {})]
    bounds = {name: np.array([n]) for name, n in (("zero", 0), ("one", 1), ("two", 2), ("four", 4))}
    held = {"s": np.float32(0.05), "other": np.float32(0.02), "t": np.int8(0), "w": drawn(4, 3, 3, 3) / 9}
    path = write(tmp_path / "m.onnx", nodes, **held, **bounds)
    if used:
        with pytest.raises(ValueError, match=r"rounds a part of a tensor with scale 0.02 "):
            open_int8(path)
    else:
        assert fate(path).kind == "accepted"


def test_several_outputs_are_named_and_one_can_be_picked(tmp_path):
    nodes = [*CONV, ("Gemm", ["f", "k"], "z", {})]
    path = write(tmp_path / "m.onnx", nodes, outputs=("y", "z"), k=drawn(4, 2))
    with pytest.raises(ValueError, match=r"has 2 outputs: y, z; a graph here has one, give FILE.onnx#NAME for one"):
        read(path)
    with pytest.raises(ValueError, match=r"no tensor 'v'; its outputs are: y, z"):
        read_model(path, output="v")
    with pytest.raises(SystemExit) as stopped:
        cli.main(["cost", f"{path}#z", "--json"])
    assert stopped.value.code == 0
    assert read_model(path, output="z").graph.output_shape == (2,)


@pytest.mark.parametrize("end", ["Softmax", "LogSoftmax", "Sigmoid", "ArgMax"])
def test_a_function_that_closes_a_file_is_said_wherever_the_network_goes(end, tmp_path, capsys):
    axis = {} if end == "Sigmoid" else {"axis": 1}
    nodes = [*CONV[:-1], ("Gemm", ["f", "m"], "l", {"transB": 1}), (end, ["l"], "y", axis)]
    path = write(tmp_path / "m.onnx", nodes)
    np.save(tmp_path / "x.npy", drawn(16, 3, 6, 8))
    commands = [["cost"]]
    if end == "Sigmoid":  # once, as it is compiled
        pytest.importorskip("ziglang")
        commands.append(["deploy", "--calibration", str(tmp_path / "x.npy"), "--out", str(tmp_path / "fw")])
    for command in commands:
        with pytest.raises(SystemExit) as stopped:
            cli.main([command[0], str(path), *command[1:]])
        assert stopped.value.code == 0
        assert f"note: {end} left out; the outputs are its inputs" in capsys.readouterr().out
    about = tmp_path / "fw" / "README.md"
    assert end != "Sigmoid" or "| Sigmoid left out; the outputs are its inputs" in about.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("nodes", "shape", "opset", "message"),
    [
        (CONV, IMAGE, 6, "its opset is 6, wanted 7 or newer"),
        (CONV, ("n", 3, 40000, 40000), 13, "which no device here can hold"),
        ([("Conv", ["x", "w"], "e", {}), *ENDING[:2], ("Div", ["f", "zero"], "y", {})], IMAGE, 13, "0 is divided by"),
        (
            [("ConstantOfShape", ["huge"], "c", {}), ("Add", ["x", "c"], "y", {})],
            IMAGE,
            13,
            "a constant of more than 16777216 elements",
        ),
        (
            [("ConstantOfShape", ["long"], "c", {"value": LONG}), ("Reshape", ["x", "c"], "y", {})],
            IMAGE,
            13,
            "a constant of more than 16777216 elements",
        ),
        ([*CONV[:-1], ("ArgMax", ["f"], "y", {"axis": 0})], IMAGE, 13, "axis 0 of a tensor .* is not that of"),
    ],
)
def test_what_is_not_read_is_one_line(nodes, shape, opset, message, tmp_path):
    held = {"zero": np.float32(0), "huge": np.array([10**6, 10**6]), "long": np.array([10**12])}
    path = write(tmp_path / "m.onnx", nodes, shape, opset, **held)
    with pytest.raises(ValueError, match=message) as refused:
        read(path)
    assert "\n" not in str(refused.value)


def test_an_attribute_of_no_type_is_one_line(tmp_path):
    path = write(tmp_path / "m.onnx", CONV)
    model = onnx.load(path)
    model.graph.node[0].attribute.append(onnx.AttributeProto(name="group", type=onnx.AttributeProto.STRING, s=b"two"))
    onnx.save(model, path)
    with pytest.raises(ValueError, match=r"m\.onnx") as refused:
        read(path)
    assert "\n" not in str(refused.value)
