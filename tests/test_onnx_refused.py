"""ONNX files that compute something else than they seem to: refused in a line, or read to the last bit."""

from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from latent_nas.interchange.onnx_import import read_model  # noqa: E402
from latent_nas.interchange.onnx_network import open_int8  # noqa: E402

DRAW = np.random.default_rng(0)
ONE, HALF = np.float32(1), np.float32(0.5)
CONV = helper.make_node("Conv", ["x", "w"], ["a"])
ABOVE = [CONV, helper.make_node("Greater", ["a", "half"], ["m"])]
LOGIT = [
    CONV,
    helper.make_node("GlobalAveragePool", ["a"], ["g"]),
    helper.make_node("Flatten", ["g"], ["v"]),
    helper.make_node("Gemm", ["v", "k"], ["l"]),
    helper.make_node("Sigmoid", ["l"], ["p"]),
]


def write(path: Path, nodes: list, shape: tuple = (1, 3, 5, 4), kind: int = TensorProto.FLOAT, **constants) -> Path:
    """Write a file whose output y is of any type."""
    constants = {
        "w": DRAW.normal(size=(4, 3, 1, 1)).astype(np.float32),
        "k": DRAW.normal(size=(4, 1)).astype(np.float32),
        "half": HALF,
        "axes": np.array([2, 3]),
    } | constants
    value, last = helper.make_tensor_value_info, nodes[-1].op_type
    made = TensorProto.INT64 if last == "ArgMax" else TensorProto.FLOAT
    held = [numpy_helper.from_array(np.asarray(a), name) for name, a in constants.items()]
    graph = helper.make_graph(nodes, "toy", [value("x", kind, shape)], [value("y", made, None)], held)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), path)
    return path


def node(kind: str, *names: str, **settings):
    """Return a node of the last name."""
    return helper.make_node(kind, list(names[:-1]), [names[-1]], **settings)


@pytest.mark.parametrize("operator", ["Add", "Sub", "Mul", "Div"])
def test_arithmetic_of_8_bits_that_wraps_around_or_cuts_off(operator, tmp_path):
    nodes = [node(operator, "x", "n", "h"), node("Cast", "h", "f", to=1), node("Conv", "f", "w", "y")]
    path = write(tmp_path / "m.onnx", nodes, kind=TensorProto.UINT8, n=np.uint8(200))
    with pytest.raises(
        ValueError, match=rf"{operator} 'h' works on integers \(uint8\), which it cuts off or lets wrap"
    ):
        read_model(path)


def test_integers_that_neither_cut_off_nor_wrap_around_are_read(tmp_path):
    """How many pixels are above a threshold; half of that, in integers, is none."""
    counted = [*ABOVE, node("Cast", "m", "i", to=TensorProto.INT64), node("ReduceSum", "i", "axes", "s", keepdims=0)]
    path = write(tmp_path / "m.onnx", [*counted, node("Cast", "s", "y", to=1)])
    assert read_model(path).graph.output_shape == (4,)
    halved = [*counted, node("Div", "s", "two", "d"), node("Cast", "d", "y", to=1)]
    with pytest.raises(ValueError, match=r"Div 'd' works on integers \(int64\)"):
        read_model(write(tmp_path / "m.onnx", halved, two=np.int64(2)))


@pytest.mark.parametrize("last", ["ArgMax", "Softmax"])
def test_each_of_the_functions_at_the_end_goes_over_the_classes(last, tmp_path):
    for axis, refused in ((1, False), (0, True), (2, True), (3, True)):
        path = write(tmp_path / "m.onnx", [CONV, node("Sigmoid", "a", "s"), node(last, "s", "y", axis=axis)])
        if refused:
            with pytest.raises(ValueError, match=rf"{last} 'y': axis {axis} of a tensor .* is not that of the classes"):
                read_model(path)
        else:
            assert read_model(path).graph.output_shape == (5, 4, 4)


def test_two_classes_of_one_are_those_that_add_up_to_1(tmp_path):
    nodes = [*LOGIT, node("Sub", "n", "p", "q"), node("Concat", "q", "p", "y", axis=1)]
    assert read_model(write(tmp_path / "m.onnx", nodes, n=ONE)).graph.output_shape == (1,)
    other = read_model(write(tmp_path / "m.onnx", nodes, n=2 * ONE))
    assert (other.graph.output_shape, other.ending) == ((2,), "")
    nodes.insert(5, node("Tanh", "l", "n"))
    assert read_model(write(tmp_path / "m.onnx", nodes)).graph.output_shape == (2,)


def test_a_number_below_0_to_the_power_of_a_tensor(tmp_path):
    path = write(tmp_path / "m.onnx", [CONV, node("Round", "a", "r"), node("Pow", "n", "r", "y")], n=-2 * ONE)
    with pytest.raises(ValueError, match=r"Pow 'y': -2 to the power of a tensor"):
        read_model(path)


def test_the_type_of_a_rounding_without_a_zero_point(tmp_path):
    nodes = [
        node("QuantizeLinear", "x", "n", "q", output_dtype=TensorProto.INT8),
        node("DequantizeLinear", "q", "n", "f"),
    ]
    path = write(tmp_path / "m.onnx", [*nodes, node("Conv", "f", "w", "y")], n=np.float32(0.05))
    assert read_model(path).quants[0].zero_point == 0


@pytest.mark.parametrize("seed", range(12))
def test_a_step_lies_where_the_file_has_it(seed, tmp_path):
    """Also if it is one of the int8 values: in double precision 3 x 0.1 is not 0.3, nor in single x / 3 x (1 / 3)."""
    random = np.random.default_rng(seed)
    scale = np.float32(random.choice([0.1, 0.05, 0.02, 0.3, 0.007, 1 / 255, 0.0123]))
    step = np.float32(float(scale) * int(random.integers(1, 60)))
    kind = ["Greater", "Less", "Where", "Floor", "Ceil", "Round"][seed % 6]
    nodes = [node("QuantizeLinear", "x", "s", "z", "q"), node("DequantizeLinear", "q", "s", "z", "d")]
    if kind in ("Greater", "Less"):
        nodes += [node(kind, "d", "n", "m"), node("Cast", "m", "f", to=1)]
    elif kind == "Where":
        nodes += [node("Greater", "d", "n", "m"), node("Where", "m", "d", "half", "f")]
    else:
        nodes += [node("Div", "d", "n", "h"), node(kind, "h", "f")]
    made = {"Greater": 1 / 127, "Less": 1 / 127, "Where": 0.05}.get(kind, 1.0)
    nodes += [node("QuantizeLinear", "f", "t", "z", "r"), node("DequantizeLinear", "r", "t", "z", "y")]
    path = write(tmp_path / "m.onnx", nodes, (1, 256), s=scale, z=np.int8(0), n=step, t=np.float32(made))
    options = runtime.SessionOptions()
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = runtime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
    x = (np.arange(-128, 128) * scale).astype(np.float32)[None]
    np.testing.assert_allclose(open_int8(path).outputs(x), session.run(None, {"x": x})[0], atol=made / 4)
