"""What CI's plugins of pytest make of tests: one that skips fails, one that fails for want of torch is left out."""

import os
import re
import subprocess
import sys

import pytest
from checkout import ROOT

ABSENT = "No module named 'torch'"  # it is here, so the tests say what Python would say


def run(tmp_path, plugin, text):
    """Return the exit code and the closing line of pytest on a file, with a plugin of ``.ci``."""
    (tmp_path / "test_it.py").write_text(f"import pytest\n{text}\n")
    settings = {"PYTHONPATH": str(ROOT / ".ci"), "PYTEST_ADDOPTS": ""}
    command = [sys.executable, "-m", "pytest", "-q", "-p", plugin, "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(
        command, cwd=tmp_path, env=os.environ | settings, capture_output=True, text=True, timeout=1800, check=False
    )
    return done.returncode, re.sub(r" in [\d.]+s.*", "", done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def test_it(): pytest.skip('no reason')", "1 failed"),
        ("@pytest.mark.skipif(True, reason='x')\ndef test_it(): pass", "1 error"),
        ("pytest.importorskip('no_such_module')", "1 error"),
    ],
)
def test_a_skip_is_a_failure(tmp_path, text, expected):
    code, line = run(tmp_path, "no_skips", text)
    assert code
    assert line.startswith(expected)


@pytest.mark.parametrize(
    "text",
    [
        f'def test_it(): raise ModuleNotFoundError("{ABSENT}")',
        f'@pytest.fixture\ndef made(): raise ModuleNotFoundError("{ABSENT}")\ndef test_it(made): pass',
        f'def test_it():\n    stderr = "{ABSENT}"\n    assert not stderr, stderr',
    ],
)
def test_what_fails_for_want_of_torch_is_left_out_and_counted(tmp_path, text):
    assert run(tmp_path, "without_torch", f"{text}\ndef test_else(): pass") == (0, "1 passed, 1 left out (need torch)")


def test_a_module_that_needs_torch_is_left_out_as_a_whole(tmp_path):
    (tmp_path / "test_other.py").write_text("def test_else(): pass")
    code, line = run(tmp_path, "without_torch", f'raise ModuleNotFoundError("{ABSENT}")')
    assert (code, line) == (0, "1 passed")


def test_any_other_failure_is_one(tmp_path):
    code, line = run(tmp_path, "without_torch", "def test_it(): raise ModuleNotFoundError('No module named numpy')")
    assert (code, line) == (1, "1 failed")
