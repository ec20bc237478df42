"""Space ``dna_cnn`` and its named member; the contract of every space is in test_spaces.py."""

import numpy as np
import pytest
import torch

from latent_nas import seeds
from latent_nas.codec import CodecSettings
from latent_nas.codec.train import train_codec
from latent_nas.evaluators import Job
from latent_nas.evaluators.work import record_of
from latent_nas.graph.deploy import deploy
from latent_nas.graph.features import graph_features
from latent_nas.operators.conv2d import Conv2d
from latent_nas.runs.folder import architecture
from latent_nas.spaces import open_space
from latent_nas.target import Setup, Target
from latent_nas.training.network import Network
from latent_nas.training.quantise import QuantisedNetwork
from latent_nas.zoo import open_network
from latent_nas.zoo.nascnn15 import LAYERS

SPACE = open_space("dna_cnn", (32, 32, 3), 10)
NASCNN15 = " | ".join(f"{k[0]}x{k[1]} {f} <- {','.join(map(str, i))}" for k, f, i in LAYERS)


def shapes(text, space=SPACE):
    """Kernel and shape of every node of a DNA's graph but the input."""
    graph = space.graph(space.parse(text))
    return [(n.operator.kind, n.shape) for n in graph.nodes[1:] if n.operator.kind not in ("batch_norm", "relu")]


class TestNascnn15:
    def test_space_and_zoo_build_the_same_network_of_4201630_weights(self):
        graph = SPACE.graph(SPACE.parse(NASCNN15))
        assert graph == open_network("nascnn15")
        assert sum(p.numel() for p in Network(graph).parameters()) == 4_201_630
        assert graph.macs == 4_300_665_312

    def test_its_genes_are_canonical_and_come_back_as_the_same_dna(self):
        genes = SPACE.parse(NASCNN15)
        assert (SPACE.canonical(np.array([genes])) == genes).all()
        assert SPACE.parse(SPACE.describe(genes)["dna"]) == genes
        kernels = {(layer.kernel_height, layer.kernel_width) for layer in SPACE.decode(genes)}
        assert {(3, 7), (7, 3), (7, 1), (5, 7), (7, 5)} < kernels  # no square ones


def test_every_network_comes_back_from_its_dna():
    for row in SPACE.sample(seeds.rng(0, "dna"), 100):
        assert SPACE.parse(SPACE.describe(row)["dna"]) == tuple(row)


def test_inputs_of_different_sizes_meet_at_their_least_common_reduction():
    text = "1x1 24 /2 <- 0 | 1x1 28 pool3 <- 0 | 1x1 32 <- 1,2"
    assert shapes(text)[:6] == [
        ("conv2d", (16, 16, 24)),
        ("conv2d", (32, 32, 28)),
        ("max_pool", (11, 11, 28)),
        ("max_pool", (6, 6, 24)),  # a third of 16
        ("max_pool", (6, 6, 28)),  # a half of 11
        ("concat", (6, 6, 52)),
    ]


def test_what_nobody_reads_is_classified_with_the_last_layer():
    made = shapes("1x1 24 <- 0 | 1x1 28 <- 1 | 1x1 32 /2 <- 1")
    assert made[-5:] == [
        ("conv2d", (16, 16, 32)),
        ("max_pool", (16, 16, 28)),
        ("concat", (16, 16, 60)),
        ("global_pool", (60,)),
        ("dense", (10,)),
    ]


@pytest.mark.parametrize("shape", [(1, 4, 1), (2, 5, 1), (3, 2, 1), (4, 8, 1)])
@pytest.mark.parametrize("stride", [1, 2])
def test_kernels_keep_just_the_weights_that_meet_the_image(shape, stride):
    space = open_space("dna_cnn", shape, 2)
    (layer,) = space.decode(space.parse(f"7x7 24 {'/2' if stride == 2 else ''} <- 0"))
    module = Conv2d(1, (7, 7), (stride, stride), bias=False).module(shape)
    module(torch.ones(1, 1, *shape[:2])).sum().backward()
    (weight,) = module.parameters()
    meets = weight.grad[0, 0] > 0
    assert (layer.kernel_height, layer.kernel_width) == (int(meets.any(1).sum()), int(meets.any(0).sum()))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (" | ".join(["3x3 24 <- 0"] * 16), "1 to 15 layers, got 16"),
        ("8x3 24 <- 0", "kernel_height of layer 1 of the DNA is 8; allowed: 1 to 7"),
        ("3x3 24 <- 0 | 3x0 24 <- 1", "kernel_width of layer 2 of the DNA is 0"),
        ("3x3 516 <- 0", "filters of layer 1 of the DNA is 516; allowed: 24 to 512 in steps of 4"),
        ("3x3 25 <- 0", "in steps of 4"),
        ("3x3 24 /3 <- 0", "stride of layer 1"),
        ("3x3 24 pool4 <- 0", "pooling of layer 1"),
        ("3x3 24 <- 1", "layer 1 of the DNA reads"),
        ("3x3 24 <- 0 | 3x3 24 <- 1,1", "each layer before it once"),
        ("3x3 24 <- 0 | 3x3 24 <- 0,1", "read alone"),
        ("3x3 24 <- 0 | 3: 3x3 24 <- 1", "layer 2 of the DNA is"),
        ("three", "layer 1 of the DNA is 'three'"),
        ("", "layer 1 of the DNA is ''"),
    ],
)
def test_a_wrong_dna_is_named(text, words):
    with pytest.raises(ValueError, match=words):
        SPACE.parse(text)


def test_genes_of_a_wrong_length_are_another_spaces():
    with pytest.raises(ValueError, match=r"has 181 integer genes, got 35 .*another space"):
        SPACE.graph([0] * 35)


def test_other_spaces_have_no_notation():
    with pytest.raises(ValueError, match="has no notation"):
        open_space("mcu_cnn", (8, 8, 1), 10).parse("3x3 24 <- 0")


@pytest.mark.parametrize(("shape", "outputs"), [((8,), 10), ((8, 8, 0), 10), ((8, 8, 1), 1)])
def test_an_input_that_the_space_cannot_take_is_said(shape, outputs):
    with pytest.raises(ValueError, match="dna_cnn"):
        open_space("dna_cnn", shape, outputs)


def test_mutations_are_of_layers_that_are_there():
    chain = np.array([SPACE.parse("3x3 24 <- 0 | 3x3 24 <- 1")]).repeat(200, axis=0)
    children = SPACE.mutate(chain, seeds.rng(0, "mutants"))
    deeper = children[:, 0] > 1
    assert 0 < deeper.sum() < 60
    changed = (children != chain)[~deeper]
    assert changed.any(axis=0)[:14].sum() > 8  # of the genes of both layers, most in one or the other


def test_features_of_deep_networks_of_many_sizes_equal_the_graphs():
    """Few networks, each of 15 layers with half of all skips: more poolings than the contract's samples have."""
    space, rng = open_space("dna_cnn", (17, 40, 2), 3), seeds.rng(0, "deep")
    genes = rng.integers(0, space.sizes, (12, len(space.genes)))
    genes[:, 0] = 14
    genes = space.canonical(genes)
    for row, features in zip(genes, space.features(genes), strict=True):
        read = graph_features(space.graph(row))
        assert features == pytest.approx([read.get(name, 0.0) for name in space.feature_names], abs=1e-3)


def test_a_codec_of_it_decodes_every_latent_to_a_network():
    space = open_space("dna_cnn", (8, 8, 1), 10)
    codec = train_codec(space, CodecSettings(steps=30, batch=64, width=32, hidden=16), 0)
    latent = seeds.rng(0, "latent").normal(size=(20, codec.slots, codec.dim))
    genes = codec.decode(latent)
    assert (space.canonical(space.check(genes)) == genes).all()
    assert {space.graph(row).output_shape for row in genes} == {(10,)}
    codes = codec.encode(genes)
    assert codes.shape == (20, codec.slots)


def test_what_a_search_saves_is_what_was_asked_for(tmp_path):
    target = Target("dna_cnn", "digits", "stm32f405", "cmsis_nn", search_epochs=1)
    space = open_space("dna_cnn", (8, 8, 1), 10)
    genes = space.parse("7x3 24 /2 <- 0 | 1x1 24 <- 1 | 3x5 28 <- 1,2")
    record = record_of(target, Job(genes, 0, keep=str(tmp_path / "best")))
    built = deploy(space.graph(genes)).graph
    assert QuantisedNetwork.load(tmp_path / "best").graph == built
    assert (record.genes, record.macs, record.parameters) == (genes, built.macs, built.parameters)
    saved = architecture(Setup(target), record)
    assert space.parse(saved.architecture["dna"]) == saved.genes == genes
    assert record.epochs == len(record.curve) == 1
