"""The loop on real trainings: repeatable, resumable, honest."""

import re
import sqlite3

import numpy as np
import pytest

from latent_nas.evaluators import Evaluator
from latent_nas.evaluators.work import record_of
from latent_nas.limits import Limits
from latent_nas.records import Record, front, ranked
from latent_nas.store import Store
from latent_nas.strategies import Problem, open_strategy
from latent_nas.study import Budget, Study
from latent_nas.study.asynchronous import AsyncStudy
from latent_nas.target import Setup, Target

TARGET = Target("mcu_cnn", "digits", "stm32f405", "cmsis_nn")
SETUP = Setup(TARGET)
LIMITS = Limits(flash_bytes=3000, ram_bytes=2000, latency_ms=0.6)


class Here(Evaluator):
    """Trains in this process, one by one; stops the study after some records as a kill would."""

    def __init__(self, stop_after=None):
        self.left = stop_after
        self.trained = 0

    def evaluate(self, jobs):
        for job in jobs:
            if self.left == self.trained:
                raise KeyboardInterrupt
            self.trained += 1
            yield record_of(TARGET, job)


def study(path, evaluator, strategy="evolution", trainings=5, seed=0, prior=()):
    problem = Problem(SETUP.space, None, LIMITS, lambda genes: SETUP.fits(genes, LIMITS))
    kind = open_strategy(strategy, problem, seed)
    return Study(kind, None, evaluator, Store(path), LIMITS, Budget(trainings, 2), seed, list(prior))


def essence(records):
    """What must be equal: everything but the time."""
    return [{k: v for k, v in r.to_json().items() if k != "wall_s"} for r in records]


def test_same_seed_killed_and_resumed_gives_identical_records(tmp_path):
    whole = study(tmp_path / "whole.sqlite", Here()).run()
    assert len(whole) == 5
    killed = Here(stop_after=3)
    with pytest.raises(KeyboardInterrupt):
        study(tmp_path / "cut.sqlite", killed).run()
    rest = Here()
    resumed = study(tmp_path / "cut.sqlite", rest).run()
    assert killed.trained + rest.trained == 5
    assert essence(resumed) == essence(whole)
    idle = Here()
    assert essence(study(tmp_path / "cut.sqlite", idle).run()) == essence(whole)
    assert idle.trained == 0
    other = study(tmp_path / "other.sqlite", Here(), seed=1, trainings=2).run()
    assert {r.genes for r in other} != {r.genes for r in whole[:2]}


def test_every_training_fits_is_distinct_and_not_known_before(tmp_path):
    first = study(tmp_path / "a.sqlite", Here(), "random", 2).run()
    second = study(tmp_path / "b.sqlite", Here(), "random", 4, prior=first).run()
    genes = [r.genes for r in first + second]
    assert len(set(genes)) == 6
    assert SETUP.fits(np.array(genes), LIMITS).all()
    for record in second:
        assert (record.flash_bytes, record.ram_bytes, record.latency_ms) == tuple(
            SETUP.exact(np.array([record.genes]))[0]
        )


DRAWN = np.random.default_rng(0).integers(0, SETUP.space.sizes, (100, len(SETUP.space.genes)))
UNCANONICAL = tuple(DRAWN[(SETUP.space.canonical(DRAWN) != DRAWN).any(axis=1)][0].tolist())


@pytest.mark.parametrize("kind", [Study, AsyncStudy])
def test_a_strategy_that_asks_for_nothing_ends_the_search(tmp_path, kind):
    """Round after round without a training would go on for ever."""
    problem = Problem(SETUP.space, None, LIMITS, lambda genes: SETUP.fits(genes, LIMITS))
    strategy = open_strategy("random", problem, 0)
    strategy.ask = lambda n, judge, pending=(): []
    rounds = iter(range(5))
    loop = kind(strategy, None, Here(), Store(tmp_path / "s.sqlite"), LIMITS, Budget(4, 2), 0, [])
    loop.after_round = lambda: next(rounds)  # StopIteration, should there be more
    with pytest.raises(ValueError, match="strategy 'random' asked for no network where 2 are wanted; `latent-nas"):
        loop.run()


@pytest.mark.parametrize("kind", [Study, AsyncStudy])
def test_a_strategy_that_asks_beyond_the_limits_ends_the_search_before_a_training(tmp_path, kind):
    """It was an assertion, after the training."""
    problem = Problem(SETUP.space, None, LIMITS, lambda genes: SETUP.fits(genes, LIMITS))
    strategy = open_strategy("random", problem, 0)
    drawn = SETUP.space.canonical(SETUP.space.sample(np.random.default_rng(0), 100))
    over = tuple(drawn[~SETUP.fits(drawn, LIMITS)][0].tolist())
    (within,) = strategy.ask(1, None)
    strategy.ask = lambda n, judge, pending=(): [within, over]
    loop = kind(strategy, None, Here(), Store(tmp_path / "s.sqlite"), LIMITS, Budget(4, 2), 0, [])
    with pytest.raises(
        ValueError, match=rf"strategy 'random' asked for a network beyond the limits, {re.escape(str(over))}; "
    ):
        loop.run()
    assert not loop.store.records()


@pytest.mark.parametrize("kind", [Study, AsyncStudy])
@pytest.mark.parametrize(
    ("asks", "said"),
    [
        (lambda good: (genes for genes in [*good, *good, *good]), "6 networks where 2 are wanted"),
        (lambda good: [good[0][:-1]], "what is no network of the space .*integer genes, got"),
        (lambda good: [tuple(float(v) for v in good[0])], "what is no network of the space .*of float64"),
        (lambda good: [(-1, *good[0][1:])], "what is no network of the space .*allows 0 to"),
        (lambda good: [UNCANONICAL], "a network that is not canonical, "),
    ],
    ids=["more than are paid for", "a gene too few", "floats", "out of range", "not canonical"],
)
def test_a_strategy_that_asks_for_what_is_no_proposal_ends_the_search_before_a_training(tmp_path, kind, asks, said):
    problem = Problem(SETUP.space, None, LIMITS, lambda genes: SETUP.fits(genes, LIMITS))
    strategy = open_strategy("random", problem, 0)
    good = strategy.ask(2, None)
    strategy.ask = lambda n, judge, pending=(): asks(good)
    loop = kind(strategy, None, Here(), Store(tmp_path / "s.sqlite"), LIMITS, Budget(4, 2), 0, [])
    with pytest.raises(ValueError, match=f"strategy 'random' asked for {said}"):
        loop.run()
    assert not loop.store.records()


def test_a_generator_and_numbers_of_numpy_are_taken(tmp_path):
    problem = Problem(SETUP.space, None, LIMITS, lambda genes: SETUP.fits(genes, LIMITS))
    strategy = open_strategy("random", problem, 0)
    asked = type(strategy).ask
    strategy.ask = lambda n, judge, pending=(): (tuple(np.array(g)) for g in asked(strategy, n, judge, pending))
    loop = Study(strategy, None, Here(), Store(tmp_path / "s.sqlite"), LIMITS, Budget(4, 2), 0, [])
    loop.run()
    assert len({r.genes for r in loop.store.records()}) == 4


def record(accuracy, flash=1, ram=1, latency=1.0, **more):
    return Record(
        (flash, ram),
        "s",
        "t",
        0,
        measured_int8={"accuracy": accuracy},
        flash_bytes=flash,
        ram_bytes=ram,
        latency_ms=latency,
        **more,
    )


def test_ranking_breaks_ties_by_cost_and_leaves_failures_out():
    slow, fast, failed = record(0.9, latency=2.0), record(0.9), record(None, status="failed")
    assert ranked([slow, failed, fast, record(0.5)]) == [fast, slow, record(0.5)]


def test_front_keeps_what_nothing_beats_in_everything():
    best, small, beaten = record(0.9, flash=5), record(0.8, flash=2), record(0.8, flash=3)
    assert front([beaten, small, best]) == [best, small]


def test_a_store_that_nobody_closed_is_closed_with_its_last_reference(tmp_path):
    store = Store(tmp_path / "s.sqlite")
    connection = store._db
    del store
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        connection.execute("SELECT 1")
