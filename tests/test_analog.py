"""Analog memory: the device against hand-worked figures, weights on it, and networks that are trained for it."""

import json

import numpy as np
import pytest
import torch

from latent_nas import artifacts, seeds
from latent_nas.analog.aware import CLIP, NOISE, make_aware, settle
from latent_nas.analog.crossbar import Crossbar, accuracies
from latent_nas.analog.pcm import Pcm
from latent_nas.evaluators import Job
from latent_nas.evaluators.analog import record_of
from latent_nas.spaces import open_space
from latent_nas.target import Target, open_target
from latent_nas.training.network import Network

IDEAL = Pcm(programming=0, read=0, drift=0)
SPACE = "resnet_analog:first=8;stages=1;repeats=1;block=A,C;width=1;branches=1"
TARGET = Target(SPACE, "digits", "stm32h743", "cmsis_nn")
DAY, MONTH = 86_400.0, 30 * 86_400.0


@pytest.fixture
def rng():
    return seeds.rng(0, "analog tests")


@pytest.mark.parametrize(("target", "std_us"), [(0.5, 0.952705), (1.0, 1.05538)])
def test_programming_noise_is_the_published_polynomial(rng, target, std_us):
    reached = Pcm().program(np.full(100_000, target), rng)
    assert reached.std() * 25 == pytest.approx(std_us, rel=0.02)
    assert reached.mean() == pytest.approx(target, abs=0.001)
    assert Pcm().program(np.zeros(1000), rng).min() == 0


@pytest.mark.parametrize(("target", "mean", "std"), [(1.0, 0.049, 0.008), (0.02, 0.085036, 0.043)])
def test_drift_exponents_are_those_published(rng, target, mean, std):
    found = Pcm().exponents(np.full(200_000, target), rng)
    if target == 1.0:
        assert found.std() == pytest.approx(std, rel=0.02)
    assert found.min() >= 0
    assert found.mean() == pytest.approx(mean, rel=0.02)


def test_drift_and_read_noise_at_a_day_worked_out_by_hand(rng):
    ones = np.ones(100_000)
    drifted = Pcm(read=0).at(ones, 0.05 * ones, ones, DAY, rng)
    assert drifted == pytest.approx((86_420 / 20) ** -0.05)
    read = Pcm().at(ones, 0 * ones, ones, DAY, rng)
    assert read.std() == pytest.approx(0.0088 * np.sqrt(np.log(86_420 / 5e-7)), rel=0.02)
    assert (Pcm(read=0).at(ones, 0.05 * ones, ones, 0.0, rng) == 1).all()


def test_an_ideal_device_returns_the_weights_and_drift_alone_is_compensated(rng):
    weight = rng.normal(size=(16, 8, 3, 3))
    assert Crossbar(weight, IDEAL, rng).weight(MONTH, rng) == pytest.approx(weight)
    drifting = Crossbar(weight, Pcm(programming=0, read=0), rng)
    later = drifting.weight(MONTH, rng)
    assert np.abs(later).mean() == pytest.approx(np.abs(weight).mean())
    assert 0.01 < np.abs(later - weight).mean() / np.abs(weight).mean() < 0.3
    assert Crossbar(np.zeros((2, 2)), IDEAL, rng).weight(DAY, rng).tolist() == [[0, 0], [0, 0]]


def network(seed=0):
    with seeds.isolated(seed):
        return Network(open_space(SPACE, (8, 8, 1), 10).graph((0, 0, 0, 0, 0, 0)))


def test_accuracies_change_no_network_and_depend_on_the_seed_alone():
    model, x = network(), np.random.default_rng(0).normal(size=(20, 8, 8, 1)).astype(np.float32)
    clean = model.outputs(x)

    def off(twin):
        return float(np.abs(twin.outputs(x) - clean).mean())

    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    found = accuracies(model, off, 1, drawings=3)
    assert found.shape == (3, 4)
    assert (found == accuracies(model, off, 1, drawings=3)).all()
    assert (found[:2] == accuracies(model, off, 1, drawings=2)).all()
    assert (found != accuracies(model, off, 2, drawings=3)).all()
    assert (torch.get_rng_state() == before[0]).all()
    assert (np.random.get_state()[1] == before[1]).all()
    assert (model.outputs(x) == clean).all()
    assert accuracies(model, off, 1, drawings=1, pcm=IDEAL) == pytest.approx(0, abs=1e-5)
    assert found.min() > 0


def test_aware_weights_are_clipped_and_noisy_only_while_training():
    model, plain = network(), network()
    names = set(model.state_dict())
    for one in (model, plain):
        one.operators[1].weight.data[0, 0, 0, 0] = 3.0  # far beyond the rest
    make_aware(model)
    layer, weight = model.operators[1], plain.operators[1].weight.detach()
    bound = CLIP * weight.std(correction=0)
    clipped = weight.clamp(-bound, bound)
    model.eval()
    assert torch.equal(layer.weight, clipped)
    assert (clipped != weight).any()
    model.train()
    with seeds.isolated(1), torch.no_grad():
        noise = torch.stack([layer.weight - clipped for _ in range(400)])
    assert float(noise.std()) == pytest.approx(NOISE * float(clipped.abs().max()), rel=0.02)
    settle(model)
    assert torch.equal(layer.weight, clipped)
    assert set(model.state_dict()) == names


def test_a_record_says_what_the_network_is_worth_in_analog_memory(tmp_path):
    job = Job((0, 0, 0, 0, 0, 0), 3, keep=str(tmp_path / "kept"))
    record = record_of(TARGET, job)
    assert record.ok
    metrics = record.measured_beside
    assert record.measured_int8 == {}  # nothing was quantised
    assert record.score == metrics["analog_accuracy_1d"]
    assert 0.2 < record.score < record.measured_float["accuracy"]
    assert metrics["analog_variation_1month"] == metrics["analog_accuracy_1s"] - metrics["analog_accuracy_1month"]
    assert all(0 < metrics[f"analog_accuracy_{t}_std"] < 0.2 for t in ("1s", "1h", "1d", "1month"))
    kept = Network.load(tmp_path / "kept")
    assert kept.graph.to_json() == open_target(TARGET).space.graph(job.genes).to_json()
    assert artifacts.load(tmp_path / "kept", "float network").made == json.loads(json.dumps(record.to_json()))
    again = record_of(TARGET, job)
    assert again.measured_beside == metrics
