"""The loop: ask the strategy, train for real, store, show what the prediction was worth, recalibrate, ask again.

Everything in it is derived from the seed and the store, so a study that was killed goes on to the same result.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from latent_nas import artifacts, seeds
from latent_nas.evaluators import Evaluator, Job
from latent_nas.judge.scorer import Scorer
from latent_nas.limits import Limits
from latent_nas.records import SEARCH, Record, ranked
from latent_nas.store import Store
from latent_nas.strategies import Strategy
from latent_nas.study.findings import best_of, findings_of, line
from latent_nas.units import cost_row

Genes = tuple[int, ...]
CHANGED = "limits"  # note of a store: limits that came into force later, and the rounds there were then


@dataclass(frozen=True)
class Budget:
    """When a study stops: after so many trainings, or after the round in which time is up or the best is good enough.

    ``enough`` is a value of the objective, in its own unit; ``batch`` is the trainings of a round.
    """

    trainings: int
    batch: int = 4
    wall_s: float | None = None
    enough: float | None = None


@dataclass
class Study:
    """One search.

    Attributes:
        scorer: None for strategies that use no judge. intervals: whether rounds record how well its intervals cover.
        prior: records known before the search (a warm start); never counted, never proposed again.
        first: networks to train before any that the strategy asks for, in order.
        say: is told every event in a line. done: is told (finished, wanted) trainings.
        after_round: is called when a round is stored. stopped: whether no new round is to begin.
        records: of this study, in the order of proposals.
    """

    strategy: Strategy
    scorer: Scorer | None
    evaluator: Evaluator
    store: Store
    limits: Limits
    budget: Budget
    seed: int
    prior: list[Record] = field(default_factory=list)
    say: Callable[[str], None] = lambda line: None
    done: Callable[[int, int], None] = lambda finished, wanted: None
    after_round: Callable[[], None] = lambda: None
    stopped: Callable[[], bool] = lambda: False
    intervals: bool = True
    first: list[Genes] = field(default_factory=list)
    records: list[Record] = field(default_factory=list, init=False)
    _best: list[Record] = field(default_factory=list, init=False)
    _started: float = field(default=0.0, init=False)  # when it would have begun, had it never been stopped

    def run(self) -> list[Record]:
        """Return the records of all trainings, in the order of rounds and proposals; resumes what the store holds."""
        self._started = time.monotonic() - (self.store.note("search_s") or 0.0)
        number = self._resume()
        while (n := self._affordable()) > 0 and not self._over():
            self._round(number, n)
            self.store.write_note("search_s", time.monotonic() - self._started)
            self.after_round()
            number += 1
        return self.records

    def _over(self) -> bool:
        """Return whether time is up, the best is good enough or the caller has had enough, and say so."""
        wall_s, enough, done = self.budget.wall_s, self.budget.enough, len(self.records)
        if self.stopped():
            self.say(f"stopped after {done} trainings, as the caller asked")
            return True
        if wall_s and time.monotonic() - self._started >= wall_s:
            self.say(f"the time budget of {wall_s:.0f} s is used up after {done} trainings")
            return True
        if enough is not None and self._best:
            value, sign = self._best[0].measured_objective, 1 if self._best[0].higher_is_better else -1
            if value is not None and sign * value >= sign * enough:
                self.say(f"enough after {done} trainings")
                return True
        return False

    def _resume(self) -> int:
        """Take up what the store holds; return the number of finished rounds."""
        rounds = range(len(self.store.findings()))
        for number in rounds:
            trained = self._trained(number)
            self._again(number, trained)
            self.records += [self._stored(genes) for genes in trained]
        self._best = self._within(self.records)[:1]
        if (begun := self._begun_anew(len(rounds))) is not None:
            return begun
        state = self.store.state()
        if state is not None:
            self.strategy.restore(artifacts.unpack(state))
            self.say(f"resumed after {len(self.records)} trainings")
        elif self.prior:
            self.strategy.tell(self.prior)
        return len(rounds)

    def _begun_anew(self, number: int) -> int | None:
        """Let the strategy begin anew where limits have changed since it was last asked; return the number of rounds.

        What it remembers was meant for other limits; what was trained it is told, as from a warm start. A round that is
        still open is closed with what it has trained. None: limits have not changed, or there was a round since.

        Args:
            number: of rounds that are closed.
        """
        note = self.store.note(CHANGED)
        if not note or note["limits"] != self.limits.to_json():  # these never came into force
            return None
        if note["rounds"] is None:
            proposals = self.store.proposals(number) or []
            trained = [genes for genes in proposals if self.store.get(genes, self.training_seed, SEARCH)]
            self.store.shorten(number, trained)
            if trained:
                findings = self._learn(number, trained, [self._stored(genes) for genes in trained])
                self.store.close_round(number, findings, artifacts.pack(self.strategy.state()))
                number += 1
            self.store.write_note(CHANGED, note | {"rounds": number})
        elif self.store.rounds() > note["rounds"]:
            return None
        self.strategy.tell([*self.prior, *self.records])
        self.say(f"{len(self.records)} trainings are known, of which {len(self._within(self.records))} keep the limits")
        return number

    def _within(self, records: list[Record]) -> list[Record]:
        """Return the records that are ok and keep the limits, the best first."""
        return [record for record in ranked(records) if not self.limits.exceeded(*cost_row(record))]

    def _trained(self, number: int) -> list[Genes]:
        """Return what a finished round has trained."""
        return self.store.proposals(number) or []

    def _again(self, number: int, proposals: list[Genes], fidelity: str = SEARCH) -> None:
        """Train once more what was lost in a finished round; surrogates learn of it, the strategy goes on as it was."""
        lost = [genes for genes in proposals if self._stored(genes, fidelity).lost]
        if lost:
            self.say(f"round {number + 1}: {len(lost)} trainings were lost with their workers and are tried again")
        for record in self.evaluator.evaluate(Job(g, self.training_seed, fidelity, number) for g in lost):
            self._keep(record)

    def _affordable(self) -> int:
        """Return how many trainings the next round has; 0 where the budget is spent."""
        return min(self.budget.batch, self.budget.trainings - len(self.records))

    def _round(self, number: int, n: int) -> None:
        self._refit([*self.prior, *self.records])
        proposals = self._proposals(number, n)
        self._train(number, proposals)
        told = [self._stored(genes) for genes in proposals]
        findings = self._learn(number, proposals, told)
        self.strategy.tell(told)
        self.store.close_round(number, findings, artifacts.pack(self.strategy.state()))
        self._report(findings)

    def _refit(self, records: list[Record]) -> None:
        """Fit the judge anew, if there is one, and say which other tasks it has ceased or begun again to hear."""
        if self.scorer is None:
            return
        before = self.scorer.silent
        self.scorer.refit(records)
        now = self.scorer.silent
        for name in sorted(before ^ now):
            does = "does not order" if name in now else "orders"
            self.say(f"{name} {does} the best networks here, so it is {'not heard' if name in now else 'heard again'}")

    def _proposals(self, number: int, n: int) -> list[Genes]:
        """Return what a round is to train: as stored, or n networks asked for now and stored."""
        proposals = self.store.proposals(number)
        if proposals is None:
            proposals = self._asked_for(n)
            if journal := self.strategy.journal():
                self.store.write_journal(number, journal)
            self.store.propose(number, proposals, artifacts.pack(self.strategy.state()))
        return proposals

    def _asked_for(self, n: int) -> list[Genes]:
        """Return n networks: those of ``first`` that are not known yet, then the strategy's."""
        known = set(map(tuple, self.strategy.genes.tolist()))
        first = [genes for genes in self.first if genes not in known][:n]
        return first if len(first) == n else [*first, *self._ask_for(n - len(first), first)]

    def _ask_for(self, n: int, pending: list[Genes]) -> list[Genes]:
        """Return what the strategy asks for.

        Raises:
            ValueError: nothing, with which a search would go on for ever, more than is paid for, or what is no network
                of the space, not canonical, or beyond the limits.
        """
        asked = list(self.strategy.ask(n, self.scorer, pending) or ())
        if wrong := self._wrong(asked, n):
            raise ValueError(
                f"strategy {self.strategy.name!r} asked for {wrong}; `latent-nas check FILE` says what a strategy keeps"
            )
        return [tuple(map(int, genes)) for genes in asked]

    def _wrong(self, asked: list[Genes], n: int) -> str:
        """Return what of a strategy's answer can't be trained, "" where nothing is wrong."""
        problem = self.strategy.problem
        if not asked:
            return f"no network where {n} are wanted"
        if len(asked) > n:
            return f"{len(asked)} networks where {n} are wanted"
        try:
            genes = problem.space.check(asked)
        except ValueError as error:
            return f"what is no network of the space ({error})"
        alike = (problem.space.canonical(genes) == genes).all(axis=1)
        if not alike.all():
            return f"a network that is not canonical, {asked[int(np.argmin(alike))]}"
        if not (fits := problem.fits(genes)).all():
            return f"a network beyond the limits, {asked[int(np.argmin(fits))]}"
        return ""

    def _learn(self, number: int, proposals: list[Genes], told: list[Record]) -> dict[str, Any]:
        """Take up a round's records and return what they showed."""
        findings = {"round": number, **findings_of(self.scorer, proposals, told, self.intervals)}
        self.records += told
        self._best = self._within([*self._best, *told])[:1]
        return findings | best_of(self._best)

    def _report(self, findings: dict[str, Any]) -> None:
        self.say(line(findings, len(self.records)))

    def _train(self, number: int, proposals: list[Genes], fidelity: str = SEARCH) -> None:
        """Train what the store does not hold yet; every result is stored as it comes."""
        wanted = self.budget.trainings
        held = {genes: self.store.get(genes, self.training_seed, fidelity) for genes in proposals}
        missing = [genes for genes in proposals if (record := held[genes]) is None or record.lost]
        finished = len(self.records) + (len(proposals) - len(missing)) * (fidelity == SEARCH)
        self.done(finished, wanted)
        for record in self.evaluator.evaluate(self._job(g, fidelity, number) for g in missing):
            self._keep(record)
            finished += fidelity == SEARCH
            self.done(finished, wanted)

    def _job(self, genes: Genes, fidelity: str, number: int) -> Job:
        return Job(genes, self.training_seed, fidelity, number)

    def _keep(self, record: Record) -> None:
        over = self.limits.exceeded(*cost_row(record))
        assert not over, f"strategy {self.strategy.name} proposed {record.genes}, which exceeds {over}"
        self.store.add(record)
        if not record.ok:
            self.say(f"training {record.status}, kept as a record: {record.reason}")

    @property
    def training_seed(self) -> int:
        """The seed of every search training of this study."""
        return seeds.derive(self.seed, "trainings") % 2**31

    def _stored(self, genes: Genes, fidelity: str = SEARCH) -> Record:
        record = self.store.get(genes, self.training_seed, fidelity)
        if record is None:
            raise ValueError(
                f"{self.store.path} is not a whole study file: the training of {genes} is gone; restore it from a copy"
            )
        return record
