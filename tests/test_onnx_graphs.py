"""Random ONNX graphs: each is refused in one line, or computes what onnxruntime computes of it.

``benchmarks/fuzz_onnx.py`` makes thousands more.
"""

from collections import Counter

import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("torch")

from drawn_files import MAKERS
from held_onnx import fate

TRIED = {"helper": 45, "half": 6, "torchscript": 8, "qdq": 10}  # of dynamo, which takes seconds each, none


@pytest.mark.parametrize("name", TRIED)
def test_no_random_graph_is_read_wrongly(name, tmp_path):
    found = {}
    for seed in range(TRIED[name]):
        MAKERS[name](seed, tmp_path / "m.onnx")
        found[seed] = fate(tmp_path / "m.onnx", seed)
    wrong = {seed: f for seed, f in found.items() if f.kind not in ("accepted", "refused", "no graph")}
    assert not wrong
    kinds = Counter(f.kind for f in found.values())
    assert kinds["accepted"] >= 0.7 * (kinds["accepted"] + kinds["refused"]), found
