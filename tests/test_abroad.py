"""Operators that only networks from outside have: to ONNX and to TensorFlow Lite, and back."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

import onnx
from drawn_abroad import DRAWN, drawn_file
from networks_abroad import FUNCTIONS_OF_TORCH, NETWORKS, exported, rounded
from test_kernels import DEVICE, abroad, tools

from latent_nas import seeds
from latent_nas.firmware.check import emulate
from latent_nas.firmware.compile import build
from latent_nas.firmware.export import project
from latent_nas.graph import Builder, Graph
from latent_nas.interchange.onnx_export import export_float, export_int8
from latent_nas.interchange.onnx_network import open_int8
from latent_nas.operators.activation import Activation
from latent_nas.operators.conv_transpose import ConvTranspose
from latent_nas.operators.formula import FUNCTIONS
from latent_nas.operators.hard_swish import HardSwish
from latent_nas.training.network import Network
from latent_nas.training.quantise import QuantisedNetwork, quantise

ARGUMENTS = ("x", "0.3", "0.7")
FORMULAS = [f"{name}({', '.join(ARGUMENTS[:n])})" for name, (n, _) in FUNCTIONS.items() if name not in ("log", "sqrt")]
FORMULAS += ["log(abs(x) + 1)", "sqrt(abs(x) + 0.1)", "2 - 1 / (1 + exp(-(1.702 * x) ** 3))", "x"]


def network(graph: Graph) -> tuple[Network, np.ndarray]:
    """Return the float network with drawn weights, and data."""
    with seeds.isolated(1):
        model = Network(graph).eval()
    return model, np.random.default_rng(0).normal(size=(8, *graph.input_shape)).astype(np.float32)


def chain(formula: str) -> Graph:
    b = Builder((24,))
    b.add(Activation(formula), 0)
    return b.build()


def run(path: Path, x: np.ndarray) -> np.ndarray:
    """Return what onnxruntime makes of data, channels last."""
    import onnxruntime as runtime

    options = runtime.SessionOptions()
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.add_session_config_entry("session.x64quantprecision", "1")
    session = runtime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    fed = x.transpose(0, 3, 1, 2) if x.ndim == 4 else x
    return session.run(None, {"input": np.ascontiguousarray(fed)})[0]


class TestWritten:
    """What is written is what onnxruntime computes."""

    @pytest.mark.parametrize("formula", FORMULAS)
    def test_a_formula(self, formula, tmp_path):
        model, x = network(chain(formula))
        if formula.startswith(("threshold", "where")):
            with pytest.raises(ValueError, match=r"[a-z]+\(x, 0.3, 0.7\) has no form in ONNX here"):
                export_float(chain(formula), model, tmp_path / "m.onnx")
            return
        export_float(chain(formula), model, tmp_path / "m.onnx")
        np.testing.assert_allclose(run(tmp_path / "m.onnx", x), model.outputs(x), atol=1e-5, rtol=1e-5)

    def test_all_operators_float(self, tmp_path):
        model, x = network(abroad())
        export_float(abroad(), model, tmp_path / "m.onnx")
        np.testing.assert_allclose(run(tmp_path / "m.onnx", x), model.outputs(x), atol=1e-5)

    def test_all_operators_rounded(self, tmp_path):
        model, x = network(abroad())
        integers = quantise(abroad(), model, x)
        export_int8(integers, tmp_path / "m.onnx")
        off = (run(tmp_path / "m.onnx", x) - integers.outputs(x)) / integers.quants[-1].scale
        assert np.abs(off).max() <= 1.01


class TestRead:
    """What PyTorch exports is read, compared with onnxruntime (``open_int8`` does), and runs on a device."""

    def saved(self, name: str, folder: Path) -> tuple[Path, np.ndarray]:
        data, x = exported(name)
        (folder / "m.onnx").write_bytes(data)
        np.savez(folder / "x.npz", x=x)
        return folder / "m.onnx", x

    @pytest.mark.parametrize("name", NETWORKS)
    def test_a_float_network(self, name, tmp_path):
        path, _ = self.saved(name, tmp_path)
        graph = open_int8(path, tmp_path / "x.npz").graph
        kinds = [n.operator.kind for n in graph.nodes]
        assert "batch_norm" not in kinds
        if name == "MobileNetV3":
            assert (kinds.count("hard_swish"), kinds.count("multiply"), kinds.count("activation")) == (3, 1, 1)
        if name == "2x2":
            assert ConvTranspose(6, (2, 2), (2, 2), activation="relu") in [n.operator for n in graph.nodes]

    @pytest.mark.parametrize("formula", FUNCTIONS_OF_TORCH)
    def test_a_function_is_one_operator(self, formula, tmp_path):
        path, _ = self.saved(formula, tmp_path)
        operators = [n.operator for n in open_int8(path, tmp_path / "x.npz").graph.nodes]
        wanted = HardSwish() if formula == "hard_swish" else Activation(formula)
        assert operators.count(wanted) == 2
        assert len(operators) == 7

    @pytest.mark.parametrize("name", [*NETWORKS, "mish(x)", "silu(x)", "max(x, 0.1 * x)"])
    def test_a_rounded_network(self, name, tmp_path):
        path, x = self.saved(name, tmp_path)
        network = open_int8(rounded(tmp_path, path, x, unsigned=len(name) % 2 > 0))  # or the oracle refuses it
        assert network.integers(np.moveaxis(x[:2], 1, -1)).std() > 0

    @tools
    @pytest.mark.parametrize("name", ["MobileNetV3", "3x3", "PReLU"])
    def test_firmware_has_the_same_bits(self, name, tmp_path):
        path, x = self.saved(name, tmp_path)
        network = open_int8(path, tmp_path / "x.npz")
        made = project(network, DEVICE)
        made.write(tmp_path / "fw")
        _, report, _ = emulate(made, build(tmp_path / "fw", DEVICE.core), x[:2].transpose(0, 2, 3, 1), tensors=1)
        assert report["bit_exact"], report

    @pytest.mark.parametrize("kind", DRAWN)
    def test_a_drawn_file_is_read_or_refused_in_a_line(self, kind, tmp_path):
        read = 0
        for seed in range(6):
            shape = drawn_file(seed, tmp_path / "m.onnx", kind)
            np.savez(tmp_path / "x.npz", x=np.random.default_rng(seed).normal(size=(16, *shape)).astype(np.float32))
            try:
                open_int8(tmp_path / "m.onnx", tmp_path / "x.npz")
                read += 1
            except ValueError as error:
                said = str(error)
                assert "read wrongly" not in said
                assert said.count("\n") == 0
        assert read >= 2

    @pytest.mark.parametrize(
        ("nodes", "behind"),
        [
            ("m = Greater (a, zero) t = Tanh (a) b = Where (m, a, t)", ["activation"]),
            ("m = Less (a, half) n = Not (m) f = Cast <to = 1> (n) b = Mul (a, f)", ["activation"]),
            ("l = Less (a, low) m = Greater (a, half) n = Or (l, m) t = Tanh (a) b = Where (n, t, a)", ["activation"]),
            ("b = Max (a, g)", ["subtract", "add"]),
            ("m = Greater (half, zero) b = Where (m, a, g)", []),
        ],
    )
    def test_a_choice(self, nodes, behind, tmp_path):
        """Of one tensor it is a table, however narrow its steps; ``behind``: the operators behind the convolutions."""
        text = f"""<ir_version: 8, opset_import: ["" : 13]>
            g (float[1, 2, 5, 4] x) => (float[1, 3, 5, 4] y)
            <float zero = {{0.0}}, float half = {{0.5}}, float low = {{0.49}}>
            {{ a = Conv (x, w) g = Conv (x, v) {nodes} y = Identity (b) }}"""
        draw = np.random.default_rng(0)
        weights = [onnx.numpy_helper.from_array(draw.normal(size=(3, 2, 1, 1)).astype(np.float32), n) for n in "wv"]
        made, _ = self.parsed(text, tmp_path, weights)
        assert [n.operator.kind for n in made.graph.nodes if n.operator.kind not in ("input", "conv2d")] == behind

    def test_every_second_row_from_the_second_on(self, tmp_path):
        text = """<ir_version: 8, opset_import: ["" : 13]>
            g (float[1, 2, 5, 4] x) => (float[1, 2, 2, 4] y)
            <int64[1] one = {1}, int64[1] four = {4}, int64[1] two = {2}>
            { s = Slice (x, one, four, two, two) y = Tanh (s) }"""
        made, x = self.parsed(text, tmp_path, [])
        assert np.abs(made.outputs(x) - np.tanh(x[:, 1:4:2])).max() < 0.05

    def parsed(self, text: str, folder: Path, weights: list) -> tuple[QuantisedNetwork, np.ndarray]:
        """Return the network of a file in onnx's text, and data, channels last."""
        model = onnx.parser.parse_model(text)
        model.graph.initializer.extend(weights)
        onnx.save(model, folder / "m.onnx")
        x = np.random.default_rng(1).normal(size=(16, 2, 5, 4)).astype(np.float32)
        np.savez(folder / "x.npz", x=x)
        return open_int8(folder / "m.onnx", folder / "x.npz"), np.moveaxis(x, 1, -1)

    @pytest.mark.parametrize("rounds", [False, True])
    def test_what_we_write_comes_back(self, rounds, tmp_path):
        model, x = network(abroad())
        if rounds:
            export_int8(quantise(abroad(), model, x), tmp_path / "m.onnx")
            again = open_int8(tmp_path / "m.onnx")
        else:
            export_float(abroad(), model, tmp_path / "m.onnx")
            np.savez(tmp_path / "x.npz", x=x.transpose(0, 3, 1, 2))
            again = open_int8(tmp_path / "m.onnx", tmp_path / "x.npz")
        mine = quantise(abroad(), model, x)
        off = (again.outputs(x) - mine.outputs(x)) / mine.quants[-1].scale
        assert np.abs(off).max() <= 3
