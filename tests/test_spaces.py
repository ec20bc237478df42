"""What ``mcu_cnn`` promises; the contracts of every space are in latent_nas/contracts/spaces.py."""

import numpy as np
import pytest

from latent_nas.spaces import open_space


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


@pytest.mark.parametrize(("side", "networks"), [(2, 1), (4, 2)])
def test_one_pixel_is_pooled_in_one_way(side, networks):
    """The mean of one pixel is its maximum; of two by two, which the stem leaves of four by four, they differ."""
    space = open_space("mcu_cnn", (side, side, 1), 10)
    genes = np.zeros((2, len(space.genes)), np.int64)
    genes[:, 2], genes[1, -1] = 1, 1
    assert len(np.unique(space.canonical(genes), axis=0)) == networks


@pytest.mark.parametrize(("shape", "outputs"), [((8,), 10), ((1, 8, 1), 10), ((8, 8, 1), 0)])
def test_an_input_that_the_space_cannot_take_is_said(shape, outputs):
    with pytest.raises(ValueError, match="mcu_cnn"):
        open_space("mcu_cnn", shape, outputs)


def test_unknown_space_names_those_there_are():
    with pytest.raises(ValueError, match="mcu_cnn"):
        open_space("mcu_cmn", (8, 8, 1), 10)


def plainly(space, genes, rng):
    """Return what ``Space.mutate`` says it does, row by row in numpy."""
    children, left = genes.copy(), np.arange(len(genes))
    for _ in range(100):
        trial = genes[left]
        gene = space.places(genes[left], rng)
        step = rng.integers(1, np.maximum(space.sizes[gene], 2))
        rows = np.arange(len(left))
        trial[rows, gene] = (trial[rows, gene] + step) % space.sizes[gene]
        children[left] = space.canonical(trial)
        left = left[(children[left] == genes[left]).all(axis=1)]
    children[left] = space.sample(rng, len(left))
    return children


@pytest.mark.parametrize("name", ["mcu_cnn", "dna_cnn", "nasbench201"])
def test_mutants_are_drawn_as_they_are_described(name):
    space = open_space(name, (8, 8, 1), 10)
    genes = space.sample(np.random.default_rng(0), 200)
    genes.setflags(write=False)
    found = space.mutate(genes, np.random.default_rng(1))
    np.testing.assert_array_equal(found, plainly(space, genes, np.random.default_rng(1)))
