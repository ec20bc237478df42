"""What is said where an optional library is missing can be typed as it stands."""

import sys
from pathlib import Path

import pytest

from latent_nas import extras


@pytest.fixture
def environment(tmp_path, monkeypatch):
    """A virtual environment's folder of programs, in the present folder, as the one that runs this."""
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "pip").touch(0o755)
    monkeypatch.setattr(sys, "executable", str(programs / "python"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "")
    return programs


def test_the_pip_is_this_environment_s_as_short_as_it_can_be_typed(environment, monkeypatch):
    assert extras.install("mcu") == '.venv/bin/pip install "latent_nas[mcu]"'
    monkeypatch.chdir(Path(__file__).parent)
    assert extras.install("mcu") == f'{environment / "pip"} install "latent_nas[mcu]"'
    monkeypatch.setenv("PATH", str(environment))  # activated
    assert extras.install("mcu") == 'pip install "latent_nas[mcu]"'
    (environment / "pip").unlink()  # as uv makes environments
    assert extras.install("mcu") == f'{environment / "python"} -m pip install "latent_nas[mcu]"'


def test_what_is_missing_is_told_with_it(environment, monkeypatch):
    with pytest.raises(ValueError, match=r"^nowhere is not installed; it is in the extra mcu: \.venv/bin/pip install"):
        extras.need("nowhere.inside", "mcu")
    assert not extras.missing("mcu")
    monkeypatch.setitem(extras.MODULES, "mcu", ("nowhere",))
    assert extras.missing("mcu")
