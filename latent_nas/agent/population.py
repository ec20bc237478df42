"""A small population that a proposer edits: tournament parents, one edit each, the best are kept."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from latent_nas.agent.policy import Agent
from latent_nas.env.core import EditCore
from latent_nas.env.memo import hashed
from latent_nas.env.rows import PESSIMISTIC
from latent_nas.spaces import Space

Proposer = Callable[["Pool", np.ndarray, np.random.Generator], tuple[np.ndarray, np.ndarray]]


@dataclass
class Pool:
    """Networks with their scores: codes (n, slots), genes (n, g), judged (n, JUDGED) as in ``Rows``, limits (3,)."""

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
    batch: int = 32,
    tournament: int = 3,
    each: Callable[[Pool], None] | None = None,
) -> Pool:
    """Return the best ``size`` networks after ``queries`` more architectures were judged.

    A child that was judged before costs no query; after four times as many children the search ends anyway. ``each``
    is shown every batch of children.
    """
    pool = start.distinct().best(size)
    end, children_left = core.queries + queries, 4 * queries
    while core.queries < end and children_left > 0:
        n = min(batch, end - core.queries, children_left)
        children_left -= n
        entered = rng.integers(len(pool), size=(n, tournament))
        parents = entered.min(axis=1)  # the pool is sorted, the best first
        codes, genes = propose(pool, parents, rng)
        children = judged_pool(core, codes, genes, pool.limits)
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
    """One code edit per parent: the agent's, or a random one in a share of the cases."""

    def __init__(self, core: EditCore, agent: Agent | None, random_share: float = 0.25) -> None:
        self.core, self.agent, self.random_share = core, agent, random_share

    def __call__(self, pool: Pool, parents: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Return codes (n, slots) and canonical genes (n, g) of children of ``parents`` (n,)."""
        core, n = self.core, len(parents)
        codes = pool.codes[parents].copy()
        actions = rng.integers(core.stop, size=n)
        chosen = np.flatnonzero(rng.random(n) >= self.random_share) if self.agent else np.zeros(0, np.int64)
        rows = core.rows(codes, np.broadcast_to(pool.limits, (n, 3)), pool.judged[parents])
        if self.agent and len(chosen):
            actions[chosen] = self.agent.act(core.observe(rows.take(chosen), brief=True), rng)
        core.edit(rows, actions)
        return rows.codes, core.codec.decode_codes(rows.codes)


class GeneMutations:
    """One gene mutation per parent, the codes left alone."""

    def __init__(self, space: Space) -> None:
        self.space = space

    def __call__(self, pool: Pool, parents: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Return codes (n, slots) of the parents and mutated canonical genes (n, g)."""
        return pool.codes[parents], self.space.mutate(pool.genes[parents], rng)
