"""The package from Python: the README's example, as a script of a user."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import latent_nas
from latent_nas import Result, Study, sealed
from latent_nas.tasks import open_task

ROOT = Path(__file__).parent.parent
TINY = {"flash_kb": 9, "ram_kb": 4, "latency_ms": 0.6}
SHORT = {"epochs": 4}  # the recipe of final networks that nothing is asked of but to be there


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    """What the README's example printed, with fewer trainings, and where."""
    place = tmp_path_factory.mktemp("example")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (text,) = [block for block in re.findall(r"```python\n(.*?)```", readme, re.DOTALL) if "Study(" in block]
    assert len(text.strip().splitlines()) <= 10
    quick = text.replace("trainings=24", "trainings=2, batch=2, top=1, final_seeds=1, out='run'")
    quick = quick.replace('"flash_kb": 32, "ram_kb": 16, "latency_ms": 5', str(TINY).strip("{}"))
    quick = quick.replace("Study(", f"Study(recipe={SHORT}, ")
    assert quick.count("run(trainings=2,") == quick.count("'flash_kb': 9") == quick.count("Study(recipe=") == 1
    (place / "mine.py").write_text(quick, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "mine.py"], cwd=place, capture_output=True, text=True, timeout=1800, check=False
    )
    assert done.returncode == 0, done.stderr
    return place, done.stdout


def test_the_example_of_the_readme_runs(example):
    place, printed = example
    assert (place / "best.onnx").stat().st_size > 1000
    result = json.loads((place / "run" / "result.json").read_text(encoding="utf-8"))
    assert str(result["networks"][0]["flash_bytes"]) in printed


def test_a_finished_run_opens_as_the_result(example):
    result = Result.open(example[0] / "run")
    assert len(result.records) == 2
    assert all(record in result.records for record in result.front)
    assert result.front
    assert result.best.fits
    assert 0 < result.best.measured_int8["accuracy"] <= 1
    assert result.best.flash_bytes <= TINY["flash_kb"] * 1024
    assert result.best.folder.is_dir()


def test_a_result_shows_itself_as_a_table_and_its_trainings_as_a_frame(example):
    result = Result.open(example[0] / "run")
    lines = repr(result).splitlines()
    assert len(lines) <= 10
    assert f"flash {result.best.flash_bytes / 1024:.1f} KB" in repr(result)
    assert max(map(len, lines)) < 400
    table = result._repr_html_()
    assert table.count("<tr>") == 2  # its head and one network
    assert f"<td>{result.best.measured_exported_int8['accuracy']:.4f}</td>" in table
    assert repr(result.best).count("\n") == 0
    assert "ms computed" in repr(result.best)
    assert "; fits" in repr(result.best)
    frame = result.frame()
    assert len(frame) == 2
    assert sorted(frame["flash_bytes"]) == sorted(record.flash_bytes for record in result.records)


def test_the_package_names_what_it_offers():
    assert set(latent_nas.__all__) <= set(dir(latent_nas))


def test_the_same_study_goes_on_and_another_is_refused(example):
    study = Study(limits=TINY, recipe=SHORT)
    again = study.run(trainings=2, batch=2, top=1, final_seeds=1, out=example[0] / "run")
    assert again.records == Result.open(example[0] / "run").records
    with pytest.raises(ValueError, match="another search"):
        Study(limits=TINY, recipe=SHORT, seed=1).run(trainings=2, batch=2, top=1, final_seeds=1, out=example[0] / "run")


def test_what_final_networks_are_and_are_called_goes_on_as_well(tmp_path):
    study = Study(limits=TINY, strategy="random")
    config = study._config(2, finals="front", prefix="kws")
    assert (config.finals, config.prefix) == ("front", "kws")
    study._folder(config, tmp_path / "run")
    prepared, _ = study._folder(config, tmp_path / "run")
    assert prepared.config == config
    assert prepared.said == ()


def test_firmware_made_from_python_stands_in_the_report_of_the_run(example):
    result = Result.open(example[0] / "run")
    made = result.best.deploy(example[0] / "firmware", device="rp2040", camera="20x15:grey")
    assert "_FRAME_WIDTH 20\n" in (example[0] / "firmware/model/model.h").read_text()
    with pytest.raises(ValueError, match="there is no port /dev/ttyNONE"):
        result.best.deploy(example[0] / "firmware", flash="/dev/ttyNONE")
    kept = result.folder / "firmware" / f"1-rp2040-{made['kernels']}.json"
    assert sealed.unseal(json.loads(kept.read_text(encoding="utf-8")), kept.name) == made
    assert "rp2040" in result.report(example[0] / "shown.html").read_text(encoding="utf-8")


def test_a_run_may_wait_for_nobody_or_train_on_a_cluster(tmp_path):
    study = Study(limits=TINY, strategy="random", workers=1)
    result = study.run(trainings=2, batch=2, top=0, out=tmp_path / "run", asynchronous=True)
    assert len(result.records) == 2
    assert result.details["config"]["asynchronous"] is True
    with pytest.raises(ValueError, match=r"127\.0\.0\.1:1"):
        study.run(trainings=1, out=tmp_path / "other", ray="127.0.0.1:1")
    assert not (tmp_path / "other").exists()


def test_without_limits_those_of_the_task_hold(tmp_path):
    x, y = np.random.default_rng(0).normal(size=(60, 8, 8, 1)), np.arange(60) % 3
    np.savez(tmp_path / "own.npz", x=x, y=y)
    study = Study(task=str(tmp_path / "own.npz"), strategy="random", workers=1)
    result = study.run(trainings=1, batch=1, top=0, out=tmp_path / "run")
    assert result.details["limits"] == open_task(str(tmp_path / "own.npz")).limits.to_json()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"task": "nothing"}, "no task 'nothing'"),
        ({"limits": {"flash_kb": 0.01}}, "flash_bytes <= 10"),
        ({"limits": {"flash": 1}}, "no limit 'flash'"),
        ({"strategy": "guess"}, "no strategy 'guess'"),
        ({"limits": "flash_kb=32"}, "limits are 'flash_kb=32'; wanted a dict, as {'flash_kb': 32}"),
        ({"limits": [("flash_kb", 32)]}, "limits are .*; wanted a dict"),
        ({"task": None}, "a Study wants a task: a name"),
        ({"device": None}, "a Study wants a device: a name"),
    ],
)
def test_wrong_settings_are_said_and_leave_nothing(settings, said, tmp_path):
    with pytest.raises(ValueError, match=said):
        Study(**settings).run(trainings=1, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_what_is_no_function_is_refused_before_a_training(tmp_path):
    for name in ("on_training", "on_round"):
        with pytest.raises(ValueError, match=f"{name} is 'print'; wanted a function"):
            Study().run(trainings=1, out=tmp_path / "run", **{name: "print"})
    with pytest.raises(ValueError, match="limits are 'flash_kb=32'; wanted a dict"):
        Study().run(trainings=1, out=tmp_path / "run", limits="flash_kb=32")
    assert not (tmp_path / "run").exists()


def test_what_is_not_finished_says_so(tmp_path):
    with pytest.raises(ValueError, match="not a run folder"):
        Result.open(tmp_path)
    (tmp_path / "config.json").write_text('{"strategy": "random"}', encoding="utf-8")
    with pytest.raises(ValueError, match="not finished"):
        Result.open(tmp_path)


def test_pictures_are_figures_of_plotly(example):
    result = Result.open(example[0] / "run")
    figure = result.plot_front("flash_bytes")
    trainings, best = figure.data
    assert sorted(trainings.x) == sorted(record.flash_bytes / 1024 for record in result.records)
    assert set(best.y) <= set(trainings.y)
    assert list(best.y) == sorted(best.y)
    assert "flash" in figure.layout.xaxis.title.text
    with pytest.raises(ValueError, match="no cost 'price'"):
        result.plot_front("price")
    places = result.plot_latent().data[0]
    assert len(places.x) == len(result.records)
    assert sorted(places.marker.color) == sorted(r.measured_objective for r in result.records)


def test_a_plan_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    planned = Study(limits=TINY).plan(trainings=4)
    assert planned["trainings"] == 4
    assert planned["measured_epoch_s"] > 0
    assert not list(tmp_path.iterdir())


def test_a_study_is_watched_stopped_and_goes_on(tmp_path, monkeypatch):
    """Stopped by the first training, a round of two is finished; asked again, the same folder goes on to four."""
    monkeypatch.chdir(tmp_path)
    study, seen, rounds = Study(limits=TINY, strategy="random", workers=1, child_epochs=1), [], []
    with pytest.raises(ValueError, match="has not run"):
        study.frame()
    first = study.run(trainings=4, batch=2, top=0, on_training=lambda record: seen.append(record) or True)
    assert len(first.records) == len(study.frame()) == 2
    assert tuple(seen) == first.records
    again = study.run(trainings=4, batch=2, top=0, on_round=lambda records: rounds.append(len(records)))
    assert again.folder == first.folder
    assert again.records[:2] == first.records
    assert rounds == [4]
    more = study.run(trainings=6, batch=2, top=0)
    assert len(more.records) == 6
    assert more.records[:4] == again.records
    other = study.run(trainings=1, batch=1, top=0)  # of other rounds: another search
    assert other.folder != first.folder
    assert study.run(trainings=6, batch=2, top=0, out=first.folder).records == more.records


def test_candidates_come_as_a_frame():
    with pytest.raises(ValueError, match="limits are 'flash_kb=32'; wanted a dict"):
        latent_nas.query("flash_kb=32")
    found = latent_nas.query(TINY, top=3, queries=200)
    assert 1 <= len(found) <= 3
    assert (found["flash_bytes"] <= TINY["flash_kb"] * 1024).all()
    assert found["predicted_int8_accuracy"].between(0, 1).all()


def test_one_training_and_an_export_in_a_line_each(example, tmp_path):
    network = example[0] / "run" / "best_architecture.json"
    trained = latent_nas.train(network, epochs=1, out=tmp_path / "run", fidelity="search")
    assert 0 <= trained.measured_valid_int8["accuracy"] <= 1
    file = latent_nas.export(tmp_path / "run", tmp_path / "n.tflite")
    assert latent_nas.cost(file)["macs"] == trained.macs
    with pytest.raises(TypeError, match="colour"):
        latent_nas.train(network, colour="red")
    smaller = latent_nas.cost(network)["flash_bytes"] - 700
    pruned = latent_nas.train(
        network, epochs=1, out=tmp_path / "pruned", fidelity="search", prune_to={"flash_bytes": smaller}
    )
    assert pruned.flash_bytes <= smaller < latent_nas.cost(tmp_path / "run")["flash_bytes"]


def test_a_bench_shows_itself_and_comes_as_a_frame(tmp_path):
    rows = [f"{a},{b},{a * b % 7}" for a in range(5) for b in range(5)]
    (tmp_path / "t.csv").write_text("gene.a,gene.b,metric.m\n" + "\n".join(rows) + "\n")
    asked = {"trainings": 10, "seeds": 2, "workers": 1}
    found = latent_nas.bench(tmp_path / "t.csv", "metric.m", tmp_path / "b.json", ["random", "evolution"], **asked)
    assert "minus" in repr(found)
    assert len(found.frame()) == 2 * 2 * 10
    assert found.standings["random"].seeds == 2


def test_a_runtime_of_a_measured_network_from_python(tmp_path):
    asked = {"networks": {"nascnn15": "latency_ms=40"}, "device": "stm32f446", "force": True}
    latent_nas.calibrate(tmp_path, "cmsis_nn", **asked)
    (made,) = tmp_path.glob("*.toml")
    assert "stm32f446" in made.name
    with pytest.raises(ValueError, match="either measurements, or networks"):
        latent_nas.calibrate(tmp_path, "cmsis_nn")


def test_a_script_without_a_main_guard_runs_once(tmp_path):
    """Worker processes are spawned; they don't run the script that began them, and say so where they must."""
    script = (
        "from latent_nas import Study\nfrom latent_nas.tasks.digits import Digits\nprint('begun', flush=True)\n"
        "class Mine(Digits):\n    name = 'mine'\n"
        f"study = Study(limits={TINY}, strategy='random', workers=1, child_epochs=1, task=TASK)\n"
        "print(len(study.run(1, 1, 0, out='run').records))\n"
    )
    (tmp_path / "plain.py").write_text(script.replace("TASK", "'digits'"))
    (tmp_path / "own.py").write_text(script.replace("TASK", "Mine"))
    plain = subprocess.run([sys.executable, "plain.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert plain.stdout.split() == ["begun", "1"], plain.stderr
    (tmp_path / "run").rename(tmp_path / "before")
    own = subprocess.run([sys.executable, "own.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert own.returncode == 1
    assert own.stderr.splitlines()[-1].endswith('put the search under if __name__ == "__main__":')


def test_the_page_on_python_runs_line_by_line(example, tmp_path, monkeypatch):
    """With the example's run in place of a longer one, and as many trainings as that has."""
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "python.md").read_text(encoding="utf-8"), re.DOTALL)
    study = Study(limits=TINY, recipe=SHORT)
    study._places.append(example[0] / "run")
    names = {"study": study, "result": Result.open(example[0] / "run")}
    assert len(blocks) >= 6
    for block in blocks[1:]:  # the first one is the example of the README
        quick = re.sub(r"trainings=\d+", "trainings=2, batch=2, top=1, final_seeds=1", block)
        exec(quick.replace('"flash_kb": 32, "ram_kb": 16, "latency_ms": 5', str(TINY).strip("{}")), names)
        assert all(len(part.splitlines()) <= 4 for part in block.split("\n\n"))
    assert names["report"]["emulated"]["bit_exact"]
    assert len(names["trainings"]) == 2
    assert names["found"]["device"] == "nrf5340"
    assert len(names["candidates"])


def test_the_package_has_no_other_names():
    with pytest.raises(AttributeError, match="Nothing"):
        _ = latent_nas.Nothing


def test_limits_of_a_first_run_count(tmp_path, monkeypatch):
    """They had counted in a run that goes on alone."""
    seen = []
    monkeypatch.setattr("latent_nas.jobs.search.run.search", lambda prepared, *_: seen.append(prepared.limits))
    study = Study(task="digits", device="stm32f405", limits={"flash_kb": 32, "latency_ms": 5}, strategy="random")
    monkeypatch.setattr(Result, "open", lambda place: None)
    study.run(trainings=2, limits={"flash_kb": 20}, out=tmp_path / "run")
    assert (seen[0].flash_bytes, seen[0].latency_ms) == (20 * 1024, 5)


def test_numbers_of_numpy_and_single_texts_are_taken():
    study = Study(
        task="digits",
        device="stm32f405",
        seed=np.int64(3),
        workers=np.uint8(2),
        settings="latent_rl.queries=99",
        fidelities="epochs=0.5",
    )
    config = study._config(np.int64(8), batch=np.int32(2))
    assert json.loads(json.dumps(config.to_json()))["seed"] == 3
    assert (config.trainings, config.batch, config.workers) == (8, 2, 2)
    assert (config.settings, config.fidelities) == (("latent_rl.queries=99",), ("epochs=0.5",))
    for name, value in (("recipe", "epochs=3"), ("warm_start", 3)):
        with pytest.raises(ValueError, match=f"{value}.*wanted a"):
            Study(task="digits", device="stm32f405", **{name: value})._config(8)
