"""Options from a file, the plan of a search, and what the command line says of itself."""

import json

import pytest

from latent_nas import plugins, target
from latent_nas.cli import lists, main

CONFIG = """
strategy = "random"
trainings = 7
workers = 1
[limit]
flash_kb = 9
ram_kb = 4
"""


def run(capsys, *arguments):
    """Return exit code, standard output and standard error of a command."""
    with pytest.raises(SystemExit) as end:
        main([str(a) for a in arguments])
    return (end.value.code or 0, *capsys.readouterr())


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


class TestConfig:
    def test_gives_options_and_the_command_line_wins(self, file, capsys):
        code, out, _ = run(capsys, "search", "--config", file, "--trainings", 5, "--dry-run", "--json")
        plan = json.loads(out)
        assert code == 0
        assert plan["trainings"] == 5
        assert plan["workers"] == 1
        assert plan["limits"]["flash_bytes"] == 9 * 1024
        assert plan["limits"]["ram_bytes"] == 4 * 1024

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("trainngs = 3", "'trainngs', which is not an option of 'search'; did you mean 'trainings'?"),
            ("final_seed = 3", "did you mean 'final-seeds'?"),
            ("foo = 3", "'foo', which is not an option of 'search'; there are: accelerator, async, "),
            ("trainings = [3]", "trainings wants one value"),
            ("limit = 'flash_kb=3'", "limit wants a list"),
            ("trainings = 'many'", "integer"),
            ("trainings = ", "is not TOML"),
        ],
    )
    def test_mistakes_are_one_line(self, file, capsys, text, said):
        file.write_text(text, encoding="utf-8")
        code, out, err = run(capsys, "search", "--config", file, "--dry-run")
        assert code == 2
        assert said in " ".join(err.split())
        assert not out

    def test_a_file_that_is_not_there(self, tmp_path, capsys):
        code, _, err = run(capsys, "cost", "mlperf_resnet8", "--config", tmp_path / "none.toml")
        assert code == 2
        assert "there is no configuration" in err


class TestPlan:
    def test_says_what_would_be_done_and_writes_nothing(self, tmp_path, monkeypatch, capsys):
        monkeypatch.chdir(tmp_path)
        code, out, _ = run(capsys, "search", "--dry-run", "--trainings", 8)
        assert code == 0
        assert "8 trainings and 12 final ones" in out
        assert "flash (KB)" in out
        assert not list(tmp_path.iterdir())

    def test_limits_out_of_reach_are_said(self, capsys):
        code, _, err = run(capsys, "search", "--dry-run", "--limit", "flash_kb=0.1")
        assert code == 2
        assert "flash_bytes <= 102" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["search", "--trainings", "many"], "'--trainings'"),
        (["serch"], "'search'"),
        (["search", "--foo", "3"], "--foo"),
        (["cost"], "'network'"),
        (["bench"], "wants --table, --objective, --out"),
        (["codec"], "no command given"),
    ],
)
def test_a_command_used_wrongly_is_told_in_a_line_that_says_how_to_go_on(capsys, arguments, said):
    code, _, err = run(capsys, *arguments)
    assert code == 2
    assert err.count("\n") == 1
    assert said in err
    assert err.rstrip().endswith("--help")


@pytest.mark.parametrize("kind", lists.KINDS)
def test_lists_name_every_plugin_with_a_line(kind, capsys):
    code, out, _ = run(capsys, kind, "--json")
    found = json.loads(out)
    assert code == 0
    assert list(found) == plugins.names(kind)
    assert all(len(line) > 10 and "\n" not in line for line in found.values())


def test_the_doctor_knows_what_is_there(capsys):
    _, out, _ = run(capsys, "doctor", "--json")
    found = json.loads(out)
    assert found["cores"] >= 1
    assert not [line for line in found["broken"] if "imported" in line]
    _, out, _ = run(capsys, "doctor")
    assert "cores" in out


@pytest.mark.parametrize("command", ["dataset build", "codec train", "surrogate train", "agent train", "query"])
def test_every_command_takes_the_tasks_own_space_as_its_help_says(command, tmp_path, monkeypatch, capsys):
    asked = []

    def stop(of, **more):
        asked.append(of)
        raise ValueError("that is enough")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(target, "open_target", stop)
    for given in ((), ("--space", "mcu_cnn")):
        code, _, error = run(capsys, *command.split(), "--task", "mnist1d", *given)
        assert (code, error) == (2, "error: that is enough\n")
    assert [one.space for one in asked] == ["mcu_cnn1d", "mcu_cnn"]
