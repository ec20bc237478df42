"""``latent-nas runs``: finished, stopped and damaged runs in one table, each with what is known of it."""

import json
import shutil

import pytest
from test_runs import RUN

from latent_nas import cli
from latent_nas.runs import files


@pytest.fixture
def runs(tmp_path):
    """A finished run, one that was stopped after its search, a damaged one, and a folder that is not a run."""
    place = tmp_path / "runs"
    for name in ("finished", "stopped", "damaged"):
        shutil.copytree(RUN, place / name)
    (place / "stopped" / files.RESULT).unlink()
    (place / "damaged" / files.CONFIG).write_text("{", encoding="utf-8")
    (place / "notes").mkdir()
    return place


def listed(capsys, *arguments):
    with pytest.raises(SystemExit) as end:
        cli.main(["runs", *map(str, arguments)])
    said = capsys.readouterr()
    return end.value.code, said.out, said.err


def test_every_run_has_its_line_and_what_is_damaged_is_said(runs, capsys):
    code, out, _ = listed(capsys, runs)
    lines = {line.split()[0].rsplit("/")[-1]: line for line in out.splitlines()}
    assert code == 0
    assert "notes" not in out
    assert "int8 accuracy 0.9820 (test, mean of 1 seed)" in lines["finished"]
    assert lines["finished"].endswith("fits")
    assert "3 of 3 trainings  int8 accuracy 0.2640 (valid)" in lines["stopped"]
    assert f"{runs / 'damaged'}: config.json is damaged" in out


def test_runs_by_name_and_as_json(runs, capsys):
    code, out, _ = listed(capsys, runs / "stopped", runs / "finished", "--json")
    stopped, finished = json.loads(out)
    assert code == 0
    assert (stopped["state"], stopped["measured_on"], stopped["fits"]) == ("3 of 3 trainings", "valid", None)
    assert (finished["task"], finished["device"], finished["measured"]) == ("digits", "stm32f405", 0.982)
    assert finished["ram_bytes"] == 2144


def test_where_no_run_is_a_line_says_so(tmp_path, capsys):
    code, _, err = listed(capsys, tmp_path)
    assert (code, err.count("\n")) == (2, 1)
    assert "there is no run in" in err
    code, _, err = listed(capsys, tmp_path / "missing")
    assert code == 2
    assert "there is no folder" in err
