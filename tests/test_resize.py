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
from latent_nas.interchange.onnx_sizes import COORDINATES, ROUNDED  # noqa: E402
from latent_nas.interchange.tflite_export import to_bytes  # noqa: E402
from latent_nas.operators import resize  # noqa: E402
from latent_nas.operators.resize import Resize  # noqa: E402
from latent_nas.training.network import Network  # noqa: E402
from latent_nas.training.quantise import quantise  # noqa: E402

DRAW = np.random.default_rng(0)
SIZES = [(10, 7), (10, 3), (9, 8), (7, 31), (41, 27), *DRAW.integers(1, 60, (45, 2)).tolist()]


def resized(path: Path, node, size: tuple[int, int], opset: int, **constants: np.ndarray) -> np.ndarray:
    """Write a node that reads an image of one channel, in which every pixel differs; return what onnxruntime makes."""
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [node],
        "toy",
        [value("x", TensorProto.FLOAT, (1, 1, *size))],
        [value("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8), path)
    return run(path, "x", size)


def run(path: Path, name: str, size: tuple[int, int]) -> np.ndarray:
    options = runtime.SessionOptions()
    options.log_severity_level = 4
    session = runtime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {name: pixels(size)})[0])


def pixels(size: tuple[int, int]) -> np.ndarray:
    return np.arange(size[0] * size[1], dtype=np.float32).reshape(1, 1, *size)


def ours(path: Path, size: tuple[int, int]) -> np.ndarray:
    """Return what the network read from a file makes of the same image, channels first."""
    return float_network(read_model(path, weights=True), path).outputs(np.moveaxis(pixels(size), 1, -1))


def drawn(random: np.random.Generator, opset: int, size: tuple[int, int]):
    """Return a random Upsample or Resize, and its constants."""
    scales = [
        (random.integers(1, 60, 2) / size).tolist(),
        random.uniform(0.1, 3, 2).round(1).tolist(),
        random.uniform(0.1, 3, 2).tolist(),
        random.integers(1, 5, 2).tolist(),
        random.choice([0.25, 0.5, 0.75, 1, 1.5, 2.5, 1 / 3, 2 / 3], 2).tolist(),
    ][random.integers(5)]
    scales = [max(1.0, s) if opset < 10 else s for s in scales]
    whole = np.array([1, 1, *scales], np.float32)
    modes = {"mode": str(random.choice(["nearest", "linear"]))}
    if opset < 9:
        return helper.make_node("Upsample", ["x"], ["y"], scales=whole.tolist(), **modes), {}
    if opset < 11:
        return helper.make_node("Upsample" if opset < 10 else "Resize", ["x", "s"], ["y"], **modes), {"s": whole}
    modes["coordinate_transformation_mode"] = str(random.choice(list(COORDINATES)))
    modes |= {"nearest_mode": str(random.choice(list(ROUNDED)))} if modes["mode"] == "nearest" else {}
    if random.random() < 0.3:
        constants = {"n": np.zeros(0, np.float32), "z": np.array([1, 1, *random.integers(1, 60, 2)])}
        return helper.make_node("Resize", ["x", "n", "n", "z"], ["y"], **modes), constants
    nothing = {"n": np.zeros(0, np.float32)}  # before opset 13 an input has to be given
    if opset >= 18 and random.random() < 0.5:
        turned = nothing | {"s": whole[:1:-1].copy()}
        return helper.make_node("Resize", ["x", "n", "s"], ["y"], axes=[3, 2], **modes), turned
    return helper.make_node("Resize", ["x", "n", "s"], ["y"], **modes), nothing | {"s": whole}


@pytest.mark.parametrize("opset", [7, 9, 10, 11, 13, 18, 19])
def test_sizes_and_pixels_are_those_of_onnxruntime(opset, tmp_path):
    """In whatever precision a size, or a pixel that lies half way between two, is worked out."""
    random, read = np.random.default_rng(opset), 0
    for _ in range(120):
        size = tuple(int(n) for n in random.integers(1, 40, 2) ** random.integers(0, 2, 2))
        node, constants = drawn(random, opset, size)
        try:
            theirs = resized(tmp_path / "m.onnx", node, size, opset, **constants)
        except Exception:  # noqa: BLE001  onnxruntime's own, as of a size of 0
            continue
        try:
            made = ours(tmp_path / "m.onnx", size)
        except ValueError as error:
            if "is the input itself" in str(error) or 0 in theirs.shape:
                continue
            raise
        assert made.shape == theirs.shape, (size, node)
        assert np.abs(made - theirs).max() <= 1e-3 * theirs.size, (size, node)
        read += 1
    assert read >= 60


def test_what_we_write_onnxruntime_makes_and_we_read_again(tmp_path):
    random, written = np.random.default_rng(0), 0
    for _ in range(300):
        n, m = random.integers(1, 50, (2, 2))
        coordinates = resize.COORDINATES[str(random.choice(list(resize.COORDINATES)))]
        rounded = resize.ROUNDED[str(random.choice(list(resize.ROUNDED)))]
        rows, columns = (rounded(coordinates(np.arange(b), a, b)).clip(0, a - 1) for a, b in zip(n, m, strict=True))
        b = Builder((int(n[0]), int(n[1]), 1))
        b.add(Resize(tuple(rows.tolist()), tuple(columns.tolist())), 0)
        network, size = Network(b.build()).eval(), (int(n[0]), int(n[1]))
        try:
            export_float(b.build(), network, tmp_path / "m.onnx")
        except ValueError as error:
            if "single precision" in str(error):
                continue
            raise
        wanted = network.outputs(np.moveaxis(pixels(size), 1, -1))
        for made in (run(tmp_path / "m.onnx", "input", size), ours(tmp_path / "m.onnx", size)):
            assert made.shape == wanted.shape, (n, m)
            assert np.abs(made - wanted).max() <= 2e-3 * n.prod(), (n, m)
        written += 1
    assert written >= 285


@pytest.mark.parametrize("coordinates", ["half_pixel", "asymmetric"])
def test_any_size_comes_back_from_the_file_that_we_write(coordinates, tmp_path):
    for n, m in SIZES:
        i = np.arange(m)
        places = ((i + 0.5) * n / m - 0.5 if coordinates == "half_pixel" else i * n / m).clip(0, n - 1)
        b = Builder((n, 2, 1))
        b.add(Resize(tuple(places.tolist()), (0.0, 1.0)), 0)
        export_float(b.build(), Network(b.build()).eval(), tmp_path / "m.onnx")
        assert read_model(tmp_path / "m.onnx", weights=True).graph.output_shape == (m, 2, 1), (n, m)


def test_the_size_that_we_write_is_no_matter_of_precision(tmp_path):
    """Of 10 rows times 0.7 onnx infers 6 and onnxruntime makes 7, so that a file says a little more."""
    b = Builder((10, 2, 1))
    b.add(Resize(tuple(((np.arange(7) + 0.5) * 10 / 7 - 0.5).tolist()), (0.0, 1.0)), 0)
    export_float(b.build(), Network(b.build()).eval(), tmp_path / "m.onnx")
    graph = onnx.shape_inference.infer_shapes(onnx.load(tmp_path / "m.onnx"), strict_mode=True).graph
    assert [d.dim_value for d in graph.value_info[0].type.tensor_type.shape.dim][2:] == [7, 2]


def test_what_we_write_for_tensorflow_lite_reads_the_same_neighbours():
    interpreter = pytest.importorskip("ai_edge_litert.interpreter")
    random, written = np.random.default_rng(0), 0
    for _ in range(80):
        n, m = random.integers(1, 50, (2, 2))
        kind = [("half_pixel", "half_up"), ("asymmetric", "floor"), ("align_corners", "half_up")][random.integers(3)]
        place, rounded = resize.COORDINATES[kind[0]], resize.ROUNDED[kind[1]]
        rows, columns = (rounded(place(np.arange(b), a, b)).clip(0, a - 1) for a, b in zip(n, m, strict=True))
        b = Builder((int(n[0]), int(n[1]), 1))
        b.add(Resize(tuple(rows.tolist()), tuple(columns.tolist())), 0)
        x = random.uniform(-1, 1, (1, *b.build().input_shape)).astype(np.float32)
        network = quantise(b.build(), Network(b.build()).eval(), x)
        try:
            data = to_bytes(network)
        except ValueError as error:
            if "single precision" in str(error):
                continue
            raise
        reference = interpreter.OpResolverType.BUILTIN_REF
        theirs = interpreter.Interpreter(model_content=data, experimental_op_resolver_type=reference)
        theirs.allocate_tensors()
        theirs.set_tensor(theirs.get_input_details()[0]["index"], network.quants[0].quantise(x))
        theirs.invoke()
        made = theirs.get_tensor(theirs.get_output_details()[0]["index"])
        np.testing.assert_array_equal(made.ravel(), network.from_integers(network.quants[0].quantise(x)).ravel())
        written += 1
    assert written >= 75
