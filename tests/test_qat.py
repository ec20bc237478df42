"""Quantisation-aware training: forward it is the int8 network bit by bit, it helps, and kills cost nothing."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from latent_nas import seeds
from latent_nas.cli import main
from latent_nas.evaluators import Job
from latent_nas.evaluators.work import record_of
from latent_nas.jobs.train_config import recipe_of
from latent_nas.spaces import open_space
from latent_nas.target import MAIN_TARGET, open_target
from latent_nas.tasks import Recipe, open_task
from latent_nas.tasks.digits import Digits
from latent_nas.training import aware, train
from latent_nas.training.fake_quantised import FakeQuantised
from latent_nas.training.network import Network, to_tensor
from latent_nas.training.quantise import quantise, weights_of
from latent_nas.training.stage import Stage

TASK = open_task("digits")
SPACE = open_space("mcu_cnn", TASK.input_shape, TASK.outputs)
GENES = (0, 3, 0, 0, 0, 3, 1, 1, 0, 2, 0, 5, 1, 1, 0, *[0] * 18, 0, 0)
QUICK = Recipe(epochs=4, learning_rate=6e-3, average=0.9)


def fake_of(graph, x, seed=0):
    """A fake-quantised network with drawn weights, norms and moves of its scales."""
    torch.manual_seed(seed)
    model = Network(graph)
    with torch.no_grad():
        for name, value in model.state_dict().items():
            if name.endswith("running_var"):
                value.uniform_(0.02, 0.2)
    fake = FakeQuantised(quantise(graph, model, x), weights_of(graph, model), held=False)
    with torch.no_grad():
        for parameter in (fake.moves, *fake.weight_moves.values()):
            parameter.uniform_(-0.4, 0.2)
    return fake


def equal(fake, x):
    """Whether the forward pass, put on integers, is the int8 reference's output."""
    made, network = fake(to_tensor(x)), fake.integers()
    quant = network.quants[-1]
    forward = np.rint(made.detach().numpy() / quant.scale).astype(int) + quant.zero_point
    assert len(np.unique(forward)) > 3
    return (forward == network.integers(x)).all()


class TestForward:
    def test_it_is_the_int8_network_of_any_image_network(self):
        rng, kernels = seeds.rng(0, "qat"), set()
        for seed, genes in enumerate(SPACE.canonical(SPACE.sample(rng, 12))):
            graph = SPACE.graph(tuple(map(int, genes)))
            x = rng.normal(size=(5, *TASK.input_shape)).astype(np.float32)
            fake = fake_of(graph, x, seed)
            assert equal(fake, x)
            kernels |= {n.operator.kernel(*fake.graph.shapes_into(n)) for n in fake.graph.nodes[1:]}
        assert kernels >= {"conv2d", "pointwise", "depthwise", "add", "global_pool", "dense"}

    @pytest.mark.parametrize("space", ["mcu_cnn1d", "dna_cnn"])
    def test_it_is_that_of_other_spaces(self, space):
        rng = seeds.rng(1, "qat")
        opened = open_space(space, (16, 16, 2), 7)
        for genes in opened.canonical(opened.sample(rng, 3)):
            x = rng.normal(size=(3, 16, 16, 2)).astype(np.float32)
            assert equal(fake_of(opened.graph(tuple(map(int, genes))), x), x)

    def test_it_is_that_of_a_text(self):
        rng = seeds.rng(2, "qat")
        opened = open_space("tiny_transformer", (12,), 64)
        (genes,) = opened.canonical(opened.sample(rng, 1))
        graph = opened.graph(tuple(map(int, genes)))
        x = rng.integers(graph.input.vocabulary, size=(3, 12))
        fake = fake_of(graph, x)
        assert equal(fake, x)
        fake(to_tensor(x)).square().mean().backward()
        assert all(p.grad is not None for p in fake.operators.parameters())

    def test_gradients_reach_weights_and_scales(self):
        x = TASK.data().train.x[:32]
        fake = fake_of(SPACE.graph(GENES), x)
        fake(to_tensor(x)).square().mean().backward()
        assert all(p.grad.abs().sum() > 0 for p in fake.parameters())


class TestTuning:
    def test_it_recovers_what_coarse_integers_lose_and_goes_on_after_a_kill(self, tmp_path):
        data, graph = TASK.data(), SPACE.graph(GENES)
        plain = train(graph, TASK, QUICK, 0, data.train, data.valid)
        coarse = quantise(graph, plain.model, data.train.x[:3])  # ranges of three samples: the others saturate
        before = TASK.kind.measure(coarse.outputs(data.valid.x), data.valid.y)["accuracy"]
        given, stage = (graph, plain.model, coarse), Stage(TASK, QUICK, 0, data.train, data.valid)
        whole = aware.tune(*given, stage)
        after = TASK.kind.measure(whole.network.outputs(data.valid.x), data.valid.y)["accuracy"]
        assert after == max(whole.curve)
        assert after > before
        state = tmp_path / "state"

        def kill(history):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            aware.tune(*given, replace(stage, keep=state, watch=kill))
        resumed = aware.tune(*given, replace(stage, keep=state))
        assert resumed.curve == whole.curve
        for one, other in zip(resumed.network.constants, whole.network.constants, strict=True):
            assert all((one[name] == other[name]).all() for name in other)

    def test_auto_looks_at_what_is_lost(self):
        def lost(points, policy="auto"):
            return aware.wanted(TASK, policy, {"accuracy": 0.9}, {"accuracy": 0.9 - points / 100})

        assert not lost(0.3)
        assert lost(0.31)
        assert lost(0, "always")
        assert not lost(9, "never")
        diabetes = open_task("diabetes")
        name = diabetes.kind.metric.name
        without = diabetes.baseline().metrics[name]
        assert aware.wanted(diabetes, "auto", {name: 0.7 * without}, {name: 0.71 * without})
        assert not aware.wanted(diabetes, "auto", {name: 0.7 * without}, {name: 0.7001 * without})

    def test_final_trainings_follow_the_validation_run(self, monkeypatch):
        monkeypatch.setattr(Digits, "recipes", {**Digits.recipes, "full": replace(QUICK, epochs=2)})
        target = replace(MAIN_TARGET, qat="always")
        check = record_of(target, Job(GENES, 1, "full"))
        without = record_of(replace(target, qat="never"), Job(GENES, 1, "full"))
        assert check.measured_without_qat == without.measured_int8
        assert without.measured_without_qat == {}
        assert check.measured_int8["accuracy"] >= without.measured_int8["accuracy"]
        job = Job(GENES, 2, "full", part="test", epochs=2, qat_epochs=2)
        tuned, plain = record_of(target, job), record_of(target, replace(job, qat_epochs=0))
        assert (tuned.qat_epochs, plain.qat_epochs) == (2, 0)
        assert tuned.measured_without_qat == plain.measured_int8
        assert tuned.measured_float == plain.measured_float
        assert open_target(target).target.recipe(TASK, "search").qat == "never"


def test_a_wrong_word_and_the_default():
    assert recipe_of("digits", "full").qat == "auto"
    assert recipe_of("digits", "full", qat="never").qat == "never"
    with pytest.raises(ValueError, match=r"qat is one of auto, always, never, got 'allways'.*always"):
        aware.check("allways")


def test_the_command_says_what_it_did(tmp_path, capsys):
    genes = tmp_path / "genes.json"
    genes.write_text('{"space": "dna_cnn", "genes": "3x3 24 /2 <- 0 | 3x3 24 pool2 <- 1"}')
    out = str(tmp_path / "run")
    words = ["train", str(genes), "--epochs", "1", "--samples", "128", "--valid-samples", "100", "--qat", "always"]
    with pytest.raises(SystemExit, match="0"):
        main([*words, "--out", out])
    printed = capsys.readouterr()
    assert "quantisation-aware training: int8 accuracy" in printed.out + printed.err
