"""4-bit weights of convolutions: what they cost, what they lose, and who decides which layers have them."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from test_kernels import four_bits
from test_qat import GENES, QUICK, SPACE, TASK, equal, fake_of

from latent_nas.costs import costs
from latent_nas.devices import open_device
from latent_nas.firmware import elf
from latent_nas.firmware.check import emulate
from latent_nas.firmware.compile import build
from latent_nas.firmware.draw import drawn
from latent_nas.firmware.export import project
from latent_nas.graph import Builder, Graph
from latent_nas.graph.bits import ends, with_weight_bits
from latent_nas.graph.deploy import deploy
from latent_nas.jobs.train_config import TrainConfig
from latent_nas.operators._weights import compacted
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.dense import Dense
from latent_nas.runtimes import open_runtime
from latent_nas.training import aware, train
from latent_nas.training.narrow import said
from latent_nas.training.quantise import quantise

DEVICE, NATIVE = open_device("stm32f405"), open_runtime("native")
GRAPH = SPACE.graph(GENES)


def bits(graph):
    return [n.operator.bits for n in graph.nodes if isinstance(n.operator, (Conv2d, Dense))]


def test_the_graph_of_8_bits_is_written_as_before_and_one_of_4_is_read_back():
    assert "weight_bits" not in Conv2d(3).to_json()
    narrow = with_weight_bits(GRAPH, 4, ends(GRAPH))
    assert bits(narrow) == [8, 4, 4, 4, 8]
    assert Graph.from_json(narrow.to_json()) == narrow
    assert deploy(narrow).graph.parameters == deploy(GRAPH).graph.parameters


def test_groups_that_are_not_depthwise_keep_8_bits():
    for groups, filters in ((2, 4), (4, 8)):  # of several channels, and several filters for every channel
        with pytest.raises(ValueError, match=f"{groups} groups that takes 4 to {filters} channels has weights of 8"):
            Conv2d(filters, groups=groups, weight_bits=4).shape((5, 5, 4))
        b = Builder((5, 5, 4))
        b.add(Conv2d(3), b.add(Conv2d(filters, groups=groups), 0))
        assert bits(with_weight_bits(b.build(), 4)) == [8, 4]
    with pytest.raises(ValueError, match="weights of 4 or 8 bits, got 3"):
        TrainConfig("genes.json", "digits", QUICK, weight_bits=3)


def test_weights_and_constants_take_half_the_flash():
    whole, narrow = (costs(one, DEVICE, NATIVE) for one in (GRAPH, with_weight_bits(GRAPH, 4)))
    assert narrow.weights_bytes * 2 == whole.weights_bytes
    parts = [one.weights_bytes + one.bias_bytes + one.quantisation_bytes for one in (narrow, whole)]
    assert parts[0] <= 0.55 * parts[1]


@pytest.mark.skipif(not importlib.util.find_spec("unicorn"), reason="extra mcu: unicorn not installed")
def test_flash_and_time_are_those_of_the_firmware(tmp_path: Path):
    network, x = drawn(four_bits(), 0, 2)
    made = project(network, DEVICE)
    made.write(tmp_path)
    firmware = build(tmp_path, DEVICE.core)
    cost, report = costs(four_bits(), DEVICE, NATIVE), emulate(made, firmware, x[:1])[1]
    cycles = DEVICE.core.cycles(report["instructions"], report["instructions_by_class"], DEVICE.clock_hz)[0]
    assert cost.flash_bytes == pytest.approx(elf.read(firmware).flash_bytes, rel=0.02)
    assert cost.cycles == pytest.approx(cycles, rel=0.05)


def test_factors_have_eleven_bits_and_weights_their_scales():
    x = TASK.data().train.x[:64]
    fake = fake_of(with_weight_bits(GRAPH, 4), x)
    assert equal(fake, x)
    network = fake.integers()
    for node, constants in zip(network.graph.nodes, network.constants, strict=True):
        if isinstance(node.operator, Conv2d):
            assert np.abs(constants["weight"]).max() <= 7
            packed = compacted(constants["multiplier"], constants["shift"]).astype(np.int64)
            assert ((((packed >> 6) | 1024) << 20) == constants["multiplier"]).all()
            assert ((packed & 63) == constants["shift"]).all()
    with pytest.raises(ValueError, match="multipliers of 11 bits"):
        compacted(np.array([2**30 + 1]), np.array([40]))


class TestTraining:
    def test_validation_decides_which_layers_have_them(self, monkeypatch):
        data, whole = TASK.data(), [4, 4, 4, 4, 4]
        never = replace(QUICK, qat="never")
        untuned = train(GRAPH, TASK, never, 0, data.train, data.valid, weight_bits=4)
        assert untuned.qat_epochs == 0
        assert untuned.eight_bits["accuracy"] - untuned.int8_metrics["accuracy"] <= aware.NARROW_LOST
        assert bits(untuned.network.graph) == whole
        monkeypatch.setattr(aware, "NARROW_LOST", -1)  # whatever all layers lose is too much
        best = train(GRAPH, TASK, never, 0, data.train, data.valid, weight_bits=4)
        inner = quantise(with_weight_bits(GRAPH, 4, ends(GRAPH)), best.model, data.train.x[:512])
        accuracy = TASK.kind.measure(inner.outputs(data.valid.x), data.valid.y)["accuracy"]
        assert best.int8_metrics["accuracy"] == max(accuracy, untuned.int8_metrics["accuracy"])
        assert (bits(best.network.graph) == whole) == (accuracy <= untuned.int8_metrics["accuracy"])

    def test_fine_tuning_brings_back_what_they_lose(self):
        data = TASK.data()
        tuned = train(GRAPH, TASK, replace(QUICK, qat="auto"), 0, data.train, data.valid, weight_bits=4)
        assert tuned.int8_metrics["accuracy"] > tuned.without_qat["accuracy"]
        measured = tuned.float_metrics, tuned.eight_bits, tuned.int8_metrics
        line = said(TASK, 4, tuned.eight_bit_ends, *measured, tuned.qat_epochs)
        assert line.startswith("4-bit weights in all layers: accuracy on validation float 0.")
        assert line.endswith(
            f"4 bits {tuned.int8_metrics['accuracy']:.4f} after {tuned.qat_epochs} epochs of fine-tuning"
        )
