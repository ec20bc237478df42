"""The notebooks in examples/ run from their first cell to their last, on data that they make themselves."""

import json
from pathlib import Path

import pytest
from notebooks import LARGEST, run

EXAMPLES = Path(__file__).parent.parent / "examples"
QUICK = [("TRAININGS = 8", "TRAININGS = 2"), ("Study(", 'Study(strategy="random", child_epochs=1, ')]
NOTEBOOKS = {
    "pictures_to_firmware": (
        [*QUICK, ('"latency_ms": 5', '"latency_ms": 1'), ("range(60)", "range(12)")],
        "firmware.uf2",
    ),
    "vibration_from_csv": ([*QUICK, ('"latency_ms": 5', '"latency_ms": 1')], "instructions an inference"),
    "your_table_strategy_space": ([QUICK[0], ("SEEDS = 10", "SEEDS = 2")], "mutate_best"),
}


LONG = {"pictures_to_firmware", "vibration_from_csv"}  # compile twice and train 1,200 steps


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] if n in LONG else []) for n in NOTEBOOKS])
def test_a_notebook_runs(tmp_path, monkeypatch, name):
    replaced, wanted = NOTEBOOKS[name]
    monkeypatch.chdir(tmp_path)
    outputs = [text for cell in run(EXAMPLES / f"{name}.ipynb", replaced) for _, text in cell or ()]
    assert any(wanted in text for text in outputs)
    assert (tmp_path / "run" / "report.html").is_file()


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.ipynb")), ids=lambda file: file.stem)
def test_a_notebook_installs_for_a_cpu_and_keeps_little(file):
    assert file.stem in NOTEBOOKS
    cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
    first = next("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    assert "--torch-backend cpu" in first
    assert len(file.read_bytes()) < 30_000
    for cell in cells:
        assert sum(len(json.dumps(output)) for output in cell.get("outputs", ())) < 2 * LARGEST
