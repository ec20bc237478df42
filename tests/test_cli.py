"""The command line as a user meets it: the whole job in a process of its own, and everything that can be wrong."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace

import pytest

from latent_nas import sealed
from latent_nas.cli import main
from latent_nas.runs.files import OF_SEARCH
from latent_nas.runs.folder import RunFolder
from latent_nas.store import Store
from latent_nas.tasks import open_task
from latent_nas.tasks._changes import told

TINY = ["--limit", "flash_kb=9", "--limit", "ram_kb=4", "--limit", "latency_ms=0.6"]
QUICK = [
    "--strategy",
    "random",
    "--trainings",
    "4",
    "--batch",
    "2",
    "--top",
    "1",
    "--final-seeds",
    "2",
    "--workers",
    "2",
    "--recipe",
    "epochs=4",
    *TINY,
]


def latent_nas(*arguments, cwd, timeout=1800):
    """Run a command and return what it did."""
    command = [sys.executable, "-m", "latent_nas", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=timeout, check=False)


def refused(capsys, *arguments):
    """Return the line that a command ends with; in this process, as most of a new one would be its imports."""
    with pytest.raises(SystemExit) as end:
        main(list(map(str, arguments)))
    assert end.value.code == 2
    (line,) = [text for text in capsys.readouterr().err.splitlines() if text.startswith("error:")]
    return line


def rows(folder):
    """The bodies of the store's records; none while there is no table yet."""
    try:
        with closing(sqlite3.connect(f"file:{folder / 'study.sqlite'}?mode=ro", uri=True)) as store:
            return store.execute("SELECT body FROM record").fetchall()
    except sqlite3.OperationalError:
        return []


def essence(folder):
    """The store's records without times, in the order of genes."""
    bodies = [{k: v for k, v in json.loads(b)["value"].items() if k != "wall_s"} for (b,) in rows(folder)]
    return sorted(bodies, key=lambda b: (b["part"], b["fidelity"], b["seed"], b["genes"]))


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished search and what it printed."""
    place = tmp_path_factory.mktemp("runs")
    done = latent_nas("search", *QUICK, "--tensorboard", "--out", place / "run", "--json", cwd=place)
    assert done.returncode == 0, done.stderr
    return place / "run", json.loads(done.stdout)


def test_a_search_ends_with_networks_that_fit_and_all_its_files(finished):
    folder, result = finished
    (network,) = result["networks"]
    assert network["fits"] is True
    assert network["flash_bytes"] <= 9 * 1024
    assert sum(network["ram_bytes"].values()) <= 4 * 1024
    assert network["latency_ms"] <= 0.6
    assert network["seeds"] == 2
    assert 0.1 < network["measured_int8"]["accuracy"] <= 1
    assert result["trainings"] == 4
    assert result["test_reads"] == 2
    assert sealed.unseal(json.loads((folder / "result.json").read_text()), "result.json") == result
    files = {"config.json", "search.log", "study.sqlite", "history.csv", "rounds.csv", "pareto.csv", "result.json"}
    assert {
        *files,
        "best_architecture.json",
        "networks",
        "firmware",
        "report.html",
        "tensorboard",
        *("data.json", "samples.svg"),
    } == {p.name for p in folder.iterdir()}
    assert {p.name for p in folder.iterdir()} <= OF_SEARCH  # else `runs --delete` would take it for the user's
    assert network["firmware"]["emulated_bit_exact"] is True
    assert (
        network["firmware"]["emulated_flash_bytes"] > network["flash_bytes"]
    )  # the code, which limits do not count here
    assert len((folder / "history.csv").read_text().splitlines()) == 5
    assert len((folder / "rounds.csv").read_text().splitlines()) == 3
    best = json.loads((folder / "best_architecture.json").read_text())
    assert sum(layer["macs"] for layer in best["layers"]) == best["macs"]


def test_killed_and_resumed_is_the_same_and_workers_change_nothing(finished, tmp_path):
    command = [sys.executable, "-m", "latent_nas", "search", *QUICK, "--workers", "1", "--out", str(tmp_path / "cut")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 1800
    while time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.05)
        if rows(tmp_path / "cut"):
            break
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "cut" / "result.json").exists()
    RunFolder(tmp_path / "cut").store().write_note("search_s", 1000.0)  # as if its rounds had taken so long
    done = latent_nas("search", "--resume", tmp_path / "cut", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert essence(tmp_path / "cut") == essence(finished[0])
    assert json.loads((tmp_path / "cut" / "result.json").read_text())["wall_s"] > 1000


def test_ctrl_c_stores_what_is_finished_and_says_how_to_go_on(tmp_path):
    command = [
        sys.executable,
        "-m",
        "latent_nas",
        "search",
        *QUICK,
        "--trainings",
        "40",
        "--out",
        str(tmp_path / "run"),
    ]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a background shell has it ignored
    )
    for line in process.stderr:
        if "round 1" in line:
            os.killpg(process.pid, signal.SIGINT)
            break
    _, rest = process.communicate(timeout=1800)
    assert process.returncode == 130, line + rest
    assert "search --resume" in rest
    assert "Traceback" not in rest
    assert len(essence(tmp_path / "run")) >= 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--task", "digitz"], "digits"),
        (["--space", "nowhere"], "mcu_cnn"),
        (["--device", "stm32f999"], "did you mean 'stm32f"),
        (["--runtime", "warp"], "cmsis_nn"),
        (["--strategy", "luck"], "evolution"),
        (["--limit", "flash=3"], "flash_kb"),
        (["--limit", "flash_kb=-3"], "positive"),
        (["--trainings", "0"], "at least 1"),
        (["--limit", "ram_bytes=10"], "the least found is"),
        (["--codec", "nothing_here"], "no codec|manifest"),
        (["--warm-start", "nothing.parquet"], "does not exist"),
        (["--measure", "table"], "trains nothing"),
        (["--space", "mcu_cnn:width=4"], "takes none"),
        (["--ray", "somewhere"], "host:port"),
        (["--resume", "nowhere"], "not a run folder"),
    ],
)
def test_wrong_input_is_one_line_exit_2_and_leaves_nothing(tmp_path, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(tmp_path)
    line = refused(capsys, "search", "--out", tmp_path / "run", *arguments)
    assert any(word in line for word in words.split("|")), line
    assert not (tmp_path / "run" / "study.sqlite").exists()


def test_a_folder_in_use_is_not_overwritten_and_a_damaged_one_is_named(finished, tmp_path, capsys):
    folder, _ = finished
    assert "--resume" in refused(capsys, "search", *QUICK, "--out", folder)
    harmed = tmp_path / "harmed"
    harmed.mkdir()
    (harmed / "config.json").write_bytes((folder / "config.json").read_bytes())
    (harmed / "study.sqlite").write_bytes((folder / "study.sqlite").read_bytes()[:6000])
    assert "not a whole study file" in refused(capsys, "search", "--resume", harmed)
    (harmed / "config.json").write_text("{")
    assert "damaged" in refused(capsys, "search", "--resume", harmed)


def test_validate_takes_a_run_and_reads_the_test_part_once(finished, tmp_path, command):
    folder, result = finished
    options = ["--top", "1", "--final-seeds", "1", "--recipe", "epochs=4", "--out", tmp_path / "v", "--json"]
    done = command("validate", folder, *options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    validated = json.loads(done.stdout)
    assert validated["networks"][0]["genes"] == result["networks"][0]["genes"]
    again = json.loads(command("validate", folder, *options, cwd=tmp_path).stdout)
    assert again["test_reads"] == validated["test_reads"] == 1


def test_dataset_is_built_resumed_and_read_back(tmp_path, capsys, command):
    from latent_nas.jobs.make import dataset

    options = ["--networks", "4", "--repeats", "3", "--repeat-seeds", "2", *TINY]
    places = ["--work", tmp_path / "work.sqlite", "--out", tmp_path / "out", "--json"]
    done = command("dataset", "build", *options, *places, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["records"], result["networks"]) == (7, 4)
    records = dataset.read(tmp_path / "out" / "mcu_cnn-digits.parquet")
    assert len({(r.genes, r.seed) for r in records}) == 7
    card = (tmp_path / "out" / "mcu_cnn-digits.md").read_text()
    assert "Seed noise" in card
    assert {r.recipe for r in records} == {told(open_task("digits").recipe("search"))}
    assert refused(capsys, "dataset", "build", "--networks", "5", *options[2:], *places)
    with closing(Store(tmp_path / "work.sqlite")) as store:
        trained = len(store.records())
    with pytest.raises(SystemExit, match=r"^0$"):
        main(["dataset", "build", *map(str, (*options, *places))])
    assert json.loads(capsys.readouterr().out) == result
    with closing(Store(tmp_path / "work.sqlite")) as store:
        assert len(store.records()) == trained == 7
        store.add(replace(records[0], seed=9, recipe=("epochs=1", "bf16=True")))
    said = refused(capsys, "dataset", "build", *options, *places[:-1])
    assert "holds networks that learnt by epochs=1, bf16=True, and they would by epochs=8, batch=48" in said
    cut = tmp_path / "cut.parquet"
    cut.write_bytes((tmp_path / "out" / "mcu_cnn-digits.parquet").read_bytes()[:-50])
    with pytest.raises(ValueError, match="not a whole Parquet"):
        dataset.read(cut)


def test_a_search_ends_with_what_to_type_next_and_it_works(finished, tmp_path):
    """The lines as they are printed, in a shell, in the folder where the search was typed; a script is the browser."""
    folder, _ = finished
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\n')
    browser.chmod(0o755)
    done = latent_nas("search", "--resume", folder, cwd=folder.parent)
    assert done.returncode == 0, done.stderr
    head, *steps = done.stdout.splitlines()[-4:]
    assert head == "Next:"
    assert [step.split(" -m latent_nas ")[1].split()[0] for step in steps] == ["open", "deploy", "search"]
    shown = subprocess.run(
        steps[0], shell=True, cwd=folder.parent, env={**os.environ, "BROWSER": f"{browser} %s"}, check=False
    )
    assert shown.returncode == 0
    assert (tmp_path / "opened").read_text().strip() == (folder / "report.html").resolve().as_uri()
    built = subprocess.run(steps[1], shell=True, cwd=folder.parent, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    assert "bit-exact" in built.stdout


def test_a_closed_or_narrow_output_is_no_error(tmp_path):
    """`latent-nas ... >&-` in a service without a terminal, and a terminal without the characters of a name."""
    lines = [f"{i % 7},{i % 5},{('größe', '振動')[i % 2]}" for i in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(["a,b,label", *lines]) + "\n", encoding="utf-8")
    command = [sys.executable, "-m", "latent_nas", "dataset", "info", str(tmp_path / "t.csv")]
    closed = subprocess.run(["sh", "-c", '"$@" >&-', "sh", *command], capture_output=True, text=True, timeout=1800)
    assert (closed.returncode, closed.stderr) == (0, "")
    narrow = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, capture_output=True, text=True, env=narrow, timeout=1800)
    assert (done.returncode, done.stderr) == (0, "")
    assert "gr\\xf6\\xdfe" in done.stdout
