"""What the rivals of the agent are said to do; the contract of every strategy is in test_strategies.py."""

import logging
import subprocess
import sys

import numpy as np
import pytest
import torch
from optuna.samplers import GPSampler
from torch.utils._device import DeviceContext

from latent_nas import seeds
from latent_nas.agent.controller import Controller
from latent_nas.contracts.toy import ToyScorer, ToySpace, fits, record, true_accuracy
from latent_nas.limits import Limits
from latent_nas.records import Record
from latent_nas.spaces import Gene
from latent_nas.spaces.categorical import Categorical
from latent_nas.strategies import Problem, gp, open_strategy
from latent_nas.strategies.samplers import distribution

RIVALS = [
    "bayesian",
    "evolution_restarts",
    "gp",
    "greedy_surrogate",
    "local_search",
    "map_elites",
    "nsga2",
    "reinforce",
]
SMALL = Categorical([Gene("a", (1, 2, 3)), Gene("b", ("x", "y", "z")), Gene("c", (True,))])


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def opened(name, seed=0, limits=None):
    limits = limits or Limits()
    return open_strategy(name, Problem(ToySpace(), None, limits, lambda genes: fits(limits, genes)), seed)


def trained(strategy, rounds, batch=10):
    """Return the accuracies of all networks asked for, in order."""
    for _ in range(rounds):
        strategy.tell([record(genes) for genes in strategy.ask(batch, None)])
    return strategy.accuracies


@pytest.mark.parametrize("name", RIVALS)
class TestEveryRival:
    def test_a_small_space_is_searched_to_its_end_and_then_it_says_so(self, name):
        strategy = open_strategy(name, Problem(SMALL, None, Limits(), lambda genes: np.ones(len(genes), bool)), 0)
        asked = []
        for n in (4, 4, 1):
            asked += strategy.ask(n, None)
            told = [Record(g, "small", "t", 0, measured_int8={"accuracy": sum(g) / 9}) for g in asked[-n:]]
            strategy.tell(told)
        assert sorted(asked) == [(a, b, 0) for a in range(3) for b in range(3)]
        with pytest.raises(ValueError, match=r"found 0 .*loosen the limits"):
            strategy.ask(1, None)

    def test_what_was_known_before_is_not_asked(self, name):
        strategy, genes = opened(name), ToySpace().sample(seeds.rng(3), 40)
        prior = {tuple(g): record(tuple(g)) for g in genes.tolist()}
        strategy.tell(list(prior.values()))
        assert not set(strategy.ask(6, None)) & set(prior)

    def test_no_scorer_is_asked(self, name):
        strategy, scorer = opened(name), ToyScorer()
        assert not strategy.judged
        strategy.tell([record(g) for g in strategy.ask(10, scorer)])
        strategy.ask(2, scorer)
        assert scorer.calls == 0

    def test_failures_alone_teach_nothing_and_stop_nothing(self, name):
        strategy = opened(name)
        for _ in range(3):
            asked = strategy.ask(6, None)
            strategy.tell([Record(g, "toy", "toy", 0, status="failed", reason="diverged") for g in asked])
        assert len(set(map(tuple, strategy.genes.tolist()))) == 18


@pytest.mark.parametrize("name", ["bayesian", "greedy_surrogate", "local_search", "map_elites"])
def test_better_than_random(name):
    best = {n: [trained(opened(n, seed), 8).max() for seed in range(3)] for n in (name, "random")}
    assert np.mean(best[name]) > np.mean(best["random"])


def test_the_process_finds_the_optimum():
    assert trained(opened("gp"), 4, batch=6).max() > trained(opened("random"), 4, batch=6).max()


def test_the_heavy_parts_are_loaded_when_they_work():
    modules = ", ".join(f"latent_nas.strategies.{name}" for name in RIVALS)
    code = f"import sys, {modules}; print(*{{'torch', 'xgboost', 'optuna'}} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout.strip() == b""


def test_evolution_breeds_from_the_best_of_the_young():
    """One network of the population fits; with nothing else to sample its children are one mutation away."""
    strategy = opened("evolution")
    old, parent = (0,) * 8, ToyScorer.BEST
    strategy.tell([record(old)] * 30 + [record(parent)] * 20)
    for child in strategy.ask(10, None):
        assert 1 <= (np.array(child) != parent).sum() <= 2  # a second gene may be canonicalised


def test_evolution_begins_anew_where_it_stands_still():
    """After 40 trainings that are not better, 20 random networks come, then children of these and not of the best."""
    strategy = opened("evolution_restarts")
    strategy.tell([record(ToyScorer.BEST)] + [record((0,) * 8)] * 40)
    young = strategy.ask(20, None)
    assert len({np.array(g).tobytes() for g in young}) == 20
    assert sum((np.array(g) != ToyScorer.BEST).sum() > 2 for g in young) > 10
    strategy.tell([record(g) for g in young])
    parents = np.array(young)
    for child in strategy.ask(10, None):
        assert (parents != child).sum(axis=1).min() <= 2  # a second gene may be canonicalised
        assert (np.array(child) != ToyScorer.BEST).sum() > 1


def test_map_elites_breeds_from_the_best_of_every_size():
    strategy = opened("map_elites")
    strategy.first_random = 0
    large, small = ToyScorer.BEST, (0,) * 8
    assert record(large).flash_bytes > 2 * record(small).flash_bytes
    strategy.tell([record(large), record(small)])
    near = {p: sum((np.array(g) != p).sum() <= 2 for g in strategy.ask(20, None)) for p in (large, small)}
    assert min(near.values()) >= 3


class TestLocalSearch:
    def test_neighbours_of_the_best_until_one_is_better(self):
        strategy = opened("local_search")
        strategy.tell([record(g) for g in strategy.ask(5, None)])
        best = strategy.genes[strategy.accuracies.argmax()]
        for genes in strategy.ask(5, None):
            assert 1 <= (np.array(genes) != best).sum() <= 2  # a second gene may be canonicalised

    def test_an_optimum_is_left_only_when_all_its_neighbours_are_trained(self):
        strategy, around = opened("local_search"), set()
        strategy.tell([record(ToyScorer.BEST)])
        for _ in range(5):
            asked = strategy.ask(5, None)
            around |= set(asked)
            strategy.tell([record(g) for g in asked])
        near = {g for g in around if (np.array(g) != np.array(ToyScorer.BEST)).sum() <= 2}
        assert len(near) >= 24  # 8 genes of 3 other choices
        assert tuple(strategy.genes[strategy.centre].tolist()) != ToyScorer.BEST


class TestReinforce:
    def test_a_state_of_the_first_version_is_refused_in_a_line(self):
        strategy = opened("reinforce")
        asked = strategy.ask(4, None)
        strategy.tell([record(g) for g in asked])
        with pytest.raises(ValueError, match="without the rewards' variance; search anew"):
            opened("reinforce").restore({**strategy.state(), "baseline": np.array(0.5)})

    def test_the_mean_reward_rises(self):
        rewards = np.array([trained(opened("reinforce", seed), 20) for seed in range(3)])
        assert (rewards[:, -40:].mean(axis=1) > rewards[:, :40].mean(axis=1) + 0.1).all()

    def test_it_samples(self):
        controller = Controller(ToySpace().sizes, 16, 0.1, seed=0)
        one, two = (controller.sample(50, seeds.rng(0, i)) for i in range(2))
        assert (one != two).any()
        assert len(np.unique(one, axis=0)) > 40

    @pytest.mark.parametrize("advantage", [1.0, -1.0])
    def test_the_gradient_has_the_right_sign(self, advantage):
        controller = Controller(ToySpace().sizes, 16, 0.1, seed=0)
        actions = controller.sample(1, seeds.rng(0))

        def log():
            taken = torch.from_numpy(actions)
            return float(controller.logs(taken).gather(2, taken[:, :, None]).sum().detach())

        before = log()
        controller.learn(actions, np.array([advantage]), rate=0.01, entropy=0.0, clip=5.0)
        assert (log() - before) * advantage > 0.01

    def test_samples_follow_the_probabilities(self):
        controller = Controller(np.array([3, 2, 4]), 8, 1.5, seed=1)
        drawn = controller.sample(20_000, seeds.rng(0))
        first = controller.logs(torch.from_numpy(drawn[:1])).exp().detach().numpy()[0, 0, :3]
        assert np.bincount(drawn[:, 0], minlength=3) / len(drawn) == pytest.approx(first, abs=0.02)
        where = drawn[(drawn[:, 0] == 0)]
        second = controller.logs(torch.from_numpy(where[:1])).exp().detach().numpy()[0, 1, :2]
        assert np.bincount(where[:, 1], minlength=2) / len(where) == pytest.approx(second, abs=0.03)
        assert (drawn < [3, 2, 4]).all()

    def test_infeasible_samples_are_learnt_from(self):
        strategy = opened("reinforce", limits=Limits(flash_bytes=1800))
        strategy.tell([record(g) for g in strategy.ask(10, None)])
        asked = strategy.ask(10, None)
        assert (~strategy._good).sum() > 5
        assert len(strategy._sampled) == len(strategy._good) >= 10 + (~strategy._good).sum()
        strategy.tell([record(g) for g in asked])
        assert np.isfinite(strategy.baseline)


class TestOptuna:
    def test_ordered_choices_are_integers(self):
        kinds = [type(distribution(Gene("g", c))).__name__ for c in ((1, 2, 4), (3, 1), ("a", "b"), (False, True))]
        assert kinds == ["IntDistribution", *["CategoricalDistribution"] * 3]

    @pytest.mark.parametrize("name", ["bayesian", "gp", "nsga2"])
    def test_nothing_is_logged(self, name, capfd):
        level = logging.getLogger("optuna").level
        strategy = opened(name)
        strategy.tell([record(g) for g in strategy.ask(10, None)])
        strategy.ask(2, None)
        assert capfd.readouterr() == ("", "")
        assert logging.getLogger("optuna").level == level

    def test_nsga2_spreads_over_cost(self):
        strategy, other = opened("nsga2"), opened("bayesian")
        trained(strategy, 10), trained(other, 10)
        assert strategy._objectives().shape == (100, 2)
        assert strategy.costs[50:, 2].mean() < other.costs[50:, 2].mean()
        strategy.costs[:] = 1
        assert strategy._objectives().shape == (100, 1)

    def test_the_process_is_told_the_best_and_the_latest(self):
        strategy = opened("gp")
        strategy.tell([record(tuple(g)) for g in np.unique(ToySpace().sample(seeds.rng(0), 150), axis=0).tolist()])
        told = strategy._told()
        assert len(set(told)) == strategy.trials == 100
        assert set(range(len(strategy.genes) - 50, len(strategy.genes))) <= set(told)
        assert true_accuracy(strategy.genes).argmax() in told


class TestGp:
    def test_it_asks_as_the_sampler_of_optuna_without_what_slows_that(self, monkeypatch):
        ours = opened("gp")
        trained(ours, 2, 8)
        theirs = opened("gp")
        theirs.restore(ours.state())
        with monkeypatch.context() as swapped:
            swapped.setattr(gp, "sampler", lambda seed: GPSampler(n_startup_trials=0, seed=seed))
            wanted = theirs.ask(4, None)
        monkeypatch.setattr(DeviceContext, "__torch_function__", None)  # through which theirs goes
        assert ours.ask(4, None) == wanted
