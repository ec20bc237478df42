"""The loop without waiting: a slow training holds nobody up, and a kill loses nothing."""

from collections import Counter
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from latent_nas import seeds
from latent_nas.contracts.toy import ToyCodec, ToyScorer, ToySpace, fits, record
from latent_nas.evaluators import Evaluator
from latent_nas.judge.fidelity import Evidence
from latent_nas.limits import Limits
from latent_nas.store import Store
from latent_nas.strategies import Problem, open_strategy
from latent_nas.study import Budget, Study
from latent_nas.study.asynchronous import AsyncStudy
from latent_nas.study.findings import findings_of
from latent_nas.study.halving import Halving

LIMITS = Limits(flash_bytes=2500)


class Uneven(Evaluator):
    """Three at a time; the first job of all ends last, the others from the newest to the oldest."""

    def __init__(self, stop_after=None):
        self.stop_after, self.done = stop_after, []

    def evaluate(self, jobs):
        running, source, more = [], iter(jobs), True
        slow = None
        while True:
            while more and len(running) < 3:
                job = next(source, None)
                more = job is not None
                running += [job] if more else []
                slow = slow or job
            if not running:
                return
            if len(self.done) == self.stop_after:
                raise KeyboardInterrupt
            job = next((j for j in reversed(running) if j is not slow), running[0])
            running.remove(job)
            self.done.append(job)
            yield record_of(job)


def record_of(job):
    found = record(job.genes)
    return type(found)(**{**found.to_json(), "seed": job.seed, "round": job.round})


class ToyJudge(ToyScorer):
    silent = frozenset()  # it hears no other tasks

    def plausible(self, believed):
        return believed

    def refit(self, records):
        self.labels = len(records)


def study(path, evaluator, said, strategy="evolution", trainings=20, batch=4):
    space = ToySpace()
    judged = strategy == "local_search"
    problem = Problem(space, ToyCodec(space) if judged else None, LIMITS, lambda genes: fits(LIMITS, genes))
    kind = open_strategy(strategy, problem, 3)
    scorer = ToyJudge() if judged else None
    budget = Budget(trainings, batch)
    return AsyncStudy(kind, scorer, evaluator, Store(path), LIMITS, budget, 3, say=said.append, intervals=False)


@pytest.mark.parametrize("strategy", ["evolution", "random", "local_search"])
def test_a_slow_training_holds_nobody_up_and_none_is_done_twice(tmp_path, strategy):
    said, workers = [], Uneven()
    loop = study(tmp_path / "a.sqlite", workers, said, strategy)
    records = loop.run()
    genes = [r.genes for r in records]
    assert len(genes) == len(set(genes)) == 20
    assert genes[-1] == loop.store.proposals(0)[0]  # the slow one, first proposed, ends last
    assert any("depend on timing" in text for text in said)
    assert set(map(tuple, loop.strategy.genes.tolist())) == set(genes)  # every record was told
    assert sum(found["trainings"] for found in loop.store.findings()) == 20


def test_the_strategy_is_asked_for_what_is_wanted_and_told_what_is_in_training(tmp_path):
    loop = study(tmp_path / "a.sqlite", Uneven(), [], "evolution")
    asked, ask = [], loop.strategy.ask

    def heard(n, judge, pending):
        new = ask(n, judge, pending)
        asked.append((n, list(pending), new, {r.genes for r in loop.records}))
        return new

    loop.strategy.ask = heard
    loop.run()
    proposed = []
    for n, pending, new, ended in asked:
        assert n == len(new) == 4
        assert pending == [genes for genes in proposed if genes not in ended]
        proposed += new
    assert any(pending for _, pending, _, _ in asked)


@pytest.mark.parametrize("stop_after", [0, 1, 4, 7, 19])
@pytest.mark.parametrize("strategy", ["evolution", "local_search"])
def test_killed_and_resumed_loses_nothing_and_repeats_nothing(tmp_path, stop_after, strategy):
    path = tmp_path / "a.sqlite"
    killed, rest, idle = Uneven(stop_after), Uneven(), Uneven()
    with pytest.raises(KeyboardInterrupt):
        study(path, killed, [], strategy).run()
    loop = study(path, rest, [], strategy)
    records = loop.run()
    trained = [job.genes for job in killed.done[:stop_after] + rest.done]
    assert Counter(trained) == Counter(r.genes for r in records)
    assert len(records) == len(set(trained)) == 20
    assert {r.genes for r in loop.store.records()} == set(trained)
    assert set(map(tuple, loop.strategy.genes.tolist())) == set(trained)
    proposed = [g for n in range(99) for g in loop.store.proposals(n) or []]
    assert Counter(proposed) == Counter(trained)  # what was proposed before the kill is kept
    assert len(study(path, idle, [], strategy).run()) == 20
    assert idle.done == []


def test_it_stops_when_the_best_is_enough(tmp_path):
    said = []
    loop = study(tmp_path / "a.sqlite", Uneven(), said)
    loop.budget = Budget(20, 4, enough=0.0)
    assert 1 <= len(loop.run()) < 20
    assert any("enough" in text for text in said)


class InTurn(Evaluator):
    """Gives the record of every job, one after another."""

    def evaluate(self, jobs):
        for job in jobs:
            yield replace(record_of(job), fidelity=job.fidelity)


@pytest.mark.parametrize("kind", [Study, AsyncStudy, Halving])
def test_the_judge_learns_from_what_was_known_before(tmp_path, kind):
    class Hearing(ToyJudge):
        heard, evidence = (), Evidence.of([])

        def refit(self, records):
            self.labels, self.heard = len(records), (*self.heard, {r.genes for r in records})

    space, judge = ToySpace(), Hearing()
    prior = [record(tuple(genes)) for genes in space.sample(seeds.rng(1), 6).tolist()]
    problem = Problem(space, ToyCodec(space), LIMITS, lambda genes: fits(LIMITS, genes))
    strategy = open_strategy("evolution", problem, 3)
    with closing(Store(tmp_path / "a.sqlite")) as store:
        kind(strategy, judge, InTurn(), store, LIMITS, Budget(6, 2), 3, prior, intervals=False).run()
    known = {r.genes for r in prior}
    assert len(judge.heard) > 1
    assert all(known <= genes for genes in judge.heard)
    assert len(judge.heard[-1]) > len(known)


def test_a_round_says_what_is_plausible_of_predictions():
    class Wary(ToyJudge):
        def plausible(self, believed):
            return np.maximum(believed, 0.9)

    space, judge = ToySpace(), Wary()
    genes = [tuple(row) for row in space.sample(seeds.rng(1), 3).tolist()]
    records = [record(one) for one in genes]
    assert (judge.rerank(np.array(genes)).predicted_accuracy < 0.9).any()
    found = findings_of(judge, genes, records, intervals=False)
    measured = [r.measured_objective for r in records]
    wanted = np.maximum(judge.rerank(np.array(genes)).predicted_accuracy, 0.9) - measured
    assert found["optimism"] == pytest.approx(wanted.mean())
