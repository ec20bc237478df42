"""The loop with several fidelities: cheap looks at many networks, dear ones for those that are worth them.

In every round the judge weighs what the strategy proposes, each network's first look, against the next look at those
that have had one (``judge.promotion``), and the better of the two is trained. Budgets and results are in full
trainings: what shorter ones cost adds up, and only full ones count as found. A short training begins only where the
budget has a full one left after it, so that no search ends without any.

A short training that fails, or that a table has not, is paid for and says nothing; the network is judged by the
surrogate as before, and its next look is the next dearer one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from latent_nas import artifacts
from latent_nas.evaluators import Job
from latent_nas.judge.fidelity import Fidelity, changes, ladder
from latent_nas.records import SEARCH, Record, ranked
from latent_nas.study import Genes, Study
from latent_nas.study.findings import best_of, findings_of, line

LOOKS = 2  # first looks of a round on tables, for one training of its batch; else as many as that costs
FIRST = 10  # looks before anything is promoted: nothing is known of few but which is the largest
SLACK = 1e-9  # of sums of costs
PROBE = 4  # promotions after which the line is checked at its lower end

Plan = Sequence[tuple[Genes, str]]  # networks and the fidelity of each


@dataclass
class Climb(Study):
    """A study whose networks climb from the cheapest fidelity to the full training.

    Attributes:
        fidelities: the cheaper ones. kept: whether a promoted network goes on from where it stopped, so that it costs
            what is added; a fidelity's cost is then of all that leads to it. states: folder where trainings leave their
            state for that, None where they have none, as on tables.
        doubted: whether a network of the lower half is trained in full after some promotions, so that a fidelity whose
            order is reversed or noise is found out.
        short: records of the cheaper ones, in the order of rounds. spent_at: full trainings spent when each of
            ``records`` was there. misleading: names of fidelities that were given up.

    Raises:
        ValueError: a strategy that asks no judge, who alone can weigh fidelities; a fidelity that is given twice; or a
            budget of less than one full training.
    """

    fidelities: tuple[Fidelity, ...] = ()
    kept: bool = False
    states: Path | None = None
    doubted: bool = True
    short: list[Record] = field(default_factory=list, init=False)
    spent_at: list[float] = field(default_factory=list, init=False)
    spent: float = field(default=0.0, init=False)
    misleading: tuple[str, ...] = field(default=(), init=False)
    _paid: dict[Genes, float] = field(default_factory=dict, init=False)  # what has led to each network's last look
    _last: bool = field(default=False, init=False)  # whether nothing but a full training may come

    def __post_init__(self) -> None:
        if self.scorer is None:
            raise ValueError(
                f"strategy {self.strategy.name!r} asks no judge, who weighs short trainings against full ones; use"
                " latent_rl, argmax or incumbent, or leave --fidelity away"
            )
        if self.budget.trainings < 1:
            raise ValueError(
                f"a budget of {self.budget.trainings:g} full trainings is not enough for one, and only full trainings"
                " count as found; give at least 1"
            )
        self.fidelities = self.scorer.fidelities = ladder(self.fidelities)
        self.scorer.kept = self.kept
        self._costs = {SEARCH: 1.0} | {fidelity.name: fidelity.cost for fidelity in self.fidelities}

    def _resume(self) -> int:
        rounds = super()._resume()
        self.records = []
        for number in range(rounds):
            plan = self._stored_plan(number)
            for fidelity in dict.fromkeys(name for _, name in plan):
                self._again(number, [genes for genes, name in plan if name == fidelity], fidelity)
            self._take_up(plan)
        return rounds

    def _job(self, genes: Genes, fidelity: str, number: int) -> Job:
        job = super()._job(genes, fidelity, number)
        name = sha256(",".join(map(str, genes)).encode()).hexdigest()[:24]
        return replace(job, state=str(self.states / name)) if self.states else job

    def _trained(self, number: int) -> list[Genes]:
        """Return what a finished round has trained in full."""
        return [genes for genes, fidelity in self._stored_plan(number) if fidelity == SEARCH]

    def _affordable(self) -> int:
        left = self.budget.trainings - self.spent + SLACK
        return min(self.budget.batch, max(int(left), int(any(1 - self._paid[g] <= left for g in self._going_on()))))

    def _round(self, number: int, n: int) -> None:
        assert self.scorer
        self._refit([*self.prior, *self.records, *self.short])
        self._give_up(self.scorer.evidence.misleading)
        plan = self._stored_plan(number) if self.store.proposals(number) is not None else self._plan(number, n)
        for fidelity in dict.fromkeys(name for _, name in plan):
            self._train(number, [genes for genes, name in plan if name == fidelity], fidelity)
        full = [genes for genes, fidelity in plan if fidelity == SEARCH]
        told = [self._stored(*each) for each in plan]
        findings = {"round": number, **findings_of(self.scorer, full, [r for r in told if not r.short], self.intervals)}
        self._take_up(plan)
        findings |= {"short": len(told) - len(full), "spent": round(self.spent, 6), **self._best_so_far()}
        self.strategy.tell(told)
        self.store.close_round(number, findings, artifacts.pack(self.strategy.state()))
        self._report(findings)

    def run(self) -> list[Record]:
        """Return the records of all full trainings; if time is up before any, the most promising network gets one."""
        super().run()
        if self.short and not self.records and not self.stopped():
            self._last = True
            self._round(len(self.store.findings()), 1)
            self.after_round()
        return self.records

    def _going_on(self) -> set[Genes]:
        """Return the networks whose full training goes on from a short one."""
        full = {record.genes for record in self.records}
        return {record.genes for record in self.short if record.ok} - full if self.kept else set()

    def _cost(self, genes: Genes, fidelity: str) -> float:
        """Return what a training adds, in full trainings."""
        return self._costs[fidelity] - (self._paid.get(genes, 0.0) if self.kept else 0.0)

    def _left(self, plan: Plan = ()) -> float:
        """Return what is left of the budget after a plan, in full trainings."""
        return self.budget.trainings - self.spent - sum(self._cost(*each) for each in plan) + SLACK

    def _spare(self, plan: Plan = ()) -> float:
        """Return what short trainings may take of what is left, so that a full one can follow."""
        last = 1 - (self.fidelities[0].cost if self._going_on() else 0.0)
        return 0.0 if self._last else self._left(plan) - last

    def _plan(self, number: int, n: int) -> Plan:
        """Return what a round trains, at which fidelity, and store it."""
        assert self.scorer
        evidence = self.scorer.evidence
        rungs = [fidelity.name for fidelity in evidence.fidelities]
        first = rungs[0] if rungs and self._spare() >= self._costs[rungs[0]] else SEARCH
        many = int(n / self._costs[first]) if self.kept else LOOKS * n
        looks = min(n, int(self._left())) if first == SEARCH else min(many, int(self._spare() / self._costs[first]))
        proposals = self._asked_for(self._there(looks))
        if journal := self.strategy.journal():
            self.store.write_journal(number, journal)
        begun = [tuple(evidence.genes[i].tolist()) for i in np.flatnonzero(evidence.steps <= len(rungs))]
        known = set(begun) & {record.genes for record in self.short}  # prior networks are never trained
        known -= {record.genes for record in self.short if self.kept and not record.ok}  # would fail again
        waiting = [genes for genes in begun if genes in known and genes not in set(proposals)]
        looking = first != SEARCH and bool(proposals)
        most = n if self.kept else max(n // 2, 1)
        plan = self._promoted(waiting, proposals, most, looking) or [(genes, first) for genes in proposals]
        self.store.write_note(f"fidelities {number}", [fidelity for _, fidelity in plan])
        self.store.propose(number, [genes for genes, _ in plan], artifacts.pack(self.strategy.state()))
        return plan

    def _there(self, n: int) -> int:
        """Return how many of n networks there still are to propose, where a space is listed; 0 if others wait."""
        listed = self.strategy.problem.space.listed
        left = n if listed is None else len(self.strategy.first(listed, n))
        return left if self.short else max(left, 1)

    def _promoted(self, waiting: Sequence[Genes], proposals: Sequence[Genes], n: int, looking: bool) -> Plan:
        """Return up to n networks that wait and are worth more than any proposal, each with its next fidelity.

        Args:
            looking: whether proposals get a look; at the end of the budget there is none that a full training could
                follow, and what waits goes first.
        """
        assert self.scorer
        evidence = self.scorer.evidence
        if not waiting or (len(self.short) < FIRST and looking):
            return []
        low = [] if not self.doubted else [genes for genes in evidence.wants_a_low_one(PROBE) if genes in waiting]
        if low:
            return [(genes, SEARCH) for genes in low]
        worth = self.scorer.worth(np.array(waiting))
        weighed = bool(proposals) and (looking or not evidence.fidelities)
        bar = self.scorer.worth(np.array(proposals)).max() if weighed else -np.inf
        names = [*(fidelity.name for fidelity in evidence.fidelities), SEARCH]
        steps = dict(zip(map(tuple, evidence.genes.tolist()), evidence.steps.tolist(), strict=True))
        plan: list[tuple[Genes, str]] = []
        for i in np.argsort(-worth, kind="stable"):
            step = waiting[i], names[steps[waiting[i]]]
            if step[1] != SEARCH and self._cost(*step) > self._spare(plan):
                step = waiting[i], SEARCH
            if len(plan) < n and worth[i] >= bar and self._cost(*step) <= self._left(plan):
                plan.append(step)
        return plan

    def _stored_plan(self, number: int) -> Plan:
        proposals, fidelities = self.store.proposals(number) or [], self.store.note(f"fidelities {number}") or []
        if len(proposals) != len(fidelities):
            raise ValueError(
                f"{self.store.path} is not a whole study file: the fidelities of round {number} are gone; restore it"
                " from a copy"
            )
        return list(zip(proposals, fidelities, strict=True))

    def _take_up(self, plan: Plan) -> None:
        """Count what a round has trained."""
        for genes, fidelity in plan:
            record = self._stored(genes, fidelity)
            self.spent += self._cost(genes, fidelity)
            self._paid[genes] = self._costs[fidelity]
            if record.short:
                self.short.append(record)
            else:
                self.records.append(record)
                self.spent_at.append(self.spent)

    def _give_up(self, names: tuple[str, ...]) -> None:
        for change in changes(self.misleading, names):
            self.say(change)
        self.misleading = names

    def _best_so_far(self) -> dict[str, Any]:
        self._best = ranked(self.records)[:1]
        return best_of(self._best)

    def _report(self, findings: dict[str, Any]) -> None:
        self.say(f"{line(findings, len(self.records))}; {len(self.short)} short ones, {self.spent:.2f} spent")
