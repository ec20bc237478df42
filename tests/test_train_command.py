"""``latent-nas train``: schedules, optimisers, and one network from its genes to its files, stopped and resumed."""

import csv
import json
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import numpy as np
import pytest
import torch

from latent_nas import artifacts
from latent_nas.cli import main
from latent_nas.graph import Graph
from latent_nas.graph.deploy import deploy
from latent_nas.jobs.curves import svg
from latent_nas.jobs.networks import open_source
from latent_nas.jobs.train import _some, summary, train
from latent_nas.jobs.train_config import TrainConfig, begin, resumed
from latent_nas.runs.trained import read_training
from latent_nas.spaces import open_space
from latent_nas.tasks import Recipe, open_task
from latent_nas.training.checkpoint import HISTORY
from latent_nas.training.network import Network
from latent_nas.training.quantise import QuantisedNetwork
from latent_nas.training.schedule import SCHEDULES, check, share

TASK = open_task("digits")
DNA = "3x3 24 /2 <- 0 | 1x3 24 <- 1 | 3x1 24 pool2 <- 1,2"
GENES = {"space": "dna_cnn", "genes": DNA}
RECIPE = Recipe(epochs=3, batch=16, learning_rate=1e-2, average=0.9, schedule="one-cycle")


def graph_of(source, space=""):
    """The graph that `train` takes of a source."""
    return open_source(source).bound(TASK.name, space).graph_for(TASK)


def quiet(*_):
    pass


def config_of(recipe=RECIPE, **more):
    return TrainConfig("genes.json", "digits", recipe, 0, samples=256, valid_samples=100, **more)


@pytest.fixture
def genes(tmp_path):
    (tmp_path / "genes.json").write_text(json.dumps(GENES))
    return tmp_path / "genes.json"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A training in one go: its folder, its graph and its result."""
    place = tmp_path_factory.mktemp("train")
    (place / "genes.json").write_text(json.dumps(GENES))
    graph = graph_of(str(place / "genes.json"))
    folder = begin(config_of(), graph, place / "run")
    return folder.path, graph, train(config_of(), graph, folder, quiet, quiet)


class TestSchedules:
    def rates(self, **settings):
        recipe = Recipe(epochs=10, warmup=0, drop_after=2, **settings)
        return [share(recipe, epoch, [0.5, 0.6, 0.6, 0.6, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7][:epoch]) for epoch in range(10)]

    def test_step_drops_every_few_epochs(self):
        assert self.rates(schedule="step") == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01, 1e-3, 1e-3, 1e-4, 1e-4])

    def test_plateau_drops_after_epochs_without_a_better_score(self):
        rates = self.rates(schedule="plateau", drop=0.5)
        assert rates == pytest.approx([1, 1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.125])

    def test_one_cycle_rises_and_falls_once(self):
        rates = self.rates(schedule="one-cycle")
        assert rates[0] == pytest.approx(1 / 25)
        assert np.argmax(rates) == 3
        assert (np.diff(rates[3:]) < 0).all()

    def test_cosine_and_constant(self):
        assert self.rates(schedule="cosine")[5] == pytest.approx(0.5)
        assert set(self.rates(schedule="constant")) == {1.0}

    @pytest.mark.parametrize("schedule", sorted({*SCHEDULES} - {"one-cycle"}))
    def test_the_warm_up_comes_first(self, schedule):
        assert share(Recipe(epochs=10, warmup=4, schedule=schedule), 1.0, [0.1]) == pytest.approx(1.1 / 4.1)

    def test_what_cannot_be_followed_is_said(self):
        with pytest.raises(ValueError, match=r"no schedule 'cosin'; there are: cosine"):
            check(Recipe(epochs=1, schedule="cosin"), True)
        with pytest.raises(ValueError, match="needs validation scores"):
            check(Recipe(epochs=1, schedule="plateau"), False)


def test_everything_is_written_and_is_of_the_network_that_was_asked_for(finished):
    folder, graph, result = finished
    space = open_space("dna_cnn", TASK.input_shape, TASK.outputs)
    assert graph == space.graph(space.parse(DNA))
    made = artifacts.load(folder / "float", "float network")
    assert Graph.from_json(json.loads(made.files["graph.json"])) == graph
    assert QuantisedNetwork.load(folder / "int8").graph == deploy(graph).graph
    assert result.trained_parameters == sum(p.numel() for p in Network(graph).parameters())
    assert result.epochs == int(np.argmax(result.curve)) + 1
    assert result.measured_valid_float["accuracy"] == max(result.curve) > 0.3
    assert result.measured_test_int8 == {}
    assert read_training(json.loads((folder / "result.json").read_text()), "result.json") == result


def test_the_saved_weights_are_those_that_were_measured(finished):
    folder, graph, result = finished
    weights = artifacts.unpack(artifacts.load(folder / "float", "float network").files["weights.safetensors"])
    network = Network(graph)
    network.load_state_dict({k: torch.from_numpy(np.array(v)) for k, v in weights.items()})
    config, _, _ = resumed(folder)
    part = _some(TASK.data().valid, config.valid_samples, config.seed, "valid")
    assert TASK.kind.score(network.outputs(part.x), part.y) == result.measured_valid_float["accuracy"]


def test_metrics_and_curves(finished):
    folder, _, result = finished
    rows = list(csv.DictReader((folder / "metrics.csv").read_text().splitlines()))
    assert [float(r["measured_valid_float_accuracy"]) for r in rows] == list(result.curve)
    assert len(rows[0]) == 1 + len(HISTORY)
    assert float(rows[-1]["train_loss"]) < float(rows[0]["train_loss"])
    picture = ElementTree.parse(folder / "curves.svg").getroot()
    lines = [e.get("points").split() for e in picture.iter() if e.tag.endswith("polyline")]
    assert [len(points) for points in lines] == [3, 3, 3]


def test_a_picture_of_nothing_finite_is_still_one():
    picture = ElementTree.fromstring(svg("a < b", [("loss", np.array([np.nan])), ("rate", np.array([0.1]))], ("rate",)))
    assert "a < b" in "".join(picture.itertext())
    assert "nan" not in ElementTree.tostring(picture, encoding="unicode").lower()


@pytest.mark.parametrize("optimiser", ["sgd", "adam", "adamw", "muon", "rmsprop"])
def test_stopped_and_resumed_is_the_same(genes, tmp_path, optimiser):
    """The second run is stopped by its watcher after two epochs, averaged weights, moments and all, and goes on."""
    recipe = replace(RECIPE, optimiser=optimiser, learning_rate=1e-3, schedule="plateau", drop_after=1)
    graph = graph_of(str(genes))

    class StoppedError(Exception):
        pass

    def stop(what, finished, wanted):
        if finished == 2:
            raise StoppedError

    folders = [begin(config_of(recipe), graph, tmp_path / name) for name in ("whole", "cut")]
    whole = train(config_of(recipe), graph, folders[0], quiet, quiet)
    with pytest.raises(StoppedError):
        train(config_of(recipe), graph, folders[1], quiet, stop)
    assert len((tmp_path / "cut" / "metrics.csv").read_text().splitlines()) == 3
    again = train(*resumed(tmp_path / "cut"), quiet, quiet)
    assert replace(again, wall_s=0, versions={}) == replace(whole, wall_s=0, versions={})
    kept = [(tmp_path / name / "float" / "weights.safetensors").read_bytes() for name in ("whole", "cut")]
    assert kept[0] == kept[1]


def test_a_damaged_checkpoint_is_named(genes, tmp_path):
    graph = graph_of(str(genes))
    folder = begin(config_of(), graph, tmp_path / "run")
    (tmp_path / "run" / "checkpoint.safetensors").write_bytes(b"{}")
    with pytest.raises(ValueError, match="not a checkpoint of this training"):
        train(config_of(), graph, folder, quiet, quiet)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"space": "dna_cnn", "genes": [0] * 180}, r"has 181 integer genes, got 180"),
        ({"space": "dna_cnn", "genes": [15] + [0] * 180}, r"gene 'layers' is 15; .* allows 0 to 14"),
        ({"space": "dna_cnn", "genes": " | ".join(["3x3 24 <- 0"] * 16)}, "1 to 15 layers, got 16"),
        ({"space": "mcu_cnn", "genes": [0] * 181}, "another space"),
        ({"space": "mcu_cnn", "genes": DNA}, "has no notation"),
        ({"space": "nowhere", "genes": [0]}, "dna_cnn"),
        ({"genes": [0] * 181}, "--space"),
        ({"space": "dna_cnn"}, "no 'genes'"),
        ({"space": "dna_cnn", "genes": None}, "holds no genes"),
        ([{"operator": {"kind": "nothing"}}], "genes.json"),
        ("text", "genes.json"),
    ],
)
def test_wrong_genes_are_one_line_that_names_the_file(tmp_path, content, words):
    (tmp_path / "genes.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match=words) as error:
        graph_of(str(tmp_path / "genes.json"))
    assert "genes.json" in str(error.value)
    assert "\n" not in str(error.value)


def test_genes_of_another_space_than_wanted_and_networks_of_another_task(genes):
    with pytest.raises(ValueError, match="are of space 'dna_cnn', wanted 'mcu_cnn'"):
        graph_of(str(genes), "mcu_cnn")
    with pytest.raises(ValueError, match=r"nascnn15 takes \(32, 32, 3\).*digits.*\(8, 8, 1\)"):
        graph_of("nascnn15")
    with pytest.raises(ValueError, match=r"there is no file nothing\.json"):
        graph_of("nothing.json")
    with pytest.raises(ValueError, match="no network 'nascnn16'"):
        graph_of("nascnn16")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--task", "cifar10:nowhere.npz"], "no file 'nowhere.npz'"),
        (["--task", "digits:mine.npz"], "takes no data of your own"),
        (["--epochs", "0"], "epochs of a recipe is at least 1, got 0"),
        (["--samples", "-1"], "samples is at least 0"),
        (["--fidelity", "best"], "no recipe 'best'; there are: search, full"),
        (["--resume", "nowhere"], "is not a folder of `latent-nas train`"),
    ],
)
def test_wrong_input_leaves_nothing(genes, tmp_path, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        main(["train", str(genes), "--out", "run", *arguments])
    assert stop.value.code == 2
    line = capsys.readouterr().err
    assert words in line
    assert line.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_a_loss_is_written_by_its_name_and_as_it_is(tmp_path):
    """A regression has no accuracy; its errors are in the target's unit and above 0."""
    task = open_task("diabetes")
    (tmp_path / "g.json").write_text(json.dumps({"space": "mcu_cnn1d", "genes": [0] * 35}))
    graph = open_source(str(tmp_path / "g.json")).bound("diabetes", "").graph_for(task)
    config = TrainConfig("g.json", "diabetes", Recipe(epochs=2, batch=32), test=True)
    folder = begin(config, graph, tmp_path / "run")
    said: list[str] = []
    result = train(config, graph, folder, said.append, quiet)
    assert result.objective == "rmse"
    for measured in (result.measured_valid_float, result.measured_valid_int8, result.measured_test_int8):
        assert set(measured) == {"rmse", "mae", "r2"}
        assert measured["rmse"] > measured["mae"] > 1
    assert "RMSE on 90 validation samples: float" in summary(result, folder.path)
    assert "accuracy" not in json.dumps(result.to_json())
    rows = list(csv.DictReader((folder.path / "metrics.csv").read_text().splitlines()))
    assert [float(row["measured_valid_float_rmse"]) for row in rows] == list(result.curve)
    assert min(result.curve) == result.measured_valid_float["rmse"] > 0
    assert all("validation RMSE" in line and "RMSE -" not in line for line in said if line.startswith("epoch"))
    assert "validation RMSE" in (folder.path / "curves.svg").read_text()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"version": 1}, "written by release 0.1"),
        ({"version": 99}, "reads up to"),
        ({"epochs": "two"}, "result.json: epochs is 'two', wanted int"),
    ],
)
def test_another_result_is_one_line(finished, changed, words):
    with pytest.raises(ValueError, match=words):
        read_training({**json.loads((finished[0] / "result.json").read_text()), **changed}, "result.json")


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ((), ("digits_anomaly:3", "", "")),
        (("--task", "digits_anomaly:4"), ("digits_anomaly:4", "", "")),
        (("--prune-to", "flash_kb=64"), ("digits_anomaly:3", "rp2040", "native")),
        (("--prune-to", "flash_kb=64", "--device", "nrf52840"), ("digits_anomaly:3", "nrf52840", "native")),
    ],
)
def test_a_network_is_trained_for_the_task_and_pruned_for_the_device_that_its_file_names(
    words, wanted, tmp_path, monkeypatch
):
    named = {"space": "mcu_cnn", "task": "digits_anomaly:3", "device": "rp2040", "runtime": "native"}
    task, asked = open_task(named["task"]), []
    genes = open_space("mcu_cnn", task.input_shape, task.outputs).sample(np.random.default_rng(0), 1)[0]
    (tmp_path / "best.json").write_text(json.dumps({**named, "genes": genes.tolist()}))

    def trained(config, *_):
        asked.append(config)
        raise ValueError("enough")

    monkeypatch.setattr("latent_nas.jobs.train.train", trained)
    with pytest.raises(SystemExit):
        main(["train", str(tmp_path / "best.json"), "--out", str(tmp_path / "run"), *words])
    assert [(one.task, one.device, one.runtime) for one in asked] == [wanted]


def test_options_of_own_data_without_data_are_said(capsys):
    with pytest.raises(SystemExit):
        main(["train", "mlperf_resnet8", "--window", "8"])
    assert "window is for your own data; say which with --task PATH" in capsys.readouterr().err
