"""An error in the user's own code: one line that names file and line, in whatever process it was raised."""

import json
from errno import ENOSPC

import pytest

from latent_nas import cli, plugins
from latent_nas.cli import refused
from latent_nas.crews.local import Elsewhere
from latent_nas.jobs.search.resume import mendable
from latent_nas.runs.folder import RunFolder

STRATEGY = """
from latent_nas.strategies import Strategy


class Fails(Strategy):
    name = "fails"
    judged = False

    def ask(self, n, judge, pending=()):
        if len(self.accuracies) >= 2:
            {fails}
        return self.random(n, self.rng(), pending)


Plugin = Fails
"""
TELL = """    times = 0

    def tell(self, records):
        self.times += 1
        super().tell(records)
"""
OBJECTIVE = """
from latent_nas.objectives import Objective


class Fails(Objective):
    name = "fails"

    def value(self, record):
        return record.nothing


Plugin = Fails
"""
EFFORT = "--trainings 4 --batch 2 --top 1 --final-seeds 1 --workers 1 --child-epochs 1 --recipe epochs=1"
SEARCH = tuple(EFFORT.split())


@pytest.fixture
def own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LATENT_NAS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv(refused.WHOLE, raising=False)
    yield tmp_path
    plugins.forget()


def said(capsys, *arguments):
    """Return the exit code of a command and its lines on standard error."""
    with pytest.raises(SystemExit) as end:
        cli.main(list(arguments))
    return end.value.code, capsys.readouterr().err.strip().splitlines()


def test_of_a_strategy_ends_a_search_in_a_line_and_keeps_its_trainings(own, capsys):
    (own / "mine.py").write_text(STRATEGY.format(fails="[][3]"))
    code, lines = said(capsys, "search", "--strategy", "mine.py", *SEARCH, "--out", "run")
    assert code == 2
    assert lines[-1].startswith(f"error: {own / 'mine.py'}:11: IndexError: ")
    assert lines[-1].endswith("LATENT_NAS_TRACEBACK=1 in the environment shows the whole traceback")
    assert "your own code has failed; 2 trainings are stored in run. Mend the strategy, then: " in lines[-2]
    assert lines[-2].endswith(f"search --resume run --strategy {own / 'mine.py'}")
    assert not any(line.startswith("Traceback") for line in lines)
    assert len(RunFolder(own / "run").store().records()) == 2

    mended = STRATEGY.format(
        fails="__import__('pathlib').Path('told').write_text(f'{len(self.accuracies)} {self.times}')"
    )
    (own / "mine.py").write_text(mended.replace("    def ask", f"{TELL}\n    def ask"))
    code, lines = said(capsys, "search", "--resume", "run")  # not named: it may be another by now for another search
    assert code == 2
    assert any(
        f"{own / 'mine.py'} has changed; the run goes on with its copy run/plugins/mine.py" in line for line in lines
    )
    kept = RunFolder(own / "run").store().records()
    code, lines = said(capsys, "search", "--resume", "run", "--strategy", "mine.py")
    assert code == 0
    assert any("the strategy begins anew as it is now, and is told all trainings" in line for line in lines)
    assert not any("goes on with its copy" in line for line in lines)
    records = RunFolder(own / "run").store().records()
    assert [r for r in records if r.fidelity == "search"][:2] == kept
    assert len({r.genes for r in records if r.fidelity == "search"}) == 4
    assert json.loads((own / "run" / "result.json").read_text())["trainings"] == 4
    assert (own / "told").read_text() == "2 1"  # what was trained before, by telling, not by the old one's state
    plugins.forget()
    _, lines = said(capsys, "search", "--resume", "run")  # by now it is the run's
    assert not any("has changed" in line for line in lines)


def test_a_mended_file_that_is_more_than_the_strategy_is_not_taken(own):
    entries = {"strategy": "/x/mine.py#A", "target": {"task": "digits"}, "plugins": []}
    file = plugins.OwnFile("/x/mine.py", "")
    assert mendable(file, entries) is file
    assert mendable(file, {**entries, "objective": "/x/mine.py#B"}) is None
    assert mendable(file, {**entries, "target": {"task": "/x/mine.py"}}) is None
    assert mendable(file, {**entries, "halving": 3}) is None


def test_the_whole_traceback_is_shown_when_asked_for(own, capsys, monkeypatch):
    monkeypatch.setenv(refused.WHOLE, "1")
    (own / "mine.py").write_text(OBJECTIVE)
    code, lines = said(capsys, "search", "--objective", "mine.py", *SEARCH, "--out", "run")
    assert code == 2
    assert "Traceback (most recent call last):" in lines
    assert lines[-1].startswith(f"error: {own / 'mine.py'}:9: AttributeError: ")


@pytest.mark.parametrize("raised", [ValueError("bad"), FileNotFoundError("bad"), RuntimeError("bad"), KeyError("bad")])
def test_of_any_kind_is_placed(own, raised):
    (own / "mine.py").write_text("def broken(error):\n    raise error\n\n\nPlugin = None\n")
    with pytest.raises(type(raised)) as found:
        plugins.OwnFile.read("mine.py").module().broken(raised)
    assert refused.in_own_code(found.value).startswith(f"{own / 'mine.py'}:2: {type(raised).__name__}: ")


def test_what_the_machine_refuses_and_errors_of_ours_are_not_the_users(own):
    (own / "mine.py").write_text("def broken(error):\n    raise error\n\n\nPlugin = None\n")
    full = OSError(ENOSPC, "no space left")
    with pytest.raises(OSError, match="no space") as found:
        plugins.OwnFile.read("mine.py").module().broken(full)
    assert refused.in_own_code(found.value) == ""
    assert refused.in_own_code(ValueError("ours")) == ""


def test_of_another_process_is_placed(own):
    (own / "mine.py").write_text("def broken(x):\n    return 1 / x\n\n\nPlugin = None\n")
    file = plugins.OwnFile.read("mine.py")
    file.module()
    error = ZeroDivisionError("division by zero")
    error.__cause__ = Elsewhere(f'Traceback:\n  File "a.py", line 3\n  File "{file.path}", line 2, in broken\n')
    assert plugins.raised_at(error) == f"{file.path}:2"
