"""TensorFlow Lite in: what a file computes is what its own interpreter says. Skipped without the extra ``tflite``.

Files are made by ``tflite_files``, which shares nothing with the package, and by the package's own writer.
"""

import json
import sys

import numpy as np
import pytest

pytest.importorskip("ai_edge_litert")

from test_onnx import every_operator
from tflite_files import (
    RELU,
    RELU6,
    RELU_N1_TO_1,
    SAME,
    TANH,
    VALID,
    Fields,
    Model,
    conv_options,
    depthwise_options,
    packed,
    pool_options,
)
from tflite_graphs import float_file, int8_file
from tflite_random import Draw

from latent_nas import cli
from latent_nas.firmware.draw import drawn
from latent_nas.graph import Builder
from latent_nas.interchange import read_format
from latent_nas.interchange.tflite_export import to_bytes
from latent_nas.interchange.tflite_import import read_model
from latent_nas.interchange.tflite_network import open_int8, read
from latent_nas.interchange.tflite_oracle import compare_float, compare_int8
from latent_nas.jobs.networks import open_source
from latent_nas.operators.activation import Activation
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.conv_transpose import ConvTranspose
from latent_nas.operators.dense import Dense
from latent_nas.operators.global_pool import GlobalPool
from latent_nas.operators.multiply import Multiply
from latent_nas.operators.pad import Pad
from latent_nas.operators.prelu import PRelu
from latent_nas.operators.slice import Slice
from latent_nas.operators.subtract import Subtract
from latent_nas.operators.upsample import Upsample
from latent_nas.zoo import open_network

RANDOM = np.random.default_rng(0)


def convolution(model: Model, x: int, filters: int, kind: str = "INT8", **how) -> int:
    """Add a 3x3 convolution and return its output; ``how``: stride, padding, activation, dilation, zero, scale, ..."""
    stride, padding = how.get("stride", (1, 1)), how.get("padding", SAME)
    _, height, width, channels = model.dims[x]
    cut = 0 if padding == SAME else 2
    size = [-(-(n - cut) // s) for n, s in zip((height, width), stride, strict=True)]
    dims = (filters, 3, 3, channels)
    if kind == "FLOAT32":
        weight = model.tensor(dims, "FLOAT32", data=RANDOM.normal(0, 0.3, dims))
        bias = model.tensor((filters,), "FLOAT32", data=RANDOM.normal(0, 0.3, filters))
        y = model.tensor((1, *size, filters), "FLOAT32")
    else:
        scales = how.get("scales", RANDOM.uniform(0.003, 0.006, filters))
        zero = how.get("zero", 0)
        weight = model.tensor(dims, "INT8", scales, zero, RANDOM.integers(-127, 128, dims))
        bias_scales = model.tensors[x].get(4, {2: [0.05]})[2][0] * np.asarray(scales)
        bias = model.tensor((filters,), "INT32", bias_scales, 0, RANDOM.integers(-900, 900, filters))
        y = model.tensor((1, *size, filters), kind, 0.06, how.get("out_zero", -3))
    options = conv_options(stride, padding, how.get("activation", 0), how.get("dilation", 1))
    return model.op("CONV_2D", [x, weight, bias], y, options)


def image(model: Model, kind: str = "INT8") -> int:
    """Return a new input (1, 6, 8, 3)."""
    return model.tensor((1, 6, 8, 3), kind, *((0.05, 4) if kind == "INT8" else (0.05, 132) if kind == "UINT8" else ()))


def small(path, kind: str = "INT8"):
    """Write convolution, mean, dense layer and softmax; return the path."""
    model = Model()
    x = image(model, kind)
    a = convolution(model, convolution(model, x, 4, kind, activation=RELU), 6, kind)
    quantised = kind != "FLOAT32"
    mean = model.tensor((1, 6), kind, *((0.03, 1) if quantised else ()))
    model.op("MEAN", [a, model.tensor((2,), "INT32", data=np.array([1, 2]))], mean, (27, {0: ("?", False)}))
    draw = RANDOM.integers(-127, 128, (5, 6)) if quantised else RANDOM.normal(size=(5, 6))
    weight = model.tensor((5, 6), kind, *((0.01, 0) if quantised else ()), data=draw)
    logits = model.tensor((1, 5), kind, *((0.05, -7) if quantised else ()))
    model.op("FULLY_CONNECTED", [mean, weight, -1], logits, (8, {}))
    y = model.tensor((1, 5), kind, *((1 / 256, -128) if quantised else ()))
    model.op("SOFTMAX", [logits], y, (9, {0: ("f", 1.0)}))
    path.write_bytes(model.file(x, y))
    return path


def command(capsys, *arguments):
    """Return exit code, standard output and standard error of a command."""
    code = 0
    try:
        cli.main([str(argument) for argument in arguments])
    except SystemExit as stopped:
        code = int(stopped.code or 0)
    return code, *capsys.readouterr()


@pytest.mark.parametrize("name", ["mlperf_ds_cnn", "mlperf_autoencoder", "every operator"])
def test_what_we_write_comes_back_with_its_integers(name, tmp_path):
    graph = every_operator() if name == "every operator" else open_network(name)
    network, x = drawn(graph, 0, 4)
    (tmp_path / "m.tflite").write_bytes(to_bytes(network))
    back = open_int8(tmp_path / "m.tflite")
    assert (back.graph.macs, back.graph.parameters) == (network.graph.macs, network.graph.parameters)
    np.testing.assert_array_equal(back.integers(x), network.integers(x))


@pytest.mark.parametrize(
    "operator",
    [
        *(
            o
            for kind in (ConvTranspose, PRelu, Upsample)
            for o in kind.examples()
            if min(getattr(o, "crop", (0,))) >= 0
        ),
        *(Multiply(), Subtract(activation="relu"), Pad((1, 0, 2), (2, 1, 0)), Slice((1, 0, 2), (3, 4, 4))),
        *map(Activation, ("leaky_relu(x, 0.1)", "sigmoid(x)", "tanh(x)", "silu(x)", "elu(x, 1)")),
    ],
    ids=str,
)
def test_operators_from_outside_are_read(operator, tmp_path):
    """Those that this package writes; the oracle holds what is read."""
    b = Builder((5, 6, 6))
    b.add(operator, *[0] * (operator.arity or 1))
    network, x = drawn(b.build(), 1, 8)
    (tmp_path / "m.tflite").write_bytes(to_bytes(network))
    back = open_int8(tmp_path / "m.tflite")
    assert np.abs(back.integers(x).astype(int) - network.integers(x)).max() <= 2


def test_parts_of_a_tensor_are_read_one_by_one(tmp_path):
    model = Model()
    x = image(model)
    a = convolution(model, x, 6)
    parts = [model.tensor((1, 6, 8, 3), "INT8", 0.06, -3) for _ in range(2)]
    axis = model.tensor((), "INT32", data=np.array(3))
    model.op("SPLIT", [axis, a], parts[0], (35, {0: ("i", 2)}))
    model.operators[-1][2] = np.array(parts, "<i4")
    y = model.op("SUB", parts[::-1], model.tensor((1, 6, 8, 3), "INT8", 0.08, 0), (28, {}))
    network = open_int8(write(tmp_path / "m.tflite", model, x, y))
    assert [node.operator.kind for node in network.graph.nodes[2:]] == ["slice", "slice", "subtract"]


@pytest.mark.parametrize("kind", ["float", "int8"])
def test_random_networks_are_read_as_their_interpreter_reads_them(kind, tmp_path):
    """Few of those of ``benchmarks/fuzz_tflite.py``: none is read wrongly, and most are read."""
    path, refused = tmp_path / "m.tflite", []
    for seed in range(5):
        layers = Draw(seed).network(6)
        x = np.random.default_rng(seed).normal(size=(4, *layers[0].dims[1:])).astype(np.float32)
        path.write_bytes(float_file(layers) if kind == "float" else int8_file(layers, x, ("INT8", "UINT8")[seed % 2]))
        np.save(tmp_path / "x.npy", x)
        try:
            open_int8(path, tmp_path / "x.npy" if kind == "float" else None)
        except ValueError as error:
            refused.append(str(error))
    assert not [line for line in refused if "is read wrongly" in line or "\n" in line]
    assert len(refused) <= 1, refused


def test_a_hand_made_file_is_costed_deployed_and_exported(tmp_path, capsys):
    path = small(tmp_path / "MODEL.TFLite")
    code, out, _ = command(capsys, "cost", path, "--json")
    assert (code, json.loads(out)["parameters"]) == (0, 112 + 222 + 35)
    notes = ["SOFTMAX left out; the outputs are its inputs: logits, the largest is the class"]
    assert json.loads(out)["notes"] == notes
    assert command(capsys, "export", path, "--out", tmp_path / "again.tflite")[0] == 0
    assert command(capsys, "export", path, "--out", tmp_path / "again.onnx")[0] == 0
    wanted = open_int8(path)
    x = RANDOM.normal(size=(4, 6, 8, 3)).astype(np.float32)
    for name in ("again.tflite", "again.onnx"):
        again, _ = open_source(tmp_path / name).quantised()
        np.testing.assert_array_equal(again.integers(x), wanted.integers(x))
    assert [node.operator.kind for node in wanted.graph.nodes[1:]] == ["conv2d", "conv2d", "global_pool", "dense"]


def test_a_float_file_is_costed_with_a_note_and_deployed_with_data(tmp_path, capsys):
    path = small(tmp_path / "m.tflite", "FLOAT32")
    code, out, _ = command(capsys, "cost", path, "--json")
    assert (code, json.loads(out)["parameters"]) == (0, 112 + 222 + 35)
    assert "a float file: costs and firmware are those of its int8 network" in json.loads(out)["notes"]
    code, _, said = command(capsys, "export", path, "--out", tmp_path / "m.onnx")
    assert code == 2
    assert "is a float model: quantising it wants data, --calibration FILE.npz" in said
    x = RANDOM.normal(size=(16, 6, 8, 3)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    network = open_int8(path, tmp_path / "x.npy")
    assert network.graph.output_shape == (5,)
    model = read_model(path)
    model.weights[1]["weight"][0, 0, 0, 0] += 1
    from latent_nas.interchange import float_weights

    wrong = float_weights.network(model.graph, model.weights, path)
    with pytest.raises(
        ValueError, match=r"m.tflite is read wrongly: .* first at CONV_2D \(operator 0\) \(up to .* apart"
    ):
        compare_float(path, model, wrong, -1, 1)


def test_a_file_is_known_by_its_first_bytes(tmp_path):
    path = small(tmp_path / "weights.bin")
    assert read_format(path) == "tflite"
    assert open_source(path).graph() == read(path)
    (tmp_path / "m.tflite").write_bytes(b"no such thing")
    with pytest.raises(ValueError, match=r"m.tflite is damaged or not a .tflite file: its bytes 4 to 8 are"):
        read(tmp_path / "m.tflite")


def test_one_of_several_outputs_is_named(tmp_path, capsys):
    model = Model()
    x = image(model)
    first = convolution(model, x, 4)
    second = convolution(model, first, 2)
    (tmp_path / "m.tflite").write_bytes(packed(model.root([x], [first, second])))
    shapes = [open_source(f"{tmp_path / 'm.tflite'}#t{y}").quantised()[0].graph.output_shape for y in (first, second)]
    assert shapes == [(6, 8, 4), (6, 8, 2)]
    code, _, said = command(capsys, "cost", f"{tmp_path / 'm.tflite'}#t9")
    assert (code, said.count("\n")) == (2, 1)
    assert f"it has 2 outputs, t{first}, t{second}, and not 't9'" in said


def test_a_file_read_wrongly_is_refused_at_its_operator(tmp_path):
    path = small(tmp_path / "m.tflite")
    model, network = read_model(path), open_int8(path)
    network.constants[2]["weight"][:] = -network.constants[2]["weight"]
    with pytest.raises(ValueError, match=r"is read wrongly: .* first at CONV_2D \(operator 1\) \(up to \d+ int8 units"):
        compare_int8(path, model, network)


def test_where_the_interpreter_is_missing_it_is_said_in_a_line(tmp_path, monkeypatch, capsys):
    path = small(tmp_path / "m.tflite")
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    open_int8(path)
    said = capsys.readouterr().err
    assert "m.tflite was not compared with its interpreter, which is not installed; it is in the extra tflite" in said


def test_an_interpreter_that_breaks_is_one_line(tmp_path, monkeypatch):
    path = small(tmp_path / "m.tflite")
    breaking = tmp_path / "breaks.py"
    breaking.write_text("import os\nos.abort()\n")
    monkeypatch.setattr("latent_nas.interchange.tflite_oracle.PROCESS", breaking)
    with pytest.raises(ValueError, match=r"can't be compared: the interpreter does not run it \(it ends by SIGABRT\)"):
        open_int8(path)


def ends(path, inner: str, first: str, last: str):
    """Write a network that is quantised from and to other types; return the path."""
    model = Model()
    outer, integers = (0.05, 4), (0.05, 4)
    x = model.tensor((1, 6, 8, 3), first, *((0.05, 132) if first == "UINT8" else outer if first == "INT8" else ()))
    a = x
    if first != "INT8":
        a = model.op("QUANTIZE", [x], model.tensor((1, 6, 8, 3), inner, *integers), (89, {}))
    b = convolution(model, a, 4)
    y = b
    if last == "UINT8":
        y = model.op("QUANTIZE", [b], model.tensor(model.dims[b], last, 0.06, 125), (89, {}))
    elif last == "FLOAT32":
        y = model.op("DEQUANTIZE", [b], model.tensor(model.dims[b], last), (38, {}))
    path.write_bytes(model.file(x, y))
    return path


@pytest.mark.parametrize(("first", "last"), [("UINT8", "UINT8"), ("FLOAT32", "FLOAT32"), ("INT8", "FLOAT32")])
def test_ends_of_other_types_leave_no_trace(first, last, tmp_path, capsys):
    network = open_int8(ends(tmp_path / "m.tflite", "INT8", first, last))
    assert [node.operator.kind for node in network.graph.nodes] == ["input", "conv2d"]
    assert (network.quants[0].zero_point, network.quants[-1].zero_point) == (4, -3)
    assert capsys.readouterr().err == ""


def test_an_activation_of_minus_1_to_1_becomes_a_table(tmp_path):
    model = Model()
    x = image(model)
    (tmp_path / "m.tflite").write_bytes(model.file(x, convolution(model, x, 4, activation=RELU_N1_TO_1)))
    network = open_int8(tmp_path / "m.tflite")
    assert isinstance(network.graph.nodes[-1].operator, Activation)


def write(path, model: Model, x: int, y: int):
    path.write_bytes(model.file(x, y))
    return path


def spoilt(tmp_path, table: str, fields: Fields):
    """Write a network whose model, graph or input tensor has further fields; return the path."""
    model = Model()
    x = image(model)
    y = convolution(model, x, 4)
    root = model.root([x], [y])
    {"model": root, "graph": root[2][0], "input": model.tensors[x], "operator": model.operators[0]}[table].update(
        fields
    )
    (tmp_path / "m.tflite").write_bytes(packed(root))
    return tmp_path / "m.tflite"


GRAPHS = {0: [], 1: np.zeros(0, "<i4"), 2: np.zeros(0, "<i4"), 3: []}


@pytest.mark.parametrize(
    ("table", "fields", "message"),
    [
        ("model", {0: ("I", 2)}, "version 2 of the format"),
        ("model", {2: [GRAPHS, GRAPHS]}, "it has 2 graphs; only one is known here, so IF"),
        ("model", {2: [GRAPHS, GRAPHS], 7: [{2: "a"}, {2: "b"}]}, "2 graphs; .*: convert one signature alone, of a, b"),
        ("graph", {1: np.array([0, 0], "<i4")}, "it has 2 inputs"),
        ("graph", {2: np.array([0, 3], "<i4")}, "it has 2 outputs, t0, t3; say FILE.tflite#NAME for one"),
        ("input", {7: np.array([-1, -1, 8, 3], "<i4")}, "has a dynamic shape"),
        ("input", {0: np.array([4, 6, 8, 3], "<i4")}, r"has the shape \(4, 6, 8, 3\); wanted a batch of 1"),
        ("input", {5: ("?", True)}, "is a variable"),
        ("input", {6: {}}, "is sparse"),
        ("input", {1: ("b", 7)}, "is INT16; known are FLOAT32, INT8 and UINT8"),
        ("operator", {11: ("B", 1), 12: {}}, "options of a newer kind"),
        ("operator", {1: np.array([0, 99, 2], "<i4")}, "damaged"),
        ("operator", {3: ("B", 5)}, "options of kind 5"),
    ],
)
def test_what_a_file_may_not_have_is_one_line(table, fields, message, tmp_path):
    with pytest.raises(ValueError, match=message) as refused:
        read(spoilt(tmp_path, table, fields))
    assert "\n" not in str(refused.value)


def odd_bias(model: Model, x: int) -> int:
    weight = model.tensor((4, 1, 1, 3), "INT8", 0.01, 0, RANDOM.integers(-9, 9, (4, 1, 1, 3)))
    bias = model.tensor((4,), "INT32", 0.9, 0, RANDOM.integers(-9, 9, 4))
    y = model.tensor((1, 6, 8, 4), "INT8", 0.06, 0)
    return model.op("CONV_2D", [x, weight, bias], y, conv_options((1, 1), SAME))


def plain(code: str, options=None, dims=(1, 6, 8, 3), *constants):
    """Return what adds an operator that reads the input and constants."""

    def add(model: Model, x: int) -> int:
        read_too = [model.tensor(np.shape(c), "INT32", data=np.array(c)) for c in constants]
        return model.op(code, [x, *read_too], model.tensor(dims, "INT8", 0.05, 4), options)

    return add


def turned(model: Model, x: int) -> int:
    y = convolution(model, x, 4)
    shape = model.tensor((4,), "INT32", data=np.array([2, 8, 3, 4]))
    return model.op("RESHAPE", [y, shape], model.tensor((2, 8, 3, 4), "INT8", 0.06, -3))


def hybrid(model: Model, x: int) -> int:
    f = model.op("DEQUANTIZE", [x], model.tensor((1, 6, 8, 3), "FLOAT32"), (38, {}))
    return convolution(model, f, 4)


@pytest.mark.parametrize(
    ("add", "message"),
    [
        (
            lambda m, x: convolution(m, x, 4, dilation=0),
            r"CONV_2D \(operator 0\): .*dilations \(0, 0\); wanted at least 1",
        ),
        (lambda m, x: convolution(m, x, 4, activation=TANH), "the fused activation TANH is not known here"),
        (lambda m, x: convolution(m, x, 4, zero=3), r"the zero point 3 \(asymmetric\)"),
        (lambda m, x: convolution(m, x, 4, scales=np.full(3, 0.01)), "has 3 scales for 4 filters|have 3 scales"),
        (lambda m, x: convolution(m, x, 4, kind="INT16"), "is INT16 with 1 scales; wanted int8"),
        (odd_bias, "its bias has another scale than input times weights"),
        (hybrid, "reads what DEQUANTIZE makes"),
        (plain("CUSTOM Mine"), "operators that are not known here: CUSTOM 'Mine'; docs/operators.md"),
        (plain("L2_POOL_2D"), "operators that are not known here: L2_POOL_2D"),
        (plain("MIRROR_PAD"), r"^[^(]*MIRROR_PAD \(operator 0\): it has no input 1$"),
        (plain("MEAN", (27, {}), (1, 8), [1, 3]), r"over axes \[1, 3\] of a tensor \(1, 6, 8, 3\)"),
        (turned, r"a tensor \(2, 8, 3, 4\); wanted a vector, a sequence or an image, batch 1 first"),
        (plain("RESHAPE", None, (1, 144), [1, 140]), r"its output is \(1, 144\), its shape says \[1, 140\]"),
        (plain("TRANSPOSE", (26, {}), (1, 8, 6, 3), [0, 2, 1, 3]), "its output is its input"),
        (plain("AVERAGE_POOL_2D", pool_options((2, 2), (0, 1), SAME)), "with stride"),
        (plain("SOFTMAX", (9, {0: ("f", -1.0)})), "beta is -1.0"),
        (plain("RELU", (5, {0: ("b", 1)})), r"sets an option that is not known here \(field 0\)"),
        (plain("CONCATENATION", (10, {0: ("i", 1)})), "axis 1 of tensors"),
    ],
)
def test_an_attribute_without_an_equal_is_refused_by_name(add, message, tmp_path):
    model = Model()
    x = image(model)
    path = write(tmp_path / "m.tflite", model, x, add(model, x))
    with pytest.raises(ValueError, match=message) as refused:
        read(path)
    assert "\n" not in str(refused.value)
    assert str(path) in str(refused.value)


def test_padding_goes_into_the_convolution_or_stands_alone(tmp_path):
    model = Model()
    x = image(model)
    amounts = model.tensor((4, 2), "INT32", data=np.array([[0, 0], [0, 1], [1, 2], [0, 0]]))
    padded = model.op("PAD", [x, amounts], model.tensor((1, 7, 11, 3), "INT8", 0.05, 4), (22, {}))
    y = convolution(model, padded, 4, padding=VALID)
    network = open_int8(write(tmp_path / "c.tflite", model, x, y))
    assert network.graph.nodes[-1].operator == Conv2d(4, (3, 3), (1, 1), (0, 1, 1, 2))
    pooled = model.tensor((1, 3, 5, 3), "INT8", 0.05, 4)
    model.operators[1:] = []
    model.op("AVERAGE_POOL_2D", [padded], pooled, pool_options((2, 2), (2, 2), VALID))
    network = open_int8(write(tmp_path / "p.tflite", model, x, pooled))
    assert [node.operator.kind for node in network.graph.nodes[1:]] == ["pad", "avg_pool"]


def test_depthwise_filters_several_to_a_channel(tmp_path):
    model = Model()
    x = image(model)
    scales = RANDOM.uniform(0.003, 0.006, 6)
    weight = model.tensor((1, 3, 3, 6), "INT8", scales, 0, RANDOM.integers(-127, 128, (1, 3, 3, 6)), axis=3)
    bias = model.tensor((6,), "INT32", 0.05 * scales, 0, RANDOM.integers(-900, 900, 6))
    y = model.tensor((1, 3, 4, 6), "INT8", 0.03, 5)
    model.op("DEPTHWISE_CONV_2D", [x, weight, bias], y, depthwise_options((2, 2), SAME, RELU6, 2))
    network = open_int8(write(tmp_path / "m.tflite", model, x, y))
    assert network.graph.nodes[-1].operator == Conv2d(6, (3, 3), (2, 2), "same", 3, activation="relu6")


def said(path) -> str:
    """Return what is said of a file that is refused, "" of one that is read."""
    try:
        read(path)
    except ValueError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("how", ["cut", "flipped"])
def test_a_damaged_file_is_one_line(how, tmp_path):
    whole, path, refused = small(tmp_path / "whole.tflite").read_bytes(), tmp_path / "m.tflite", 0
    for i in range(0, len(whole), 23):
        bit = 1 << i % 8
        path.write_bytes(whole[:i] if how == "cut" else whole[:i] + bytes([whole[i] ^ bit]) + whole[i + 1 :])
        line = said(path)
        refused += bool(line)
        assert "\n" not in line
        assert not line or str(path) in line
    assert refused > 5


def test_a_gate_comes_back(tmp_path):
    b = Builder((6, 5, 3))
    x = b.add(Conv2d(7), 0)
    x = b.add(Multiply(), x, b.add(Activation("sigmoid(x)"), b.add(Dense(7), b.add(GlobalPool(), x))))
    b.add(Conv2d(4), b.add(Multiply(), x, b.add(Activation("sigmoid(x)"), b.add(Conv2d(1), x))))
    network, x = drawn(b.build(), 0, 8)
    (tmp_path / "m.tflite").write_bytes(to_bytes(network))
    again = open_int8(tmp_path / "m.tflite")
    assert [n.operator.kind for n in again.graph.nodes].count("multiply") == 2
    assert np.abs(again.integers(x).astype(int) - network.integers(x)).max() <= 2


@pytest.mark.parametrize(
    "operator",
    [
        Upsample((2, 3)),
        ConvTranspose(5),
        ConvTranspose(4, (4, 4), (2, 2), (1, 1, 1, 1), activation="relu"),
        ConvTranspose(4, (3, 3), (2, 2), (1, 0, 1, 0)),
        ConvTranspose(3, (2, 3), (3, 1)),
        PRelu(),
    ],
    ids=str,
)
def test_what_enlarges_and_slopes_come_back(operator, tmp_path):
    b = Builder((6, 5, 3))
    b.add(Conv2d(4), b.add(operator, b.add(Conv2d(7), 0)))
    network, x = drawn(b.build(), 0, 8)
    (tmp_path / "m.tflite").write_bytes(to_bytes(network))
    again = open_int8(tmp_path / "m.tflite")
    kinds = {n.operator.kind for n in again.graph.nodes}
    assert operator.kind in kinds
    assert np.abs(again.integers(x).astype(int) - network.integers(x)).max() <= 1
