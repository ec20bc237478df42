"""The contract of every strategy of the folder; what each is said to do is in files of their own."""

import random as python_random
import subprocess
import sys

import numpy as np
import pytest
import torch
from toy import ToyScorer, fits, record, toy_problem

from latent_nas import plugins
from latent_nas.jobs.search.config import SearchConfig, pinned
from latent_nas.limits import Limits
from latent_nas.records import Record
from latent_nas.strategies import Problem, open_strategy

NAMES = plugins.names("strategies")
LIMITS = Limits(flash_bytes=2200)


pytestmark = pytest.mark.usefixtures("quick_strategies")


def opened(name, seed=0, limits=LIMITS):
    return open_strategy(name, toy_problem(limits), seed)


def rounds(strategy, n, batch=4):
    asked = []
    for _ in range(n):
        genes = strategy.ask(batch, ToyScorer(labels=len(strategy.genes)))
        strategy.tell([record(g) for g in genes])
        asked.append(genes)
    return asked


@pytest.mark.parametrize("name", NAMES)
class TestContract:
    def test_asks_are_valid_distinct_feasible_and_new(self, name):
        strategy = opened(name)
        asked = [genes for batch in rounds(strategy, 8) for genes in batch]
        assert len(set(asked)) == len(asked) == 32
        array = strategy.problem.space.check(asked)
        assert np.array_equal(array, strategy.problem.space.canonical(array))
        assert fits(LIMITS, array).all()
        assert all(type(v) is int for genes in asked for v in genes)

    def test_same_seed_same_asks_other_seed_others(self, name):
        first, again, other = (rounds(opened(name, seed), 3) for seed in (5, 5, 6))
        assert first == again
        assert first[0] != other[0]

    def test_restored_goes_on_the_same(self, name):
        whole, stopped = opened(name), opened(name)
        expected = rounds(whole, 4)
        assert rounds(stopped, 2) == expected[:2]
        fresh = opened(name)
        fresh.restore(stopped.state())
        assert rounds(fresh, 2) == expected[2:]

    def test_killed_between_ask_and_tell(self, name):
        strategy = opened(name)
        rounds(strategy, 2)
        before = strategy.state()
        scorer = ToyScorer(labels=8)
        asked = strategy.ask(4, scorer)
        assert strategy.ask(4, scorer) == asked
        for state in (before, strategy.state()):
            resumed = opened(name)
            resumed.restore(state)
            assert resumed.ask(4, scorer) == asked
            resumed.tell([record(g) for g in asked])
            assert resumed.round == 3

    def test_global_randomness_is_left_alone(self, name):
        before = python_random.getstate(), np.random.get_state()[1].copy(), torch.get_rng_state()
        rounds(opened(name), 2)
        assert before[0] == python_random.getstate()
        assert np.array_equal(before[1], np.random.get_state()[1])
        assert torch.equal(before[2], torch.get_rng_state())

    def test_failed_trainings_are_not_asked_again(self, name):
        strategy = opened(name)
        failed = strategy.ask(4, None)
        strategy.tell([Record(g, "toy", "toy", 0, status="failed", reason="diverged") for g in failed])
        assert not set(strategy.ask(8, ToyScorer(labels=0))) & set(failed)
        strategy.tell([record((1,) * 8)])
        assert not set(strategy.ask(8, ToyScorer())) & {*failed, (1,) * 8}

    def test_pending_networks_are_not_asked_for_again(self, name):
        strategy = opened(name)
        rounds(strategy, 2)
        pending, scorer = [], ToyScorer(labels=8)
        for _ in range(3):
            asked = strategy.ask(4, scorer, pending)
            assert len(set(asked)) == 4
            assert not {*asked} & {*pending, *map(tuple, strategy.genes.tolist())}
            pending += asked
        assert strategy.ask(4, scorer, pending[:4]) == pending[4:8]  # pending changes no state

    def test_pending_networks_use_up_a_small_space(self, name):
        strategy = opened(name, limits=Limits(flash_bytes=1100))  # 8 networks
        scorer = ToyScorer(labels=0)
        first = strategy.ask(4, scorer)
        second = strategy.ask(4, scorer, first)
        assert len({*first, *second}) == 8
        with pytest.raises(ValueError, match=r"found 0 .*loosen the limits"):
            strategy.ask(1, scorer, [*first, *second])

    def test_the_last_feasible_networks_are_found_and_then_it_says_so(self, name):
        limits = Limits(flash_bytes=1100)  # at most one gene is 1, all others 0: 8 networks, 7 of them canonical
        strategy = opened(name, limits=limits)
        asked = [genes for batch in rounds(strategy, 2) for genes in batch]
        assert len(set(asked)) == 8
        with pytest.raises(ValueError, match=r"found 0 .*loosen the limits"):
            strategy.ask(1, ToyScorer())

    def test_state_of_another_is_refused(self, name):
        with pytest.raises(ValueError, match="holds"):
            opened(name).restore({"round": np.array(1)})

    def test_equal_scores_do_no_harm(self, name):
        strategy = opened(name)
        strategy.tell([record(g) for g in strategy.ask(4, None)])
        assert len(set(strategy.ask(4, ToyScorer(flat=True)))) == 4


def test_unknown_strategy_is_named():
    with pytest.raises(ValueError, match=r"no strategy 'nope'; there are: .*evolution, .*latent_rl, "):
        opened("nope")


def test_rl_is_short_for_latent_rl():
    assert pinned(SearchConfig(strategy="rl")) == pinned(SearchConfig(strategy="latent_rl"))


def test_the_folder_is_light():
    heavy = "{'torch', 'stable_baselines3', 'gymnasium'}"
    code = f"import sys, latent_nas.strategies; print(*{heavy} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout.strip() == b""


def test_one_random_network_is_checked_when_one_is_wanted():
    problem, checked = toy_problem(), []

    def counted(genes):
        checked.extend(genes.tolist())
        return fits(Limits(), genes)

    strategy = open_strategy("random", Problem(problem.space, problem.codec, Limits(), counted), 0)
    assert strategy.ask(1, None) == [tuple(checked[0])]
    assert len(checked) == 1
