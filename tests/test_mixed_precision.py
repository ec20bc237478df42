"""Trainings in bfloat16: they compute otherwise, learn as well; weights, judging and all else are float32."""

import logging
from dataclasses import replace

import numpy as np
import pytest
import torch

from latent_nas import seeds
from latent_nas.cli import main
from latent_nas.spaces import open_space
from latent_nas.tasks import Part, Recipe, open_task
from latent_nas.training import mixed_precision, train
from latent_nas.training.fit import fit
from latent_nas.training.network import Network, to_tensor
from latent_nas.training.stage import Stage
from latent_nas.training.teacher import Teacher

TASK = open_task("digits")
SPACE = open_space("mcu_cnn", TASK.input_shape, TASK.outputs)
GENES = [0, 1, 0, 0, 0, 3, 1, 1] + [0] * 27  # a stem and a stage of a plain convolution
GRAPH = SPACE.graph(tuple(map(int, SPACE.canonical(np.array([GENES]))[0])))
SEPARABLE = SPACE.graph(tuple(map(int, SPACE.canonical(np.array([[0, 1, 0, 1, 0, 3, 1, 1] + [0] * 27]))[0])))
PLAIN = Recipe(epochs=4, batch=32, learning_rate=2e-2, to_end=True)
MIXED = replace(PLAIN, bf16=True)


def part(n):
    data = TASK.data()
    return Part(data.train.x[:n], data.train.y[:n]), data.valid


def test_it_rounds_products_and_returns_float32():
    with seeds.isolated(0):
        model = Network(GRAPH).train()
    inputs = to_tensor(part(64)[0].x)
    mixed, plain = mixed_precision.outputs(model, inputs, True), mixed_precision.outputs(model, inputs, False)
    assert mixed.dtype == plain.dtype == torch.float32
    assert not torch.equal(mixed, plain)
    assert (mixed - plain).abs().max() < 0.1 * plain.abs().max()
    mixed.sum().backward()
    assert {p.grad.dtype for p in model.parameters()} == {torch.float32}


def test_depthwise_convolutions_stay_in_float32():
    model, seen = Network(SEPARABLE).train(), {}
    for module in model.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.register_forward_hook(lambda m, _, made: seen.update({m.groups > 1: made.dtype}))
    mixed_precision.outputs(model, to_tensor(part(8)[0].x), True)
    assert seen == {False: torch.bfloat16, True: torch.float32}


@pytest.mark.parametrize("space", ["dna_cnn", "mcu_cnn1d", "tiny_transformer"])
def test_networks_of_other_spaces_learn_in_it(space):
    task = open_task({"mcu_cnn1d": "mnist1d", "tiny_transformer": "char_lm"}.get(space, "digits"))
    there = open_space(space, task.input_shape, task.outputs)
    graph = there.graph(tuple(map(int, there.canonical(there.sample(seeds.rng(1, "bf16"), 1))[0])))
    x = seeds.rng(0, "x").normal(size=(16, *task.input_shape)).astype(np.float32)
    given = to_tensor(x) if len(task.input_shape) == 3 else torch.zeros((16, *task.input_shape), dtype=torch.int64)
    model = Network(graph).train()
    loss = mixed_precision.outputs(model, given, True).square().mean()
    loss.backward()
    assert torch.isfinite(loss)
    assert all(p.grad is None or torch.isfinite(p.grad).all() for p in model.parameters())


def test_a_network_learns_as_well_the_same_each_time_and_is_judged_in_float32():
    learn, valid = part(700)
    plain, mixed, again = (train(GRAPH, TASK, recipe, 0, learn, valid) for recipe in (PLAIN, MIXED, MIXED))
    assert mixed.float_metrics == again.float_metrics
    assert not np.array_equal(plain.outputs, mixed.outputs)
    assert abs(plain.float_metrics["accuracy"] - mixed.float_metrics["accuracy"]) < 0.06
    assert mixed.float_metrics["accuracy"] > 0.6
    assert {value.dtype for value in mixed.model.state_dict().values()} <= {torch.float32, torch.int64}
    assert np.array_equal(mixed.outputs, mixed.model.outputs(valid.x))


@pytest.mark.parametrize("weight_bits", [8, 4])
def test_integers_are_fine_tuned_without_it(weight_bits):
    learn, valid = part(100)
    recipe = replace(MIXED, epochs=1, qat="always")
    made = train(GRAPH, TASK, recipe, 0, learn, valid, weight_bits=weight_bits)
    assert made.without_qat
    assert np.array_equal(made.answers, made.network.outputs(valid.x))


def test_a_training_that_was_stopped_goes_on_to_the_same_end(tmp_path):
    stage = Stage(TASK, MIXED, 0, part(300)[0])
    kept = replace(stage, keep=tmp_path / "state")
    whole = fit(GRAPH, stage)[0]
    fit(GRAPH, kept, pause=2)
    resumed = fit(GRAPH, kept)[0]
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), resumed.parameters(), strict=True))


def test_a_teacher_answers_in_it_as_well():
    learn, _ = part(300)
    teacher = Teacher.of([fit(GRAPH, Stage(TASK, PLAIN, 1, learn))[0].eval()], learn.x)
    inputs = to_tensor(learn.x[:8])
    assert teacher(inputs, True).dtype == torch.float32
    assert not torch.equal(teacher(inputs, True), teacher(inputs))


def test_a_processor_without_it_is_said_once(monkeypatch, caplog):
    for flags, lines in (({"avx2": True}, 1), ({"avx2": True, "avx512_bf16": True}, 0), ({"bf16": True}, 0)):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda flags=flags: flags, raising=False)
        mixed_precision.warn.cache_clear()
        caplog.clear()
        with caplog.at_level(logging.WARNING, "latent_nas"):
            mixed_precision.warn("cpu")
            mixed_precision.warn("cpu")
        assert len(caplog.messages) == lines
        assert all("take longer" in line for line in caplog.messages)


def test_the_command_takes_it(tmp_path):
    network = tmp_path / "genes.json"
    network.write_text(f'{{"space": "mcu_cnn", "genes": {GENES}}}')
    run = tmp_path / "run"
    with pytest.raises(SystemExit) as end:
        main(["train", str(network), "--task=digits", "--epochs=1", "--samples=200", "--bf16", "--out", str(run)])
    assert end.value.code == 0
    assert '"bf16": true' in (run / "config.json").read_text()
