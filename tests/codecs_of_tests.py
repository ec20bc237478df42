"""Codecs for tests: of spaces small enough to know everything about, trained once per process."""

from functools import cache

import numpy as np

from latent_nas import seeds
from latent_nas.codec import CodecSettings
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


@cache
def toy_codec():
    """A codec that has seen costs of 2,000 networks and accuracies of 100."""
    space = Toy((8, 8, 1), 10)
    genes = space.sample(seeds.rng(0, "costs"), 2000)
    few = space.sample(seeds.rng(0, "accuracy"), 100)
    targets = np.stack([cost(genes), -3 * cost(genes)], axis=1)
    return train_codec(space, QUICK, 0, costs=(genes, targets), accuracy=(few, cost(few)))


@cache
def mcu_codec():
    """A codec of a space that ships, without labels."""
    return train_codec(open_space("mcu_cnn", (8, 8, 1), 10), CodecSettings(steps=60, batch=128, width=64), 0)


@cache
def uneven_codec():
    """A codec of genes that restrict each other."""
    return train_codec(Uneven((8, 8, 1), 10), QUICK, 0)


def draws(codec, n=500):
    """Random genes of a codec's space."""
    return codec.space.sample(seeds.rng(1, "draws"), n)
