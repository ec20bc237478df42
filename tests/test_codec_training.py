"""How a codec is trained: by its seed, into no known trap, judged by figures that mean what they say."""

import random

import codecs_of_tests as codecs
import numpy as np
import pytest
import torch
from codecs_of_tests import FIVE, QUICK, WEIGHT, cost, draws

from latent_nas import seeds
from latent_nas.codec import Codec, CodecSettings
from latent_nas.codec.choices import Choices
from latent_nas.codec.layout import share, slopes
from latent_nas.codec.network import Network
from latent_nas.codec.quality import measure, smoothness
from latent_nas.codec.train import train_codec


@pytest.fixture(scope="module")
def toy():
    return codecs.toy_codec().space


class TestSeeds:
    def test_same_seed_same_codec_other_seed_another(self, toy):
        settings = CodecSettings(slots=4, codes=8, dim=2, hidden=8, width=8, steps=30, batch=32)
        first, again, other = (train_codec(toy, settings, seed) for seed in (5, 5, 6))
        assert first.quality == again.quality
        assert all((again._arrays[name] == array).all() for name, array in first._arrays.items())
        assert (first.codebook != other.codebook).any()

    def test_global_generators_are_untouched(self, toy):
        before = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()
        train_codec(toy, CodecSettings(slots=4, codes=8, dim=2, hidden=8, width=8, steps=5, batch=32), 0)
        assert random.getstate() == before[0]
        assert np.random.get_state()[1].tolist() == before[1]
        assert torch.equal(torch.get_rng_state(), before[2])


class TestTraps:
    def test_all_of_a_small_space_is_reconstructed_and_reached(self, toy, toy_codec):
        every = np.stack(np.meshgrid(*[np.arange(5)] * 6, indexing="ij"), axis=-1).reshape(-1, 6)
        assert (toy_codec.decode_codes(toy_codec.encode(every)) == every).all(axis=1).mean() > 0.99
        assert toy_codec.quality["distinct"] > 5000  # 10,000 uniform draws of 15,625 would hit 7,390
        assert toy_codec.quality["valid"] == 1

    def test_labels_in_few_bins_do_not_collapse_the_decoder(self, toy):
        genes = toy.sample(seeds.rng(0), 1000)
        bins = np.digitize(cost(genes), np.quantile(cost(genes), [0.25, 0.5, 0.75])).astype(float)
        codec = train_codec(toy, QUICK, 0, accuracy=(genes, bins))
        assert codec.quality["distinct"] > 5000
        assert codec.quality["exact"] > 0.98
        assert codec.quality["perplexity"] > codec.codes / 2

    def test_every_choice_of_every_gene_counts(self, toy, toy_codec):
        """A one-row encoding of categories would give all genes the same category, and all weights one value."""
        genes = draws(toy_codec, 2000)
        x = Choices(toy).one_hot(genes).reshape(-1, 6, 5)
        assert (x.argmax(axis=2) == genes).all()
        assert (x.sum(axis=2) == 1).all()
        predicted = toy_codec.predict_heads(toy_codec.latent(toy_codec.encode(genes)))
        assert np.corrcoef(predicted["costs"][:, 0], cost(genes))[0, 1] > 0.99
        for gene in range(6):
            means = np.array([predicted["costs"][genes[:, gene] == v, 0].mean() for v in range(5)])
            assert means - means.mean() == pytest.approx(WEIGHT[gene] * (FIVE - FIVE.mean()), abs=0.2)

    def test_labels_shape_the_latent(self, toy, toy_codec):
        """The squared distance in latent says more of the cost's change than where no label was seen."""
        plain = train_codec(toy, QUICK, 0)
        first, second = draws(toy_codec, 2000), toy.sample(seeds.rng(2), 2000)
        change = np.abs(cost(first) - cost(second))

        def agreement(codec):
            apart = codec.latent(codec.encode(first)) - codec.latent(codec.encode(second))
            return np.corrcoef((apart**2).sum(axis=(1, 2)), change)[0, 1]

        assert agreement(toy_codec) > agreement(plain)

    def test_dead_codes_come_back(self, toy):
        """A code that nothing uses moves to a latent far from all codes; the others stay."""
        with seeds.isolated(0):
            network = Network(toy.sizes, QUICK, {}, slopes(toy.sizes, []))
            z = network.encode(torch.from_numpy(Choices(toy).one_hot(toy.sample(seeds.rng(0), 50)))).detach()
            use = torch.full((6, 8), 1 / 8)
            use[2, 3] = 0
            before = network.codebook.detach().clone()
            assert network.revive(z, use) == 1
        moved = network.codebook.detach()
        assert any(torch.equal(moved[2, 3], row) for row in z[:, 2])
        moved[2, 3] = before[2, 3]
        assert torch.equal(moved, before)


class TestLayout:
    @pytest.mark.parametrize(
        ("sizes", "slots", "codes"),
        [
            ([5] * 6, 6, 8),
            ([5] * 6, 9, 8),
            ([2, 7, 1, 3, 4, 4], 4, 8),
            ([100, 3], 3, 8),
            ([2, 2], 1, 2),
            ([9] * 4, 1, 2),
        ],
    )
    def test_every_gene_is_seen(self, sizes, slots, codes):
        shared = share(np.array(sizes), slots, codes)
        assert shared.shape == (len(sizes), slots)
        assert shared.any(axis=1).all()
        assert shared.any(axis=0).all()

    def test_groups_are_even(self):
        assert share(np.array([2, 2, 4, 2, 2]), 3, 32).astype(int).T.tolist() == [
            [1, 1, 0, 0, 0],
            [0, 0, 1, 0, 0],
            [0, 0, 0, 1, 1],
        ]


class TestQuality:
    def test_figures_of_a_codec_that_does_nothing(self, toy, toy_codec):
        """All codes alike: one network, no code in use but one, nothing reconstructed."""
        arrays = {name: np.zeros_like(array) for name, array in toy_codec._arrays.items()}
        figures = measure(Codec(toy, arrays, toy_codec.made, {}), 0, rows=500, decodes=500)
        assert figures["distinct"] == 1
        assert figures["perplexity"] == pytest.approx(1)
        assert figures["exact"] < 0.01

    def test_smoothness_names_both_edits(self, toy_codec):
        figures = smoothness(toy_codec, 0, {"cost": cost}, draws(toy_codec))
        assert 0 < figures["cost_code_edit"] < 2
        assert figures["cost_gene_mutation"] == pytest.approx(
            0.38, abs=0.1
        )  # by hand: mean |difference| of two choices


class TestLabels:
    @pytest.mark.parametrize(
        ("labels", "said"),
        [
            ((np.zeros((3, 6), int), np.zeros(2)), "one row of accuracy per genes"),
            ((np.zeros((2, 6), int), np.array([0.5, np.nan])), "row 1 is not finite"),
            ((np.zeros((2, 5), int), np.zeros(2)), "6 integer genes"),
        ],
    )
    def test_labels_that_do_not_fit(self, toy, labels, said):
        with pytest.raises(ValueError, match=said):
            train_codec(toy, QUICK, 0, accuracy=labels)
