"""Spaces with the input's size as a gene: their graphs, what sizes there are, and firmware of the same bits."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from latent_nas import cli, seeds
from latent_nas.devices import open_device
from latent_nas.firmware.check import emulate
from latent_nas.firmware.compile import build
from latent_nas.firmware.draw import drawn
from latent_nas.firmware.export import project
from latent_nas.graph import Graph
from latent_nas.graph.deploy import deploy
from latent_nas.spaces import open_space

DEVICE = open_device("stm32f405")
missing = [name for name in ("ziglang", "unicorn") if importlib.util.find_spec(name) is None]
tools = pytest.mark.skipif(bool(missing), reason=f"extra mcu: {', '.join(missing)} not installed")


def kinds(graph: Graph) -> list[str]:
    return [node.operator.kind for node in deploy(graph).graph.nodes]


def test_at_its_whole_size_a_network_is_that_of_mcu_cnn():
    sized, plain = (open_space(name, (28, 28, 1), 10) for name in ("mcu_cnn_sized", "mcu_cnn"))
    for row in plain.sample(seeds.rng(0, "sized"), 10):
        assert sized.graph([*row, 0]) == plain.graph(row)


@pytest.mark.parametrize(("value", "side"), [(0, 28), (1, 14), (2, 10), (3, 7)])
def test_the_gene_shrinks_what_the_first_layer_sees_and_nothing_else(value, side):
    space = open_space("mcu_cnn_sized", (28, 28, 1), 10)
    genes = [*open_space("mcu_cnn", (28, 28, 1), 10).sample(seeds.rng(0, "sized"), 1)[0], value]
    graph = deploy(space.graph(genes)).graph
    assert graph.input_shape == (28, 28, 1)
    first = next(node for node in graph.nodes if node.operator.kind == "conv2d")
    assert graph.shapes_into(first)[0] == (side, side, 1)
    assert space.describe(genes)["means"] == ((1, 1), (2, 2), (3, 3), (4, 4))[value]


def test_half_of_the_networks_see_the_whole_input():
    for name, shape, axes in (("mcu_cnn_sized", (28, 28, 1), 1), ("mcu_cnn1d_sized", (49, 20, 1), 2)):
        drawn_sizes = open_space(name, shape, 10).sample(seeds.rng(0, "sized"), 2000)[:, -axes:]
        assert ((drawn_sizes == 0).mean(axis=0) > 0.5).all()
        assert ((drawn_sizes == drawn_sizes.max(axis=0)).mean(axis=0) > 0.1).all()


def test_a_size_that_leaves_too_little_becomes_one_that_does_not():
    space = open_space("mcu_cnn_sized", (8, 8, 1), 10)
    genes = [*[0] * (len(space.genes) - 1), 3]
    assert space.canonical(np.array([genes]))[0, -1] == 1  # 4x4 pixels are left
    small = open_space("mcu_cnn_sized", (2, 2, 1), 10)
    assert set(small.sample(seeds.rng(0, "sized"), 50)[:, -1]) == {0}
    row = open_space("mcu_cnn1d_sized", (1, 10, 1), 1)  # a table's row: columns are no neighbours of a time
    assert set(row.sample(seeds.rng(0, "sized"), 50)[:, -2]) == {0}


DEPLOYED = {
    "image": ("mcu_cnn_sized", (12, 11, 2), [0, 2, 0, 1, 0, 3, 2, 0, 1, *[0] * 24, 0, 0, 1]),
    "bands and steps": ("mcu_cnn1d_sized", (49, 9, 1), [0, 3, 0, 1, 1, 3, 2, 0, 1, *[0] * 24, 0, 0, 2, 1]),
}


@tools
@pytest.mark.parametrize("name", DEPLOYED)
def test_firmware_computes_the_same_bits_and_takes_the_whole_input(tmp_path: Path, name: str):
    kind, shape, genes = DEPLOYED[name]
    graph = open_space(kind, shape, 10).graph(genes)
    assert kinds(graph)[1] == "avg_pool"
    network, x = drawn(graph, 0, 4)
    assert x.shape[1:] == shape
    made = project(network, DEVICE)
    made.write(tmp_path)
    checked, report, _ = emulate(made, build(tmp_path, DEVICE.core), x, tensors=2)
    assert report["bit_exact"]
    assert checked.tensors > 300
    assert f"#define MODEL_INPUT_SIZE {np.prod(shape)}\n" in made.files["model/model.h"]


@pytest.mark.parametrize("space", ["mcu_cnn_sized", "mcu_cnn1d_sized"])
def test_a_search_finds_networks_of_it(tmp_path: Path, space: str):
    limits = ("--limit", "flash_kb=64", "--limit", "ram_kb=32", "--limit", "latency_ms=20")
    run = tmp_path / "run"
    quick = ("--strategy", "random", "--trainings", "1", "--top", "0", "--workers", "1")
    with pytest.raises(SystemExit) as done:
        cli.main(["search", "--space", space, "--task", "digits", *quick, *limits, "--out", str(run)])
    assert done.value.code == 0
    assert json.loads((run / "best_architecture.json").read_text(encoding="utf-8"))["space"] == space
