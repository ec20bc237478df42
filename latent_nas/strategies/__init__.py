"""Strategies: one file each; they ask for networks to train and are told what was measured.

``ask`` gets the judge passed in, so no strategy keeps a stale model, and the networks that are still in training, so
that no caller asks for more than it wants. All randomness is derived from the seed and the number of ``tell`` calls: a
restored strategy goes on exactly as one that was never stopped, and to ask twice without a ``tell`` between gives the
same answer twice.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from latent_nas import plugins, seeds
from latent_nas.env import LatentCodec
from latent_nas.judge import Judge
from latent_nas.limits import Limits
from latent_nas.records import Record
from latent_nas.spaces import Genes, Space
from latent_nas.units import cost_row


@dataclass(frozen=True)
class Problem:
    """What is searched.

    Attributes:
        space: bound to the task's input. codec: of that space; None for strategies that use no latent.
        limits: hard upper limits of the costs.
        fits: whether networks keep them exactly: canonical genes (n, g) -> bool (n,).
        price: what their trainings cost, genes (n, g) -> (n,); None: all the same.
    """

    space: Space
    codec: LatentCodec | None
    limits: Limits
    fits: Callable[[np.ndarray], np.ndarray]
    price: Callable[[np.ndarray], np.ndarray] | None = None


class Strategy(ABC):
    """Asks for networks, is told records.

    Attributes:
        genes: canonical genes of every record told, (m, g), in their order.
        accuracies: what was maximised of them, ``Record.score``, (m,); NaN where the training failed or was short.
        costs: their flash_bytes, ram_bytes and latency_ms, (m, 3).
        round: how often ``tell`` was called.
    """

    name: ClassVar[str]
    judged: ClassVar[bool] = True  # whether it asks a judge; else none is made, nor a codec opened
    round_size: ClassVar[int] = 10  # trainings of a round, where nobody says how many
    ranges: ClassVar[dict[str, tuple[float, float]]] = {}  # of settings, see ``settings``, where not the usual ones
    words: ClassVar[dict[str, tuple[str, ...]]] = {}  # that a setting can be, where it is a text
    draws: ClassVar[int] = 20_000  # candidates to look through before feasible networks are declared out of reach

    def __init__(self, problem: Problem, seed: int) -> None:
        self.problem, self.seed, self.round = problem, seed, 0
        self.genes = np.zeros((0, len(problem.space.genes)), np.int64)
        self.accuracies, self.costs = np.zeros(0), np.zeros((0, 3))
        self._known: set[Genes] = set()  # those of ``genes``

    @abstractmethod
    def ask(self, n: int, judge: Judge | None, pending: Sequence[Genes] = ()) -> list[Genes]:
        """Return n distinct canonical networks that keep the limits exactly and are neither trained nor pending.

        Args:
            n: how many. judge: fitted to all records told; None for strategies that are not ``judged``.
            pending: canonical networks in training, asked for and not yet told, in the order they were asked for.

        Raises:
            ValueError: fewer than n such networks were found.
        """

    def tell(self, records: Sequence[Record]) -> None:
        """Learn what was measured; ends the round."""
        if records:
            genes = self.problem.space.canonical(self.problem.space.check(np.array([r.genes for r in records])))
            measured = [r.score if r.ok and not r.short else None for r in records]
            costs = [cost_row(r) for r in records]
            self.genes = np.concatenate([self.genes, genes])
            self._known.update(map(tuple, genes.tolist()))
            self.accuracies = np.append(self.accuracies, np.array(measured, float))
            self.costs = np.concatenate([self.costs, np.array(costs, float)])
        self.round += 1

    def journal(self) -> dict[str, Any]:
        """Return what the last ``ask`` did that a person may want to see, as small JSON values; most have nothing."""
        return {}

    def state(self) -> dict[str, np.ndarray]:
        """Return all that ``restore`` needs."""
        return {
            "genes": self.genes.copy(),
            "accuracies": self.accuracies.copy(),
            "costs": self.costs.copy(),
            "round": np.array(self.round),
        }

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Become the strategy that gave the state; problem and seed must be its own.

        Raises:
            ValueError: the state is of another space or is incomplete.
        """
        missing = sorted({"genes", "accuracies", "costs", "round"} - set(state))
        if missing:
            raise ValueError(f"a state of strategy {self.name!r} holds {', '.join(missing)}; is it another's?")
        self.genes = self.problem.space.check(state["genes"]) if len(state["genes"]) else self.genes[:0]
        self.accuracies, self.costs = np.array(state["accuracies"], float), np.array(state["costs"], float)
        self._known = set(map(tuple, self.genes.tolist()))
        self.round = int(state["round"])

    def rng(self, *path: int | str) -> np.random.Generator:
        """Return the generator of this strategy, this round and a path."""
        return seeds.rng(self.seed, self.name, self.round, *path)

    def fresh(self, candidates: np.ndarray, taken: Sequence[Genes] = ()) -> list[Genes]:
        """Return the candidates (n, g) that keep the limits and are neither trained nor taken, once each, in order."""
        also = set(taken)
        new = [g for g in dict.fromkeys(map(tuple, candidates.tolist())) if g not in self._known and g not in also]
        if not new:
            return []
        fits = self.problem.fits(np.array(new))
        return [genes for genes, good in zip(new, fits, strict=True) if good]

    def first(self, candidates: np.ndarray, n: int, taken: Sequence[Genes] = ()) -> list[Genes]:
        """Return up to n of the candidates (k, g) that may be asked for, in order.

        Costs are worked out of n at first, and of twice as many whenever these were not enough.
        """
        allowed: list[Genes] = []
        start, size = 0, n
        while len(allowed) < n and start < len(candidates):
            allowed += self.fresh(candidates[start : start + size], [*taken, *allowed])
            start, size = start + size, 2 * size
        return allowed[:n]

    def random(self, n: int, rng: np.random.Generator, taken: Sequence[Genes] = ()) -> list[Genes]:
        """Return n random networks that may be asked for, by rejection.

        Where half of ``draws`` samples were not enough, the rest are mutations of the networks that are known to fit;
        where these were not, a space whose networks are listed is gone through.

        Raises:
            ValueError: fewer were found in ``draws`` candidates.
        """
        space = self.problem.space
        allowed: list[Genes] = []
        drawn, size = 0, max(4 * n, 16)
        while len(allowed) < n and drawn < self.draws:
            size = min(size, self.draws - drawn)
            candidates = space.sample(rng, size)
            if drawn >= self.draws // 2 and (len(self.genes) or taken or allowed):
                near = np.array([*taken, *allowed], np.int64).reshape(-1, len(space.genes))
                parents = np.concatenate([self.genes, near])
                candidates = space.mutate(parents[rng.integers(len(parents), size=size)], rng)
            allowed += self.first(candidates, n - len(allowed), [*taken, *allowed])
            drawn, size = drawn + size, min(2 * size, self.draws // 8)  # mutants of mutants need several batches
        if len(allowed) < n and space.listed is not None:
            allowed += self.first(rng.permutation(space.listed), n - len(allowed), [*taken, *allowed])
        if len(allowed) < n:
            raise ValueError(
                f"strategy {self.name!r} wants {n} untrained networks of space {space.name!r} of"
                f" {self.problem.limits.text()}, found {len(allowed)} in {drawn} candidates; loosen the limits"
            )
        return allowed


def full_strategy(name: str) -> str:
    """Return a strategy's name in full: "rl" is "latent_rl", a file of your own is its path from the root."""
    return "latent_rl" if name == "rl" else plugins.called("strategies", name)


def open_strategy(name: str | type[Strategy], problem: Problem, seed: int) -> Strategy:
    """Return a new strategy.

    Raises:
        ValueError: there is none of that name, or the file is not one of a strategy.
    """
    strategy: Strategy = plugins.load("strategies", name)(problem, seed)
    return strategy
