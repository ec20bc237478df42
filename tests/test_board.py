"""Logs for TensorBoard say what the store says."""

import subprocess
import sys

from run_folder import make

from latent_nas.jobs.search.board import Board, beside
from latent_nas.runs.folder import RunFolder
from latent_nas.runs.read import Run


def scalars(folder):
    """All scalars of a log folder: {tag: [(step, value), ...]}."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    log = EventAccumulator(str(folder))
    log.Reload()
    return {tag: [(e.step, round(e.value, 4)) for e in log.Scalars(tag)] for tag in log.Tags()["scalars"]}


def test_a_round_is_written_as_the_store_has_it(tmp_path):
    folder = make(tmp_path / "run", 12)
    run = Run.read(folder)
    board = Board(folder / "tensorboard")
    board.round(RunFolder(folder).store(), run.records)
    board.close()
    found = scalars(folder / "tensorboard")
    last = run.rounds[-1]
    assert found["surrogates/optimism"] == [(2, round(last.optimism, 4))]
    assert found["search/measured_int8_accuracy"] == [
        (i, round(r.measured_int8["accuracy"], 4)) for i, r in enumerate(run.records, 1) if i > 8
    ]
    assert found["trainings/0012"] == [(e, round(v, 4)) for e, v in enumerate(run.records[-1].curve, 1)]
    lessons = run.journals[2].school
    assert found["agent/reward"] == [(65_536 + x["step"], round(x["reward"], 4)) for x in lessons]


def test_logs_of_an_artefact_lie_beside_it(tmp_path):
    board = Board(beside(tmp_path / "codec"))
    board.scalars("codec", 3, {"reconstruction": 1.5, "accuracy": None})
    board.close()
    assert scalars(tmp_path / "codec-tensorboard") == {"codec/reconstruction": [(3, 1.5)]}


def test_without_the_extra_one_line_names_it():
    code = "import sys\nfrom latent_nas.jobs.search import board\nsys.path.clear()\nboard.check()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=1800, check=False)
    assert "ValueError: tensorboard is not installed; it is in the extra tensorboard: " in done.stderr
