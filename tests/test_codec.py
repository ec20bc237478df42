import json
import random

import numpy as np
import pytest
import torch

from latent_nas import seeds
from latent_nas.artifacts import MANIFEST
from latent_nas.codec import Codec, CodecSettings
from latent_nas.codec.choices import Choices
from latent_nas.codec.layout import share, slopes
from latent_nas.codec.network import Network
from latent_nas.codec.perceptron import Perceptron
from latent_nas.codec.quality import measure, smoothness
from latent_nas.codec.train import train_codec
from latent_nas.spaces import Gene, Space, open_space

QUICK = CodecSettings(slots=6, codes=8, dim=8, hidden=16, width=32, steps=400, batch=128)
FIVE = np.array([0.0, 0.3, 1.0, 0.1, 0.6])  # what a choice of the toy space costs, times the gene's weight
WEIGHT = np.array([1.0, 0.2, 0.8, 0.5, 0.1, 2.0])


class Toy(Space):
    """Six choices of one of five, all of them different networks."""

    name = "toy"
    genes = tuple(Gene(f"edge{i}", tuple("abcde")) for i in range(6))
    feature_names = ("cost",)

    def sample(self, rng, n):
        return rng.integers(5, size=(n, 6))

    def canonical(self, genes):
        return np.asarray(genes, np.int64)

    def graph(self, genes):
        raise AssertionError("a toy has no graph")

    def features(self, genes):
        return cost(genes)[:, None].astype(np.float32)


class Uneven(Toy):
    """Genes of one to seven choices; the last may not repeat the one before it."""

    name = "uneven"
    genes = tuple(Gene(f"g{i}", tuple(range(size))) for i, size in enumerate((2, 7, 1, 3, 4, 4)))

    def sample(self, rng, n):
        genes = np.stack([rng.integers(size, size=n) for size in self.sizes], axis=1)
        genes[:, 5] = (genes[:, 4] + rng.integers(1, 4, size=n)) % 4
        return genes

    def allowed(self, earlier):
        i = earlier.shape[1]
        allowed = np.ones((len(earlier), self.sizes[i]), bool)
        if i == 5:
            allowed[np.arange(len(earlier)), earlier[:, 4]] = False
        return allowed


def cost(genes):
    return (FIVE[genes] * WEIGHT).sum(axis=1)


@pytest.fixture(scope="module")
def toy():
    return Toy((8, 8, 1), 10)


@pytest.fixture(scope="module")
def mcu():
    return open_space("mcu_cnn", (8, 8, 1), 10)


@pytest.fixture(scope="module")
def toy_codec(toy):
    genes = toy.sample(seeds.rng(0, "costs"), 2000)
    few = toy.sample(seeds.rng(0, "accuracy"), 100)
    targets = np.stack([cost(genes), -3 * cost(genes)], axis=1)
    return train_codec(toy, QUICK, 0, costs=(genes, targets), accuracy=(few, cost(few)))


@pytest.fixture(scope="module")
def mcu_codec(mcu):
    return train_codec(mcu, CodecSettings(steps=60, batch=128, width=64), 0)


@pytest.fixture(scope="module", params=["toy", "mcu", "uneven"])
def codec(request):
    if request.param == "uneven":
        return train_codec(Uneven((8, 8, 1), 10), QUICK, 0)
    return request.getfixturevalue(f"{request.param}_codec")


def draws(codec, n=500):
    return codec.space.sample(seeds.rng(1, "draws"), n)


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


class TestFiles:
    def test_a_loaded_codec_is_the_saved_one(self, codec, tmp_path):
        codec.save(tmp_path / "codec")
        loaded = Codec.load(tmp_path / "codec", codec.space)
        genes = draws(codec)
        codes = codec.encode(genes)
        assert (loaded.encode(genes) == codes).all()
        assert (loaded.decode_codes(codes) == codec.decode_codes(codes)).all()
        for name, y in codec.predict_heads(codec.latent(codes)).items():
            assert (loaded.predict_heads(loaded.latent(codes))[name] == y).all()
        assert (loaded.made, loaded.quality, loaded.settings) == (codec.made, codec.quality, codec.settings)

    @pytest.mark.parametrize(
        ("spoil", "said"),
        [
            (lambda d: (d / "codec.safetensors").write_bytes(b"x"), "sha256"),
            (lambda d: (d / "codec.safetensors").unlink(), "missing"),
            (lambda d: (d / MANIFEST).write_text("{"), "damaged"),
            (lambda d: (d / MANIFEST).unlink(), "no codec"),
            (lambda d: edit(d, lambda m: m.update(kind="agent")), "holds a agent, wanted a codec"),
            (lambda d: edit(d, lambda m: m.update(sha256={})), "no whole codec"),
        ],
    )
    def test_damage_is_one_line(self, toy_codec, tmp_path, spoil, said):
        toy_codec.save(tmp_path / "codec")
        spoil(tmp_path / "codec")
        with pytest.raises(ValueError, match=said) as error:
            Codec.load(tmp_path / "codec", toy_codec.space)
        assert "\n" not in str(error.value)

    def test_a_codec_of_another_space_is_one_line(self, toy, mcu, toy_codec, mcu_codec, tmp_path):
        mcu_codec.save(tmp_path / "codec")
        with pytest.raises(ValueError, match="space mcu_cnn, wanted toy"):
            Codec.load(tmp_path / "codec", toy)
        with pytest.raises(ValueError, match=r"input_shape \[8, 8, 1\], wanted \[16, 16, 1\]"):
            Codec.load(tmp_path / "codec", open_space("mcu_cnn", (16, 16, 1), 10))
        toy_codec.save(tmp_path / "toy")
        larger = Toy((8, 8, 1), 10)
        larger.genes = (*Toy.genes, Gene("more", (0, 1)))
        with pytest.raises(ValueError, match="gene sizes"):
            Codec.load(tmp_path / "toy", larger)


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


def edit(folder, change):
    manifest = json.loads((folder / MANIFEST).read_text())
    change(manifest)
    (folder / MANIFEST).write_text(json.dumps(manifest))
