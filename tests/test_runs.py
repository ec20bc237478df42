"""What a run folder holds: read with its types, whoever wrote it; a run of release 0.1 still opens."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from latent_nas import cli, sealed
from latent_nas.api.result import Result
from latent_nas.runs import files, schema
from latent_nas.runs.folder import RunFolder, new_path
from latent_nas.runs.read import Run
from latent_nas.runs.schema import read_architecture, read_firmware, read_result

RUN = Path(__file__).parent / "data" / "run_0_1"  # of release 0.1: 3 trainings of random search, 1 final network


@pytest.fixture
def run(tmp_path):
    shutil.copytree(RUN, tmp_path / "run")
    return tmp_path / "run"


def command(*arguments):
    """Run a command, which has to succeed."""
    with pytest.raises(SystemExit) as stopped:
        cli.main(list(arguments))
    assert stopped.value.code == 0


def load(path):
    return json.loads(path.read_text(encoding="utf-8"))


class TestRelease01:
    def test_its_result_has_metrics_by_name(self):
        result = read_result(load(RUN / files.RESULT), files.RESULT)
        (network,) = result.networks
        assert network.measured_int8 == {"accuracy": 0.982}
        assert network.measured_int8_std == {"accuracy": 0.0}
        assert network.measured_valid_int8 == {"accuracy": 0.964}
        assert result.best_measured_valid == {"int8_accuracy": 0.264}
        assert (result.trainings, network.arena) == (3, ("sram", 2144))

    def test_its_report_shows_everything(self, run):
        read = Run.read(run)
        assert read.problems == []
        assert [len(read.records), len(read.finals), len(read.rounds), len(read.networks)] == [3, 1, 2, 1]
        assert read.rounds[1].best_measured_objective == 0.264
        assert [(built.rank, built.emulated.bit_exact) for built in read.firmware] == [(1, True)]
        command("report", str(run))
        page = (run / files.REPORT).read_text(encoding="utf-8")
        assert "98.2" in page
        assert "Damaged" not in page
        assert "does not write" not in page  # what a section says of keys that it does not know

    def test_it_opens_in_python(self, run):
        result = Result.open(run)
        assert result.best.measured_int8 == {"accuracy": 0.982}
        assert result.best.genes == result.networks[0].genes

    def test_its_search_goes_on(self, run, capsys):
        """Nothing is left to train; the store and the strategy's state are taken up and the files written anew."""
        (run / files.RESULT).unlink()
        command("search", "--resume", str(run), "--workers", "1")
        assert "resumed after 3 trainings" in capsys.readouterr().err
        again, before = (read_result(load(p / files.RESULT), files.RESULT) for p in (run, RUN))
        assert again.networks[0].measured_int8 == before.networks[0].measured_int8
        assert (again.version, again.test_reads) == (schema.VERSION, 1)
        assert load(run / files.BEST)["measured_int8"] == {"accuracy": 0.264}

    def test_its_network_is_deployed_and_its_best_validated(self, run, tmp_path, capsys):
        pytest.importorskip("ziglang")
        command("deploy", str(run), "--out", str(tmp_path / "fw"), "--json")
        assert json.loads(capsys.readouterr().out)["arena_bytes"] == 1356
        out = tmp_path / "validated"
        command("validate", str(run), "--top", "1", "--final-seeds", "1", "--workers", "1", "--out", str(out))
        (network,) = read_result(load(out / files.RESULT), files.RESULT).networks
        assert network.measured_int8["accuracy"] > 0.9


class TestThisRelease:
    def test_what_is_written_is_read_back(self):
        result = replace(read_result(load(RUN / files.RESULT), files.RESULT), objective="int8_accuracy")
        assert read_result(json.loads(json.dumps(result.to_json())), files.RESULT) == result
        best = read_architecture(load(RUN / files.BEST), files.BEST)
        assert best.measured_int8 == {"accuracy": 0.264}
        assert read_architecture(json.loads(json.dumps(best.to_json())), files.BEST) == best

    def test_a_configuration_carries_its_version_and_comes_back_without(self, tmp_path):
        RunFolder.create(tmp_path / "a", {"strategy": "random"})
        written = load(tmp_path / "a" / files.CONFIG)
        assert sealed.unseal(written, "config.json") == {"version": schema.VERSION, "strategy": "random"}
        assert RunFolder.open(tmp_path / "a")[1] == {"strategy": "random"}
        assert Run.read(tmp_path / "a").config == {"strategy": "random"}

    @pytest.mark.parametrize("name", [files.CONFIG, files.RESULT])
    def test_what_a_later_release_wrote_is_refused_in_one_line(self, run, name):
        (run / name).write_text(json.dumps({**load(run / name), "version": schema.VERSION + 1}))
        with pytest.raises(
            ValueError, match=r"is of format 3, this release reads up to 2; install the release"
        ) as error:
            Result.open(run)
        assert name in str(error.value)
        assert "\n" not in str(error.value)
        assert any("is of format 3" in problem for problem in Run.read(run).problems)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"wall_s": "long"}, r"result.json: wall_s is 'long', wanted float"),
        ({"trainings": 2.5}, r"result.json: trainings is 2.5, wanted int"),
        ({"trainings": True}, r"trainings is True, wanted int"),
        ({"versions": []}, r"versions is \[\], wanted an object"),
        ({"networks": [{"genes": [0]}]}, r"result.json: networks\[0\] has no 'architecture'"),
        ({"networks": {}}, r"networks is \{\}, wanted a list"),
        ({"limits": {"ram_bytes": "16 KB"}}, r"limits.ram_bytes is '16 KB', wanted float"),
    ],
)
def test_a_wrong_type_is_one_line_that_names_the_field(change, message):
    whole = read_result(load(RUN / files.RESULT), files.RESULT).to_json()
    with pytest.raises(ValueError, match=message) as error:
        read_result(json.loads(json.dumps({**whole, **change})), "result.json")
    assert "\n" not in str(error.value)


def test_a_damaged_file_costs_a_report_that_file_alone(run):
    (run / files.RESULT).write_text(json.dumps({**load(run / files.RESULT), "wall_s": "long"}))
    (run / files.FIRMWARE / "1" / files.FIRMWARE_REPORT).write_text('{"device": "stm32f405"}')
    read = Run.read(run)
    assert [problem.partition(":")[0] for problem in read.problems] == [
        "result.json",
        "firmware/1/report.json has no 'kernels'",
    ]
    assert len(read.records) == 3


def test_a_firmware_that_qemu_ran_has_no_peak_stack():
    emulated = {
        "bit_exact": True,
        "inputs": 2,
        "instructions": 9,
        "emulated_ms": [1, 2],
        "instructions_by_operator": {},
    }
    sizes = {"flash_bytes": 1, "ram_bytes": 2, "arena_bytes": 3}
    firmware = read_firmware({"device": "a", "kernels": "plain", **sizes, "emulated": emulated}, "report.json")
    assert firmware.emulated.peak_stack_bytes is None
    assert firmware.emulated.emulated_ms == (1.0, 2.0)


def test_two_runs_of_one_second_have_folders_of_their_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("time.strftime", lambda form: "20261130-231500")
    places = []
    for _ in range(3):
        places.append(new_path("genes"))
        places[-1].mkdir(parents=True)
    assert [place.name for place in places] == [f"20261130-231500-genes{end}" for end in ("", "-2", "-3")]
