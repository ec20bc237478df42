"""Published networks as .tflite files, and as tf2onnx makes them of these. Skipped without the extras of both."""

import numpy as np
import pytest

pytest.importorskip("ai_edge_litert")
pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from tflite_as_onnx import write
from tflite_graphs import int8_file
from tflite_published import NETWORKS

from latent_nas.interchange.onnx_network import open_int8 as open_onnx
from latent_nas.interchange.tflite_import import read_model
from latent_nas.interchange.tflite_network import open_int8 as open_tflite
from latent_nas.interchange.tflite_oracle import tensors

MACS = {
    **{"resnet8": 12_501_632, "ds_cnn": 2_656_768, "mobilenet_v1": 7_489_664, "autoencoder": 264_192},
    **{"person_detection": 7_157_888, "mobilenet_v2": 10_660_528},
}


SLOW = {"mobilenet_v1"}  # person_detection has its layers, and more


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] if n in SLOW else []) for n in NETWORKS])
def test_a_published_network_computes_what_its_interpreter_does(name, tmp_path):
    """As .tflite, and as QDQ with its transpositions: the same integers, but for ties that fall to either side.

    In deep networks of drawn weights a tie makes several units of an output in a few inputs: see the figures in
    docs/results/abroad.md. Every operator alone is held to one unit by the oracle, when the file is opened.
    """
    layers, random = NETWORKS[name](), np.random.default_rng(1)
    x = random.normal(size=(4, *layers[0].dims[1:])).astype(np.float32)
    path, per_tensor = tmp_path / "m.tflite", name == "autoencoder"
    path.write_bytes(int8_file(layers, x, per_tensor=per_tensor))
    network = open_tflite(path)
    assert network.graph.macs == MACS[name]
    model = read_model(path)
    theirs = tensors(path, model, x, reference=False)[len(model.graph.nodes) - 1]
    apart = np.abs(network.integers(x).astype(int) - theirs)
    assert np.median(apart) == 0
    assert (apart <= 1).mean() >= 0.8
    again = open_onnx(write(tmp_path / "m.onnx", layers, x, per_tensor))
    assert again.graph.macs == MACS[name]
    np.testing.assert_allclose(again.quants[-1].scale, network.quants[-1].scale, rtol=1e-6)
    assert (np.abs(again.integers(x).astype(int) - network.integers(x)) <= 1).mean() >= 0.8
