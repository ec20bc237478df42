"""Operators that only networks from outside have: to ONNX and to TensorFlow Lite, and back."""

from pathlib import Path

import numpy as np
import pytest
from test_kernels import abroad

from latent_nas import seeds
from latent_nas.graph import Builder, Graph
from latent_nas.operators.activation import Activation
from latent_nas.operators.formula import FUNCTIONS
from latent_nas.training.network import Network
from latent_nas.training.quantise import quantise

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
    runtime = pytest.importorskip("onnxruntime")
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
        export = pytest.importorskip("latent_nas.interchange.onnx_export")
        model, x = network(chain(formula))
        if "threshold" in formula:
            with pytest.raises(ValueError, match=r"threshold\(x, 0.3, 0.7\) has no form in ONNX here"):
                export.export_float(chain(formula), model, tmp_path / "m.onnx")
            return
        export.export_float(chain(formula), model, tmp_path / "m.onnx")
        np.testing.assert_allclose(run(tmp_path / "m.onnx", x), model.outputs(x), atol=1e-5, rtol=1e-5)

    def test_all_operators_float(self, tmp_path):
        export = pytest.importorskip("latent_nas.interchange.onnx_export")
        model, x = network(abroad())
        export.export_float(abroad(), model, tmp_path / "m.onnx")
        np.testing.assert_allclose(run(tmp_path / "m.onnx", x), model.outputs(x), atol=1e-5)

    def test_all_operators_rounded(self, tmp_path):
        export = pytest.importorskip("latent_nas.interchange.onnx_export")
        model, x = network(abroad())
        integers = quantise(abroad(), model, x)
        export.export_int8(integers, tmp_path / "m.onnx")
        off = (run(tmp_path / "m.onnx", x) - integers.outputs(x)) / integers.quants[-1].scale
        assert np.abs(off).max() <= 1.01
