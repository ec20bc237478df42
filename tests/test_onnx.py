"""ONNX out and in: the same costs, the same decisions, and clear refusals. Skipped without the extra ``onnx``."""

from dataclasses import replace

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from latent_nas import cli, seeds  # noqa: E402
from latent_nas.costs import costs  # noqa: E402
from latent_nas.devices import open_device  # noqa: E402
from latent_nas.graph import Builder, Graph  # noqa: E402
from latent_nas.graph.deploy import deploy  # noqa: E402
from latent_nas.interchange.onnx_export import export_float, export_int8  # noqa: E402
from latent_nas.interchange.onnx_import import read  # noqa: E402
from latent_nas.interchange.onnx_network import open_int8  # noqa: E402
from latent_nas.operators.add import Add  # noqa: E402
from latent_nas.operators.avg_pool import AvgPool  # noqa: E402
from latent_nas.operators.batch_norm import BatchNorm  # noqa: E402
from latent_nas.operators.concat import Concat  # noqa: E402
from latent_nas.operators.conv2d import Conv2d  # noqa: E402
from latent_nas.operators.dense import Dense  # noqa: E402
from latent_nas.operators.flatten import Flatten  # noqa: E402
from latent_nas.operators.global_pool import GlobalPool  # noqa: E402
from latent_nas.operators.hard_swish import HardSwish  # noqa: E402
from latent_nas.operators.max_pool import MaxPool  # noqa: E402
from latent_nas.operators.relu import Relu  # noqa: E402
from latent_nas.operators.relu6 import Relu6  # noqa: E402
from latent_nas.operators.zero import Zero  # noqa: E402
from latent_nas.runtimes import open_runtime  # noqa: E402
from latent_nas.spaces import open_space  # noqa: E402
from latent_nas.tasks import Recipe, open_task  # noqa: E402
from latent_nas.training import train  # noqa: E402
from latent_nas.training.network import Network  # noqa: E402
from latent_nas.training.quantise import quantise  # noqa: E402
from latent_nas.zoo import open_network  # noqa: E402

DEVICE, RUNTIME = open_device("stm32f405"), open_runtime("cmsis_nn")
TINY = ["mlperf_resnet8", "mlperf_ds_cnn", "mlperf_mobilenet_v1_025_96", "mlperf_autoencoder"]


def run(path, x: np.ndarray, integers: bool = False) -> np.ndarray:
    """Return onnxruntime's outputs of NHWC data: by the operators as the file has them, or fused to integer ones."""
    options = onnxruntime.SessionOptions()
    levels = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = levels.ORT_ENABLE_ALL if integers else levels.ORT_DISABLE_ALL
    options.add_session_config_entry("session.x64quantprecision", "1")  # else 16-bit sums saturate on AVX2
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    data = x.transpose(0, 3, 1, 2) if x.ndim == 4 else x
    return session.run(None, {"input": np.ascontiguousarray(data)})[0]


def every_operator() -> Graph:
    """Return a graph with every operator that a graph can hold."""
    b = Builder((9, 10, 3))
    stem = b.add(Relu6(), b.add(BatchNorm(), b.add(Conv2d(8, (3, 2), (2, 1), bias=False), 0)))
    wide = b.add(HardSwish(), b.add(Conv2d(8, groups=8), stem))
    total = b.add(Relu(), b.add(Add(), stem, wide))
    both = b.add(Concat(), total, b.add(Zero(), stem), b.add(Relu(), stem))
    pooled = b.add(AvgPool((3, 3), (2, 2), "same"), b.add(MaxPool((2, 2), (1, 1), (0, 1, 1, 0)), both))
    ends = [b.add(Flatten(), pooled), b.add(GlobalPool("max"), pooled), b.add(GlobalPool(), pooled)]
    b.add(Dense(5), b.add(Relu(), b.add(Dense(12), b.add(Concat(), *ends))))
    return b.build()


def networks(graph: Graph, n: int = 4):
    """Return the float network with drawn weights, its int8 form, and data."""
    with seeds.isolated(1):
        model = Network(graph).eval()
    x = np.random.default_rng(0).normal(size=(n, *graph.input_shape)).astype(np.float32)
    return model, quantise(graph, model, x), x


def essence(graph: Graph):
    """Return all costs but the names of what was folded."""
    found = costs(graph, DEVICE, RUNTIME)
    return replace(found, layers=tuple(layer._replace(sources=()) for layer in found.layers))


@pytest.mark.parametrize("name", TINY)
def test_the_zoo_comes_back_as_it_went(name, tmp_path):
    graph = open_network(name)
    model, integers, _ = networks(graph, 1)
    export_float(graph, model, tmp_path / "float.onnx")
    export_int8(integers, tmp_path / "int8.onnx")
    for file in ("float.onnx", "int8.onnx"):
        back = read(tmp_path / file)
        deployed = deploy(back).graph
        assert (deployed.macs, deployed.parameters) == (deploy(graph).graph.macs, deploy(graph).graph.parameters)
        assert essence(back) == essence(graph)


def test_every_operator_computes_the_same_and_comes_back(tmp_path):
    graph = every_operator()
    model, integers, x = networks(graph)
    export_float(graph, model, tmp_path / "float.onnx")
    np.testing.assert_allclose(run(tmp_path / "float.onnx", x), model.outputs(x), atol=1e-5)
    export_int8(integers, tmp_path / "int8.onnx")
    assert np.abs(run(tmp_path / "int8.onnx", x) - integers.outputs(x)).max() <= 4 * integers.quants[-1].scale
    for file in ("float.onnx", "int8.onnx"):
        assert essence(read(tmp_path / file)) == essence(graph)


def test_onnxruntime_decides_as_the_integer_reference(tmp_path):
    task = open_task("digits")
    space, data = open_space("mcu_cnn", task.input_shape, task.outputs), task.data()
    genes = (0, 3, 0, 0, 0, 3, 1, 1, 0, 2, 0, 5, 1, 1, 0, *[0] * 18, 0, 0)
    trained = train(
        space.graph(genes), task, Recipe(epochs=3, learning_rate=6e-3, average=0.9), 0, data.train, data.valid
    )
    export_int8(trained.network, tmp_path / "digits.onnx")
    reference = trained.network.integers(data.valid.x).argmax(axis=1)
    for integers in (False, True):
        found = run(tmp_path / "digits.onnx", data.valid.x, integers).argmax(axis=1)
        assert (found == reference).mean() >= 0.995
    back = open_int8(tmp_path / "digits.onnx")
    np.testing.assert_array_equal(back.integers(data.valid.x), trained.network.integers(data.valid.x))
    trained.network.save(tmp_path / "network", {})
    with pytest.raises(SystemExit) as stopped:
        cli.main(["export", str(tmp_path / "network"), "--out", str(tmp_path / "again.onnx")])
    assert stopped.value.code == 0
    assert (tmp_path / "again.onnx").read_bytes() == (tmp_path / "digits.onnx").read_bytes()


def save(path, nodes, shape=("n", 3, 8, 8), constants=()):
    """Write a small model; the output is named y."""
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes, "toy", [value("x", TensorProto.FLOAT, shape)], [value("y", TensorProto.FLOAT, None)], list(constants)
    )
    onnx.save(helper.make_model(graph), path)


def weights(name, *shape):
    return numpy_helper.from_array(np.ones(shape, np.float32), name)


def test_a_model_of_another_tool_is_read(tmp_path):
    """NHWC input, explicit padding, matrix product with a bias added, softmax."""
    nodes = [
        helper.make_node("Transpose", ["x"], ["a"], perm=[0, 3, 1, 2]),
        helper.make_node("Pad", ["a", "pads"], ["b"]),
        helper.make_node("Conv", ["b", "w"], ["c"], strides=[2, 2]),
        helper.make_node("Clip", ["c", "", "six"], ["d"], name="clip"),
        helper.make_node("ReduceMean", ["c"], ["e"], axes=[2, 3], keepdims=0),
        helper.make_node("MatMul", ["e", "m"], ["f"]),
        helper.make_node("Add", ["f", "bias"], ["g"]),
        helper.make_node("Softmax", ["g"], ["y"]),
    ]
    pads = numpy_helper.from_array(np.array([0, 0, 0, 0, 0, 0, 1, 1]), "pads")
    held = [pads, weights("w", 4, 3, 3, 3), weights("m", 4, 10), weights("bias", 10)]
    save(tmp_path / "m.onnx", nodes, ("n", 8, 8, 3), held)
    b = Builder((8, 8, 3))
    b.add(Dense(10), b.add(GlobalPool(), b.add(Conv2d(4, (3, 3), (2, 2)), 0)))
    assert read(tmp_path / "m.onnx") == b.build()


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        (
            [("Hamming", ["x"], "a"), ("LSTM", ["a"], "y")],
            r"not known here: Hamming, LSTM; recurrent layers have no kernel here: .*; docs/operators.md lists",
        ),
        ([("Clip", ["x", "low", "high"], "y")], r"Clip 'y': bounds \[1.0, 0.5\]: the lower one is above the other"),
        ([("Mul", ["x", "low"], "y")], "is the input itself"),
        ([("Softmax", ["x"], "a"), ("Relu", ["a"], "y")], "Softmax 'a' is not at the end"),
        ([("MatMul", ["x", "low"], "y")], "only one times a matrix of as many rows is known here"),
    ],
)
def test_what_is_not_known_is_named(nodes, message, tmp_path):
    made = [helper.make_node(kind, inputs, [output]) for kind, inputs, output in nodes]
    bounds = [("low", 1.0), ("high", 0.5)]
    held = [numpy_helper.from_array(np.array(bound, np.float32), name) for name, bound in bounds]
    save(tmp_path / "m.onnx", made, constants=held)
    with pytest.raises(ValueError, match=message):
        read(tmp_path / "m.onnx")


def test_a_file_that_is_none(tmp_path):
    (tmp_path / "m.onnx").write_bytes(b"\xff\xfeno model")
    with pytest.raises(ValueError, match="is not an ONNX file"):
        read(tmp_path / "m.onnx")
    save(tmp_path / "m.onnx", [helper.make_node("Relu", ["x"], ["y"])], ("n", 3, "h", 8))
    with pytest.raises(ValueError, match="all fixed"):
        read(tmp_path / "m.onnx")


def test_without_the_extra_it_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(
        ValueError, match=r'onnx is not installed; it is in the extra onnx: .*pip install "latent_nas\[onnx\]"'
    ):
        read(tmp_path / "m.onnx")


def test_what_cannot_be_exported_is_one_line(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    for out, message in (("a.onnx", "empty"), ("a.pb", "ends in .onnx or .tflite")):
        with pytest.raises(SystemExit) as stopped:
            cli.main(["export", str(tmp_path / "empty"), "--out", str(tmp_path / out)])
        assert stopped.value.code == 2
        printed = capsys.readouterr().err
        assert message in printed
        assert printed.count("\n") == 1


@pytest.mark.parametrize("name", ["mlperf_resnet8", "mlperf_ds_cnn"])
def test_weights_come_back(name, tmp_path):
    graph = open_network(name)
    model, integers, x = networks(graph)
    export_int8(integers, tmp_path / "int8.onnx")
    export_float(graph, model, tmp_path / "float.onnx")
    np.savez(tmp_path / "data.npz", x=x.transpose(0, 3, 1, 2))
    for back in (open_int8(tmp_path / "int8.onnx"), open_int8(tmp_path / "float.onnx", tmp_path / "data.npz")):
        assert back.graph == integers.graph
        np.testing.assert_array_equal(back.integers(x), integers.integers(x))
    held = open_int8(tmp_path / "int8.onnx").constants
    for ours, theirs in zip(integers.constants, held, strict=True):
        if "weight" in ours:
            np.testing.assert_array_equal(ours["weight"], theirs["weight"])


def test_every_operator_comes_back_with_its_weights(tmp_path):
    graph = every_operator()
    _, integers, x = networks(graph)
    export_int8(integers, tmp_path / "int8.onnx")
    np.testing.assert_array_equal(open_int8(tmp_path / "int8.onnx").integers(x), integers.integers(x))


def test_weights_of_another_tool_are_read(tmp_path):
    """Unfolded batch norms of another epsilon, channels flattened first, a bias added apart."""
    import torch
    from torch import nn

    with seeds.isolated(2):
        net = nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4, eps=1e-3), nn.ReLU(), nn.Flatten())
        dense = nn.Linear(4 * 6 * 5, 7)
    with torch.no_grad():
        net[1].running_mean += torch.arange(4) / 10
        net[1].running_var *= 0.4
    state = {k: v.numpy() for k, v in net.state_dict().items()}
    norm = ["weight", "bias", "running_mean", "running_var"]
    nodes = [
        helper.make_node("Conv", ["x", "0.weight"], ["a"]),
        helper.make_node("BatchNormalization", ["a", *(f"1.{k}" for k in norm)], ["b"], epsilon=1e-3),
        helper.make_node("Relu", ["b"], ["c"]),
        helper.make_node("Flatten", ["c"], ["d"]),
        helper.make_node("MatMul", ["d", "matrix"], ["e"]),
        helper.make_node("Add", ["e", "bias"], ["y"]),
    ]
    named = {**{k: v for k, v in state.items() if v.ndim}, "matrix": dense.weight.detach().numpy().T}
    named["bias"] = dense.bias.detach().numpy()
    held = [numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in named.items()]
    save(tmp_path / "m.onnx", nodes, ("n", 3, 8, 7), held)
    x = np.random.default_rng(0).normal(size=(16, 3, 8, 7)).astype(np.float32)
    np.savez(tmp_path / "d.npz", x)
    found = open_int8(tmp_path / "m.onnx", tmp_path / "d.npz")
    wanted = dense(net.eval()(torch.from_numpy(x))).detach().numpy()
    assert np.abs(found.outputs(x.transpose(0, 2, 3, 1)) - wanted).max() < 0.02 * np.ptp(wanted)


def test_an_onnx_file_becomes_firmware(tmp_path):
    pytest.importorskip("ziglang")
    pytest.importorskip("unicorn")
    b = Builder((6, 6, 1))
    b.add(Dense(3), b.add(GlobalPool(), b.add(Relu(), b.add(Conv2d(4), 0))))
    _, integers, _ = networks(b.build())
    export_int8(integers, tmp_path / "m.onnx")
    with pytest.raises(SystemExit) as stopped:
        cli.main(["deploy", str(tmp_path / "m.onnx"), "--out", str(tmp_path / "fw"), "--emulate", "--inputs", "2"])
    assert stopped.value.code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "m.onnx is a float model: quantising it wants data, --calibration FILE.npz"),
        (["--calibration", "none.npz"], "there is no file"),
        (["--calibration", "m.onnx"], "is not an .npz or .npy file"),
        (["--calibration", "shape.npz"], "wanted (n, 1, 6, 6), as the model reads"),
        (["--calibration", "two.npz"], 'holds a, b; wanted one array, or one called "x"'),
        (["--calibration", "nan.npz"], "not finite"),
        (["--calibration", "cut.npz"], "is not an .npz or .npy file, or a damaged one"),
        (["--calibration", "bool.npy"], "data of the type bool; wanted floats or integers"),
        (["--calibration", "zeros.npy"], "nothing but 0.0"),
    ],
)
def test_a_float_model_without_data_is_one_line(arguments, message, tmp_path, capsys):
    b = Builder((6, 6, 1))
    b.add(Dense(3), b.add(GlobalPool(), 0))
    model, _, _ = networks(b.build())
    export_float(b.build(), model, tmp_path / "m.onnx")
    np.savez(tmp_path / "shape.npz", np.zeros((2, 6, 6, 1)))
    np.savez(tmp_path / "two.npz", a=np.zeros(2), b=np.zeros(2))
    np.savez(tmp_path / "nan.npz", np.full((2, 1, 6, 6), np.nan))
    (tmp_path / "cut.npz").write_bytes((tmp_path / "nan.npz").read_bytes()[:200])
    np.save(tmp_path / "bool.npy", np.ones((2, 1, 6, 6), bool))
    np.save(tmp_path / "zeros.npy", np.zeros((2, 1, 6, 6)))
    given = [str(tmp_path / a) if "." in a else a for a in arguments]
    with pytest.raises(SystemExit) as stopped:
        cli.main(["deploy", str(tmp_path / "m.onnx"), "--out", str(tmp_path / "fw"), *given])
    assert stopped.value.code == 2
    printed = capsys.readouterr().err
    assert message in printed
    assert printed.count("\n") == 1
    assert not (tmp_path / "fw").exists()
