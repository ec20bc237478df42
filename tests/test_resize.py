"""Resize in ONNX files: sizes and pixels are those of onnxruntime. Skipped without the extra ``onnx``."""

from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from latent_nas.graph import Builder  # noqa: E402
from latent_nas.interchange.onnx_export import export_float  # noqa: E402
from latent_nas.interchange.onnx_import import read_model  # noqa: E402
from latent_nas.interchange.onnx_network import float_network  # noqa: E402
from latent_nas.operators.resize import Resize  # noqa: E402
from latent_nas.training.network import Network  # noqa: E402

DRAW = np.random.default_rng(0)
SIZES = [(10, 7), (10, 3), (9, 8), (7, 31), (41, 27), *DRAW.integers(1, 60, (45, 2)).tolist()]


def resized(path: Path, scales: tuple[float, float], size: tuple[int, int], opset: int, **modes: str) -> np.ndarray:
    """Write a Resize of an image of one channel, in which every pixel differs; return what onnxruntime makes of it."""
    constants = [numpy_helper.from_array(np.array([1, 1, *scales], np.float32), "s")]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Resize", ["x", "s"] if opset < 11 else ["x", "s", "s"], ["y"], **modes)],
        "toy",
        [value("x", TensorProto.FLOAT, (1, 1, *size))],
        [value("y", TensorProto.FLOAT, None)],
        constants,
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8), path)
    session = runtime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": pixels(size)})[0])


def pixels(size: tuple[int, int]) -> np.ndarray:
    return np.arange(size[0] * size[1], dtype=np.float32).reshape(1, 1, *size)


def ours(path: Path, size: tuple[int, int]) -> np.ndarray:
    """Return what the network read from a file makes of the same image, channels first."""
    return float_network(read_model(path, weights=True), path).outputs(np.moveaxis(pixels(size), 1, -1))


@pytest.mark.parametrize("coordinates", ["half_pixel", "asymmetric"])
def test_any_size_comes_back_from_the_file_that_we_write(coordinates, tmp_path):
    for n, m in SIZES:
        i = np.arange(m)
        places = ((i + 0.5) * n / m - 0.5 if coordinates == "half_pixel" else i * n / m).clip(0, n - 1)
        b = Builder((n, 2, 1))
        b.add(Resize(tuple(places.tolist()), (0.0, 1.0)), 0)
        export_float(b.build(), Network(b.build()).eval(), tmp_path / "m.onnx")
        assert read_model(tmp_path / "m.onnx", weights=True).graph.output_shape == (m, 2, 1), (n, m)


@pytest.mark.parametrize("scales", [(0.7, 0.3), (0.9, 2.3), (1.7, 0.6)])
@pytest.mark.parametrize("mode", ["nearest", "linear"])
@pytest.mark.parametrize("opset", [10, 13])
def test_sizes_and_pixels_are_those_of_onnxruntime(scales, mode, opset, tmp_path):
    """Before opset 11 a smaller image's nearest pixel is the one after its place."""
    theirs = resized(tmp_path / "m.onnx", scales, (10, 20), opset, mode=mode)
    assert np.abs(ours(tmp_path / "m.onnx", (10, 20)) - theirs).max() < 1e-3


def test_the_size_that_we_write_is_no_matter_of_precision(tmp_path):
    """Of 10 rows times 0.7 onnx infers 6 and onnxruntime makes 7, so that a file says a little more."""
    b = Builder((10, 2, 1))
    b.add(Resize(tuple(((np.arange(7) + 0.5) * 10 / 7 - 0.5).tolist()), (0.0, 1.0)), 0)
    export_float(b.build(), Network(b.build()).eval(), tmp_path / "m.onnx")
    graph = onnx.shape_inference.infer_shapes(onnx.load(tmp_path / "m.onnx"), strict_mode=True).graph
    assert [d.dim_value for d in graph.value_info[0].type.tensor_type.shape.dim][2:] == [7, 2]
