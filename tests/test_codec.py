"""Contracts of every codec: shapes, codes, and what can be decoded."""

import numpy as np
import pytest
from codecs_of_tests import draws

from latent_nas import seeds
from latent_nas.codec.choices import Choices
from latent_nas.codec.perceptron import Perceptron


class TestContract:
    def test_shapes(self, codec):
        genes = draws(codec, 7)
        codes = codec.encode(genes)
        assert codes.shape == (7, codec.slots)
        assert codes.dtype == np.int64
        assert codec.latent(codes).shape == (7, codec.slots, codec.dim)
        assert codec.codebook.shape == (codec.slots, codec.codes, codec.dim)
        assert codec.decode_codes(codes).shape == genes.shape

    def test_empty_batches(self, toy_codec):
        genes, codes = np.zeros((0, 6), int), np.zeros((0, 6), int)
        assert toy_codec.encode(genes).shape == codes.shape
        assert toy_codec.decode_codes(codes).shape == genes.shape

    def test_codes_come_back(self, codec):
        codes = np.random.default_rng(0).integers(codec.codes, size=(300, codec.slots))
        latent = codec.latent(codes)
        again = codec.nearest(latent)
        assert (codec.latent(again) == latent).all()
        assert (codec.decode(latent) == codec.decode_codes(codes)).all()

    def test_a_batch_is_its_rows(self, codec):
        genes = draws(codec, 40)
        codes = codec.encode(genes)
        assert (codes == np.concatenate([codec.encode(row[None]) for row in genes])).all()
        alone = np.concatenate([codec.decode_codes(row[None]) for row in codes])
        assert (codec.decode_codes(codes) == alone).all()

    def test_nearest_is_nearest(self, codec):
        latent = np.random.default_rng(0).normal(size=(50, codec.slots, codec.dim))
        distance = ((latent[:, :, None] - codec.codebook) ** 2).sum(axis=3)
        chosen = np.take_along_axis(distance, codec.nearest(latent)[..., None], 2)[..., 0]
        assert chosen == pytest.approx(distance.min(axis=2), abs=1e-4)

    @pytest.mark.parametrize("scale", [0, 1e-30, 1, 1e3, 1e30])
    def test_every_latent_is_a_network(self, codec, scale):
        latent = np.random.default_rng(0).normal(size=(300, codec.slots, codec.dim)) * scale
        genes = codec.decode(latent)
        assert (codec.space.check(genes) == codec.space.canonical(genes)).all()
        if codec.space.name == "uneven":
            assert (genes[:, 4] != genes[:, 5]).all()
        else:
            codec.space.mutate(genes, seeds.rng(0))

    def test_picks_the_best_existing_choice(self, codec):
        choices = Choices(codec.space)
        scores = np.random.default_rng(0).normal(size=(20, choices.columns)).astype(np.float32)
        nothing = Perceptron(scores, np.zeros(choices.columns, np.float32), np.zeros((0, choices.columns), np.float32))
        net = choices.above(nothing)
        picked = choices.pick(*net.ends(net.first + net.bias))
        for row, genes in zip(scores, picked, strict=True):
            parts = np.split(row, choices.ends[:-1])
            wanted = [int(part.argmax()) for part in parts]
            if codec.space.name == "uneven":
                parts[5][genes[4]] = -np.inf
                wanted[5] = int(parts[5].argmax())
            assert genes.tolist() == wanted

    def test_labels_have_heads(self, toy_codec, mcu_codec):
        latent = toy_codec.latent(toy_codec.encode(draws(toy_codec, 5)))
        heads = toy_codec.predict_heads(latent)
        assert {name: y.shape for name, y in heads.items()} == {"costs": (5, 2), "accuracy": (5,)}
        assert toy_codec.made["labels"] == {"costs": 2000, "accuracy": 100}
        assert mcu_codec.made["labels"] == {}
        assert mcu_codec.predict_heads(mcu_codec.latent(mcu_codec.encode(draws(mcu_codec)))) == {}


class TestBadInput:
    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    def test_latents_must_be_finite(self, toy_codec, value):
        latent = np.zeros((4, toy_codec.slots, toy_codec.dim))
        latent[2, 1, 3] = value
        for use in (toy_codec.decode, toy_codec.nearest, toy_codec.predict_heads):
            with pytest.raises(ValueError, match="row 2, slot 1, dimension 3"):
                use(latent)

    def test_shapes_and_ranges(self, toy_codec):
        with pytest.raises(ValueError, match=r"got latent \(4, 3\), wanted \(n, 6, 8\)"):
            toy_codec.decode(np.zeros((4, 3)))
        with pytest.raises(ValueError, match="got codes"):
            toy_codec.decode_codes(np.zeros((4, 7), int))
        with pytest.raises(ValueError, match="codes are 0 to 7, got 0 to 8"):
            toy_codec.decode_codes(np.array([[0, 1, 2, 3, 4, 8]]))
        with pytest.raises(ValueError, match="allows 0 to 4"):
            toy_codec.encode(np.full((1, 6), 5))
