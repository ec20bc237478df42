"""TensorFlow Lite out: the integers of the reference, in two interpreters. Skipped without the extra ``tflite``."""

import numpy as np
import pytest

pytest.importorskip("ai_edge_litert")

from test_onnx import every_operator

from latent_nas import cli
from latent_nas.costs import costs
from latent_nas.devices import open_device
from latent_nas.firmware.draw import drawn
from latent_nas.graph import Builder, Graph
from latent_nas.interchange.tflite_export import ALIGNMENT, export_int8, to_bytes
from latent_nas.interchange.tflite_run import litert, micro
from latent_nas.operators import Operator
from latent_nas.operators.activation import Activation
from latent_nas.operators.add import Add
from latent_nas.operators.avg_pool import AvgPool
from latent_nas.operators.concat import Concat
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.conv_transpose import ConvTranspose
from latent_nas.operators.dense import Dense
from latent_nas.operators.gelu import Gelu
from latent_nas.operators.global_pool import GlobalPool
from latent_nas.operators.hard_swish import HardSwish
from latent_nas.operators.max_pool import MaxPool
from latent_nas.operators.multiply import Multiply
from latent_nas.operators.pad import Pad
from latent_nas.operators.prelu import PRelu
from latent_nas.operators.resize import Resize
from latent_nas.operators.slice import Slice
from latent_nas.operators.subtract import Subtract
from latent_nas.operators.upsample import Upsample
from latent_nas.runtimes import open_runtime
from latent_nas.training.quantise import QuantisedNetwork
from latent_nas.zoo import open_network


def one(operator: Operator, shape=(9, 7, 8)) -> Graph:
    b = Builder(shape)
    b.add(operator, *[0] * (operator.arity or 2))
    return b.build()


def off(outputs: np.ndarray, network: QuantisedNetwork, x: np.ndarray) -> int:
    """Return how many units the outputs are off at most."""
    reference = network.tensors(x)[-1]
    assert len(np.unique(reference)) > 5
    return int(np.abs(outputs.astype(int) - reference).max())


@pytest.mark.parametrize(
    "operator",
    [
        Conv2d(12, (3, 2), (2, 1), "same", activation="relu"),
        Conv2d(6, (3, 3), (2, 2), (1, 0, 2, 1)),  # padding that only an operator of its own can make
        Conv2d(8, groups=8, activation="relu6"),
        Conv2d(16, (3, 3), groups=8),
        Conv2d(12, (1, 1), groups=4),
        Add(activation="relu"),
        Concat(),
        AvgPool((3, 3), (2, 2), "same"),
        MaxPool((2, 3), (1, 1), (0, 1, 1, 0)),
        GlobalPool(),
        GlobalPool("max"),
        HardSwish(),
        Gelu(),
        *(Activation(f"{name}(x)") for name in ("sigmoid", "tanh", "silu", "tanh_gelu", "exp")),
        *(Activation(f"{name}") for name in ("leaky_relu(x, 0.1)", "hard_sigmoid(x, 1 / 6, 0.5)")),
        PRelu(),
        Multiply("relu"),
        Upsample((2, 3)),
        Resize(tuple(i * 8 / 12 for i in range(13)), tuple(i / 2 for i in range(13))),  # the corners stay corners
        Slice((1, 2, 3), (5, 4, 2)),
        Pad((1, 0, 2), (0, 3, 1)),
        ConvTranspose(5),
        ConvTranspose(4, (4, 4), (2, 2), (1, 1, 1, 1), activation="relu"),
        ConvTranspose(4, (3, 3), (2, 2), (1, 0, 1, 0)),
    ],
    ids=str,
)
def test_an_operator_is_within_one_unit(operator):
    network, x = drawn(one(operator), 3, 8)
    data, integers = to_bytes(network), network.quants[0].quantise(x)
    assert off(litert(data, integers), network, x) <= 1
    assert off(litert(data, integers, reference=True), network, x) <= 1


def test_a_function_that_the_reference_kernels_lack_is_within_one_unit():
    network, x = drawn(one(Activation("elu(x, 1)")), 3, 8)
    assert off(litert(to_bytes(network), network.quants[0].quantise(x)), network, x) <= 1


def test_a_difference_is_within_one_unit():
    b = Builder((9, 7, 8))
    b.add(Subtract("relu6"), b.add(MaxPool((2, 2), (1, 1), "same"), 0), 0)
    network, x = drawn(b.build(), 3, 8)
    assert off(litert(to_bytes(network), network.quants[0].quantise(x)), network, x) <= 1


def test_what_has_no_form_is_refused():
    with pytest.raises(ValueError, match=r"sin\(x\) has no form in TensorFlow Lite here; there are: sigmoid, tanh"):
        to_bytes(drawn(one(Activation("sin(x)")), 0, 2)[0])
    with pytest.raises(ValueError, match="rows beyond its filters"):
        to_bytes(drawn(one(ConvTranspose(2, crop=(0, -1, 0, 0))), 0, 2)[0])


def test_every_operator_together_is_within_one_unit():
    network, x = drawn(every_operator(), 0, 8)
    assert off(litert(to_bytes(network), network.quants[0].quantise(x)), network, x) <= 1


@pytest.mark.parametrize("name", ["mlperf_ds_cnn", "mlperf_autoencoder"])
def test_a_zoo_network_is_within_one_unit(name):
    network, x = drawn(open_network(name), 0, 4)
    assert off(litert(to_bytes(network), network.quants[0].quantise(x)), network, x) <= 1


@pytest.mark.parametrize(
    ("name", "planned"), [("mlperf_resnet8", 3 * 16_384), ("mlperf_ds_cnn", 16_000), ("mlperf_autoencoder", 768)]
)
def test_tflite_micro_takes_the_planned_arena(name, planned):
    pytest.importorskip("tflite_micro")
    network, x = drawn(open_network(name), 0, 2)
    outputs, arena = micro(to_bytes(network), network.quants[0].quantise(x))
    cost = costs(network.graph, open_device("stm32h743"), open_runtime("tflm_reference"))
    assert arena.planned_bytes == cost.arena_bytes == planned
    assert outputs.shape == (2, *network.graph.output_shape)


def test_constants_are_aligned():
    from ai_edge_litert import schema_py_generated as schema

    data = to_bytes(drawn(one(Conv2d(5)), 0, 4)[0])
    model = schema.Model.GetRootAsModel(data, 0)
    held = [model.Buffers(i).DataAsNumpy() for i in range(model.BuffersLength()) if model.Buffers(i).DataLength()]
    whole = np.frombuffer(data, np.uint8)
    start = whole.__array_interface__["data"][0]
    assert len(held) == 2
    assert len(data) % ALIGNMENT == 0
    for one_buffer in held:
        assert (one_buffer.__array_interface__["data"][0] - start) % ALIGNMENT == 0


def test_the_same_network_is_the_same_file(tmp_path):
    network = drawn(one(Conv2d(5)), 0, 4)[0]
    network.save(tmp_path / "network", {})
    export_int8(network, tmp_path / "a.tflite")
    for arguments in (["--out", "b.tflite"], ["--out", "c.tflite", "--format", "tflite"]):
        arguments[1] = str(tmp_path / arguments[1])
        with pytest.raises(SystemExit) as stopped:
            cli.main(["export", str(tmp_path / "network"), *arguments])
        assert stopped.value.code == 0
    assert len({(tmp_path / f"{name}.tflite").read_bytes() for name in "abc"}) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "a.onnx", "--format", "tflite"], "ends in .tflite, got"),
        (["--out", "a.pb", "--format", "pb"], "no format 'pb'; there are: onnx, tflite"),
        (["--out", "there.tflite"], "is there already"),
    ],
)
def test_bad_input_is_one_line(arguments, message, tmp_path, capsys):
    (tmp_path / "there.tflite").write_bytes(b"mine")
    arguments[1] = str(tmp_path / arguments[1])
    with pytest.raises(SystemExit) as stopped:
        cli.main(["export", str(tmp_path), *arguments])
    assert stopped.value.code == 2
    printed = capsys.readouterr().err
    assert message in printed
    assert printed.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["there.tflite"]
    assert (tmp_path / "there.tflite").read_bytes() == b"mine"


def test_what_has_no_form_is_named():
    with pytest.raises(ValueError, match=r"average pooling padded by \(0, 1, 1, 0\) has no form in TensorFlow Lite"):
        to_bytes(drawn(one(AvgPool((2, 2), (1, 1), (0, 1, 1, 0))), 0, 4)[0])


def test_without_the_extra_it_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ai_edge_litert.schema_py_generated", None)
    with pytest.raises(ValueError, match=r"ai_edge_litert is not installed; it is in the extra tflite: .*pip install"):
        to_bytes(drawn(one(AvgPool((2, 2), (1, 1), "valid")), 0, 4)[0])


def test_dense_layers_read_vectors():
    network, x = drawn(one(Dense(7), (30,)), 1, 8)
    assert off(litert(to_bytes(network), network.quants[0].quantise(x)), network, x) <= 1
