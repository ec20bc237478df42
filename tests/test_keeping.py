"""What is kept: store, artefacts, records; and what is derived: seeds, plugins."""

import random
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
import torch

from latent_nas import artifacts, plugins, seeds
from latent_nas.records import Record
from latent_nas.store import Store

RECORD = Record((1, 2), "mcu_cnn", "digits", 7, measured_int8={"accuracy": 0.5}, curve=(0.1, 0.5))


def test_store_gives_records_back_and_survives_reopening(tmp_path):
    store = Store(tmp_path / "s.sqlite")
    store.add(RECORD)
    store.propose(0, [(1, 2), (3, 4)], b"asked")
    store.write_note("a", {"b": 1})
    again = Store(tmp_path / "s.sqlite")
    assert again.records() == [RECORD]
    assert again.get((1, 2), 7, "search") == RECORD
    assert again.get((1, 2), 8, "search") is None
    assert again.get((1, 2), 7, "search", "test") is None
    assert again.proposals(0) == [(1, 2), (3, 4)]
    assert again.proposals(1) is None
    assert again.findings() == []
    assert again.state() == b"asked"
    again.close_round(0, {"x": 1}, b"told")
    assert store.findings() == [{"x": 1}]
    assert store.state() == b"told"
    assert store.note("a") == {"b": 1}


def test_a_training_that_is_repeated_replaces_its_record(tmp_path):
    again = replace(RECORD, measured_int8={"accuracy": 0.7})
    with closing(Store(tmp_path / "s.sqlite")) as store:
        for record in (RECORD, replace(RECORD, seed=8), again):
            store.add(record)
        assert store.get((1, 2), 7, "search") == again
        assert sorted(record.seed for record in store.records()) == [7, 8]


@pytest.mark.parametrize("damage", ["text", "cut", "other"])
def test_a_file_that_is_no_store_is_refused_and_left_alone(tmp_path, damage):
    path = tmp_path / "s.sqlite"
    if damage == "other":
        import sqlite3

        with closing(sqlite3.connect(path)) as database:
            database.execute("CREATE TABLE t (x)")
            database.commit()
    else:
        store = Store(path)
        for i in range(200):
            store.add(Record((i,), "s", "t", 0, reason="x" * 500))
        store.close()
        path.write_bytes(b"not a database at all" * 100 if damage == "text" else path.read_bytes()[:9000])
    before = path.read_bytes()
    with pytest.raises(ValueError, match="not a whole study file"):
        Store(path)
    assert path.read_bytes() == before


def test_artifact_round_trip_and_replacement(tmp_path):
    for text in (b"one", b"two"):
        artifacts.save(tmp_path / "a", artifacts.Artifact("codec", {"seed": 1}, {"q": 0.5}, {"x.bin": text}))
    found = artifacts.load(tmp_path / "a", "codec")
    assert (found.made, found.quality, found.files) == ({"seed": 1}, {"q": 0.5}, {"x.bin": b"two"})
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda f: (f / "x.bin").write_bytes(b"onf"), "sha256"),
        (lambda f: (f / "x.bin").unlink(), "missing"),
        (lambda f: (f / "manifest.json").write_text("{"), "damaged"),
        (lambda f: (f / "manifest.json").unlink(), "no manifest.json"),
    ],
)
def test_a_harmed_artifact_is_one_clear_line(tmp_path, harm, words):
    artifacts.save(tmp_path / "a", artifacts.Artifact("codec", {}, {}, {"x.bin": b"one"}))
    harm(tmp_path / "a")
    with pytest.raises(ValueError, match=words) as error:
        artifacts.load(tmp_path / "a", "codec")
    assert "\n" not in str(error.value)


def test_an_artifact_of_another_kind_or_a_folder_of_something_else_is_refused(tmp_path):
    artifacts.save(tmp_path / "a", artifacts.Artifact("agent", {}))
    with pytest.raises(ValueError, match="holds a agent, wanted a codec"):
        artifacts.load(tmp_path / "a", "codec")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "thesis.txt").write_text("precious")
    with pytest.raises(ValueError, match="not empty"):
        artifacts.save(tmp_path / "b", artifacts.Artifact("agent", {}))
    assert (tmp_path / "b" / "thesis.txt").read_text() == "precious"


def test_arrays_round_trip_and_cut_ones_are_refused():
    arrays = {"a": np.arange(6).reshape(2, 3), "b": np.ones(2, np.float32)}
    data = artifacts.pack(arrays)
    for name, array in artifacts.unpack(data).items():
        assert (array == arrays[name]).all()
        assert array.dtype == arrays[name].dtype
    with pytest.raises(ValueError, match="safetensors"):
        artifacts.unpack(data[:-3])


def test_record_json_round_trip():
    assert Record.from_json(RECORD.to_json()) == RECORD


def test_seeds_depend_on_every_part_of_the_path():
    found = {seeds.derive(*p) for p in [(0,), (1,), (0, "a"), (0, "a", 1), (0, "a", "1"), (0, "a1"), (0, 1, "a")]}
    assert len(found) == 7
    assert seeds.rng(0, "a").integers(1 << 40) == seeds.rng(0, "a").integers(1 << 40)


def test_isolation_seeds_inside_and_restores_outside():
    random.seed(5)
    expected = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
    drawn = []
    for _ in range(2):
        with seeds.isolated(3):
            drawn.append((random.random(), float(np.random.rand()), float(torch.rand(1))))
    assert drawn[0] == drawn[1]
    assert (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()) == expected


@pytest.mark.parametrize(
    "kind", ["spaces", "tasks", "devices", "runtimes", "strategies", "surrogates", "operators", "evaluators"]
)
def test_every_plugin_loads_and_an_unknown_one_names_the_rest(kind):
    names = plugins.names(kind)
    assert names
    assert all(plugins.load(kind, name) for name in names)
    with pytest.raises(ValueError, match=names[0]):
        plugins.load(kind, "qqqq")
