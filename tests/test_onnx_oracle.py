"""What is read of an ONNX file is compared with onnxruntime's outputs. Skipped without the extra ``onnx``."""

from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from latent_nas import seeds  # noqa: E402
from latent_nas.graph import Builder, Graph  # noqa: E402
from latent_nas.interchange.onnx_export import export_int8  # noqa: E402
from latent_nas.interchange.onnx_import import read_model  # noqa: E402
from latent_nas.interchange.onnx_network import float_network, open_int8  # noqa: E402
from latent_nas.interchange.onnx_oracle import compare_float, compare_int8  # noqa: E402
from latent_nas.operators.conv2d import Conv2d  # noqa: E402
from latent_nas.operators.dense import Dense  # noqa: E402
from latent_nas.operators.global_pool import GlobalPool  # noqa: E402
from latent_nas.operators.relu import Relu  # noqa: E402
from latent_nas.training.network import Network  # noqa: E402
from latent_nas.training.quantise import QuantisedNetwork, quantise  # noqa: E402

RANDOM = np.random.default_rng(0)
CONVOLUTION = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}


def write(path: Path, nodes: list, shape: tuple, opset: int = 13, **constants: np.ndarray) -> Path:
    """Write a model of nodes (type, inputs, output, attributes), of input x and output y; return its path."""
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node(kind, inputs, [output], **attributes) for kind, inputs, output, attributes in nodes],
        "toy",
        [value("x", TensorProto.FLOAT, shape)],
        [value("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8), path)
    return path


def drawn(*shape: int) -> np.ndarray:
    return RANDOM.normal(size=shape).astype(np.float32)


def calibration(path: Path, *shape: int) -> Path:
    np.savez(path, x=drawn(16, *shape))
    return path


def two_layers(path: Path, nhwc: bool) -> Path:
    """Write convolution, ReLU, convolution, mean and a dense layer."""
    first = [("Transpose", ["x"], "t", {"perm": [0, 3, 1, 2]})] if nhwc else []
    nodes = [
        *first,
        ("Conv", ["t" if nhwc else "x", "w"], "a", CONVOLUTION),
        ("Relu", ["a"], "b", {}),
        ("Conv", ["b", "v"], "c", CONVOLUTION),
        ("GlobalAveragePool", ["c"], "d", {}),
        ("Flatten", ["d"], "e", {}),
        ("Gemm", ["e", "m"], "y", {}),
    ]
    shape = ("n", 6, 8, 2) if nhwc else (1, 2, 6, 8)
    return write(path, nodes, shape, w=drawn(4, 2, 3, 3), v=drawn(4, 4, 3, 3), m=drawn(4, 5))


def small_graph() -> Graph:
    b = Builder((6, 8, 2))
    first = b.add(Relu(), b.add(Conv2d(4), 0))
    b.add(Dense(5), b.add(GlobalPool(), b.add(Relu(), b.add(Conv2d(6), first))))
    return b.build()


def small_int8() -> QuantisedNetwork:
    with seeds.isolated(0):
        network = Network(small_graph()).eval()
    return quantise(small_graph(), network, drawn(16, 6, 8, 2))


@pytest.mark.parametrize("nhwc", [False, True])
def test_a_float_file_read_wrongly_is_refused_at_its_node(nhwc, tmp_path):
    import torch

    path = two_layers(tmp_path / "m.onnx", nhwc)
    model = read_model(path)
    network = float_network(model, path)
    compare_float(path, model, network, -1, 1)
    with torch.no_grad():
        network.operators[3].weight[0, 0, 0, 0] += 0.5
    with pytest.raises(ValueError, match=r"m.onnx is read wrongly: .*first at Conv 'c' \(up to .* apart"):
        compare_float(path, model, network, -1, 1)


def test_an_int8_file_read_wrongly_is_refused_at_its_node(tmp_path):
    path, integers = tmp_path / "m.onnx", small_int8()
    export_int8(integers, path)
    model, read = read_model(path), open_int8(path)
    compare_int8(path, model, read)
    second = [i for i, held in enumerate(read.constants) if "weight" in held][1]
    read.constants[second]["weight"][:] = -read.constants[second]["weight"]
    with pytest.raises(
        ValueError, match=rf"first at DequantizeLinear '{model.traced[4].tensor}' \(.* int8 steps apart"
    ):
        compare_int8(path, model, read)


def test_where_onnxruntime_is_missing_it_is_said_in_a_line(tmp_path, monkeypatch, capsys):
    path = two_layers(tmp_path / "m.onnx", nhwc=False)
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    open_int8(path, calibration(tmp_path / "d.npz", 2, 6, 8))
    said = capsys.readouterr().err
    assert "m.onnx was not compared with onnxruntime, which is not installed" in said
    assert said.count("\n") == 1


def test_a_file_that_onnxruntime_does_not_run_is_one_line(tmp_path):
    path = two_layers(tmp_path / "m.onnx", nhwc=False)
    model = onnx.load(path)
    model.ir_version = 99
    onnx.save(model, path)
    with pytest.raises(ValueError, match=r"m.onnx can't be compared: onnxruntime does not run it \(.*IR version"):
        open_int8(path, calibration(tmp_path / "d.npz", 2, 6, 8))


def test_a_batch_that_the_file_fixes_is_filled(tmp_path):
    path = write(tmp_path / "m.onnx", [("Gemm", ["x", "m"], "y", {})], (2, 4), m=drawn(4, 3))
    assert open_int8(path, calibration(tmp_path / "d.npz", 4)).graph.output_shape == (3,)
