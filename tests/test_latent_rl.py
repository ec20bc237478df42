"""The agent's strategy: what is trained first, and a population of latents that finds the optimum."""

from dataclasses import replace

import numpy as np
import pytest

from latent_nas import seeds
from latent_nas.agent.population import CodeEdits, GeneMutations, judged_pool, search
from latent_nas.contracts.toy import OPEN, ToyCodec, ToyScorer, ToySpace, record, toy_problem, true_accuracy
from latent_nas.env.core import EditCore
from latent_nas.env.single import EditEnv
from latent_nas.limits import Limits
from latent_nas.strategies import Problem, open_strategy
from latent_nas.strategies._diverse import apart
from latent_nas.strategies.latent_rl import LatentRL

pytestmark = pytest.mark.usefixtures("quick_strategies")


def test_agent_population_finds_the_optimum(monkeypatch):
    monkeypatch.setattr(LatentRL, "queries", 2048)
    strategy = open_strategy("latent_rl", toy_problem(), 0)
    strategy.tell([record(tuple(g)) for g in ToySpace().sample(seeds.rng(0), 8).tolist()])
    assert ToyScorer.BEST in strategy.ask(4, ToyScorer(labels=LatentRL.initial))


def test_the_batch_is_the_judges_not_the_top_of_the_ranking():
    class Picky(ToyScorer):
        """Picks the last of what it is offered."""

        def batch(self, genes, n, pending=None):
            self.offered = [tuple(row) for row in genes.tolist()]
            return np.arange(len(genes))[::-1][:n]

    strategy, judge = open_strategy("latent_rl", toy_problem(), 0), Picky(labels=LatentRL.initial)
    strategy.tell([record(tuple(genes)) for genes in ToySpace().sample(np.random.default_rng(3), 12).tolist()])
    assert strategy.ask(4, judge) == judge.offered[::-1][:4] != judge.offered[:4]


def test_costs_are_worked_out_of_what_would_be_trained():
    class Batches(ToyScorer):
        """Notes what is chosen."""

        def batch(self, genes, n, pending=None):
            chosen = super().batch(genes, n, pending)
            self.chosen = [*getattr(self, "chosen", []), *map(tuple, genes[chosen].tolist())]
            return chosen

    asked, problem = [], toy_problem()

    def fits(genes):
        asked.extend(map(tuple, genes.tolist()))
        return genes[:, 0] != ToyScorer.BEST[0]

    strategy = open_strategy("latent_rl", replace(problem, fits=fits), 0)
    strategy.tell([record(tuple(genes)) for genes in ToySpace().sample(np.random.default_rng(3), 12).tolist()])
    judge = Batches(labels=LatentRL.initial)
    batch = strategy.ask(4, judge)
    assert len(set(batch)) == 4
    assert all(genes[0] != ToyScorer.BEST[0] for genes in batch)
    assert asked == judge.chosen
    assert batch == judge.chosen[-4:] != judge.chosen[:4]


def test_first_round_spreads_over_sizes_within_the_limits():
    strategy = open_strategy("latent_rl", toy_problem(Limits(flash_bytes=2200)), 0)
    asked = np.array(strategy.ask(6, ToyScorer(labels=0, limits=np.array([2200.0, np.inf, np.inf]))))
    size = asked.sum(axis=1)
    assert size.max() >= 11  # 12 is the limit
    assert size.min() <= 9


def test_those_apart_are_the_corners_before_the_middle():
    latent = np.array([[0.5, 0.5], [0, 0], [1, 1], [0, 1], [1, 0]])
    assert apart(latent, 3, np.zeros((0, 2)))[0] == 0
    assert set(apart(latent, 4, np.array([[0.5, 0.5]]))) == {1, 2, 3, 4}
    assert apart(latent, 2, np.array([[0.0, 0.0]])) == [2, 3]


@pytest.mark.parametrize("propose", ["codes", "genes"])
def test_population_keeps_the_best_and_counts(propose):
    scorer, rng = ToyScorer(), np.random.default_rng(0)
    core = EditCore(ToyCodec(ToySpace()), scorer, OPEN)
    genes = ToySpace().sample(rng, 20)
    start = judged_pool(core, core.codec.encode(genes), genes, OPEN)
    met = []
    end = search(
        core,
        start,
        CodeEdits(core, None) if propose == "codes" else GeneMutations(core.codec.space),
        rng,
        queries=500,
        size=10,
        each=met.append,
    )
    assert core.queries == scorer.queries <= 20 + 500
    assert len(ToySpace().check(np.concatenate([pool.genes for pool in met]))) <= 5000
    assert len(end) == 10
    assert (np.diff(end.values) <= 0).all()
    assert end.values[0] == max(start.values.max(), *(pool.values.max() for pool in met))
    assert end.values == pytest.approx(true_accuracy(end.genes) - 0.01)


def test_a_search_that_meets_nothing_new_ends_by_its_patience():
    core = EditCore(ToyCodec(ToySpace()), ToyScorer(), OPEN)
    genes = ToySpace().sample(np.random.default_rng(0), 20)
    start, drawn = judged_pool(core, core.codec.encode(genes), genes, OPEN), []

    def same(pool, parents, rng):
        drawn.append(len(parents))
        return pool.codes[parents], pool.genes[parents], parents

    for patience in (2, 4):
        drawn.clear()
        search(core, start, same, np.random.default_rng(0), queries=50, patience=patience)
        assert sum(drawn) == patience * 50


def test_a_single_slot_and_code_is_enough():
    space = ToySpace()
    codec = ToyCodec(space)
    codec.slots = codec.codes = 1

    class One(ToyCodec):
        def __init__(self):
            super().__init__(space)
            self.slots, self.codes = 1, 1
            self.codebook = np.zeros((1, 1, 2), np.float32)

        def encode(self, genes):
            return np.zeros((len(genes), 1), int)

        def latent(self, codes):
            return np.zeros((len(codes), 1, 2), np.float32)

        def decode_codes(self, codes):
            return np.tile(np.array(ToyScorer.BEST), (len(codes), 1))

    strategy = open_strategy("latent_rl", Problem(space, One(), Limits(), lambda genes: np.ones(len(genes), bool)), 0)
    strategy.tell([record((1,) * 8)])
    assert len(set(strategy.ask(3, ToyScorer()))) == 3
    env = EditEnv(EditCore(One(), ToyScorer(), OPEN))
    env.reset(seed=0)
    assert env.step(np.int64(0))[1] == 0


class Sized(ToySpace):
    """Its feature is called MACs, so that the large are trained first."""

    feature_names = ("macs",)


def of_no_limits(space, seed):
    problem = Problem(space, ToyCodec(space), Limits(), lambda genes: np.ones(len(genes), bool))
    return open_strategy("latent_rl", problem, seed)


def least_distances(asked):
    genes = np.array(asked)
    apart = (genes[:, None] != genes[None]).sum(axis=2) + 99 * np.eye(len(genes), dtype=int)
    return apart.min(axis=1)


class TestFirstNetworks:
    """Where nothing has a limit: large ones that differ."""

    def test_they_differ_more_than_random_ones(self, monkeypatch):
        def mean():
            return np.mean([least_distances(of_no_limits(Sized(), s).ask(4, ToyScorer(labels=0))) for s in range(20)])

        differing = mean()
        monkeypatch.setattr("latent_nas.strategies.latent_rl.DRAWN", 1)
        assert differing > mean() + 0.5

    @pytest.mark.parametrize("known", ["trained", "pending"])
    def test_they_differ_from_what_is_known(self, known):
        one, alike, random = (3, 1, 3, 2, 2, 3, 1, 3), [], []
        for seed in range(20):
            strategy = of_no_limits(Sized(), seed)
            if known == "trained":
                strategy.tell([record(one)])
            asked = strategy.ask(1, ToyScorer(labels=1), [one] if known == "pending" else [])
            alike.append(np.sum(np.array(asked[0]) == one))
            random.append(np.sum(np.array(of_no_limits(Sized(), seed).ask(1, ToyScorer(labels=0))[0]) == one))
        assert np.mean(alike) < np.mean(random) - 0.5

    def test_they_are_of_the_larger_quarter(self):
        large = np.quantile(ToySpace().sample(seeds.rng(0), 2000).sum(axis=1), 0.75)
        asked = [genes for seed in range(5) for genes in of_no_limits(Sized(), seed).ask(4, ToyScorer(labels=0))]
        assert min(map(sum, asked)) >= large - 1

    @pytest.mark.parametrize(("space", "labels"), [(ToySpace, LatentRL.initial), (Sized, LatentRL.initial_sized)])
    def test_the_judge_is_asked_as_soon_as_there_are_labels_enough(self, monkeypatch, space, labels):
        monkeypatch.setattr(LatentRL, "queries", 2048)
        for enough in (False, True):
            strategy = of_no_limits(space(), 0)
            strategy.tell([record(tuple(g)) for g in ToySpace().sample(seeds.rng(0), 8).tolist()])
            asked = strategy.ask(4, ToyScorer(labels=labels - (not enough)))
            assert (ToyScorer.BEST in asked) == enough
