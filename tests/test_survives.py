"""What machines do to a run: kills at every change of a file, second processes, damage, signals, full disks."""

import importlib
import json
import os
import resource
import sqlite3
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from latent_nas import artifacts, lock, sealed, whole
from latent_nas.cli import main, refused
from latent_nas.evaluators import Job
from latent_nas.firmware import cache
from latent_nas.firmware.sources import keep_others
from latent_nas.jobs import kept
from latent_nas.jobs.proof import fits
from latent_nas.jobs.search.config import SearchConfig
from latent_nas.jobs.search.resume import going_on
from latent_nas.limits import Limits
from latent_nas.records import Record
from latent_nas.runs import files
from latent_nas.runs.folder import RunFolder
from latent_nas.store import Store

RECORD = Record((1, 2), "mcu_cnn", "digits", 7, measured_int8={"accuracy": 0.5}, curve=(0.1, 0.5))
CHANGES = {"open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "shutil.rmtree", "sqlite3.connect"}


def work(place: Path) -> None:
    """Begin or continue what a run does to its folder: configuration, store, networks, firmware, result."""
    run = place / "run"
    if (run / files.CONFIG).exists():
        folder = RunFolder.open(run)[0]
    else:
        folder = RunFolder.create(run, {"strategy": "random"}, graph=[1])
    with folder.locked():
        store = folder.store()
        if store.proposals(0) is None:
            store.propose(0, [(1, 2)], b"asked")
        if store.get((1, 2), 7, "search") is None:
            store.add(RECORD)
        store.close_round(0, {"round": 0}, b"told")
        folder.log("round 1")
        for text in (b"one", b"two"):  # the second takes the first one's place
            artifacts.save(run / "networks" / "1", artifacts.Artifact("codec", {"seed": 1}, files={"x": text}))
        with whole.folder(run / "firmware" / "1") as new:
            (new / "model.c").write_text("int x;")
            keep_others(run / "firmware" / "1", new)
        folder.write_json(files.RESULT, sealed.seal({"networks": []}))
        store.close()


def state(place: Path) -> dict[str, object]:
    """Return all that lies in a folder, of the store what it holds, of the log that it is there."""
    found: dict[str, object] = {}
    for path in sorted(p for p in place.rglob("*") if p.is_file()):
        name = path.relative_to(place).as_posix()
        found[name] = "" if name.endswith(("log", "sqlite")) else path.read_bytes()
    with closing(Store(place / "run" / files.STORE)) as store:
        found["store"] = store.records(), store.proposals(0), store.findings(), store.state()
    return found


def killed_at(k: int, place: Path) -> bool:
    """Work in a process that dies, unflushed, at the k-th change below a folder; return whether it got so far."""
    child = os.fork()
    if not child:
        seen = 0

        def hook(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal seen
            if event in CHANGES and str(arguments[0]).startswith(str(place)):
                if event == "open" and isinstance(arguments[2], int) and not arguments[2] & (os.O_WRONLY | os.O_RDWR):
                    return
                seen += 1
                if seen == k:
                    os._exit(9)

        sys.addaudithook(hook)
        code = 1
        try:
            work(place)
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


def test_a_kill_at_any_change_of_a_file_changes_nothing_in_the_end(tmp_path):
    work(tmp_path / "undisturbed")
    wanted, k = state(tmp_path / "undisturbed"), 1
    while killed_at(k, tmp_path / str(k)):
        work(tmp_path / str(k))
        assert state(tmp_path / str(k)) == wanted, f"killed at change {k}"
        k += 1
    assert k > 40


def refused_at(limit_bytes: int, place: Path) -> str:
    """Work in a process whose files can't grow beyond a limit, as on a full disk; return what it says of it, or ""."""
    ear, mouth = os.pipe()
    child = os.fork()
    if not child:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))
        try:
            work(place)
        except ValueError as error:
            os.write(mouth, str(error).encode())
        except BaseException as error:  # noqa: BLE001 - what is looked for
            os.write(mouth, f"TRACEBACK {error!r}".encode())
        os._exit(0)
    os.close(mouth)
    os.waitpid(child, 0)
    with open(ear, "rb") as file:
        return file.read().decode()


def test_a_full_disk_is_a_line_and_the_run_goes_on_when_there_is_room(tmp_path):
    work(tmp_path / "undisturbed")
    wanted, said = state(tmp_path / "undisturbed"), set[str]()
    for limit in (0, 10, *range(64, 1024, 96), *range(1024, 40_000, 2048)):
        line = refused_at(limit, tmp_path / str(limit))
        assert "TRACEBACK" not in line
        assert "\n" not in line
        said.add(line.partition(": ")[2])
        work(tmp_path / str(limit))
        assert state(tmp_path / str(limit)) == wanted, f"no file above {limit} bytes"
    assert "" in said
    assert len(said) > 2


class TestLock:
    def test_a_second_process_gets_a_line_that_names_the_first(self, tmp_path):
        folder = RunFolder.create(tmp_path / "run", {"strategy": "random"})
        words = rf"another process works on .*run: {os.getpid()} \(.*since 20"
        with folder.locked(), pytest.raises(lock.Busy, match=words), folder.locked():
            pass
        with folder.locked():
            pass
        assert not (folder.path / files.LOCK).exists()

    def test_that_of_a_dead_process_is_taken_over(self, tmp_path):
        (tmp_path / "a.lock").write_text(json.dumps({"process": 1, "command": "", "host": "", "since": ""}))
        with lock.held(tmp_path / "a.lock", tmp_path):
            pass
        assert list(tmp_path.iterdir()) == []

    def test_two_begin_in_one_place_and_one_is_refused(self, tmp_path):
        RunFolder.create(tmp_path / "run", {"strategy": "random"})
        with pytest.raises(ValueError, match="already and not empty"):
            RunFolder.create(tmp_path / "run", {"strategy": "random"})

    def test_a_link_out_of_a_run_is_not_written_through(self, tmp_path):
        (tmp_path / "precious").write_text("mine")
        folder = RunFolder.create(tmp_path / "run", {"strategy": "random"})
        (folder.path / files.LOG).symlink_to(tmp_path / "precious")
        with pytest.raises(ValueError, match=r"search\.log is a link out of the run folder"), folder.locked():
            pass
        assert (tmp_path / "precious").read_text() == "mine"


class TestStore:
    def flipped(self, path: Path, old: str, new: str) -> None:
        data = path.read_bytes()
        assert data.count(old.encode()) == 1
        path.write_bytes(data.replace(old.encode(), new.encode()))

    @pytest.mark.parametrize(
        ("old", "new"), [('{"accuracy": 0.5}', '{"accuracy": 0.7}'), ('"digits"', '"digitz"'), ("asked", "aske$")]
    )
    def test_a_flipped_bit_is_found(self, tmp_path, old, new):
        with closing(Store(tmp_path / "s")) as store:
            store.propose(0, [(1, 2)], b"asked")
            store.add(RECORD)
        self.flipped(tmp_path / "s", old, new)
        with closing(Store(tmp_path / "s")) as store, pytest.raises(ValueError, match="not a whole study file"):
            store.records(), store.state()

    def test_one_of_release_0_1_is_read_as_it_is(self, tmp_path):
        with closing(Store(tmp_path / "s")) as store:
            store.add(RECORD)
        with closing(sqlite3.connect(tmp_path / "s")) as database, database:
            database.execute("PRAGMA user_version = 0")
            database.execute("UPDATE record SET body = ?", (json.dumps(RECORD.to_json()),))
        with closing(Store(tmp_path / "s")) as store:
            assert store.records() == [RECORD]

    def test_what_sqlite_refuses_later_is_a_line_with_a_next_step(self, tmp_path, monkeypatch):
        store = Store(tmp_path / "s")
        store._db.execute("PRAGMA max_page_count = 8")
        with pytest.raises(ValueError, match="full; free some room"):
            store.add(replace(RECORD, reason="x" * 100_000))
        store.close()
        monkeypatch.setattr("latent_nas.store.PATIENCE_S", 0.1)
        with closing(Store(tmp_path / "s")) as store, closing(sqlite3.connect(tmp_path / "s")) as other:
            other.execute("BEGIN EXCLUSIVE")
            with pytest.raises(ValueError, match="locked; close the program"):
                store.add(RECORD)


class TestResume:
    SAVED = SearchConfig(trainings=6, limits=Limits(flash_bytes=1024))

    def test_more_trainings_go_on_and_it_is_said(self):
        config, said = going_on(self.SAVED, {"trainings": 8, "workers": 1})
        assert (config.trainings, config.workers, said) == (8, 1, ["trainings: 6 before, now 8"])

    @pytest.mark.parametrize("asked", [{"seed": 1}, {"batch": 2}, {"strategy": "random"}, {"task": "char_lm"}])
    def test_what_would_change_the_past_is_refused(self, asked):
        with pytest.raises(ValueError, match=f"--{next(iter(asked))} can't change in a run that goes on"):
            going_on(self.SAVED, asked)

    def test_the_same_again_is_no_change(self):
        assert going_on(self.SAVED, {"limits": Limits(flash_bytes=1024), "seed": 0}) == (self.SAVED, [])

    def test_a_cluster_in_a_configuration_is_connected_to_by_the_user_alone(self):
        saved = replace(self.SAVED, ray="10.0.0.1:6379")
        config, (line,) = going_on(saved, {})
        assert config.ray == ""
        assert "--ray 10.0.0.1:6379" in line
        assert going_on(saved, {"ray": "10.0.0.1:6379"})[0].ray == "10.0.0.1:6379"

    def test_a_seed_that_is_no_integer_is_refused(self):
        with pytest.raises(ValueError, match=r"config\.json: seed is 1\.5, wanted int"):
            SearchConfig.from_json({**json.loads(json.dumps(self.SAVED.to_json())), "seed": 1.5})

    def test_networks_whose_files_have_changed_are_made_again(self, tmp_path):
        job = Job((1, 2), 7, part="test", keep=str(tmp_path / "1"))
        with closing(Store(tmp_path / "s")) as store:
            artifacts.save(tmp_path / "1", artifacts.Artifact("codec", {}, files={"x": b"one"}))
            kept.note(store, [job], replace(RECORD, part="test"))
            assert not kept.gone(store, job)
            (tmp_path / "1" / "x").write_bytes(b"")
            assert kept.gone(store, job)
            assert kept.gone(store, replace(job, keep=str(tmp_path / "2")))


def test_what_could_not_be_checked_is_not_what_does_not_fit():
    class Cost:
        region, counts_image = "ram", True

        def exceeded(self, limits):
            return {}

    assert fits(Cost(), Limits(), {"refused": None, "unchecked": "disk full"}) is None
    assert fits(Cost(), Limits(), {"refused": "it overflows"}) is False


class TestWhole:
    def test_a_folder_whose_making_fails_leaves_the_one_before(self, tmp_path):
        with whole.folder(tmp_path / "a") as new:
            (new / "x").write_text("one")
        with pytest.raises(FileNotFoundError), whole.folder(tmp_path / "a") as new:
            (new / "x" / "y").write_text("two")
        assert (tmp_path / "a" / "x").read_text() == "one"
        assert [path.name for path in tmp_path.iterdir()] == ["a"]

    def test_what_is_no_file_is_not_replaced(self, tmp_path):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(ValueError, match="it is not a file"):
            whole.write(tmp_path / "pipe", "x")
        with pytest.raises(ValueError, match="it is a folder"):
            whole.write(tmp_path, "x")

    def test_a_changed_object_is_named(self):
        data = sealed.seal({"seed": 1, "values": [0.1, None]})
        assert sealed.unseal(data, "f") == {"seed": 1, "values": [0.1, None]}
        with pytest.raises(ValueError, match="f has changed since it was written"):
            sealed.unseal({**data, "seed": 2}, "f")


class TestRefused:
    @pytest.mark.parametrize(
        "words",
        [
            ("search", "--task", "x" * 300 + ".csv"),
            ("report", "y" * 300),
            ("cost", "z" * 300 + ".json"),
            ("bench", "--table", "x" * 300, "--objective", "metric.a", "--out", "b.json"),
            ("cost", "deep.json"),
            ("search", "--config", "deep.toml"),
            ("search", "--config", "long.toml"),
            ("cost", "nascnn15", "--device", "./long.toml"),
            ("dataset", "info", "loop/a.csv"),
            ("search", "--out=~nosuchuser/run"),
            ("export", "nascnn15", "--out=~nosuchuser/a.onnx"),
        ],
    )
    def test_every_command_says_it_in_a_line(self, words, tmp_path, monkeypatch, capsys):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "deep.json").write_text("[" * 100_000)
        (tmp_path / "deep.toml").write_text("a = " + "[" * 100_000)
        (tmp_path / "long.toml").write_text(".".join(["a"] * 50_000) + " = 1")
        (tmp_path / "loop").symlink_to("loop")
        with pytest.raises(SystemExit) as end:
            main(list(words))
        assert end.value.code == 2
        (line,) = capsys.readouterr().err.strip().splitlines()
        assert line.startswith("error: ")

    def test_errors_of_ours_keep_their_traceback(self):
        with pytest.raises(RuntimeError, match="a bug"):
            refused.line(RuntimeError("a bug"))


class TestCaches:
    def test_damaged_machine_code_is_compiled_anew_and_never_run(self, tmp_path, monkeypatch, caplog):
        source = tmp_path / "loops.py"
        source.write_text(
            "import numpy as np\nfrom latent_nas.compiled import compiled\n\n\n@compiled\n"
            "def twice(x: np.ndarray) -> None:\n    for i in range(len(x)):\n        x[i] *= 2\n"
        )
        monkeypatch.syspath_prepend(tmp_path)

        def run() -> list[float]:
            sys.modules.pop("loops", None)
            x = np.ones(3)
            importlib.import_module("loops").twice(x)
            return x.tolist()

        assert run() == [2, 2, 2]
        kept = sorted((tmp_path / "__pycache__").glob("loops.twice*.nb?"))
        assert [path.suffix for path in kept] == [".nbc", ".nbi"]
        for path in kept:
            whole_file = path.read_bytes()
            flipped = bytes([*whole_file[:-40], whole_file[-40] ^ 1, *whole_file[-39:]])
            for damage in (b"", whole_file[: len(whole_file) // 2], flipped):
                path.write_bytes(damage)
                assert run() == [2, 2, 2]
                assert path.read_bytes() != damage

    def test_a_library_that_was_not_written_whole_is_compiled_again(self, tmp_path):
        made, library = tmp_path / "made", tmp_path / "count.lib"
        made.write_bytes(b"code")
        assert cache.good(cache.keep(made, library))
        library.write_bytes(b"cod")
        assert not cache.good(library)
        assert not library.exists()

    def test_without_a_place_for_it_a_process_compiles_for_itself_and_says_so(self, tmp_path, monkeypatch, caplog):
        (tmp_path / "file").touch()
        monkeypatch.setenv("LATENT_NAS_CACHE", str(tmp_path / "file" / "cache"))
        assert cache.folder().is_dir()
        assert "this process compiles for itself" in caplog.text
