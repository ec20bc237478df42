"""Whole networks as other tools write them: costed, and deployed as onnxruntime computes them."""

import io
import warnings
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
torch = pytest.importorskip("torch")

from held_onnx import fate  # noqa: E402
from onnx import TensorProto, helper, numpy_helper  # noqa: E402
from torch_layouts import LAYOUTS, layout  # noqa: E402

from latent_nas.costs import costs  # noqa: E402
from latent_nas.devices import open_device  # noqa: E402
from latent_nas.interchange.onnx_import import read_model  # noqa: E402
from latent_nas.interchange.onnx_network import float_network  # noqa: E402
from latent_nas.runtimes import open_runtime  # noqa: E402


def drawn(*shape: int) -> np.ndarray:
    return (np.random.default_rng(shape).normal(size=shape) / np.sqrt(np.prod(shape[1:]) or 1)).astype(np.float32)


def save(
    path: Path, nodes: list, given: tuple, outputs: list, opset: int, ml: bool = False, **held: np.ndarray
) -> Path:
    """Write a model of nodes (type, inputs, outputs, attributes); ``given``: type and shape of the input x."""
    value = helper.make_tensor_value_info
    made = []
    for kind, inputs, names, attributes in nodes:
        domain, _, short = kind.rpartition(":")
        made.append(helper.make_node(short, inputs, names, names[0], domain=domain, **attributes))
    graph = helper.make_graph(
        made,
        "abroad",
        [value("x", *given)],
        [value(name, kind, None) for name, kind in outputs],
        [numpy_helper.from_array(array, name) for name, array in held.items()],
    )
    versions = [helper.make_opsetid("", opset), *([helper.make_opsetid("ai.onnx.ml", 1)] if ml else [])]
    onnx.save(helper.make_model(graph, opset_imports=versions, ir_version=8), path)
    return path


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_of_torchvision_is_costed_and_deployed_right(name, tmp_path):
    path = tmp_path / "m.onnx"
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        torch.onnx.export(layout(name, 1 / 8), (torch.zeros(1, 3, 32, 32),), str(path), opset_version=17, dynamo=False)
    found = costs(read_model(path).graph, open_device("stm32h743"), open_runtime("native"))
    assert found.region is not None
    assert fate(path).kind == "accepted"


def test_a_cnn_of_keras_as_tf2onnx_writes_it(tmp_path):
    """Rescaling, NHWC with a Transpose in front, batch norm as Mul and Add, ReLU6, a depthwise layer, a mean."""
    image = {"kernel_shape": [3, 3], "auto_pad": "SAME_UPPER"}
    nodes = [
        ("Mul", ["x", "scale"], ["s"], {}),
        ("Add", ["s", "shift"], ["t"], {}),
        ("Transpose", ["t"], ["a"], {"perm": [0, 3, 1, 2]}),
        ("Conv", ["a", "w0", "b0"], ["b"], {**image, "strides": [2, 2]}),
        ("Clip", ["b", "zero", "six"], ["c"], {}),
        ("Conv", ["c", "w1"], ["d"], {**image, "group": 8}),
        ("Mul", ["d", "gamma"], ["e"], {}),
        ("Add", ["e", "beta"], ["f"], {}),
        ("Relu", ["f"], ["g"], {}),
        ("Conv", ["g", "w2", "b2"], ["h"], {"kernel_shape": [1, 1]}),
        ("Relu", ["h"], ["i"], {}),
        ("MaxPool", ["i"], ["j"], {"kernel_shape": [2, 2], "strides": [2, 2]}),
        ("Transpose", ["j"], ["k"], {"perm": [0, 2, 3, 1]}),
        ("Reshape", ["k", "flat"], ["l"], {}),
        ("MatMul", ["l", "m"], ["n"], {}),
        ("Add", ["n", "bias"], ["o"], {}),
        ("Softmax", ["o"], ["y"], {"axis": -1}),
    ]
    held = {"scale": np.float32(1 / 127.5), "shift": np.float32(-1), "zero": np.float32(0), "six": np.float32(6)}
    held |= {"w0": drawn(8, 3, 3, 3), "b0": drawn(8), "w1": drawn(8, 1, 3, 3), "gamma": 1 + drawn(1, 8, 1, 1)}
    held |= {"beta": drawn(1, 8, 1, 1), "w2": drawn(12, 8, 1, 1), "b2": drawn(12), "flat": np.array([-1, 4 * 5 * 12])}
    held |= {"m": drawn(240, 6), "bias": drawn(6)}
    for kind in (TensorProto.FLOAT, TensorProto.UINT8):
        cast = [("Cast", ["x"], ["f32"], {"to": TensorProto.FLOAT})] if kind == TensorProto.UINT8 else []
        first = (nodes[0][0], ["f32" if cast else "x", "scale"], *nodes[0][2:])
        path = save(
            tmp_path / f"{kind}.onnx", [*cast, first, *nodes[1:]], (kind, ("n", 16, 20, 3)), [("y", 1)], 13, **held
        )
        model = read_model(path)
        assert (model.graph.input_shape, model.ending.split()[0]) == ((16, 20, 3), "Softmax")
        assert fate(path).kind == "accepted"


@pytest.mark.parametrize("classes", [2, 4])
def test_an_mlp_of_scikit_learn_as_skl2onnx_writes_it(classes, tmp_path):
    """Its outputs are a label and probabilities, of two classes made of one sigmoid: both are of one tensor."""
    units = 1 if classes == 2 else classes
    nodes = [
        ("Sub", ["x", "mean"], ["a"], {}),
        ("Div", ["a", "std"], ["b"], {}),
        ("MatMul", ["b", "w0"], ["c"], {}),
        ("Add", ["c", "b0"], ["d"], {}),
        ("Relu", ["d"], ["e"], {}),
        ("MatMul", ["e", "w1"], ["f"], {}),
        ("Add", ["f", "b1"], ["g"], {}),
    ]
    if classes == 2:
        nodes += [
            ("Sigmoid", ["g"], ["p"], {}),
            ("Sub", ["one", "p"], ["q"], {}),
            ("Concat", ["q", "p"], ["probabilities"], {"axis": 1}),
        ]
    else:
        nodes.append(("Softmax", ["g"], ["probabilities"], {"axis": 1}))
    nodes += [
        ("ArgMax", ["probabilities"], ["best"], {"axis": 1}),
        ("ai.onnx.ml:ArrayFeatureExtractor", ["classes", "best"], ["label2"], {}),
        ("Reshape", ["label2", "flat"], ["label"], {}),
        ("ai.onnx.ml:ZipMap", ["probabilities"], ["zipped"], {"classlabels_int64s": list(range(classes))}),
    ]
    held = {
        "mean": drawn(1, 7),
        "std": 1 + np.abs(drawn(1, 7)),
        "w0": drawn(7, 9),
        "b0": drawn(9),
        "one": np.float32(1),
    }
    held |= {"w1": drawn(9, units), "b1": drawn(units), "classes": np.arange(classes), "flat": np.array([-1])}
    held = {k: v for k, v in held.items() if any(k in inputs for _, inputs, _, _ in nodes)}
    outputs = [("label", TensorProto.INT64), ("zipped", TensorProto.UNDEFINED)]
    path = save(tmp_path / "m.onnx", nodes, (TensorProto.FLOAT, ("n", 7)), outputs, 13, ml=True, **held)
    model = read_model(path, weights=True)
    assert model.graph.output_shape == (units,)
    assert model.ending.startswith("Sigmoid" if classes == 2 else "Softmax and ArgMax left out")
    labelled = onnx.load(path)
    del labelled.graph.output[1:]
    x = 30 * drawn(64, 7)
    session = onnxruntime.InferenceSession(labelled.SerializeToString(), providers=["CPUExecutionProvider"])
    ours = float_network(model, path).outputs(model.given.from_file(x, (7,)))
    decided = (ours[:, 0] > 0).astype(int) if classes == 2 else ours.argmax(axis=1)
    np.testing.assert_array_equal(decided, np.concatenate([session.run(None, {"x": row[None]})[0] for row in x]))
    assert len(set(decided.tolist())) > 1
