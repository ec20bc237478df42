"""True training and quantisation, on real digits."""

import math
from copy import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from latent_nas import seeds
from latent_nas.operators.batch_norm import BatchNorm
from latent_nas.operators.conv2d import Conv2d
from latent_nas.spaces import open_space
from latent_nas.tasks import Part, Recipe, open_task
from latent_nas.training import TrainingFailed, train
from latent_nas.training.fit import fit
from latent_nas.training.learner import Learner
from latent_nas.training.network import Network
from latent_nas.training.quantise import QuantisedNetwork, quantise
from latent_nas.training.stage import Stage

TASK = open_task("digits")
SPACE = open_space("mcu_cnn", TASK.input_shape, TASK.outputs)
GENES = (0, 3, 0, 0, 0, 3, 1, 1, 0, 2, 0, 5, 1, 1, 0, *[0] * 18, 0, 0)
QUICK = Recipe(epochs=6, learning_rate=6e-3, average=0.9)


@pytest.fixture(scope="module")
def trained():
    data = TASK.data()
    return train(SPACE.graph(GENES), TASK, QUICK, 0, data.train, data.valid)


def test_split_is_fixed_stratified_and_disjoint():
    data = TASK.data()
    assert [len(p) for p in (data.train, data.valid, data.test)] == [797, 500, 500]
    rows = [set(map(bytes, part.x)) for part in (data.train, data.valid, data.test)]
    assert not rows[0] & rows[1] | rows[0] & rows[2] | rows[1] & rows[2]
    for part in (data.train, data.valid, data.test):
        shares = np.bincount(part.y) / len(part)
        assert shares.min() > 0.09


def test_it_learns_and_int8_keeps_it(trained):
    assert trained.float_metrics["accuracy"] > 0.85
    assert abs(trained.float_metrics["accuracy"] - trained.int8_metrics["accuracy"]) < 0.03
    assert len(trained.curve) == 6
    assert trained.curve[trained.epochs - 1] == max(trained.curve) == trained.float_metrics["accuracy"]


def test_int8_outputs_are_close_to_the_floats_and_batching_changes_nothing(trained):
    x = TASK.data().valid.x[:150]
    one = trained.network.integers(x, batch=128)
    assert (one == trained.network.integers(x, batch=7)).all()
    assert one.dtype == np.int8


def test_same_seed_same_network_other_seed_another(trained):
    data = TASK.data()
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    again = train(SPACE.graph(GENES), TASK, QUICK, 0, data.train, data.valid)
    other = train(SPACE.graph(GENES), TASK, replace(QUICK, epochs=1), 1, data.train, data.valid)
    first = [c.get("weight") for c in trained.network.constants]
    assert again.curve == trained.curve
    for a, b in zip(first, again.network.constants, strict=True):
        assert a is None or (a == b["weight"]).all()
    assert any(a is not None and (a != b["weight"]).any() for a, b in zip(first, other.network.constants, strict=True))
    assert (before[0] == torch.get_rng_state()).all()
    assert (before[1] == np.random.get_state()[1]).all()


def test_a_fixed_number_of_epochs_never_looks_at_the_judge():
    data = TASK.data()
    garbage = Part(data.valid.x[:50], (data.valid.y[:50] + 1) % 10)
    runs = [train(SPACE.graph(GENES), TASK, QUICK, 0, data.train, p, stop_at=2) for p in (data.valid, garbage)]
    assert [r.epochs for r in runs] == [2, 2]
    for a, b in zip(runs[0].network.constants, runs[1].network.constants, strict=True):
        assert "weight" not in a or (a["weight"] == b["weight"]).all()


@pytest.mark.parametrize("to_end", [False, True])
def test_without_a_judge_all_epochs_of_the_recipe_are_run_and_counted(to_end):
    data, graph = TASK.data(), SPACE.graph(GENES)
    stage = Stage(TASK, replace(QUICK, epochs=2, to_end=to_end), 0, data.train)
    model, curve, epochs = fit(graph, stage)
    assert (curve, epochs) == ([], 2)
    told, _, _ = fit(graph, replace(stage, stop_at=2))
    assert (model.outputs(data.valid.x) == told.outputs(data.valid.x)).all()


def test_early_stopping_ends_after_patience_and_keeps_the_best():
    data = TASK.data()
    recipe = replace(QUICK, epochs=30, patience=1, learning_rate=0.05, average=0.0)
    run = train(SPACE.graph(GENES), TASK, recipe, 0, data.train, data.valid)
    assert len(run.curve) < 30
    assert run.epochs == int(np.argmax(run.curve)) + 1 == len(run.curve) - 1


def test_the_weights_are_those_of_the_best_epoch_not_of_the_last():
    data = TASK.data()
    recipe = replace(QUICK, epochs=30, patience=1, learning_rate=0.05, average=0.0)
    run = train(SPACE.graph(GENES), TASK, recipe, 0, data.train, data.valid)
    assert run.curve[-1] < max(run.curve)
    assert run.float_metrics["accuracy"] == max(run.curve)


def test_an_epoch_that_scores_nan_is_not_the_best(monkeypatch):
    task, given = open_task("digits"), iter([math.nan, 0.2, math.nan, 0.4, math.nan])
    monkeypatch.setattr(task, "kind", copy(task.kind))
    monkeypatch.setattr(task.kind, "score", lambda outputs, targets: next(given), raising=False)
    data = task.data()
    stage = Stage(task, replace(QUICK, epochs=5, patience=9), 0, data.train, data.valid)
    _, curve, epochs = fit(SPACE.graph(GENES), stage)
    assert epochs == 4
    assert math.isnan(curve[-1])


def test_activations_are_calibrated_on_512_training_samples(trained):
    """Few samples would miss the largest activations, which the int8 network then clips."""
    x = TASK.data().train.x
    exact, few = (quantise(SPACE.graph(GENES), trained.model, x[:n]) for n in (512, 8))
    assert trained.network.quants == exact.quants != few.quants


def test_the_moving_average_starts_with_the_first_steps():
    """Its decay is at most done / (done + 9): the random weights of the beginning are soon gone."""
    data = TASK.data()
    recipe = replace(QUICK, average=0.999, batch=len(data.train))  # a step an epoch
    model = Network(SPACE.graph(GENES))
    learner = Learner(model, TASK, recipe, 0, data.train)
    expected = [weight.detach().clone() for weight in model.parameters()]
    for done in (1, 2, 3):
        learner.epoch(done - 1, [])
        share = 1 - done / (done + 9)
        expected = [a + share * (w.detach() - a) for a, w in zip(expected, model.parameters(), strict=True)]
    for average, wanted in zip(learner.judged.parameters(), expected, strict=True):
        assert torch.allclose(average, wanted, atol=1e-6)


@pytest.mark.parametrize("optimiser", ["sgd", "adamw"])
def test_balanced_classes_and_both_optimisers_learn(optimiser):
    data = TASK.data()
    keep = np.flatnonzero((data.train.y < 5) | (seeds.rng(0, "drop").random(797) < 0.3))
    skewed = Part(data.train.x[keep], data.train.y[keep])
    rate = 0.05 if optimiser == "sgd" else 6e-3
    recipe = replace(QUICK, optimiser=optimiser, balanced=True, learning_rate=rate)
    assert train(SPACE.graph(GENES), TASK, recipe, 0, skewed, data.valid).float_metrics["accuracy"] > 0.7


def test_divergence_is_said():
    data = TASK.data()
    with pytest.raises(TrainingFailed, match=r"loss became (nan|inf)"):
        train(SPACE.graph(GENES), TASK, replace(QUICK, optimiser="sgd", learning_rate=1e18), 0, data.train, data.valid)


def test_saved_network_runs_equal_and_a_damaged_one_is_refused(trained, tmp_path):
    trained.network.save(tmp_path / "net", {"space": "mcu_cnn"})
    again = QuantisedNetwork.load(tmp_path / "net")
    x = TASK.data().valid.x[:20]
    assert (again.integers(x) == trained.network.integers(x)).all()
    file = tmp_path / "net" / "integers.safetensors"
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(ValueError, match="sha256"):
        QuantisedNetwork.load(tmp_path / "net")


def test_folding_a_norm_changes_no_output():
    rng = seeds.rng(0, "fold")
    weights = {"weight": rng.normal(size=(3, 1, 1, 2)), "bias": rng.normal(size=3)}
    own = {"weight": rng.normal(size=3), "bias": rng.normal(size=3), "running_mean": rng.normal(size=3)}
    own["running_var"] = rng.uniform(0.5, 2, 3)
    x = rng.normal(size=(10, 2))
    folded = BatchNorm().fold(weights, own)
    plain = x @ weights["weight"][:, 0, 0].T + weights["bias"]
    normed = (plain - own["running_mean"]) / np.sqrt(own["running_var"] + 1e-5) * own["weight"] + own["bias"]
    assert x @ folded["weight"][:, 0, 0].T + folded["bias"] == pytest.approx(normed)


def test_a_convolution_of_one_channel_is_right_whatever_its_steps():
    """OneDNN read beyond narrow images where only columns are left out; unfolded in double precision nothing does."""
    random = np.random.default_rng(0)
    for _ in range(60):
        kernel, stride = tuple(random.integers(1, 5, 2).tolist()), tuple(random.integers(1, 5, 2).tolist())
        height, width = (int(k + random.integers(0, 6)) for k in kernel)
        module = Conv2d(int(random.integers(1, 9)), kernel, stride, "valid").module((height, width, 1))
        module = module.to(memory_format=torch.channels_last)
        x = torch.from_numpy(random.normal(size=(24, height, width, 1)).astype(np.float32)).permute(0, 3, 1, 2)
        made = module(x)
        columns = torch.nn.functional.unfold(x.double().contiguous(), kernel, stride=stride)
        weight, bias = (v.detach().double() for v in (module.weight, module.bias))
        wanted = (weight.reshape(len(weight), -1) @ columns + bias[:, None]).reshape(made.shape)
        assert (made.double() - wanted).abs().max() < 1e-4, (kernel, stride, height, width)
