"""The space of residual networks for analog hardware: every gene counts, ranges can be set, bad ones are said."""

import numpy as np
import pytest

from latent_nas import seeds
from latent_nas.costs import costs
from latent_nas.devices import open_device
from latent_nas.graph.features import graph_features
from latent_nas.runtimes import open_runtime
from latent_nas.spaces import open_space
from latent_nas.surrogates import design

SMALL = "resnet_analog:first=8,12;stages=1-3;repeats=1-2;branches=1-3;width=1,2"


def test_it_has_the_published_genes():
    space = open_space("resnet_analog", (32, 32, 3), 10)
    choices = {gene.name: gene.choices for gene in space.genes}
    assert (choices["first"][0], choices["first"][-1]) == (8, 128)
    assert choices["stages"] == (1, 2, 3, 4, 5)
    for i in range(1, 6):
        assert choices[f"stage{i}_repeats"] == tuple(range(1, 17))
        assert choices[f"stage{i}_block"] == ("A", "B", "C", "D")
        assert choices[f"stage{i}_width"] == (1, 2, 3, 4)
        assert choices[f"stage{i}_branches"] == tuple(range(1, 13))


@pytest.mark.parametrize("shape", [(8, 8, 1), (32, 32, 3)])
def test_every_gene_in_use_changes_the_network_whatever_the_others_are(shape):
    space = open_space(SMALL, shape, 10)
    rng = seeds.rng(0, "resnet_analog")
    for genes in space.sample(rng, 4):
        stages = space.describe(genes)["stages"]
        for i in range(2 + 4 * stages):
            digests = set()
            for value in range(space.sizes[i]):
                other = genes.copy()
                other[i] = value
                digests.add(space.graph(other).digest)
            assert len(digests) == space.sizes[i], space.genes[i].name


def test_the_type_of_every_block_is_seen_by_surrogates_and_costs():
    """The known trap: categories encoded one row at a time, so that every block counts as type A."""
    space = open_space(SMALL, (8, 8, 1), 10)
    genes = np.zeros((1, len(space.genes)), np.int64)
    genes[0, 1] = 2  # three stages
    device, runtime = open_device("stm32h743"), open_runtime("cmsis_nn")
    for stage in range(3):
        rows = genes.repeat(4, axis=0)
        rows[:, 3 + 4 * stage] = range(4)
        together, alone = design(space, rows), np.concatenate([design(space, row[None]) for row in rows])
        assert (together == alone).all()
        own = space.features(rows)
        assert len(np.unique(own, axis=0)) == 4
        assert len({costs(space.graph(row), device, runtime).latency_ms for row in rows}) == 4


def test_features_of_large_networks_are_the_graphs():
    space = open_space("resnet_analog", (32, 32, 3), 10)
    genes = np.zeros((2, len(space.genes)), np.int64)
    genes[0] = [4, 4, *[2, 1, 3, 4] * 5]
    genes[1] = [0, 3, *[1, 0, 0, 2], *[3, 3, 1, 0], *[0, 2, 2, 5], *[1, 1, 0, 1], *[0] * 4]
    for row, features in zip(genes, space.features(genes), strict=True):
        read = graph_features(space.graph(row))
        assert features == pytest.approx([read[name] for name in space.feature_names], abs=1e-3)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("resnet_analog:depth=3", "no list 'depth'; there are: first, stages, repeats"),
        ("resnet_analog:block=A,E", "types out of A, B, C, D"),
        ("resnet_analog:repeats=0-3", "positive whole numbers"),
        ("resnet_analog:width=2,2", "different"),
        ("resnet_analog:first", "LIST=VALUE"),
        ("resnet_analog:first=", "LIST=VALUE"),
        ("mcu_cnn:first=8", "it takes none"),
    ],
)
def test_lists_that_cannot_be_are_said(name, words):
    with pytest.raises(ValueError, match=words):
        open_space(name, (8, 8, 1), 10)
