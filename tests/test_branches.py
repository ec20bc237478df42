"""Re-parameterised training: branches fold exactly into the network of the graph, through every way to train it."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from killed import gone_on

from latent_nas import seeds
from latent_nas.cli import main
from latent_nas.evaluators import Job
from latent_nas.evaluators.analog import Analog
from latent_nas.evaluators.work import record_of
from latent_nas.graph import Builder
from latent_nas.operators.batch_norm import BatchNorm
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.dense import Dense
from latent_nas.operators.flatten import Flatten
from latent_nas.operators.global_pool import GlobalPool
from latent_nas.spaces import open_space
from latent_nas.target import MAIN_TARGET, Target
from latent_nas.tasks import Part, Recipe, open_task
from latent_nas.training import check, train
from latent_nas.training.branches import Branches, branch
from latent_nas.training.fold import fold
from latent_nas.training.network import Network, to_tensor
from latent_nas.training.quantise import quantise

TASK = open_task("digits")
SPACE = open_space("mcu_cnn", TASK.input_shape, TASK.outputs)
GENES = (0, 3, 0, 0, 0, 3, 1, 1, 0, 2, 0, 5, 1, 1, 0, *[0] * 18, 0, 0)
QUICK = Recipe(epochs=2, learning_rate=6e-3, average=0.9, branches=2)


def drawn(graph, copies, seed=0):
    """A network with branches whose norms have drawn statistics, as after a training."""
    torch.manual_seed(seed)
    model = Network(graph)
    branch(model, copies)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.normal_()
                module.running_var.uniform_(0.2, 2)
                module.weight.normal_()
                module.bias.normal_()
    return model.eval()


def far(graph, copies, seed=0):
    """By how much a network and what it is folded into differ at most, against the size of their outputs."""
    model, x = drawn(graph, copies, seed), np.random.default_rng(seed).normal(size=(3, *graph.input_shape))
    x = x.astype(np.float32)
    before, after = model.outputs(x), fold(model, x).outputs(x)
    assert np.ptp(before) > 0
    return np.abs(before - after).max() / np.abs(before).max()


class TestFold:
    @pytest.mark.parametrize("copies", [1, 3])
    @pytest.mark.parametrize(("space", "shape"), [("mcu_cnn", (9, 12, 2)), ("mcu_cnn1d", (24, 6, 2))])
    def test_random_networks_compute_the_same(self, space, shape, copies):
        opened, many = open_space(space, shape, 5), set()
        for seed, genes in enumerate(opened.canonical(opened.sample(seeds.rng(0, "branches"), 8))):
            graph = opened.graph(tuple(map(int, genes)))
            many |= {m.many for m in drawn(graph, copies).modules() if isinstance(m, Branches)}
            assert far(graph, copies, seed) < 1e-4
        assert many >= {copies + 1, copies + 2}

    @pytest.mark.parametrize(
        ("convolution", "many"),
        [
            (Conv2d(4), 3),  # k x k, 1 x 1 and the input
            (Conv2d(4, bias=False, stride=(2, 2)), 2),
            (Conv2d(6, (3, 3)), 2),
            (Conv2d(4, (5, 3), groups=4), 3),
            (Conv2d(4, (3, 3), groups=2), 3),
            (Conv2d(8, (2, 2), groups=4), 2),
            (Conv2d(4, (2, 4)), 3),
            (Conv2d(4, (3, 3), padding="valid"), 2),
            (Conv2d(4, (3, 3), padding=(2, 2, 2, 2)), 1),  # windows whose middles lie beside the image
            (Conv2d(4, (1, 1)), 2),
            (Conv2d(6, (1, 1)), 1),
            (Conv2d(4, (5, 7), padding=(2, 2, 0, 0)), 2),  # as long as the image along one axis
        ],
    )
    def test_any_window_padding_and_groups(self, convolution, many):
        build = Builder((6, 7, 4))
        pooled = build.add(GlobalPool(), build.add(BatchNorm(), build.add(convolution, 0)))
        build.add(Dense(5), pooled)
        graph = build.build()
        model = drawn(graph, 1)
        assert getattr(model.operators[1], "many", 1) == many
        assert far(graph, 1) < 1e-5

    def test_the_sum_begins_as_loud_as_one_norm(self):
        build = Builder((6, 6, 4))
        build.add(BatchNorm(), build.add(Conv2d(4, bias=False), 0))
        torch.manual_seed(0)
        model = Network(build.build())
        branch(model, 2)
        x = np.random.default_rng(0).normal(size=(200, 6, 6, 4)).astype(np.float32)
        model.train()
        assert 0.6 < float(model(to_tensor(x)).detach().var()) < 1.6  # four branches of a variance of 1 would have 4


class TestTraining:
    def test_the_folded_network_learns_on_from_what_it_computes(self):
        data, graph = TASK.data(), SPACE.graph(GENES)
        model = train(graph, TASK, replace(QUICK, epochs=6, to_end=True), 0, data.train, data.valid).model
        x, y = data.train.x[-400:], data.train.y[-400:]
        there = TASK.kind.score(model.outputs(x), y)
        assert there > 0.8
        model.train()  # by the statistics of the batch, as an epoch begins
        with torch.no_grad():
            assert TASK.kind.score(model(to_tensor(x)).numpy(), y) > there - 0.03

    def test_what_comes_out_is_the_networks_own(self, tmp_path):
        data, graph = TASK.data(), SPACE.graph(GENES)
        made = train(graph, TASK, replace(QUICK, to_end=True), 0, data.train, data.valid)
        plain = train(graph, TASK, replace(QUICK, to_end=True, branches=0), 0, data.train, data.valid)
        assert made.model.state_dict().keys() == plain.model.state_dict().keys()
        assert made.network.graph == plain.network.graph
        assert not np.array_equal(made.outputs, plain.outputs)
        score = TASK.kind.score(made.outputs, data.valid.y)
        assert abs(score - made.curve[-1]) <= 0.002  # of the branches, before they were folded
        assert score > 0.3

    @pytest.mark.parametrize("to_end", [False, True])
    def test_a_killed_training_goes_on_to_the_same_network(self, to_end, tmp_path):
        data, graph = TASK.data(), SPACE.graph(GENES)
        learn = Part(data.train.x[:300], data.train.y[:300])
        given = graph, TASK, replace(QUICK, epochs=3, to_end=to_end, qat="always"), 0, learn, data.valid
        whole = train(*given)
        resumed = gone_on(*given, keep=tmp_path / "state.safetensors")
        assert np.array_equal(resumed.outputs, whole.outputs)
        assert np.array_equal(resumed.answers, whole.answers)

    def test_four_bits_follow(self):
        data, graph = TASK.data(), SPACE.graph(GENES)
        learn = Part(data.train.x[:300], data.train.y[:300])
        made = train(graph, TASK, replace(QUICK, qat="auto"), 0, learn, data.valid, weight_bits=4)
        assert {n.operator.bits for n in made.network.graph.nodes if isinstance(n.operator, (Conv2d, Dense))} >= {4}
        assert made.qat_epochs > 0

    def test_integers_are_of_the_folded_network(self):
        graph, data = SPACE.graph(GENES), TASK.data()
        made = train(graph, TASK, QUICK, 0, data.train, data.valid)
        again = quantise(graph, made.model, data.train.x[:512])
        assert np.array_equal(again.outputs(data.valid.x), made.network.outputs(data.valid.x))


class TestRefused:
    def test_networks_without_batch_norm(self):
        build = Builder(TASK.input_shape)
        build.add(Dense(10), build.add(Flatten(), build.add(Conv2d(4), 0)))
        with pytest.raises(ValueError, match="batch norm behind"):
            check(QUICK, TASK, build.build())

    def test_text_and_analog_memory(self):
        with pytest.raises(ValueError, match="text"):
            check(QUICK, open_task("char_lm"))
        Analog.check(MAIN_TARGET)
        with pytest.raises(ValueError, match="leave branches out"):
            Analog.check(replace(MAIN_TARGET, full_recipe=("branches=1",)))

    def test_a_number_out_of_range(self):
        with pytest.raises(ValueError, match="branches of a recipe is 0 to 8, got 9"):
            replace(QUICK, branches=9)


@pytest.fixture(scope="module")
def perceptrons(tmp_path_factory):
    """The file of a space of dense layers."""
    text = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    text = '"""Perceptrons' + text.split('"""Perceptrons')[1].split("```")[0]
    file = tmp_path_factory.mktemp("own") / "flat.py"
    file.write_text(text.replace('name = "perceptron"', 'name = "flat"'))
    return str(file)


class TestSearches:
    """Of spaces whose networks can't have branches, or can't all."""

    @pytest.mark.parametrize("asked", ["branches=1", "whiten=true"])
    def test_a_space_where_none_can_is_refused_before_a_folder_is_made(self, perceptrons, asked, tmp_path, capsys):
        line = ["search", "--task", "digits", "--space", perceptrons, "--strategy", "random", "--trainings", "2"]
        with pytest.raises(SystemExit, match="2"):
            main([*line, "--recipe", asked, "--out", str(tmp_path / "run")])
        assert "of 16 networks drawn from space 'flat' none can be trained so" in capsys.readouterr().err
        assert not (tmp_path / "run").exists()

    def test_one_network_is_refused_before_it_is_validated(self, perceptrons, tmp_path, capsys):
        names = {"space": perceptrons, "task": "digits", "device": "stm32f405", "runtime": "native"}
        (tmp_path / "genes.json").write_text(json.dumps({**names, "genes": [2, 0]}))
        line = ["validate", str(tmp_path / "genes.json"), "--recipe", "branches=1", "--out", str(tmp_path / "run")]
        with pytest.raises(SystemExit, match="2"):
            main(line)
        assert "this network has none; leave branches out" in capsys.readouterr().err
        assert not (tmp_path / "run").exists()

    def test_one_network_of_a_space_where_others_can_fails_as_a_record(self, perceptrons):
        target = Target(perceptrons, "digits", "stm32f405", "native", full_recipe=("branches=1", "epochs=1"))
        record = record_of(target, Job((2, 0), 0, "full"))
        assert record.status == "failed"
        assert record.reason.startswith("Unsuited: branches are for convolutions")


def test_the_command_refuses_before_it_makes_a_folder(tmp_path, capsys):
    build = Builder(TASK.input_shape)
    build.add(Dense(10), build.add(Flatten(), build.add(Conv2d(4), 0)))
    (tmp_path / "graph.json").write_text(json.dumps(build.build().to_json()))
    out = tmp_path / "run"
    with pytest.raises(SystemExit, match="2"):
        main(["train", str(tmp_path / "graph.json"), "--task", "digits", "--branches", "1", "--out", str(out)])
    assert "this network has none; leave branches out" in capsys.readouterr().err
    assert not out.exists()
