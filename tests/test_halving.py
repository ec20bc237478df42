"""Successive halving: short trainings first, the best promoted, and both known to the surrogates."""

import numpy as np
import pytest

from latent_nas.evaluators import Evaluator
from latent_nas.evaluators.work import record_of
from latent_nas.jobs.search.config import SearchConfig
from latent_nas.jobs.search.prepare import prepare
from latent_nas.limits import Limits
from latent_nas.records import SEARCH, SHORT
from latent_nas.store import Store
from latent_nas.strategies import Problem, open_strategy
from latent_nas.study import Budget
from latent_nas.study.halving import Halving
from latent_nas.target import Setup, Target
from latent_nas.tasks import Part, open_task
from latent_nas.training import subset

TARGET = Target("mcu_cnn", "digits", "stm32f405", "cmsis_nn")
SETUP = Setup(TARGET)
LIMITS = Limits(flash_bytes=3000, ram_bytes=2000, latency_ms=0.6)


class Here(Evaluator):
    """Trains in this process, one by one; stops the study after some records as a kill would."""

    def __init__(self, stop_after=None):
        self.left, self.trained = stop_after, 0

    def evaluate(self, jobs):
        for job in jobs:
            if self.left == self.trained:
                raise KeyboardInterrupt
            self.trained += 1
            yield record_of(TARGET, job)


def study(path, evaluator, trainings=4):
    problem = Problem(SETUP.space, None, LIMITS, lambda genes: SETUP.fits(genes, LIMITS))
    strategy = open_strategy("random", problem, 0)
    return Halving(strategy, None, evaluator, Store(path), LIMITS, Budget(trainings, 2), 0, halving=3, share=0.125)


def essence(records):
    return [{k: v for k, v in r.to_json().items() if k != "wall_s"} for r in records]


def test_the_best_of_the_short_are_promoted_the_budget_is_kept_and_a_kill_changes_nothing(tmp_path):
    whole = study(tmp_path / "whole.sqlite", Here())
    records = whole.run()
    assert {r.fidelity for r in records} == {SEARCH}
    assert {r.fidelity for r in whole.short} == {SHORT}
    assert len(whole.short) == 3 * len(records)
    assert 4 - (1 + 3 * 0.125) < whole.spent <= 4
    first = {r.genes: r for r in whole.short}
    assert len(records) == 2  # one round: a second would cost more than is left
    assert first[records[0].genes].score == max(r.score for r in first.values())
    assert np.isnan(whole.strategy.accuracies).sum() == len(whole.short) - len(records)
    killed = Here(stop_after=5)
    with pytest.raises(KeyboardInterrupt):
        study(tmp_path / "cut.sqlite", killed).run()
    rest = study(tmp_path / "cut.sqlite", Here())
    assert essence(rest.run()) == essence(records)
    assert essence(rest.short) == essence(whole.short)


def test_halving_by_less_than_two_is_said(tmp_path):
    with pytest.raises(ValueError, match="at least 2"):
        Halving(None, None, Here(), None, LIMITS, Budget(4), 0, halving=1)


def test_a_short_recipe_costs_an_eighth_and_others_are_as_they_were():
    task = open_task("digits")
    assert task.recipe(SHORT).work == pytest.approx(task.recipe(SEARCH).work / 8)
    assert task.recipe("full") is task.recipes["full"]
    with pytest.raises(ValueError, match="there are: search, full"):
        task.recipe("tiny")


def test_small_data_is_no_case_for_halving():
    with pytest.raises(ValueError, match="would see 797 samples"):
        prepare(SearchConfig(halving=4))


def test_a_subset_has_every_class_in_proportion_whatever_the_training_seed():
    y = np.repeat([0, 1, 2], [60, 30, 10])
    part, task = Part(np.arange(100.0)[:, None], y), open_task("digits")
    some = subset(task, part, 0.2)
    assert np.bincount(some.y).tolist() == [12, 6, 2]
    assert (subset(task, part, 0.2).x == some.x).all()
    assert set(subset(task, part, 0.1).x[:, 0]) < set(some.x[:, 0])
    assert subset(task, part, 1.0) is part
    with pytest.raises(ValueError, match="share"):
        subset(task, part, 0.0)
