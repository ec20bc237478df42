"""A search with the user's own plugins: from the command line and from Python, and what its run folder keeps."""

import io
import json
import shutil
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import pytest
from fresh_cache import fresh_cache
from test_plugins import BOARD, SPACE, write

from latent_nas import Study, cli, plugins
from latent_nas.api.result import Result
from latent_nas.devices import open_device
from latent_nas.jobs.search.begin import resumed
from latent_nas.jobs.search.config import SearchConfig
from latent_nas.limits import Limits
from latent_nas.operators import from_json
from latent_nas.plugins.files import OwnFile
from latent_nas.plugins.trust import FILE as TRUSTED
from latent_nas.runs import own as run_files
from latent_nas.runs.folder import RunFolder
from latent_nas.runs.read import Run
from latent_nas.tasks.digits import Digits

TASK = """
from dataclasses import replace
from latent_nas.tasks.digits import Digits


class Few(Digits):
    name = "few"
    recipes = {k: replace(r, epochs=1) for k, r in Digits.recipes.items()}


Plugin = Few
"""
STRATEGY = """
from latent_nas.strategies import Strategy


class Plain(Strategy):
    name = "plain"
    judged = False
    depth = 1

    def ask(self, n, judge, pending=()):
        return self.random(n, self.rng(self.depth), pending)


Plugin = Plain
"""
OBJECTIVE = '''
from latent_nas.objectives import Objective


class Small(Objective):
    """Accuracy, less a point per KB."""

    name = "small"

    def value(self, record):
        return record.measured_int8["accuracy"] - record.flash_bytes / 102400


Plugin = Small
'''
OPERATOR = """
from latent_nas.operators.identity import Identity


class Mine(Identity):
    kind = "mine"


Plugin = Mine
"""
SEARCH = ("--trainings", "2", "--batch", "2", "--top", "1", "--final-seeds", "1", "--workers", "2", "--out", "run")


class Tiny(Digits):
    """As ``TASK``, of this file."""

    name = "tiny"
    recipes: ClassVar = {name: replace(recipe, epochs=1) for name, recipe in Digits.recipes.items()}

    def __init__(self, note: str = "") -> None:
        self.note = note


@pytest.fixture(autouse=True)
def own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LATENT_NAS_CACHE", str(fresh_cache(tmp_path / "cache")))
    plugins.forget()
    yield tmp_path
    plugins.forget()


@dataclass
class Done:
    returncode: int
    stdout: str
    stderr: str


def command(*words: str) -> Done:
    """Run a command in this process, which knows of no plugin before."""
    plugins.forget()
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
        cli.main(list(words))
    return Done(int(ended.value.code or 0), out.getvalue(), err.getvalue())


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder with the run of a search of own files, which are gone, and with what this user is known to have run."""
    place = tmp_path_factory.mktemp("search")
    files = {"s.py": SPACE, "t.py": TASK, "st.py": STRATEGY, "o.py": OBJECTIVE, "b.toml": BOARD}
    for name, text in files.items():
        (place / name).write_text(text, encoding="utf-8")
    parts = ("--space", "s.py:widths=4,8,12", "--task", "t.py", "--strategy", "st.py", "--objective", "o.py")
    more = ("--device", "b.toml", "--set", "plain.depth=2")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        patch.setenv("LATENT_NAS_CACHE", str(fresh_cache(place / "cache")))
        done = command("search", *parts, *more, *SEARCH)
    assert done.returncode == 0, done.stderr
    for name in files:
        (place / name).unlink()
    return place


@pytest.fixture
def searched(own, finished):
    """The same in this test's folder."""
    shutil.copytree(finished, own, dirs_exist_ok=True, ignore=links)  # `own` has its own of these
    return finished


def links(folder, names):
    """Return those names in a folder that are links."""
    return [name for name in names if (Path(folder) / name).is_symlink()]


def test_everything_by_path_and_the_run_folder_stands_alone(searched):
    config = json.loads(Path("run/config.json").read_text())
    assert sorted(entry["copy"] for entry in config["own_files"]) == [
        f"plugins/{name}" for name in ("b.toml", "o.py", "s.py", "st.py", "t.py")
    ]
    result = Result.open("run")
    assert result.best.fits
    assert {r.space for r in result.records} == {f"{searched / 's.py'}:widths=4,8,12"}
    assert all(r.score < r.measured_int8["accuracy"] for r in result.records)
    done = command("search", "--resume", "run")  # from the copies, whose code this user has run
    assert done.returncode == 0, done.stderr
    done = command("validate", "run", "--top", "1", "--final-seeds", "1", "--out", "validated")
    assert done.returncode == 0, done.stderr
    assert "Damaged" not in Path("run/report.html").read_text(encoding="utf-8")


def test_somebody_elses_run_is_not_trusted(searched):
    Path("cache", TRUSTED).unlink()  # what was compiled may stay
    for words in (("search", "--resume", "run"), ("validate", "run"), ("deploy", "run", "--out", "fw")):
        done = command(*words)
        assert done.returncode == 2
        (line,) = done.stderr.splitlines()
        assert line.startswith("error: run comes with code that you have not run before: ")
        assert line.endswith("; read it, then say --trust")
    assert command("report", "run").returncode == 0  # a report shows what it can
    page = Path("run/report.html").read_text(encoding="utf-8")
    assert "comes with code that you have not run before" in page
    done = command("search", "--resume", "run", "--trust")
    assert done.returncode == 0, done.stderr
    assert command("search", "--resume", "run").returncode == 0  # it has been run now


def test_a_copy_that_changed_is_said(searched):
    file = Path("run/plugins/st.py")
    file.write_text(file.read_text() + "\nprint('gotcha')\n")
    done = command("search", "--resume", "run", "--trust")
    assert done.returncode == 2
    assert "st.py has changed since the run began" in done.stderr
    assert "gotcha" not in done.stdout


@pytest.mark.parametrize("words", [("train", "net.json"), ("cost", "net.json"), ("validate", "net.json")])
def test_a_file_that_names_code_does_not_get_it_run(own, words):
    write("evil.py", "print('gotcha')")
    network = {"space": "evil.py", "task": "digits", "genes": [0]}
    target = {"space": "evil.py", "task": "digits", "device": "stm32f405", "runtime": "cmsis_nn"}
    Path("net.json").write_text(json.dumps({**network, "target": target, "limits": {}, "candidates": [network]}))
    done = command(*words)
    assert done.returncode == 2
    assert "comes with code that you have not run before: evil.py" in done.stderr
    assert "gotcha" not in done.stdout


def test_a_configuration_that_names_code_without_a_copy_does_not_get_it_run(own):
    write("evil.py", "print('gotcha')")
    config = {**SearchConfig().to_json(), "strategy": str(own / "evil.py")}
    Path("run").mkdir()
    Path("run/config.json").write_text(json.dumps(config))
    done = command("search", "--resume", "run")
    assert done.returncode == 2
    assert "the run comes with code that you have not run before: evil.py" in done.stderr
    assert "gotcha" not in done.stdout


def test_classes_and_objects_from_python(own):
    board, space = open_device(write("b.toml", BOARD)), plugins.load("spaces", write("s.py", SPACE))
    strategy = plugins.load("strategies", write("st.py", STRATEGY))
    study = Study(
        space=space((8, 8, 1), 10, widths=(4, 6)),
        task=Tiny("an object"),
        strategy=strategy,
        device=board,
        objective=plugins.load("objectives", write("o.py", OBJECTIVE)),
        workers=2,
        limits={"flash_kb": 64},
    )
    result = study.run(trainings=2, batch=2, top=1, final_seeds=1, out="run")
    assert len(result.records) == 2
    assert all(record.ok for record in result.records)
    again = study.run(trainings=2, batch=2, top=1, final_seeds=1, out="run")  # the same search: gone on with
    assert [n.genes for n in again.networks] == [n.genes for n in result.networks]
    plugins.forget()
    with pytest.raises(ValueError, match=r"task Tiny@\w+ was an object of a Python program"):
        resumed(Path("run"))


def test_a_run_of_an_earlier_version_has_no_such_entry(own):
    Path("run").mkdir()
    old = {k: v for k, v in SearchConfig().to_json().items() if k not in ("surrogate", "plugins")}
    Path("run/config.json").write_text(json.dumps(old))
    config = resumed(Path("run"))[0].config
    assert (config.surrogate, config.plugins, config.limits) == ("stack", (), Limits(32768, 16384, 5.0))
    assert Run.read(Path("run")).problems == ["study.sqlite is missing or empty: no training is known"]


def test_python_and_the_command_line_say_the_same_of_a_wrong_file(own):
    write("mine.py", "import nothing_at_all\n")
    with pytest.raises(ValueError, match=r"mine\.py:1: does not import: ModuleNotFoundError"):
        Study(space="mine.py").run()
    done = command("search", "--space", "mine.py")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "mine.py:1: does not import: ModuleNotFoundError" in line


def test_operators_of_a_run_are_known_when_it_is_opened(own):
    plugins.load("operators", write("mine.py", OPERATOR))
    Path("run").mkdir()
    Path("run/config.json").write_text(json.dumps({run_files.KEY: run_files.keep(Path("run"))}))
    plugins.forget()
    Path("mine.py").unlink()
    run_files.bring(Path("run/networks/1"))
    assert from_json({"kind": "mine"}).kind == "mine"


def test_a_user_without_a_home_has_a_run_folder_and_is_told_that_nothing_is_remembered(tmp_path, monkeypatch, caplog):
    def nowhere():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("LATENT_NAS_CACHE", raising=False)
    monkeypatch.setattr(Path, "home", nowhere)
    RunFolder.create(tmp_path / "run", {"strategy": "random"})
    run_files.bring(tmp_path / "run")
    plugins.remember([OwnFile(str(tmp_path / "own.py"), "pass")])
    assert "trusted.json can't be written (Could not determine home directory.)" in caplog.text
