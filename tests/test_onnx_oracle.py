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
    return np.random.default_rng(shape).normal(size=shape).astype(np.float32)


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
    shape = numpy_helper.from_array(np.array([2, 2, 2]))  # as channels are shuffled
    nodes = [("Constant", [], "s", {"value": shape}), ("Reshape", ["x", "s"], "r", {}), ("Flatten", ["r"], "f", {})]
    path = write(tmp_path / "m.onnx", [*nodes, ("Gemm", ["f", "m"], "y", {})], (2, 4), m=drawn(4, 3))
    assert open_int8(path, calibration(tmp_path / "d.npz", 4)).graph.output_shape == (3,)


GRAY = ("n", 1, 8, 8)
ENDING = [("GlobalAveragePool", ["e"], "p", {}), ("Flatten", ["p"], "y", {})]
IMAGE = [("Conv", ["x", "w"], "a", CONVOLUTION)]
LAST = [("Transpose", ["a"], "l", {"perm": [0, 2, 3, 1]})]
W = drawn(8, 1, 3, 3)


@pytest.mark.parametrize(
    ("nodes", "constants", "message"),
    [
        (
            [*IMAGE, ("Concat", ["a", "a"], "e", {"axis": 3}), *ENDING],
            {},
            r"axis 3 of a tensor \(1, 8, 8, 8\) is not that of the channels",
        ),
        (
            [*IMAGE, *LAST, ("Concat", ["l", "l"], "y", {"axis": 1})],
            {},
            "channels last as one with its channels first",
        ),
        (
            [*IMAGE, ("BatchNormalization", ["a", "k", "k", "k", "k"], "e", {"training_mode": 1}), *ENDING],
            {"k": np.ones(8, np.float32)},
            "training_mode 1",
        ),
        ([*IMAGE, ("Cast", ["a"], "i", {"to": 6}), ("Cast", ["i"], "e", {"to": 1}), *ENDING], {}, "rounds to integers"),
        (
            [("Pad", ["x", "p", "one"], "q", {}), ("Conv", ["q", "w"], "e", {}), *ENDING],
            {"p": np.array([0, 0, 1, 1, 0, 0, 1, 1]), "one": np.float32(1)},
            "mode 'constant', value 1.0; only zeros and copies",
        ),
        (
            [*IMAGE, ("Reshape", ["a", "s"], "e", {}), ("ReduceMean", ["e"], "y", {"axes": [1, 2]})],
            {"s": np.array([-1, 4, 16, 8])},
            r"mean over axes \[1, 2\] of a tensor \(1, 4, 16, 8\)",
        ),
        (
            [*IMAGE, ("Softmax", ["a"], "y", {"axis": 3})],
            {},
            r"axis 3 of a tensor \(1, 8, 8, 8\) is not that of the classes",
        ),
        ([*IMAGE, *LAST, ("Conv", ["l", "u"], "e", CONVOLUTION), *ENDING], {"u": drawn(4, 8, 3, 3)}, "channels last"),
        ([*IMAGE, *LAST, ("Add", ["a", "l"], "e", {}), *ENDING], {}, "channels last as one with its channels first"),
        ([*IMAGE, ("Squeeze", ["a", "z"], "y", {})], {"z": np.array([1])}, "Squeeze"),
        (
            [*IMAGE, ("Transpose", ["a"], "y", {"perm": [0, 1, 3, 2]})],
            {},
            "in another order than channels first or last",
        ),
    ],
)
def test_an_axis_or_setting_without_an_equal_is_refused(nodes, constants, message, tmp_path):
    path = write(tmp_path / "m.onnx", nodes, GRAY, w=W, **constants)
    with pytest.raises(ValueError, match=message):
        read_model(path)


def test_pads_value_as_an_attribute_and_pads_by_axes(tmp_path):
    old = [("Pad", ["x"], "q", {"pads": [0, 0, 1, 1, 0, 0, 1, 1], "value": 1.0}), ("Conv", ["q", "w"], "e", {})]
    with pytest.raises(ValueError, match=r"value 1.0; only zeros"):
        read_model(write(tmp_path / "old.onnx", [*old, *ENDING], GRAY, 10, w=W))
    new = [("Pad", ["x", "pads", "", "axes"], "q", {}), ("Conv", ["q", "w"], "e", {}), *ENDING]
    path = write(tmp_path / "new.onnx", new, GRAY, 18, w=W, pads=np.array([0, 2, 1, 0]), axes=np.array([-1, 2]))
    open_int8(path, calibration(tmp_path / "d.npz", 1, 8, 8))  # the oracle holds that the pads are at their sides


def test_a_bias_of_a_tensor_that_others_read_stays_apart_from_it(tmp_path):
    """It would be folded into the convolution, whose output the ReLU reads without it."""
    nodes = [*IMAGE, ("Relu", ["a"], "b", {}), ("Identity", ["a"], "i", {}), ("Add", ["i", "k"], "c", {})]
    nodes += [("Add", ["b", "c"], "e", {}), *ENDING]
    path = write(tmp_path / "m.onnx", nodes, GRAY, w=W, k=drawn(8, 1, 1))
    open_int8(path, calibration(tmp_path / "d.npz", 1, 8, 8))  # the oracle compares


def test_a_constant_along_the_width_is_not_taken_for_a_bias(tmp_path):
    path = write(tmp_path / "m.onnx", [*IMAGE, ("Add", ["a", "k"], "e", {}), *ENDING], GRAY, w=W, k=drawn(8))
    open_int8(path, calibration(tmp_path / "d.npz", 1, 8, 8))


@pytest.mark.parametrize("channels", [1, 8])
def test_float_constants_are_rounded_as_quantize_linear_says(channels, tmp_path):
    weight = drawn(8, 1, 3, 3) * 2
    scale = np.full(channels, 0.02, np.float32) if channels > 1 else np.float32(0.02)  # some weights saturate
    zero = np.zeros(scale.shape, np.int8)
    axis = {"axis": 0} if channels > 1 else {}

    def rounded(name: str, to: str) -> list:
        quantised = ("QuantizeLinear", [name, "s", "t"], f"{to}_q", {})
        return [quantised, ("DequantizeLinear", [f"{to}_q", "s", "t"], to, {})]

    nodes = [
        *rounded("x", "a"),
        ("QuantizeLinear", ["w", "ws", "wz"], "wq", axis),
        ("DequantizeLinear", ["wq", "ws", "wz"], "wd", axis),
        ("Conv", ["a", "wd"], "c", CONVOLUTION),
        *rounded("c", "d"),
        ("GlobalAveragePool", ["d"], "p", {}),
        *rounded("p", "g"),
        ("Flatten", ["g"], "y", {}),
    ]
    held = {"s": np.float32(0.1), "t": np.int8(0), "w": weight, "ws": scale, "wz": zero}
    network = open_int8(write(tmp_path / "m.onnx", nodes, GRAY, **held))
    kept = next(c["weight"] for c in network.constants if "weight" in c)
    wanted = np.clip(np.rint(weight / np.float32(0.02)), -128, 127)
    np.testing.assert_array_equal(kept, wanted.transpose(0, 2, 3, 1))
    assert np.abs(wanted).max() >= 127


def test_a_softmax_that_is_rounded_leaves_the_scale_of_the_logits(tmp_path):
    def rounded(name: str, to: str, scale: str, zero: str) -> list:
        quantised = ("QuantizeLinear", [name, scale, zero], f"{to}_q", {})
        return [quantised, ("DequantizeLinear", [f"{to}_q", scale, zero], to, {})]

    nodes = [
        *rounded("x", "a", "s", "t"),
        ("DequantizeLinear", ["w", "ws", "t"], "wd", {}),
        ("Gemm", ["a", "wd"], "g", {}),
        *rounded("g", "h", "s", "t"),
        ("Softmax", ["h"], "p", {}),
        *rounded("p", "y", "ps", "pt"),
    ]
    weight = np.rint(40 * drawn(6, 4)).clip(-128, 127).astype(np.int8)
    held = {"s": np.float32(0.1), "t": np.int8(0), "ps": np.float32(1 / 256), "pt": np.int8(-128)}
    path = write(tmp_path / "m.onnx", nodes, (1, 6), w=weight, ws=np.float32(0.02), **held)
    assert open_int8(path).quants[-1].scale == pytest.approx(0.1)


def test_a_grey_image_with_its_channel_last_is_not_turned(tmp_path):
    to_nchw = [("Reshape", ["x", "s"], "t", {}), ("Conv", ["t", "w"], "e", CONVOLUTION), *ENDING]
    dense = [("Reshape", ["x", "s"], "f", {}), ("MatMul", ["f", "m"], "y", {})]
    conv = write(tmp_path / "c.onnx", to_nchw, ("n", 6, 8, 1), w=W, s=np.array([-1, 1, 6, 8]))
    mlp = write(tmp_path / "m.onnx", dense, ("n", 6, 8, 1), m=drawn(48, 5), s=np.array([-1, 48]))
    for path in (conv, mlp):
        network = open_int8(path, calibration(tmp_path / "d.npz", 6, 8, 1))
        assert network.graph.input_shape == (6, 8, 1)
    x = drawn(16, 6, 8, 1)  # what it was calibrated with
    wanted = x.reshape(16, 48) @ numpy_helper.to_array(onnx.load(mlp).graph.initializer[0])
    assert np.abs(network.outputs(x) - wanted).max() < 0.1 * np.ptp(wanted)


def outside(path: Path) -> Path:
    """Write a dense layer with its weights in m.data beside it; return the path."""
    write(path, [("Gemm", ["x", "m"], "y", {})], ("n", 40), m=drawn(40, 30))
    onnx.save(onnx.load(path), path, save_as_external_data=True, location="m.data", size_threshold=0)
    return path


def test_weights_in_a_file_beside_the_model_are_read(tmp_path):
    path = outside(tmp_path / "m.onnx")
    assert len(path.read_bytes()) < 4 * 40 * 30
    np.save(tmp_path / "d.npy", drawn(16, 40))
    network = open_int8(path, tmp_path / "d.npy")
    wanted = drawn(16, 40) @ drawn(40, 30)
    assert np.abs(network.outputs(drawn(16, 40)) - wanted).max() < 0.1 * np.ptp(wanted)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda path, data: data.unlink(), "has weights in m.data, which is not beside it"),
        (lambda path, data: data.write_bytes(data.read_bytes()[:100]), "wants 4800 bytes of m.data at 0"),
        (
            lambda path, data: path.write_bytes(path.read_bytes().replace(b"m.data", b"../etc")),
            "wanted a file beside it",
        ),
        (lambda path, data: (data.rename(data.with_name("d")), data.symlink_to("d")), "not a link"),
    ],
)
def test_weights_beside_the_model_that_cannot_be_read_are_one_line(spoil, message, tmp_path):
    path = outside(tmp_path / "m.onnx")
    spoil(path, tmp_path / "m.data")
    with pytest.raises(ValueError, match=message) as refused:
        open_int8(path, calibration(tmp_path / "d.npz", 40))
    assert "\n" not in str(refused.value)


def test_more_weights_beside_the_model_than_allowed(tmp_path, monkeypatch):
    monkeypatch.setattr("latent_nas.interchange._onnx_external.LARGEST_MB", 0.004)
    with pytest.raises(ValueError, match=r"more than 0\.004 MiB of weights in m\.data"):
        open_int8(outside(tmp_path / "m.onnx"), calibration(tmp_path / "d.npz", 40))


def test_an_empty_file_and_a_folder_are_one_line(tmp_path):
    (tmp_path / "m.onnx").touch()
    with pytest.raises(ValueError, match=r"m.onnx is empty"):
        read_model(tmp_path / "m.onnx")
    with pytest.raises(ValueError, match=r"can't be read: Is a directory"):
        read_model(tmp_path)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda model: model.replace(b"Gemm", b"Ge\xffm"), "a name in it is not text"),
        (lambda model: model.replace(b"Gemm", b"Gema"), "operators that are not known here: Gema"),
    ],
)
def test_a_damaged_name_is_one_line(spoil, message, tmp_path):
    path = write(tmp_path / "m.onnx", [("Gemm", ["x", "m"], "y", {})], (1, 4), m=drawn(4, 3))
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(ValueError, match=message):
        read_model(path)


def test_a_node_without_its_inputs_and_a_constant_of_no_type_are_one_line(tmp_path):
    nodes = [("DequantizeLinear", ["m"], "d", {}), ("Gemm", ["x", "d"], "y", {})]
    path = write(tmp_path / "m.onnx", nodes, (1, 4), m=np.ones((4, 3), np.int8))
    with pytest.raises(ValueError, match="is damaged: a node or constant in it is not as ONNX wants it"):
        read_model(path)
    model = onnx.load(write(tmp_path / "n.onnx", [("Gemm", ["x", "m"], "y", {})], (1, 4), m=drawn(4, 3)))
    model.graph.initializer[0].data_type = 50
    onnx.save(model, tmp_path / "n.onnx")
    with pytest.raises(ValueError, match="is damaged: a node or constant in it is not as ONNX wants it"):
        read_model(tmp_path / "n.onnx")


def test_what_a_rounding_clips_is_not_folded_away(tmp_path):
    """Quantisers drop a ReLU where the scale after it begins at 0: a batch norm behind it must not be folded before."""
    norm = [np.array(v, np.float32) for v in (np.full(4, 1.5), np.full(4, 0.2), np.full(4, 0.1), np.ones(4))]
    nodes = [
        ("QuantizeLinear", ["x", "s", "t"], "xq", {}),
        ("DequantizeLinear", ["xq", "s", "t"], "xd", {}),
        ("Conv", ["xd", "w"], "a", CONVOLUTION),
        ("QuantizeLinear", ["a", "s", "low"], "aq", {}),
        ("DequantizeLinear", ["aq", "s", "low"], "ad", {}),
        ("BatchNormalization", ["ad", "n0", "n1", "n2", "n3"], "b", {}),
        ("QuantizeLinear", ["b", "s", "t"], "bq", {}),
        ("DequantizeLinear", ["bq", "s", "t"], "bd", {}),
        ("GlobalAveragePool", ["bd"], "g", {}),
        ("QuantizeLinear", ["g", "s", "t"], "gq", {}),
        ("DequantizeLinear", ["gq", "s", "t"], "gd", {}),
        ("Flatten", ["gd"], "y", {}),
    ]
    held = {"s": np.float32(0.02), "t": np.int8(0), "low": np.int8(-128), "w": drawn(4, 1, 3, 3)}
    held |= {f"n{i}": v for i, v in enumerate(norm)}
    open_int8(write(tmp_path / "m.onnx", nodes, GRAY, **held))  # the oracle compares


def test_a_tensor_that_a_qdq_file_leaves_float_wants_data(tmp_path):
    nodes = [
        ("QuantizeLinear", ["x", "s", "t"], "xq", {}),
        ("DequantizeLinear", ["xq", "s", "t"], "xd", {}),
        ("Gemm", ["xd", "m"], "y", {}),
    ]
    path = write(tmp_path / "m.onnx", nodes, (1, 6), s=np.float32(0.03), t=np.int8(0), m=drawn(6, 4))
    with pytest.raises(ValueError, match=r"does not round the output of dense \(node 1\); its range wants data, --cal"):
        open_int8(path)
    network = open_int8(path, calibration(tmp_path / "d.npz", 6))
    assert np.abs(network.outputs(drawn(16, 6)) - drawn(16, 6) @ drawn(6, 4)).max() < 0.2
