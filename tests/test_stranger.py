"""A stranger's space, task, strategy, surrogate, ...: one file each outside the package, checked and searched with."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fresh_cache import fresh_cache

ROOT = Path(__file__).parent.parent
KINDS = {
    "space.py": "spaces",
    "task.py": "tasks",
    "strategy.py": "strategies",
    "surrogate.py": "surrogates",
    "reader.py": "readers",
    "core.toml": "cores",
    "board.toml": "devices",
    "objective.py": "objectives",
    "evaluator.py": "evaluators",
    "regression.py": "tasks",
    "anomaly.py": "tasks",
    "text.py": "tasks",
    "magnitude.py": "operators",
}


@pytest.mark.parametrize("where", [(), pytest.param(("--ray", "local"), marks=pytest.mark.slow)])
def test_every_part_passes_the_check_and_works_in_a_search(where, tmp_path):
    if where:
        pytest.importorskip("ray", reason="Ray has no wheel for this Python")
    for name in ("ziglang", "unicorn"):
        pytest.importorskip(name, reason="the extra mcu")
    command = [sys.executable, str(ROOT / "benchmarks" / "stranger.py"), "--trainings", "2", *where]
    command += ["--cache", str(fresh_cache(tmp_path / "cache"))]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert found["checked"] == {file: {"kind": kind, "failures": []} for file, kind in KINDS.items()}
    first, second, *others = found["searches"].values()
    for result in (first, second, *others):
        assert (result["trainings"], result["failed_trainings"], result["fits"]) == (2, 0, [True])
    wanted = ["board.toml", "core.toml", "evaluator.py", "objective.py", "space.py", "strategy.py", "task.py"]
    assert first["copies in the run folder"] == wanted
    assert set(second["copies in the run folder"]) >= {"folded.py", "magnitude.py", "reader.py", "surrogate.py"}
