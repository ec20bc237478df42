"""One run of a strategy on a table, and what all runs of a bench share."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from latent_nas import plugins, seeds
from latent_nas.codec import Codec, CodecSettings
from latent_nas.evaluators import Evaluator
from latent_nas.judge.fidelity import Fidelity
from latent_nas.judge.scorer import Scorer
from latent_nas.judge.transfer import Beliefs, Source
from latent_nas.limits import Limits
from latent_nas.spaces import Genes
from latent_nas.store import Store
from latent_nas.strategies import Problem
from latent_nas.strategies.settings import configured
from latent_nas.study import Budget, Study
from latent_nas.study.climb import Climb
from latent_nas.surrogates.stack import Stack
from latent_nas.tables.front import hypervolume
from latent_nas.tables.space import TableSpace

SLOTS = 24  # of a table's codec, at most
MOST_CODES = 64  # of a slot
BETA = 2.0  # of the acquisition: over a hundred trainings more curiosity pays than over the main job's two dozen
LEAST_NOISE = 0.1  # of the judge's process: over so many trainings one that denies noise stays where it is
STEPS = (400, 1200, 4000)  # of its training; more only where fewer do not bring every network back


@dataclass
class Contest:
    """A table, what is sought in it, and by how many trainings.

    Attributes:
        space: of the table. objective, report: columns; report may be "". minimise: whether less is better.
        limits: column -> the most that a network may have of it. trainings, batch: of a run and of a round
            (0: the strategy's own). stop: whether a run ends with the optimum; its incumbents stay there anyway.
        front: column of a cost; then judged strategies get another limit of it in every round, and what counts is the
            area below the front.
        settings: of the strategies, as in "reinforce.entropy=0.01". fidelities: columns of shorter trainings, whose
            costs count; ``trainings`` then are full-training equivalents. continued: whether these are the first epochs
            of the full training, which goes on from there. sources: labels of other tasks on the same
            space. related: how many networks each run trains first that these believe to be the best.

    Raises:
        ValueError: no network keeps the limits, or a front of a cost that is negative or always the same.
    """

    space: TableSpace
    objective: str
    report: str
    minimise: bool
    limits: dict[str, float]
    trainings: int
    batch: int
    stop: bool = False
    front: str = ""
    settings: tuple[str, ...] = ()
    fidelities: tuple[Fidelity, ...] = ()
    continued: bool = False
    sources: tuple[Source, ...] = ()
    related: int = 0

    def __post_init__(self) -> None:
        if not self.feasible.any():
            asked = ", ".join(f"{name}={limit:g}" for name, limit in self.limits.items())
            least = ", ".join(f"{name}={self.space.table.values[name].min():g}" for name in self.limits)
            raise ValueError(f"no network keeps --max {asked}; the least there is: {least}")
        if self.front:
            cost = self.space.table.values[self.front][self.feasible]
            if not 0 <= cost.min() < cost.max():
                raise ValueError(
                    f"--front wants a cost of 0 or more that differs; {self.front} goes from {cost.min():g} to"
                    f" {cost.max():g}"
                )

    @cached_property
    def excess(self) -> np.ndarray:
        """How far each network exceeds the limits: the sum of log(cost / limit), (networks,); 0 inside."""
        total = np.zeros(self.space.table.networks)
        for name, limit in self.limits.items():
            values = self.space.table.values[name]
            apart = np.log(values.clip(1e-300) / limit) if limit > 0 else (values - limit) / max(abs(limit), 1.0)
            total += np.where(values > limit, np.maximum(apart, 1e-9), 0)
        return total

    @cached_property
    def feasible(self) -> np.ndarray:
        """Which networks keep the limits, (networks,)."""
        return self.excess == 0

    @cached_property
    def optimum(self) -> float:
        """The best value of the objective within the limits."""
        values = self.space.table.values[self.objective][self.feasible]
        return float(values.min() if self.minimise else values.max())

    @cached_property
    def beliefs(self) -> Beliefs | None:
        """What the sources say of the networks; None without any."""
        return Beliefs(self.space, self.sources, 0) if self.sources else None

    def _believed_best(self) -> list[Genes]:
        """Return the networks within the limits that the sources believe to be the best, ``related`` of them."""
        if not self.related or self.beliefs is None:
            return []
        listed = (
            self.space.listed if self.space.listed is not None else self.space.sample(seeds.rng(0, "related"), 20_000)
        )
        best = self.beliefs.best(listed[self.feasible[self.space.network(listed)]])
        return list(dict.fromkeys(map(tuple, best.tolist())))[: self.related]

    def _beyond(self, scorer: Scorer) -> Callable[[np.ndarray], np.ndarray] | None:
        """Return what tells a scorer how far networks exceed the limits, and with a front the one of this round."""
        if not self.front:
            return (lambda genes: self.excess[self.space.network(genes)]) if self.limits else None
        logs = np.log(self.space.table.values[self.front].clip(1e-9))
        low, high = np.quantile(logs, (0.02, 1.0))

        def beyond(genes: np.ndarray) -> np.ndarray:
            limit = seeds.rng(scorer.seed, "front", scorer.labels).uniform(low, high)
            networks = self.space.network(genes)
            return np.asarray(self.excess[networks] + np.maximum(logs[networks] - limit, 0))

        return beyond

    def hypervolume(self, genes: np.ndarray) -> float:
        """Return the area below the front of genes (n, genes), as a share of that of all networks within the limits.

        Measured above the tenth percentile of the objective and below the largest cost.
        """
        gain = self.space.table.values[self.objective] * (-1.0 if self.minimise else 1.0)
        cost = self.space.table.values[self.front]
        corner = float(np.quantile(gain[self.feasible], 0.1)), float(cost[self.feasible].max())
        found = self.space.network(genes)
        whole = hypervolume(gain[self.feasible], cost[self.feasible], *corner)
        return hypervolume(gain[found], cost[found], *corner) / whole if whole else 1.0

    def summary(self) -> dict[str, Any]:
        """Return what the bench's file says of the table."""
        table = self.space.table
        genes = {gene.name: [_plain(choice) for choice in gene.choices] for gene in table.genes}
        counts = {"rows": len(table.rows), "networks": table.networks, "feasible": int(self.feasible.sum())}
        sources = {"sources": {s.name: len(s.values) for s in self.sources}} if self.sources else {}
        without = {"without": table.without} if table.without else {}
        return {**counts, **without, "optimum": self.optimum, "genes": genes, **sources}

    def judge(self, seed: int) -> Scorer:
        """Return the scorer of a run, before any label.

        No latent is among its inputs: it is made of the genes, which stand there already, and searches with it are
        longer. Trees are not worth their time where genes are plain categories.
        """
        surrogate = Stack(least_noise=LEAST_NOISE, least=1)
        if self.space.plain:
            sizes, shared = tuple(self.space.sizes.tolist()), self.space.shared
            surrogate = Stack(share=0.0, least_noise=LEAST_NOISE, sizes=sizes, shared=shared)
        scorer = Scorer(self.space, Limits(), None, None, seed, beta=BETA, surrogate=surrogate, beliefs=self.beliefs)
        scorer.beyond = self._beyond(scorer)
        return scorer

    def run(self, strategy: str, seed: int, codec: Path) -> dict[str, Any]:
        """Return one run; ``codec`` is the folder of a codec of the space, read if the strategy is judged."""
        started = time.perf_counter()
        kind = configured(strategy, self.settings, [text.partition(".")[0] for text in self.settings])
        evaluator: Evaluator = plugins.load("evaluators", "table")(
            self.space, self.objective, self.minimise, self.front
        )
        latent = Codec.load(codec, self.space) if kind.judged else None
        problem = Problem(self.space, latent, Limits(), lambda genes: self.feasible[self.space.network(genes)])
        scorer = self.judge(seed) if kind.judged else None
        budget = Budget(min(self.trainings, int(self.feasible.sum())), self.batch or kind.round_size)
        if self.stop:
            budget = replace(budget, enough=self.optimum)
        store = Store(Path(":memory:"))
        given = (kind(problem, seed), scorer, evaluator, store, Limits(), budget, seed)
        first = self._believed_best() if kind.judged else []
        study: Study
        if self.fidelities:
            study = Climb(*given, intervals=False, first=first, fidelities=self.fidelities, kept=self.continued)
        else:
            study = Study(*given, intervals=False, first=first)
        records = study.run()
        store.close()
        sign = -1.0 if self.minimise else 1.0
        gains = np.array([r.score for r in records], float)
        spent = np.array(study.spent_at if isinstance(study, Climb) else range(1, len(records) + 1), float)
        incumbents = sign * self._incumbents(gains, spent, budget.trainings)
        reached = np.flatnonzero(sign * gains == self.optimum)
        best = self.space.network(np.array([records[int(gains.argmax())].genes]))[0]
        reported = self.space.table.values[self.report][best] if self.report else np.nan
        return {
            "strategy": strategy,
            "seed": seed,
            "incumbents": incumbents.tolist(),
            "measured": (sign * gains).tolist(),
            **(_looked(study) if isinstance(study, Climb) else {}),
            "reported": float(reported) if np.isfinite(reported) else None,
            "trainings_to_optimum": _plain_number(spent[reached[0]]) if len(reached) else None,
            "hypervolume": self.hypervolume(np.array([r.genes for r in records])) if self.front else None,
            "scorer_queries": scorer.queries if scorer else 0,
            "seconds": round(time.perf_counter() - started, 3),
        }

    def _incumbents(self, gains: np.ndarray, spent: np.ndarray, trainings: int) -> np.ndarray:
        """Return the best gain after each whole full training's worth of budget, (trainings,).

        Until the first full training there is none in hand: the worst of all networks stands for it.

        Args:
            gains: of full trainings, (n,), in their order. spent: full-training equivalents spent by then, (n,).
        """
        values = self.space.table.values[self.objective][self.feasible] * (-1.0 if self.minimise else 1.0)
        best = np.maximum.accumulate(np.append(values.min(), gains))
        return np.asarray(best[np.searchsorted(spent, np.arange(1, trainings + 1) + 1e-9, side="right")])


def _looked(study: Climb) -> dict[str, Any]:
    """Return what a run's entry says of its short trainings."""
    return {
        "spent_at": [round(spent, 6) for spent in study.spent_at],
        "short": len(study.short),
        "misleading": list(study.misleading),
    }


def trained_codec(match: Contest, out: Path, say: Callable[[str], None]) -> Path:
    """Return the folder, beside ``out``, of a codec of the table's networks; one is trained if it is not there.

    It has seen genes and no label, and the inputs where there are any. The folder's name holds their hash, so that
    benches of one table share it.
    """
    table, space = match.space.table, match.space
    digest = sha256(json.dumps([[g.name, [str(c) for c in g.choices]] for g in table.genes]).encode())
    for array in (space.canonical(table.rows[:1]), table.rows, table.network):
        digest.update(np.ascontiguousarray(array, np.int64).tobytes())
    digest.update((space.known.name if space.known else "").encode() + space.inputs.tobytes())
    folder = out.parent / f"codec-{digest.hexdigest()[:16]}"
    if folder.is_dir():
        Codec.load(folder, space)
        return folder
    from latent_nas.codec.train import train_codec  # with it comes torch, which strategies without a judge do without

    say("training a codec of the table's genes, without labels")
    labels = None
    if space.inputs.shape[1]:
        genes = space.sample(seeds.rng(0, "codec inputs"), 4000)
        labels = genes, space.inputs[space.network(genes)]
    for steps in STEPS:
        made = train_codec(space, settings(space, steps), 0, labels)
        if space.listed is not None:  # so few that all of them can be tried, not only a sample
            back = made.decode_codes(made.encode(space.listed))
            made.quality["exact"] = float((back == space.listed).all(axis=1).mean())
        if made.quality["exact"] == 1.0:
            break
    made.save(folder)
    say(f"codec: {made.quality['exact']:.3%} of networks come back exactly, {made.quality['valid']:.0%} are valid")
    return folder


def settings(space: TableSpace, steps: int) -> CodecSettings:
    """Return the settings of a table's codec: a slot per gene up to ``SLOTS``, twice as many codes as choices.

    A gene with more choices than half a slot's codes gets several slots: 64 codes tell no 300 choices apart.
    """
    codes = 2 ** int(np.ceil(np.log2(2 * max(int(space.sizes.max()), 4))))
    each = np.ceil(np.log(np.maximum(space.sizes, 2)) / np.log(MOST_CODES / 2) - 1e-9)
    slots = min(int(each.sum()), SLOTS)
    codes = min(codes, MOST_CODES) if slots == len(space.genes) else MOST_CODES
    return CodecSettings(slots, codes, 4, hidden=64, width=128, steps=steps, batch=256, learning_rate=1e-2)


def _plain_number(value: float) -> float:
    return int(value) if value == int(value) else round(float(value), 6)


def _plain(choice: Any) -> Any:
    return choice if isinstance(choice, (str, int, float, bool)) else str(choice)
