"""``latent-nas runs``: finished, stopped and damaged runs in one table, each with what is known of it."""

import json
import shutil
import subprocess
import sys

import pytest
from test_runs import RUN

from latent_nas import cli, lock
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


def test_what_was_emulated_stands_beside_the_verdict_where_limits_count_it(runs, capsys):
    file = runs / "finished" / files.RESULT
    result = json.loads(file.read_text(encoding="utf-8"))
    took = {"flash_bytes": 33_000, "ram_bytes": 4096, "latency_ms": 10.94}
    result["networks"][0] |= {"fits": False, "emulated_limited": took}
    file.write_text(json.dumps(result), encoding="utf-8")
    _, out, _ = listed(capsys, runs / "finished", runs / "stopped")
    finished, stopped = out.splitlines()[1:]
    assert " ".join(finished.split()).endswith("32.2 KB 4 KB 10.94 ms, emulated DOES NOT FIT")
    assert "ms, computed" in stopped
    _, out, _ = listed(capsys, runs / "finished", "--json")
    (line,) = json.loads(out)
    assert (line["emulated_latency_ms"], line["emulated_flash_bytes"]) == (10.94, 33_000)
    assert line["latency_ms"] == result["networks"][0]["latency_ms"]


def test_where_no_run_is_a_line_says_so(tmp_path, capsys):
    code, _, err = listed(capsys, tmp_path)
    assert (code, err.count("\n")) == (2, 1)
    assert "there is no run in" in err
    code, _, err = listed(capsys, tmp_path / "missing")
    assert code == 2
    assert "there is no folder" in err


def tree(place):
    return sorted(str(path) for path in place.rglob("*"))


class TestDelete:
    def test_without_yes_it_says_what_would_be_deleted_and_how_large_it_is(self, runs, capsys):
        before = tree(runs)
        inside = [path for path in (runs / "finished").rglob("*") if path.is_file()]
        code, out, _ = listed(capsys, runs / "finished", "--delete")
        assert (code, tree(runs)) == (1, before)
        size = f"{sum(path.stat().st_size for path in inside) / 1024:,.1f} KB"
        assert f"would delete {runs / 'finished'}: finished, {len(inside)} files, {size}" in out
        assert "nothing was deleted; add --yes" in out

    def test_with_yes_only_the_named_runs_are_gone_damaged_ones_too(self, runs, capsys):
        code, out, _ = listed(capsys, runs / "stopped", runs / "damaged", "--delete", "--yes")
        assert code == 0
        assert [path.name for path in sorted(runs.iterdir())] == ["finished", "notes"]
        assert f"deleted {runs / 'stopped'}: 3 of 3 trainings" in out
        assert f"deleted {runs / 'damaged'}: " in out

    def test_as_json(self, runs, capsys):
        _, out, _ = listed(capsys, runs / "finished", "--delete", "--json")
        assert [(one["state"], one["deleted"]) for one in json.loads(out)] == [("finished", False)]
        code, out, _ = listed(capsys, runs / "finished", "--delete", "--yes", "--json")
        assert (code, json.loads(out)[0]["deleted"], (runs / "finished").exists()) == (0, True, False)

    @pytest.mark.parametrize(
        ("bad", "why"),
        [
            ("notes", "is not the folder of a search"),
            ("missing", "there is no folder"),
            (".", "is not the folder of a search"),
            ("mine", "holds what no search writes, and nothing was deleted: model.onnx; move it"),
            ("outer", "holds what no search writes, and nothing was deleted: inner;"),
            ("link", "is a link"),
        ],
    )
    def test_where_one_folder_is_refused_no_run_is_deleted(self, runs, capsys, bad, why):
        shutil.copytree(RUN, runs / "mine")
        (runs / "mine" / "model.onnx").write_bytes(b"mine")
        shutil.copytree(RUN, runs / "outer")
        shutil.copytree(RUN, runs / "outer" / "inner")
        (runs / "link").symlink_to(runs / "finished")
        before = tree(runs)
        code, out, err = listed(capsys, runs / "finished", runs / bad, "--delete", "--yes")
        assert (code, out, err.count("\n"), tree(runs)) == (2, "", 1, before)
        assert why in err

    def test_a_run_that_another_process_works_on_is_refused(self, runs, capsys):
        held = runs / "stopped"
        hold = f"import sys; from pathlib import Path; from latent_nas import lock; p = Path({str(held)!r})\n"
        hold += "with lock.held(p / lock.INSIDE, p): print('held', flush=True); sys.stdin.read()"
        with subprocess.Popen(
            [sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as other:
            assert other.stdout.readline() == "held\n"
            before = tree(runs)
            code, _, err = listed(capsys, runs / "finished", held, "--delete", "--yes")
            assert (code, tree(runs)) == (2, before)
            assert f"another process works on {held}: {other.pid}" in err
            other.communicate("")
        assert listed(capsys, held, "--delete", "--yes")[0] == 0

    def test_a_run_that_was_deleted_in_part_can_be_deleted_again(self, runs, capsys, monkeypatch):
        def refuse(path):
            raise PermissionError(13, "Permission denied", str(path))

        with monkeypatch.context() as patch:
            patch.setattr(shutil, "rmtree", refuse)
            code, _, err = listed(capsys, runs / "finished", "--delete", "--yes")
        assert code == 2
        assert "deleted in part only: Permission denied" in err
        assert (runs / "finished" / files.STORE).exists()
        assert not (runs / "finished" / lock.INSIDE).exists()
        assert listed(capsys, runs / "finished", "--delete", "--yes")[0] == 0

    def test_half_a_question_is_answered_in_a_line(self, runs, capsys, monkeypatch):
        monkeypatch.chdir(runs.parent)  # whose runs/ is never taken for granted
        code, _, err = listed(capsys, "--delete", "--yes")
        assert (code, len(tree(runs)) > 0) == (2, True)
        assert "--delete wants the run folders by name" in err
        code, _, err = listed(capsys, runs / "finished", "--yes")
        assert (code, (runs / "finished").exists()) == (2, True)
        assert "--yes confirms --delete" in err
