"""The loop without waiting: a free worker gets the next proposal, whatever is still under way.

What is proposed then depends on which training ends first: results depend on timing. A kill loses nothing: what was
proposed and has no record is trained first when the study goes on.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from latent_nas import artifacts
from latent_nas.evaluators import Job
from latent_nas.records import Record, ranked
from latent_nas.study import Genes, Study
from latent_nas.study.findings import best_of, findings_of, line


@dataclass
class AsyncStudy(Study):
    """A search whose records come in the order in which trainings end.

    The strategy is asked for ``batch`` networks when the last of those before was begun, knowing all that ended till
    then; a round of the store is one such question.
    """

    _asked: dict[Genes, int] = field(default_factory=dict, init=False)  # every proposal and its round
    _queue: list[Genes] = field(default_factory=list, init=False)  # proposals not yet begun
    _told: set[Genes] = field(default_factory=set, init=False)
    _number: int = field(default=0, init=False)  # of the next round
    _open: bool = field(default=False, init=False)  # whether the last round has no findings yet

    def run(self) -> list[Record]:
        """Return the records of all trainings in the order in which they ended; resumes what the store holds."""
        self._started = time.monotonic() - (self.store.note("search_s") or 0.0)
        self.say("asynchronous: what is proposed depends on which training ends first, so results depend on timing")
        self._resume()
        self.done(len(self.records), self.budget.trainings)
        for record in self.evaluator.evaluate(self._jobs()):
            self._keep(record)
            self.records.append(record)
            self._best = ranked([*self._best, record])[:1]
            self.done(len(self.records), self.budget.trainings)
        self._tell()
        return self.records

    def _resume(self) -> int:
        """Take up what the store holds; return the number of rounds."""
        while (proposals := self.store.proposals(self._number)) is not None:
            self._asked |= dict.fromkeys(proposals, self._number)
            self._number += 1
        held = [r for r in self.store.records() if (r.seed, r.fidelity) == (self.training_seed, "search")]
        self.records = [r for r in held if r.genes in self._asked and not r.lost]
        self._queue = list(self._asked.keys() - {r.genes for r in self.records})
        self._queue.sort(key=lambda genes: (self._asked[genes], genes))
        self._best = ranked(self.records)[:1]
        self._open = self._number - 1 not in {found["round"] for found in self.store.findings()}
        state = self.store.state()
        if state is not None:
            self.strategy.restore(artifacts.unpack(state))
            self.say(f"resumed after {len(self.records)} trainings")
        elif self.prior:
            self.strategy.tell(self.prior)
        self._told = set(map(tuple, self.strategy.genes.tolist()))
        return self._number

    def _jobs(self) -> Iterator[Job]:
        """Yield what to train next; taken by the evaluator whenever it has room."""
        while not self._over():
            if not self._queue:
                if len(self._asked) >= self.budget.trainings:
                    return
                self._ask()
            genes = self._queue.pop(0)
            yield Job(genes, self.training_seed, round=self._asked[genes])

    def _ask(self) -> None:
        """Put new proposals into the queue."""
        self._tell()
        self._refit([*self.prior, *self.records])
        ended = {r.genes for r in self.records}
        pending = [genes for genes in self._asked if genes not in ended]
        n = min(self.budget.batch, self.budget.trainings - len(self._asked))
        new = self._ask_for(n, pending)
        self.store.propose(self._number, new, artifacts.pack(self.strategy.state()))
        self._asked |= dict.fromkeys(new, self._number)
        self._queue += new
        self._number, self._open = self._number + 1, True

    def _tell(self) -> None:
        """Tell the strategy what ended since the last time, if anything did."""
        told = [r for r in self.records if r.genes not in self._told]
        if not told:
            return
        if not self._open:  # resumed between two rounds: what was under way then gets a round of its own
            self.store.propose(self._number, [], artifacts.pack(self.strategy.state()))
            self._number += 1
        if journal := self.strategy.journal():
            self.store.write_journal(self._number - 1, journal)
        findings = {
            "round": self._number - 1,
            **findings_of(self.scorer, [r.genes for r in told], told, self.intervals),
        }
        findings |= best_of(self._best)
        self.strategy.tell(told)
        self._told |= {r.genes for r in told}
        self.store.close_round(self._number - 1, findings, artifacts.pack(self.strategy.state()))
        self._open = False
        self.say(line(findings, len(self.records)))
        self.store.write_note("search_s", time.monotonic() - self._started)
        self.after_round()
