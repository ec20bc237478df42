"""A tiny categorical space with a codec of the real interface and a scorer of known optimum."""

import numpy as np

from latent_nas.graph import Graph
from latent_nas.judge import Scores
from latent_nas.limits import Limits
from latent_nas.records import Record
from latent_nas.spaces import Gene, Genes, Space
from latent_nas.strategies import Problem

OPEN = np.full(3, np.inf)


class ToySpace(Space):
    """8 genes of 4 choices; where the first gene is 0 the second does nothing."""

    name = "toy"
    genes = tuple(Gene(f"g{i}", (0, 1, 2, 3)) for i in range(8))
    feature_names = ("sum",)

    def __init__(self) -> None:
        super().__init__((1, 1, 1), 2)

    def sample(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """Return n random networks, (n, 8)."""
        return self.canonical(rng.integers(4, size=(n, len(self.genes))))

    def canonical(self, genes: np.ndarray) -> np.ndarray:
        """Return the genes with the second set to 0 where the first is."""
        genes = np.array(genes, np.int64)
        genes[genes[:, 0] == 0, 1] = 0
        return genes

    def graph(self, genes: object) -> Graph:
        """Refuse: there is none."""
        raise AssertionError("a toy has no graph")

    def features(self, genes: np.ndarray) -> np.ndarray:
        """Return the sum of the genes, (n, 1)."""
        return genes.sum(axis=1, keepdims=True).astype(np.float32)


class ToyCodec:
    """One slot per gene; which code means which choice is drawn."""

    def __init__(self, space: Space, dim: int = 3) -> None:
        rng = np.random.default_rng(7)
        self.space, self.slots, self.codes, self.dim = space, len(space.genes), int(space.sizes.max()), dim
        self.codebook = rng.normal(size=(self.slots, self.codes, dim)).astype(np.float32)
        self._choice = np.stack([rng.permutation(self.codes) for _ in range(self.slots)])
        self._code = self._choice.argsort(axis=1)

    def encode(self, genes: np.ndarray) -> np.ndarray:
        """Return the codes (n, slots) of genes (n, genes)."""
        return self._code[np.arange(self.slots), genes]

    def latent(self, codes: np.ndarray) -> np.ndarray:
        """Return the codebook's vectors of codes (n, slots): (n, slots, dim)."""
        return self.codebook[np.arange(self.slots), codes]

    def decode_codes(self, codes: np.ndarray) -> np.ndarray:
        """Return the canonical genes of codes (n, slots)."""
        return self.space.canonical(self._choice[np.arange(self.slots), codes])


class ToyScorer:
    """The nearer to ``BEST``, the better; ``flat`` makes all networks equal."""

    BEST: Genes = (3, 1, 0, 2, 2, 0, 1, 3)

    def __init__(self, labels: int = 8, flat: bool = False, limits: np.ndarray = OPEN) -> None:
        self.labels, self.flat, self.limits, self.queries, self.calls = labels, flat, limits, 0, 0
        self.space: Space = ToySpace()
        self.weight, self.margin = 1.0, 0.0

    def __call__(self, genes: np.ndarray, limits: np.ndarray | None = None) -> Scores:
        """Return the scores of genes (n, 8)."""
        self.queries, self.calls = self.queries + len(genes), self.calls + 1
        accuracy, std = true_accuracy(genes) * (not self.flat), np.full(len(genes), 0.01)
        flash, ram, latency = true_costs(genes).T
        bounds = self.limits if limits is None else limits
        penalty = np.maximum(np.log(true_costs(genes)) - np.log(bounds), 0).sum(axis=1)
        pessimistic, acquisition = accuracy - std - penalty, accuracy + std - penalty
        return Scores(accuracy, std, flash, ram, latency, penalty, pessimistic, acquisition)

    rerank = __call__

    def batch(self, genes: np.ndarray, n: int, pending: np.ndarray | None = None) -> np.ndarray:
        """Return the indices (n,) of the best."""
        return np.argsort(-self.rerank(genes).acquisition, kind="stable")[:n]


def true_accuracy(genes: np.ndarray) -> np.ndarray:
    """Return the accuracy (n,): the share of genes that are those of the best."""
    return np.asarray((genes == np.array(ToyScorer.BEST)).mean(axis=1))


def true_costs(genes: np.ndarray) -> np.ndarray:
    """Return flash_bytes, ram_bytes, latency_ms, (n, 3)."""
    total = 1000.0 + 100.0 * genes.sum(axis=1)
    return np.stack([total, total / 2, total / 500], axis=1)


def fits(limits: Limits, genes: np.ndarray) -> np.ndarray:
    """Return whether networks keep the limits, (n,)."""
    return limits.kept(true_costs(genes))


def record(genes: Genes) -> Record:
    """Return the record of a training that went well."""
    flash, ram, latency = true_costs(np.array([genes]))[0]
    accuracy = float(true_accuracy(np.array([genes]))[0])
    return Record(
        genes,
        "toy",
        "toy",
        0,
        measured_float={"accuracy": accuracy},
        measured_int8={"accuracy": accuracy},
        flash_bytes=int(flash),
        ram_bytes=int(ram),
        latency_ms=float(latency),
    )


def toy_problem(limits: Limits = Limits()) -> Problem:  # noqa: B008 - frozen
    """A toy space's networks within limits, as a strategy is given them."""
    space = ToySpace()
    return Problem(space, ToyCodec(space), limits, lambda genes: fits(limits, genes))
