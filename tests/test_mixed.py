"""Spaces with the bits of weights as genes: their layers, their firmware, and searches that fine-tune them."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest

from latent_nas import cli, seeds
from latent_nas.devices import open_device
from latent_nas.evaluators.analog import Analog
from latent_nas.firmware.check import emulate
from latent_nas.firmware.compile import build
from latent_nas.firmware.draw import drawn
from latent_nas.firmware.export import project
from latent_nas.graph.deploy import deploy
from latent_nas.jobs.search.config import SearchConfig
from latent_nas.jobs.summary import summary
from latent_nas.runs.read import Run
from latent_nas.spaces import open_space
from latent_nas.target import MAIN_TARGET, open_target
from latent_nas.training.quantise import QuantisedNetwork

DEVICE = open_device("stm32f405")
MIXED = replace(MAIN_TARGET, space="mcu_cnn_mixed")
SPACES = [("mcu_cnn_mixed", "mcu_cnn", (12, 11, 2)), ("mcu_cnn1d_mixed", "mcu_cnn1d", (49, 9, 1))]
# a stem; two plain blocks, a bottleneck and a separable block; a head of 16
GENES = [0, 2, 0, 0, 0, 3, 2, 0, 1, 4, 0, 2, 1, 1, 0, 1, 0, 3, 1, 0, 0, *[0] * 12, 1, 0]
missing = [name for name in ("ziglang", "unicorn") if importlib.util.find_spec(name) is None]
tools = pytest.mark.skipif(bool(missing), reason=f"extra mcu: {', '.join(missing)} not installed")


@pytest.mark.parametrize(("name", "plain", "shape"), SPACES)
def test_the_genes_say_the_bits_of_every_stage_and_of_the_head(name, plain, shape):
    space = open_space(name, shape, 10)
    assert space.graph([*GENES, *[0] * 6]) == open_space(plain, shape, 10).graph(GENES)
    graph = deploy(space.graph([*GENES, 0, 1, 0, 0, 0, 1])).graph
    layers = [(n.operator.kernel(*graph.shapes_into(n)), n.operator.bits) for n in graph.nodes]
    bits = [bits for kernel, bits in layers if kernel.startswith(("conv2d", "pointwise", "depthwise", "dense"))]
    assert bits == [8, *(8, 8), *(4, 4, 4), *(8, 8), *(4, 4)]
    assert space.describe([*GENES, 0, 1, 0, 0, 0, 1])["stage2_bits"] == 4


@pytest.mark.parametrize(("name", "plain", "shape"), SPACES)
def test_half_of_the_networks_drawn_have_8_bits_alone(name, plain, shape):
    bits = open_space(name, shape, 10).sample(seeds.rng(0, "mixed"), 1000)[:, -6:]
    assert 0.45 < (bits == 0).all(axis=1).mean() < 0.6
    assert ((bits == 1).mean(axis=0) > 0.01).all()


@tools
@pytest.mark.parametrize(("name", "plain", "shape"), SPACES)
def test_firmware_computes_the_same_bits_in_less_flash(tmp_path: Path, name, plain, shape):
    space, sizes = open_space(name, shape, 10), []
    for i, bits in enumerate(([0] * 6, [1, 0, 1, 0, 0, 1])):
        network, x = drawn(space.graph([*GENES, *bits]), 0, 3)
        made = project(network, DEVICE)
        made.write(tmp_path / f"{i}")
        checked, report, _ = emulate(made, build(tmp_path / f"{i}", DEVICE.core), x, tensors=2)
        assert report["bit_exact"]
        assert checked.tensors > 300
        sizes.append(
            sum(n.operator.bits * n.operator.parameters(*network.graph.shapes_into(n)) for n in network.graph.nodes)
        )
    assert sizes[1] < 0.8 * sizes[0]


def test_a_search_fine_tunes_what_is_narrow_and_says_what_it_found(tmp_path: Path):
    run = tmp_path / "run"
    quick = (
        "--strategy",
        "random",
        "--trainings",
        "3",
        "--child-epochs",
        "2",
        "--recipe",
        "epochs=2",
        "--workers",
        "1",
    )
    small = ("--limit", "latency_ms=0.8", "--top", "3", "--final-seeds", "1", "--seed", "1", "--qat", "always")
    with pytest.raises(SystemExit) as done:
        cli.main(["search", "--space", "mcu_cnn_mixed", "--task", "digits", *quick, *small, "--out", str(run)])
    assert done.value.code == 0
    found = Run.read(run)
    narrow = [r for r in found.records if any(r.genes[-6:])]
    assert narrow
    assert all(r.measured_without_qat for r in narrow)
    layers = [network.narrow_layers for network in found.result.networks]
    kept = [QuantisedNetwork.load(run / "networks" / str(rank)).graph for rank in (1, 2, 3)]
    assert layers == [sum(n.operator.bits < 8 for n in graph.nodes) for graph in kept]
    assert 0 in layers
    assert f" 4-bit weights in {max(layers)} layer" in summary(found.result, run)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"target": replace(MIXED, weight_bits=4)}, "choose the bits of their weights; leave --weight-bits out"),
        ({"target": replace(MIXED, runtime="tflm_cmsis_nn")}, "has no kernels for 4-bit weights; native has"),
        ({"target": MIXED, "fidelities": ("epochs=0.5",)}, "leave --fidelity out"),
        ({"target": MIXED, "halving": 2}, "leave --halving out"),
    ],
)
def test_what_does_not_go_with_it_is_refused(changed, said):
    with pytest.raises(ValueError, match=said):
        open_target(SearchConfig(**changed).check().target).check()


def test_analog_memory_has_no_bits():
    with pytest.raises(ValueError, match="leave --space mcu_cnn_mixed out"):
        Analog.check(MIXED)
