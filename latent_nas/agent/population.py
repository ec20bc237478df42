"""A small population that a proposer edits: tournament parents, one edit each, the best are kept."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from latent_nas.agent import Editor
from latent_nas.env.core import EditCore
from latent_nas.env.memo import Known, hashed
from latent_nas.env.rows import PESSIMISTIC
from latent_nas.spaces import Space

DRAWN = 4  # children proposed per parent, of which the first new one is judged
Proposed = tuple[np.ndarray, np.ndarray, np.ndarray]  # codes (m, slots), genes (m, g), which parent's of those (m,)
Proposer = Callable[["Pool", np.ndarray, np.random.Generator], Proposed]


@dataclass
class Pool:
    """Networks with their scores.

    Attributes:
        codes: (n, slots), -1 where they were not asked for yet. genes: (n, g). judged: (n, JUDGED), as in ``Rows``.
        limits: (3,).
    """

    codes: np.ndarray
    genes: np.ndarray
    judged: np.ndarray
    limits: np.ndarray

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def values(self) -> np.ndarray:
        """The pessimistic scores, (n,)."""
        return self.judged[:, PESSIMISTIC]

    def take(self, where: np.ndarray) -> "Pool":
        """Return some of the networks."""
        return Pool(self.codes[where], self.genes[where], self.judged[where], self.limits)

    def join(self, other: "Pool") -> "Pool":
        """Return the networks of both."""
        codes, genes = np.concatenate([self.codes, other.codes]), np.concatenate([self.genes, other.genes])
        return Pool(codes, genes, np.concatenate([self.judged, other.judged]), self.limits)

    @property
    def keys(self) -> np.ndarray:
        """A hash of each network's genes, (n,) uint64."""
        return hashed(self.genes)

    def distinct(self) -> "Pool":
        """Return every network once, in order."""
        _, first = np.unique(self.keys, return_index=True)
        return self.take(np.sort(first))

    def best(self, n: int, by: int = PESSIMISTIC) -> "Pool":
        """Return the n of the highest score, or of another column of what was judged, the best first."""
        return self.take(np.argsort(-self.judged[:, by], kind="stable")[:n])


def judged_pool(core: EditCore, codes: np.ndarray, genes: np.ndarray, limits: np.ndarray) -> Pool:
    """Return networks with their scores."""
    return Pool(codes, genes, core.judge_genes(genes, np.broadcast_to(limits, (len(genes), 3))), limits)


def search(
    core: EditCore,
    start: Pool,
    propose: Proposer,
    rng: np.random.Generator,
    queries: int,
    size: int = 64,
    batch: int = 64,
    tournament: int = 3,
    each: Callable[[Pool], None] | None = None,
    patience: int = 4,
) -> Pool:
    """Return the best ``size`` networks after ``queries`` more architectures were judged.

    Of what is proposed for a parent the first network that was not met before is its child; no more are judged than
    parents were drawn. Batches grow from 10, so that few queries are not spent at once. After ``patience`` times as
    many parents as queries the search ends anyway. ``each`` is shown every batch of children.
    """
    first, tries = core.queries, patience * queries
    pool, known = start.distinct().best(size), Known(start.keys, tries)  # what a core remembers is no query
    while (done := core.queries - first) < queries and tries > 0:
        n = min(batch, 10 + done // 4, queries - done)
        tries -= n
        entered = rng.integers(len(pool), size=(n, tournament))
        parents = entered.min(axis=1)  # the pool is sorted, the best first
        codes, genes, of = propose(pool, parents, rng)
        new = known.add(hashed(genes), of, n)
        if len(new):
            children = judged_pool(core, codes[new], genes[new], pool.limits)
            if each:
                each(children)
            pool = pool.join(children).distinct().best(size)
    return pool


class Archive:
    """The best distinct networks of all that were judged, at most ``size``; its ``add`` is a ``watch`` of a core.

    ``by`` is the column of what is judged that decides.
    """

    def __init__(self, pool: Pool, size: int, by: int = PESSIMISTIC) -> None:
        self.pool, self.size, self.by = pool.distinct().best(size, by), size, by

    def add(self, codes: np.ndarray, genes: np.ndarray, judged: np.ndarray) -> None:
        """Take in what is better than the worst kept: codes (n, slots), genes (n, g), judged (n, JUDGED)."""
        worst = self.pool.judged[-1, self.by] if len(self.pool) == self.size else -np.inf
        better = np.flatnonzero(judged[:, self.by] > worst)
        if len(better):
            better = better[~np.isin(hashed(genes[better]), self.pool.keys)]
        if len(better):
            new = Pool(codes[better], genes[better], judged[better], self.pool.limits)
            self.pool = self.pool.join(new).distinct().best(self.size, self.by)


class CodeEdits:
    """Code edits, ``DRAWN`` per parent: an agent's, or random ones without one or in a share of the cases."""

    def __init__(self, core: EditCore, agent: Editor | None, random_share: float = 0.0) -> None:
        self.core, self.agent, self.random_share = core, agent, random_share

    def __call__(self, pool: Pool, parents: np.ndarray, rng: np.random.Generator) -> Proposed:
        """Return what comes of ``parents`` (n,), whose codes are asked for where they have none."""
        core, n = self.core, len(parents)
        missing = np.unique(parents[pool.codes[parents, 0] < 0])
        if len(missing):
            pool.codes[missing] = core.codec.encode(pool.genes[missing])
        codes = pool.codes[parents]
        rows = core.rows(codes, np.broadcast_to(pool.limits, (n, 3)), pool.judged[parents])
        actions = rng.integers(core.stop, size=(n, DRAWN))
        chosen = np.flatnonzero(rng.random(n) >= self.random_share) if self.agent else np.zeros(0, np.int64)
        if self.agent and len(chosen):
            actions[chosen] = self.agent.edits(core, rows.take(chosen), rng, DRAWN)
        of = np.repeat(np.arange(n), DRAWN)
        rows = rows.take(of)
        core.edit(rows, actions.ravel())
        return rows.codes, core.codec.decode_codes(rows.codes), of


class GeneMutations:
    """Gene mutations, ``DRAWN`` per parent."""

    def __init__(self, space: Space) -> None:
        self.space = space

    def __call__(self, pool: Pool, parents: np.ndarray, rng: np.random.Generator) -> Proposed:
        """Return no codes, -1, and mutated canonical genes (m, g) of ``parents`` (n,), and whose they are (m,)."""
        of = np.repeat(np.arange(len(parents)), DRAWN)
        genes = self.space.mutate(pool.genes[parents[of]], rng)
        return np.full((len(genes), pool.codes.shape[1]), -1), genes, of


class Mixed:
    """Two proposers, the second for a share of the parents."""

    def __init__(self, first: Proposer, second: Proposer, share: float) -> None:
        self.first, self.second, self.share = first, second, share

    def __call__(self, pool: Pool, parents: np.ndarray, rng: np.random.Generator) -> Proposed:
        """Return what each proposes for its parents."""
        cut = len(parents) - round(self.share * len(parents))  # parents are drawn, so any will do
        if cut == 0 or cut == len(parents):
            return (self.first if cut else self.second)(pool, parents, rng)
        codes, genes, of = self.first(pool, parents[:cut], rng)
        more_codes, more_genes, more_of = self.second(pool, parents[cut:], rng)
        return np.concatenate([codes, more_codes]), np.concatenate([genes, more_genes]), np.append(of, more_of + cut)
