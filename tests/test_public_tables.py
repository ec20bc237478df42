"""``bench --fetch``: public tables are read as their authors' own programs read them, and nothing of them is run."""

import bz2
import csv
import gzip
import itertools
import pickle
import tarfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch

from latent_nas import cli
from latent_nas.tables import read
from latent_nas.tables.sources import fetch, nats_bench, sources
from latent_nas.tables.sources._plain_pickle import plain

CELLS = (
    "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|none~1|nor_conv_1x1~2|",
    "|none~0|+|none~0|none~1|+|none~0|none~1|skip_connect~2|",
)


def nothing(*_):
    pass


def run(*command):
    with pytest.raises(SystemExit) as end:
        cli.main(list(command))
    assert end.value.code == 0


def rows_of(path):
    with gzip.open(path, "rt") as file:
        return list(csv.DictReader(file))


def trial(epochs, seed, cell, rng):
    """Return one training as the authors' program keeps it."""
    from nats_bench.api_utils import ResultsCount

    count = ResultsCount(
        "x",
        None,
        {},
        {},
        0.1 + seed,
        15.5,
        {"channel": 16, "num_cells": 5, "arch_str": cell, "class_num": 10},
        seed,
        epochs,
        [0.01],
    )
    for name in ("x-valid", "ori-test", "x-test"):
        accuracies = {f"{name}@{i}": float(rng.uniform(10, 95)) for i in range(epochs)}
        count.update_eval(accuracies, dict.fromkeys(accuracies, 1.0), dict.fromkeys(accuracies, 0.1))
    return count


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Two cells in the authors' archive, written by their own classes: folder and .tar."""
    from nats_bench.api_utils import ArchResults

    rng, folder = np.random.default_rng(0), tmp_path_factory.mktemp("nats") / "NATS-tss-simple"
    folder.mkdir()
    for number, cell in enumerate(CELLS):
        hp = OrderedDict()
        for epochs in (12, 200):
            results = ArchResults(number, cell)
            for part in ("cifar10-valid", "cifar100", "ImageNet16-120"):
                for seed in (777, 888) if epochs == 200 else (777,):
                    results.update(part, seed, trial(epochs, seed, cell, rng))
            hp[str(epochs)] = results.state_dict()
        hp["200"]["all_results"]["cifar100", 777]["params"] = np.float64(0.25)  # the authors' files hold some
        (folder / f"{number:06d}.pickle.pbz2").write_bytes(bz2.compress(pickle.dumps(hp, 4)))
    (folder / "meta.pickle.pbz2").write_bytes(bz2.compress(pickle.dumps({"meta_archs": list(CELLS)}, 4)))
    with tarfile.open(folder.with_suffix(".tar"), "w") as whole:
        whole.add(folder, folder.name)
    return folder


@pytest.mark.parametrize(
    ("part", "theirs", "test"),
    [("cifar10", "cifar10-valid", "ori-test"), ("imagenet16_120", "ImageNet16-120", "x-test")],
)
def test_nats_bench_is_read_as_its_own_program_reads_it(archive, tmp_path, part, theirs, test):
    from nats_bench.api_topology import NATStopology

    api = NATStopology(str(archive), fast_mode=True, verbose=False)
    fetch(f"nats_bench-{part}", archive.with_suffix(".tar"), tmp_path / "t.csv.gz", nothing)
    fetch(f"nats_bench-{part}", archive, tmp_path / "u.csv.gz", nothing)
    assert (tmp_path / "t.csv.gz").read_bytes() == (tmp_path / "u.csv.gz").read_bytes()
    for number, row in enumerate(rows_of(tmp_path / "t.csv.gz")):
        api.reload(str(archive), number)
        for column, epochs, judged in (
            ("valid_accuracy", "200", "x-valid"),
            ("test_accuracy", "200", test),
            ("valid_accuracy_12_epochs", "12", "x-valid"),
        ):
            wanted = api.arch2infos_dict[number][epochs].get_metrics(theirs, judged)["accuracy"]
            assert float(row[f"metric.{column}"]) == pytest.approx(wanted, abs=1e-4)
    assert [row["gene.edge_23"] for row in rows_of(tmp_path / "t.csv.gz")] == ["nor_conv_1x1", "skip_connect"]
    assert read(tmp_path / "t.csv.gz", "metric.valid_accuracy").networks == 2


def test_cells_that_compute_the_same_are_counted_as_the_paper_counts_them():
    """NAS-Bench-201 names 6,466 different topologies among 15,625 cells."""
    operators = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
    assert len({nats_bench.topology(list(genes)) for genes in itertools.product(operators, repeat=6)}) == 6466


def test_nas_bench_graph_comes_by_one_command(tmp_path, capsys, monkeypatch):
    """Two known rows: the first and the last link pattern, from the authors' package as pip downloads it."""
    monkeypatch.chdir(tmp_path)
    run("bench", "--fetch", "nas_bench_graph-cora")
    said = capsys.readouterr().out
    assert "Apache-2.0" in said
    rows = rows_of(tmp_path / "nas_bench_graph-cora.csv.gz")
    assert len(rows) == 26206
    assert rows[0] == {
        "id": "0",
        "gene.links": "0000",
        "gene.op_0": "gat",
        "gene.op_1": "gat",
        "gene.op_2": "gat",
        "gene.op_3": "gat",
        "metric.valid_accuracy": "0.773333",
        "metric.test_accuracy": "0.797",
        "cost.params_m": "1.736711",
        "cost.latency_ms": "5.9222",
    }
    _, *command = said.splitlines()[-1].split()
    command[command.index("--strategies") + 1] = "random,evolution"
    run(*command, "--trainings", "3", "--seeds", "1", "--workers", "1")
    assert "of 26206 networks" in capsys.readouterr().out


def test_transnas_is_read_from_its_file(tmp_path):
    metrics = {name: [0.1 * i for i in range(1, 11)] for name in ("valid_top1", "test_top1")}
    cells = {
        "64-41414-1_02_333": {
            "jigsaw": {"metrics": metrics, "model_info": {"encoder_params": 2e6, "encoder_FLOPs": 3e7}}
        }
    }
    torch.save({"data": {"micro": cells}}, tmp_path / "t.pth")
    source, column = fetch("transnas_micro-jigsaw", tmp_path / "t.pth", tmp_path / "t.csv.gz", nothing)
    (row,) = rows_of(tmp_path / "t.csv.gz")
    assert (float(row[column]), float(row["metric.valid_top1_5_epochs"])) == pytest.approx((1.0, 0.5))
    assert [row[f"gene.{e}"] for e in ("edge_01", "edge_12", "edge_23")] == [
        "skip_connect",
        "nor_conv_1x1",
        "nor_conv_3x3",
    ]
    assert source.licence == "MIT"


class Hostile:
    def __reduce__(self):
        return (Path.touch, (Path("touched"),))


def test_nothing_of_a_file_is_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "archive"
    folder.mkdir()
    (folder / "000000.pickle.pbz2").write_bytes(bz2.compress(pickle.dumps({"200": Hostile()})))
    with pytest.raises(ValueError, match=r"000000\.pickle\.pbz2 holds more than numbers and text.*nothing was run"):
        fetch("nats_bench-cifar10", folder, tmp_path / "t.csv", nothing)
    torch.save({"data": Hostile()}, tmp_path / "t.pth")
    with pytest.raises(ValueError, match="nothing of it was run"):
        fetch("transnas_micro-jigsaw", tmp_path / "t.pth", tmp_path / "t.csv", nothing)
    assert not (tmp_path / "touched").exists()
    assert not (tmp_path / "t.csv").exists()


@pytest.mark.parametrize(
    "value", [{"a": [1, 2.5, "x", None, (True, b"y")]}, OrderedDict(a=np.float64(0.1)), {"b": np.int64(-3)}]
)
def test_plain_pickles_come_back(value):
    assert plain(pickle.dumps(value), "x") == value


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--fetch", "nas_bench_graph-kora"], "did you mean 'nas_bench_graph-cora'"),
        (["--fetch", "nats_bench-cifar10", "--trainings", "9"], "so --trainings would do nothing"),
        (["--fetch", "nats_bench-cifar10", "--max", "a=1", "--warm-start", "b"], "so --max, --warm-start would do"),
        (["--fetch", "nats_bench-cifar10", "--table", "t.csv", "--minimise"], "so --table, --minimise would do"),
        (["--fetch", "nats_bench-cifar10"], "download NATS-tss-v1_0-3ffb9-simple.tar"),
        (["--fetch", "nats_bench-cifar10", "--from", "nowhere.tar"], "no such file"),
        (["--fetch", "nats_bench-cifar10", "--from", __file__], "is neither a .tar file nor a folder"),
        (["--fetch", "nas_bench_graph-cora", "--from", __file__], "has sha256"),
        (["--fetch", "transnas_micro-jigsaw", "--from", __file__], "is not read as transnas-bench"),
        (["--fetch", "nats_bench-cifar10", "--out", "x.json"], "written as .csv or .csv.gz"),
        (["--from", "x.tar"], "name the table with --fetch"),
        (["--table", "x.csv"], "wants --objective, --out as well"),
    ],
)
def test_wrong_input_is_one_line(arguments, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as error:
        cli.main(["bench", *arguments])
    assert error.value.code == 2
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_every_table_says_whose_it_is():
    for name, (source, part) in sources().items():
        assert name == f"{source.name}-{part}"
        assert source.licence
        assert source.cite
        assert source.parts[part].startswith("metric.")
