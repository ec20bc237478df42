"""What people do wrong: one line that says what came, what is wanted and what to do; exit code 2, nothing half-written.

What a single reader, table or space refuses stands in its own test file.
"""

import json
import os
import re

import numpy as np
import pytest
from PIL import Image

from latent_nas import artifacts
from latent_nas.cli import main
from latent_nas.devices import open_device
from latent_nas.jobs.make import dataset
from latent_nas.limits import Limits
from latent_nas.records import Record
from latent_nas.report import write as write_report
from latent_nas.runs.folder import RunFolder
from latent_nas.store import Store
from latent_nas.target import MAIN_TARGET, Setup
from latent_nas.tasks import open_task

TABLE = "gene.a,gene.b,metric.acc,cost.x\n" + "\n".join(f"{i},{j},{i - j},{-i}" for i in range(3) for j in range(3))
BOARD = """
core = "cortex-m4"
clock_mhz = 84
flash_kb = 256
regions = [{ name = "sram", kb = 64, address = 0x20000000 }]
"""


def refused(capsys, *arguments):
    """Return the one line that a command ends with, exit code 2."""
    with pytest.raises(SystemExit) as stop:
        main([str(a) for a in arguments])
    assert stop.value.code == 2
    line = capsys.readouterr().err.strip()
    assert line.startswith("error: ")
    assert "\n" not in line
    return line


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder to be in, with a file where a folder should be and a folder where a file should be."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "mine").write_text("mine", encoding="utf-8")
    (tmp_path / "t.csv").write_text(TABLE, encoding="utf-8")
    (tmp_path / "layers.csv").write_text(
        "board,core,operator,input,filters,kernel_size,cycles\nb,cortex-m4,conv2d,8x8x3,4,3,9000\n", encoding="utf-8"
    )
    (tmp_path / "genes.json").write_text('{"space": "mcu_cnn", "genes": [1, 2]}', encoding="utf-8")
    return tmp_path


BENCH = ("bench", "--table", "t.csv", "--objective", "metric.acc", "--strategies", "random", "--seeds", 1)


class TestPlaces:
    @pytest.mark.parametrize(
        "command",
        [
            (*BENCH, "--out", "file/b.json"),
            ("calibrate", "--measurements", "layers.csv", "--runtime", "mine", "--out", "file"),
            ("codec", "train", "--steps", 1, "--out", "file/codec"),
            ("surrogate", "train", "--out", "file/surrogates"),
            ("agent", "train", "--steps", 1, "--out", "file/agent"),
            ("dataset", "build", "--networks", 1, "--work", "w.sqlite", "--out", "file/table"),
            ("dataset", "build", "--networks", 1, "--repeats", 0, "--work", "file/w.sqlite", "--out", "table"),
            ("query", "--out", "file/q.json"),
        ],
        ids=lambda command: " ".join(map(str, command[:2])),
    )
    def test_below_a_file_nothing_can_be_written(self, place, capsys, command):
        before = sorted(p.name for p in place.rglob("*"))
        assert re.search("file.* can't be (written|made): ", refused(capsys, *command))
        assert sorted(p.name for p in place.rglob("*")) == before

    def test_a_run_folder_below_a_file(self, place):
        with pytest.raises(ValueError, match=r"file/run can't be made: .*; choose another place"):
            RunFolder.create(place / "file" / "run", {})

    def test_a_file_that_can_not_replace_a_folder_leaves_nothing(self, place):
        with pytest.raises(ValueError, match=r"folder can't be written: .*; choose another place"):
            artifacts.write(place / "folder", "text")
        assert not list(place.glob(".folder*"))

    def test_artefacts_go_where_nothing_else_is(self, place):
        assert artifacts.free(place / "new" / "codec") == place / "new" / "codec"
        with pytest.raises(ValueError, match=r"folder is not empty and has no manifest\.json"):
            artifacts.free(place / "folder")
        with pytest.raises(ValueError, match="file is a file, wanted a folder"):
            artifacts.free(place / "file")

    def test_a_store_makes_its_folder_and_says_what_can_not_be_opened(self, place):
        Store(place / "deep" / "down" / "s.sqlite").close()
        with pytest.raises(ValueError, match="folder can't be used: unable to open database file"):
            Store(place / "folder")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("query", "--top", 0), "top is at least 1, got 0"),
        (("query", "--queries", -1), "queries is at least 1, got -1"),
        (("query", "--seed", -1), "seed is at least 0, got -1"),
        (("validate", "q.json", "--top", -1), "top is at least 1, got -1"),
        (("validate", "q.json", "--final-seeds", 0), "final-seeds is at least 1, got 0"),
        (("validate", "q.json", "--workers", -1), "workers is at least 0, got -1"),
        (("codec", "train", "--steps", 0), "steps is at least 1, got 0"),
        (("agent", "train", "--steps", 0), "steps is at least 1, got 0"),
        (("dataset", "build", "--networks", 0), "networks is at least 1, got 0"),
        (("dataset", "build", "--networks", 1, "--repeats", -1), "repeats is at least 0, got -1"),
        (("dataset", "build", "--networks", 1, "--repeat-seeds", 0), "repeat-seeds is at least 1, got 0"),
        (("surrogate", "train", "--table", "none.parquet"), "none.parquet does not exist"),
        (("search", "--task", "", "--dry-run"), "the task's name is empty; there are: "),
        (("cost", "folder"), "folder holds no int8 network and no genes: wanted manifest.json there, networks/1/"),
        (("cost", "net.bin"), "wanted .json (genes or graph), .onnx, .tflite or a name"),
        (("cost", "net.tflite"), "there is no file net.tflite"),
        (("train", "nascnn15", "--task", "cifar10:file"), "file is not a CIFAR-10 binary archive: "),
        (("cost", "nascnn15", "--runtime", "board.toml"), "is not the file of a runtime: 'kernels' is missing"),
        (("dataset", "info", "folder?rate=1000000000"), "wanted a whole number of Hz, from 1 to 192000"),
        (
            (*BENCH, "--max", "gene.a=2", "--out", "b.json"),
            "gene.a is measured of no network; wanted one of metric.acc",
        ),
        ((*BENCH, "--front", "cost.x", "--out", "b.json"), "--front wants a cost of 0 or more that differs"),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, tuple) else "",
)
def test_a_wrong_value_is_one_line_and_leaves_nothing(place, capsys, arguments, said):
    (place / "board.toml").write_text(BOARD, encoding="utf-8")
    before = sorted(place.rglob("*"))
    assert said in refused(capsys, *arguments)
    assert sorted(place.rglob("*")) == before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BOARD.replace("84", "inf"), "'clock_mhz' is a number, got inf"),
        (BOARD.replace("84", "nan"), "'clock_mhz' is a number, got nan"),
        (BOARD.replace("256", "'256'"), "'flash_kb' is a number, got '256'"),
        (BOARD.replace("256", "true"), "'flash_kb' is a number, got True"),
        (BOARD.replace("0x20000000", "-5"), "region 1: 'address' is a whole number from 0 on, got -5"),
        (BOARD.replace("0x20000000", "'x'"), "region 1: 'address' is a whole number from 0 on, got 'x'"),
        (BOARD.replace(", address = 0x20000000", ""), "region 1: 'address' is missing"),
        (re.sub("regions.*", "regions = 3", BOARD), "'regions' is a list of {name, kb, address}, got 3"),
        (BOARD.replace('core = "cortex-m4"', ""), "'core' is missing"),
        (BOARD + "flash_address = 1.5", "'flash_address' is a whole number from 0 on, got 1.5"),
    ],
)
def test_a_field_of_a_board_is_named_with_what_it_wants(tmp_path, text, said):
    file = tmp_path / "board.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=re.escape(f"is not the file of a device: {said}")):
        open_device(str(file))


class TestConfiguration:
    def test_every_option_has_its_own_name_there(self, place, capsys):
        (place / "b.toml").write_text(
            'table = "t.csv"\nobjective = "metric.acc"\nout = "b.json"\nstrategies = "random"\nseeds = 1\nworkers = 1\n'
            "trainings = 4\nmax = ['cost.x=0']\nstop-at-optimum = true\nset = []\njson = true\n",
            encoding="utf-8",
        )
        with pytest.raises(SystemExit) as stop:
            main(["bench", "--config", "b.toml"])
        assert stop.value.code == 0
        config = json.loads(capsys.readouterr().out)["config"]
        assert (config["limits"], config["stop"]) == ([["cost.x", 0.0]], True)

    def test_true_is_no_number(self, place, capsys):
        (place / "s.toml").write_text("trainings = true\n", encoding="utf-8")
        assert "trainings wants a value, got true" in refused(capsys, "search", "--config", "s.toml", "--out", "run")
        assert not (place / "run").exists()


class TestRunFolders:
    @pytest.fixture
    def run(self, tmp_path):
        folder = RunFolder.create(tmp_path / "run", {"strategy": "random"})
        store = folder.store()
        store.add(Record((1, 2), "mcu_cnn", "digits", 0))
        store.close()
        (folder.path / "history.csv").write_text("training\n1\n", encoding="utf-8")
        return folder

    @pytest.mark.parametrize("harm", ["gone", "empty"])
    def test_a_store_that_is_gone_is_not_begun_anew(self, run, harm):
        file = run.path / "study.sqlite"
        file.unlink()
        if harm == "empty":
            file.touch()
        write_report(run.path)
        assert not file.exists() or not file.stat().st_size  # a report changes nothing
        assert "study.sqlite is missing or empty" in (run.path / "report.html").read_text(encoding="utf-8")
        with pytest.raises(ValueError, match=r"study\.sqlite is gone or empty, but .*history\.csv has trainings of it"):
            run.store()

    def test_a_damaged_record_is_named_with_its_file(self, run):
        store = run.store()
        with store._db:
            store._db.execute("UPDATE record SET body = '{'")
        with pytest.raises(ValueError, match=r"study\.sqlite is not a whole study file: a record is damaged"):
            store.records()
        with pytest.raises(ValueError, match="a record is damaged"):
            store.get((1, 2), 0, "search")
        store.close()


class TestTraining:
    @pytest.fixture
    def genes(self, tmp_path):
        space = Setup(MAIN_TARGET).space
        rows = space.sample(np.random.default_rng(0), 64).tolist()
        file = tmp_path / "small.json"
        least = min(rows, key=lambda row: space.graph(row).macs)
        file.write_text(json.dumps({"space": "mcu_cnn", "genes": least}), encoding="utf-8")
        return file

    @pytest.mark.parametrize(("option", "said"), [("optimiser", "no optimiser 'x'"), ("schedule", "no schedule 'x'")])
    def test_what_can_not_be_followed_leaves_no_folder(self, genes, tmp_path, capsys, option, said):
        line = refused(capsys, "train", genes, "--out", tmp_path / "run", f"--{option}", "x")
        assert f"{said}; there are: " in line
        assert not (tmp_path / "run").exists()

    def test_a_network_that_learns_nothing_is_a_line(self, genes, tmp_path, capsys):
        options = ("--epochs", 1, "--samples", 64, "--learning-rate", 1e30, "--out", tmp_path / "run")
        with pytest.raises(SystemExit) as stop:
            main([str(a) for a in ("train", genes, *options)])
        assert stop.value.code == 2
        assert "error: the trained network's outputs are not finite" in capsys.readouterr().err.splitlines()[-1]

    def test_the_folder_of_a_search_is_told_apart(self, tmp_path, capsys):
        RunFolder.create(tmp_path / "run", {"strategy": "random"})
        assert "for a search: `latent-nas search --resume`" in refused(capsys, "train", "--resume", tmp_path / "run")


def test_more_networks_than_there_are_end_the_drawing(tmp_path, monkeypatch):
    monkeypatch.setattr(dataset, "VAIN", 0)
    plan = dataset.DatasetPlan(MAIN_TARGET, Limits(flash_bytes=1), 1)
    with pytest.raises(ValueError, match=r"1 networks are wanted and 0 were found.*loosen the limits"):
        dataset.build(plan, tmp_path / "w.sqlite", 1, print, print)
    assert not (tmp_path / "w.sqlite").exists()


def test_classes_that_lost_their_samples_say_where_to(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.zeros((6, 8, 8), np.float32), y=np.arange(6) % 2)
    with pytest.raises(ValueError, match=r"6 of the rows have the same content in several classes and were dropped"):
        open_task(str(tmp_path / "a.npz"))


def test_a_name_that_is_not_utf8_is_named(tmp_path, capsys):
    """As archives from other systems leave them; JSON, SQLite and pages can't hold it."""
    for name in (b"gr\xfcn", b"red"):
        folder = os.path.join(os.fsencode(tmp_path), b"photos", name)
        try:
            os.makedirs(folder)
        except OSError:
            pytest.skip("this file system takes UTF-8 alone")
        for i in range(6):
            values = np.random.default_rng(i + 100 * len(name)).integers(0, 256, (8, 8)).astype(np.uint8)
            Image.fromarray(values).save(os.fsdecode(os.path.join(folder, b"%d.png" % i)))
    line = refused(capsys, "dataset", "info", tmp_path / "photos", "--input", "8x8x1")
    assert line.startswith("error: the name of a file or folder is not UTF-8: gr\\xfcn; rename it")
