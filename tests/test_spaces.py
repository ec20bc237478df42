"""Contracts of every space, and what ``mcu_cnn`` promises."""

import numpy as np
import pytest

from latent_nas import plugins, seeds
from latent_nas.graph.features import graph_features
from latent_nas.spaces import open_space

SHAPES = [(8, 8, 1), (96, 96, 3), (49, 10, 1), (2, 2, 1)]
SMALLER = {"resnet_analog": "resnet_analog:stages=1-3;repeats=1-2;branches=1-3"}  # else thousands of layers
TEXTS = [(32,), (5,)]
ALL = [
    (SMALLER.get(name, name), shape)
    for name in plugins.names("spaces")
    for shape in (SHAPES if len(plugins.load("spaces", name).published[0]) == 3 else TEXTS)
]


def uniform(space, n, *path):
    """Genes drawn uniformly, canonical or not: the corners that the space's own sampler seldom meets."""
    return seeds.rng(0, *path).integers(0, space.sizes, (n, len(space.genes)))


@pytest.mark.parametrize(("name", "shape"), ALL)
class TestContract:
    def test_canonical_is_idempotent_and_keeps_the_network(self, name, shape):
        space = open_space(name, shape, 10)
        genes = uniform(space, 300, "idempotent")
        canonical = space.canonical(genes)
        assert (space.canonical(canonical) == canonical).all()
        for row, representative in zip(genes[:40], canonical, strict=False):
            assert space.graph(row) == space.graph(representative)

    def test_distinct_canonical_genes_build_distinct_networks(self, name, shape):
        space = open_space(name, shape, 10)
        genes = uniform(space, 1, "distinct").repeat(150, axis=0)
        rng = seeds.rng(0, "distinct", "edits")
        for _ in range(2):  # neighbours of one network are where two could be alike
            rows, columns = np.arange(150), rng.integers(len(space.genes), size=150)
            genes[rows, columns] = rng.integers(0, space.sizes[columns])
        canonical = np.unique(space.canonical(genes), axis=0)
        assert len({space.graph(g).digest for g in canonical}) == len(canonical)

    def test_features_equal_the_graphs(self, name, shape):
        space = open_space(name, shape, 10)
        genes = np.concatenate([space.sample(seeds.rng(1, "features"), 30), uniform(space, 30, "features")])
        genes = space.canonical(genes)
        shared = [i for i, n in enumerate(space.feature_names) if not n.startswith("cell.")]  # others: the space's test
        for row, features in zip(genes, space.features(genes), strict=True):
            read = graph_features(space.graph(row))
            assert features[shared] == pytest.approx([read.get(space.feature_names[i], 0.0) for i in shared], abs=1e-3)

    def test_samples_and_mutants_are_canonical_and_derived_from_the_generator(self, name, shape):
        space = open_space(name, shape, 10)
        one, same, other = (space.sample(seeds.rng(s, "sample"), 50) for s in (1, 1, 2))
        assert (one == same).all()
        assert (one != other).any()
        assert (space.canonical(one) == one).all()
        children = space.mutate(one, seeds.rng(0, "mutate"))
        assert (space.canonical(children) == children).all()
        assert (children != one).any(axis=1).all()

    def test_networks_take_the_task_and_give_its_outputs(self, name, shape):
        space = open_space(name, shape, 7)
        for row in space.sample(seeds.rng(0, "graph"), 10):
            graph = space.graph(row)
            assert graph.input_shape == shape
            assert graph.output_shape == (7,) or graph.output_shape == (*shape, graph.input.vocabulary)

    def test_wrong_genes_are_named(self, name, shape):
        space = open_space(name, shape, 10)
        genes = space.sample(seeds.rng(0, "wrong"), 1)[0]
        with pytest.raises(ValueError, match="another space"):
            space.check(genes[:-1])
        genes[1] = space.sizes[1]
        with pytest.raises(ValueError, match=space.genes[1].name):
            space.check(genes)


def test_mcu_cnn_has_more_than_a_million_million_networks():
    """One-stage choices that survive canonicalisation, to the power of stages of unlike width, bound it from below."""
    space = open_space("mcu_cnn", (96, 96, 3), 10)
    stage = np.array(
        [[b, k, w, r, s, 0] for b in range(8) for k in range(3) for w in range(32) for r in (1, 2, 3) for s in (0, 1)]
    )
    genes = np.zeros((len(stage), len(space.genes)), np.int64)
    genes[:, 3:9] = stage
    assert (space.canonical(genes) == genes).all()  # each of them is its own representative
    unlike = len(stage) * 31 / 32  # a second stage of another width never merges with the first
    assert len(stage) * unlike**3 > 1e12


def test_a_stride_that_the_input_cannot_take_is_no_error():
    space = open_space("mcu_cnn", (2, 2, 1), 10)
    genes = np.zeros((1, len(space.genes)), np.int64)
    genes[0, 2] = 1  # the stem halves 2x2 to 1x1
    genes[0, 3:9] = (0, 2, 5, 1, 1, 1)
    assert space.canonical(genes)[0, 3:9].tolist() == [0, 0, 5, 1, 0, 0]


@pytest.mark.parametrize(("shape", "outputs"), [((8,), 10), ((1, 8, 1), 10), ((8, 8, 1), 0)])
def test_an_input_that_the_space_cannot_take_is_said(shape, outputs):
    with pytest.raises(ValueError, match="mcu_cnn"):
        open_space("mcu_cnn", shape, outputs)


def test_unknown_space_names_those_there_are():
    with pytest.raises(ValueError, match="mcu_cnn"):
        open_space("mcu_cmn", (8, 8, 1), 10)
