"""What scikit-learn's converter writes, scales of blocks, and functions of a file's own. Needs the extra ``onnx``."""

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("torch")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from latent_nas.interchange.agreement import say_loss  # noqa: E402
from latent_nas.interchange.onnx_import import read_model  # noqa: E402
from latent_nas.interchange.onnx_network import open_int8  # noqa: E402

FEATURES = 12
ML, NAN = "ai.onnx.ml", float("nan")


def drawn(*shape):
    return np.random.default_rng(shape).normal(size=shape).astype(np.float32)


def write(path, nodes, held=(), functions=(), outputs=("y",), opset=21):
    """Write a model of a vector x (n, FEATURES); its nodes, its constants, and functions of the domain "own"."""
    value = helper.make_tensor_value_info
    given = [value("x", TensorProto.FLOAT, ["n", FEATURES])]
    graph = helper.make_graph(nodes, "toy", given, [onnx.ValueInfoProto(name=name) for name in outputs], held)
    versions = [helper.make_opsetid(name, number) for name, number in (("", opset), (ML, 3), ("own", 1))]
    model = helper.make_model(graph, opset_imports=versions, ir_version=10, functions=functions)
    for output in model.graph.output:
        output.type.tensor_type.elem_type = TensorProto.FLOAT
    onnx.save(model, path)
    return path


def agrees(path, folder):
    """Return the int8 network of a float file, which is made only where onnxruntime computes the same floats."""
    np.save(folder / "x.npy", drawn(32, FEATURES))
    return open_int8(path, folder / "x.npy")


def constant(array, name):
    return numpy_helper.from_array(np.asarray(array), name)


GEMM = helper.make_node("Gemm", ["s", "w"], ["y"])


@pytest.mark.parametrize("size", [1, FEATURES])
def test_a_scaler_goes_into_the_layer_behind(size, tmp_path):
    """StandardScaler in front of an MLP, the usual pipeline; sizes as MaxAbsScaler and StandardScaler write them."""
    scaled = helper.make_node(
        "Scaler", ["x"], ["s"], domain=ML, offset=drawn(size).tolist(), scale=(np.abs(drawn(size)) + 0.1).tolist()
    )
    path = write(tmp_path / "m.onnx", [scaled, GEMM], [constant(drawn(FEATURES, 3), "w")])
    assert [node.operator.kind for node in read_model(path).graph.nodes] == ["input", "dense"]
    agrees(path, tmp_path)


@pytest.mark.parametrize("targets", [1, 3])
def test_a_linear_regression_is_a_layer(targets, tmp_path):
    made = {"coefficients": drawn(targets * FEATURES).tolist(), "intercepts": drawn(targets).tolist()}
    node = helper.make_node("LinearRegressor", ["x"], ["y"], domain=ML, targets=targets, **made)
    network = agrees(write(tmp_path / "m.onnx", [node]), tmp_path)
    assert network.graph.nodes[-1].shape == (targets,)


@pytest.mark.parametrize(
    ("function", "names"), [("SOFTMAX", ["b", "d", "z"]), ("LOGISTIC", [3, 7]), ("NONE", [0, 1, 2])]
)
def test_a_pipeline_to_a_logistic_regression_is_its_sums(function, names, tmp_path):
    """Some features, none missing, scaled; a label and probabilities divided by their sum, as skl2onnx has it."""
    n = len(names)
    made = {"coefficients": drawn(n * 4).tolist(), "intercepts": drawn(n).tolist(), "post_transform": function}
    made |= {"classlabels_strings" if isinstance(names[0], str) else "classlabels_ints": names}
    nodes = [
        helper.make_node("ArrayFeatureExtractor", ["x", "some"], ["a"], domain=ML),
        helper.make_node(
            "Imputer", ["a"], ["b"], domain=ML, imputed_value_floats=[1.0] * 4, replaced_value_float=np.nan
        ),
        helper.make_node("Scaler", ["b"], ["c"], domain=ML, offset=drawn(4).tolist(), scale=[1.0, 2.0, 0.5, 1.0]),
        helper.make_node("LinearClassifier", ["c"], ["label", "scores"], domain=ML, **made),
        helper.make_node("Normalizer", ["scores"], ["y"], domain=ML, norm="L1"),
    ]
    path = write(tmp_path / "m.onnx", nodes, [constant([4, 0, 2, 1], "some")], outputs=("label", "y"))
    model = onnx.load(path)
    kind = TensorProto.STRING if isinstance(names[0], str) else TensorProto.INT64
    model.graph.output[0].type.tensor_type.elem_type = kind
    onnx.save(model, path)
    network = agrees(path, tmp_path)
    x = drawn(64, FEATURES)
    label = onnxruntime.InferenceSession(path.read_bytes()).run(["label"], {"x": x})[0]
    decided = np.array(names)[network.outputs(x).argmax(axis=1)]
    assert (decided == label).mean() > 0.9
    assert len(set(decided.tolist())) == n


def test_features_that_vary_by_less_than_the_input_s_scale_are_said(tmp_path, capsys):
    """A scaler inside of a model is of no use to its int8 input, which has one scale for all features."""
    offset, scale = [0.0] * FEATURES, [1e-5, *[1.0] * (FEATURES - 1)]
    nodes = [helper.make_node("Scaler", ["x"], ["s"], domain=ML, offset=offset, scale=scale), GEMM]
    path = write(tmp_path / "m.onnx", nodes, [constant(drawn(FEATURES, 3), "w")])
    agrees(path, tmp_path)
    assert "int8 loses" not in capsys.readouterr().err
    x = drawn(32, FEATURES) / np.array(scale, np.float32)
    np.save(tmp_path / "x.npy", x)
    open_int8(path, tmp_path / "x.npy")
    said = capsys.readouterr().err
    assert "int8 loses what its outputs tell" in said
    assert "features [1, 2, 3, 4, 5, 6, 7, 8] vary by less: scale them before the model" in said


def test_images_are_compared_with_their_channels_where_they_are(tmp_path, capsys):
    image = drawn(9, 4, 5, 3)
    say_loss(tmp_path, image, image.transpose(0, 3, 1, 2), image, 0.1)
    assert not capsys.readouterr().err


@pytest.mark.parametrize("opset", [21, 1])
def test_models_that_are_no_networks_are_said_before_their_two_outputs(opset, tmp_path):
    """And before an opset that only looks old: onnxmltools writes 1 for xgboost's."""
    label = helper.make_node("LinearClassifier", ["x"], ["label", "y"], domain=ML, coefficients=[1.0] * FEATURES)
    path = write(tmp_path / "m.onnx", [label], outputs=("label", "y"), opset=opset)
    with pytest.raises(ValueError, match=r": has LinearClassifier of ai\.onnx\.ml, .* logistic regressions are read"):
        read_model(path)


def blocks(path, scale, zero=None, block=4, kind=TensorProto.INT8):
    """Write a product with a matrix of integers whose scales are of blocks of rows."""
    rng = np.random.default_rng(0)
    weight = helper.make_tensor("q", kind, (FEATURES, 5), rng.integers(-8, 8, FEATURES * 5).tolist())
    held = [weight, constant(scale.astype(np.float32), "a")]
    if zero is not None:
        held.append(helper.make_tensor("z", kind, zero.shape, zero.ravel().tolist()))
    names = ["q", "a", "z"][: len(held)]
    nodes = [
        helper.make_node("DequantizeLinear", names, ["w"], axis=0, block_size=block),
        helper.make_node("MatMul", ["x", "w"], ["y"]),
    ]
    return write(path, nodes, held)


@pytest.mark.parametrize("kind", [TensorProto.INT8, TensorProto.INT4])
@pytest.mark.parametrize("zero", [None, np.arange(15).reshape(3, 5) % 7 - 3])
def test_weights_with_a_scale_per_block_are_read(kind, zero, tmp_path):
    agrees(blocks(tmp_path / "m.onnx", np.abs(drawn(3, 5)) + 0.1, zero, kind=kind), tmp_path)


def test_scales_that_are_not_as_many_as_blocks_are_refused(tmp_path):
    path = blocks(tmp_path / "m.onnx", np.abs(drawn(2, 5)) + 0.1)
    with pytest.raises(ValueError, match=r"has scales \(2, 5\) for blocks of 4 along axis 0 .*scales \(3, 5\)"):
        read_model(path)


@pytest.mark.parametrize("opset", [13, 18, 21])
def test_a_function_of_another_opset_is_written_out(opset, tmp_path):
    nodes = [helper.make_node("Relu", ["a"], ["t"]), helper.make_node("Mul", ["t", "t"], ["b"])]
    function = helper.make_function("own", "Relu", ["a"], ["b"], nodes, [helper.make_opsetid("", opset)])
    call = helper.make_node("Relu", ["x"], ["s"], domain="own")  # not ONNX's of that name
    path = write(tmp_path / "m.onnx", [call, GEMM], [constant(drawn(FEATURES, 3), "w")], [function])
    assert "activation" in [node.operator.kind for node in agrees(path, tmp_path).graph.nodes]
