"""The Q agent: its derivatives, its arithmetic of limits, what it learns on the environment, and MAP-Elites."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from latent_nas import seeds
from latent_nas.agent import universal
from latent_nas.agent.critic import Critic, Foreseen
from latent_nas.agent.elites import Elites
from latent_nas.agent.gains import NEVER, Gains, Recalling, draw, features, units, worth
from latent_nas.agent.population import DRAWN, CodeEdits, GeneMutations, Mixed, judged_pool, search
from latent_nas.agent.q_learner import fresh
from latent_nas.agent.q_network import Changes
from latent_nas.agent.q_school import Plan, q_from_best
from latent_nas.contracts.toy import OPEN, ToyCodec, ToyScorer, ToySpace, toy_problem
from latent_nas.env.core import EditCore
from latent_nas.env.rows import LOG_COSTS, Rows
from latent_nas.env.single import EditEnv
from latent_nas.spaces import Gene
from latent_nas.spaces.categorical import Categorical
from latent_nas.strategies.settings import configured

TIGHT = np.array([2200.0, np.inf, np.inf])  # at most a sum of 12
PLAN = Plan(4, 100, 4, 100)


def core_of(limits=OPEN, **settings):
    return EditCore(ToyCodec(ToySpace()), ToyScorer(), limits, steps=8, **settings)


def pool_of(core, n=64, seed=0):
    genes = core.codec.space.sample(seeds.rng(seed), n)
    return judged_pool(core, core.codec.encode(genes), genes, core.limits[0])


@pytest.fixture(scope="module")
def school():
    core = core_of()
    return q_from_best(core, pool_of(core), None, PLAN, 512, seed=0)[0]


@pytest.fixture(scope="module")
def adept():
    return universal.train_universal(ToyScorer(), ToyCodec(ToySpace()), None, 8192, 0)


@pytest.fixture
def untaught():
    rng = np.random.default_rng(0)
    unit = np.array([0.5, 2, 3, 4], np.float32)
    gains = fresh(3, 4, rng.normal(size=(50, 4)), unit, seed=0)
    return Gains({name: w + rng.normal(size=w.shape).astype(np.float32) * 0.1 for name, w in gains.weights.items()})


def test_derivatives_are_those_of_differences(untaught):
    names = [name for name in untaught.weights if name not in ("centre", "scale", "unit")]
    shapes = {name: untaught.weights[name].shape for name in names}
    vector = torch.from_numpy(np.concatenate([untaught.weights[n].ravel() for n in names]).astype(np.float32))
    rng = np.random.default_rng(1)
    codes, slot = rng.integers(4, size=(40, 3)), np.sort(rng.integers(3, size=40))
    had = codes[np.arange(40), slot] + slot * 4
    put = np.sort(rng.integers(4, size=40) + slot * 4)
    seen = rng.normal(size=(40, 4)).astype(np.float32)
    given = [torch.from_numpy(a) for a in (codes + np.arange(3) * 4, seen, put, had)]
    weight = torch.from_numpy(rng.normal(size=(40, 4)).astype(np.float32))
    vector.requires_grad_(True)
    (Changes.apply(vector, shapes, *given) * weight).sum().backward()
    direction = torch.from_numpy(rng.normal(size=len(vector)).astype(np.float32))
    step = 1e-3 * direction
    with torch.no_grad():
        ends = [float((Changes.apply(vector + s, shapes, *given) * weight).double().sum()) for s in (step, -step)]
    assert float(vector.grad @ direction) == pytest.approx((ends[0] - ends[1]) / 2e-3, rel=2e-2)


def test_at_work_it_predicts_what_it_learnt_to(untaught):
    rng = np.random.default_rng(2)
    codes, seen = rng.integers(4, size=(9, 3)), rng.normal(size=(9, 4))
    changes = untaught(codes, seen)
    w = {k: v for k, v in untaught.weights.items() if k not in ("centre", "scale", "unit")}
    vector = torch.from_numpy(np.concatenate([a.ravel() for a in w.values()]).astype(np.float32))
    rows = np.arange(9)
    put, had = 4 + rows % 4, 4 + codes[:, 1]
    order = np.argsort(put, kind="stable")
    given = (codes + np.arange(3) * 4, untaught.standardised(seen), put, had)
    said = Changes.apply(vector, {k: v.shape for k, v in w.items()}, *(torch.from_numpy(a[order]) for a in given))
    expected = said.numpy() * untaught.weights["unit"]
    assert changes[rows, 1, rows % 4][order] == pytest.approx(expected, abs=1e-5)
    assert changes[rows, 1, codes[:, 1]] == pytest.approx(np.zeros((9, 4)))


def test_limits_enter_by_arithmetic_alone(untaught):
    rng = np.random.default_rng(3)
    codes, seen = rng.integers(4, size=(20, 3)), rng.normal(size=(20, 4))
    limits = np.exp(rng.normal(size=(20, 3)))
    limits[:5, 1] = np.inf
    found = untaught.worths(codes, seen, limits, 0.7, 0.02)
    after = (seen[:, None, None] + untaught(codes, seen)).reshape(20, -1, 4)
    expected = np.stack([worth(after[:, i], limits, 0.7, 0.02) for i in range(12)], axis=1)
    there = found == NEVER
    assert there.sum() == 60
    assert found[~there] == pytest.approx(expected[~there], abs=1e-5)


def test_edits_are_drawn_by_their_worth_and_never_twice():
    worths = np.tile(np.array([[0.0, 0.01, NEVER, 0.01]], np.float32), (4000, 1))
    drawn = draw(worths, 0.01, 3, np.random.default_rng(0))
    assert all(len(set(row)) == 3 and 2 not in row for row in drawn[:50].tolist())
    shares = np.bincount(drawn[:, 0], minlength=4) / 4000
    assert shares == pytest.approx([1 / (1 + 2 * np.e), np.e / (1 + 2 * np.e), 0, np.e / (1 + 2 * np.e)], abs=0.03)


def test_what_it_recalls_is_what_it_would_work_out_again(school):
    core, recalling = core_of(), Recalling(school.weights)
    pool, none = pool_of(core, 20), np.zeros((20, 0), int)
    for limits in (OPEN, TIGHT, OPEN):
        rows = Rows(pool.codes, none[:, None], np.tile(limits, (20, 1)), none, pool.judged, none)
        drawn = [agent.edits(core, rows, seeds.rng(1), 4) for agent in (recalling, school, recalling)]
        assert (drawn[0] == drawn[1]).all()
        assert (drawn[2] == drawn[1]).all()


@pytest.mark.parametrize("limits", [OPEN, TIGHT])
def test_on_the_gymnasium_environment_it_climbs_to_the_best_there_is(school, limits):
    env, rng = EditEnv(core_of(limits, keep=True)), np.random.default_rng(0)
    ends = []
    for episode in range(20):
        env.reset(seed=episode)
        over = False
        while not over:
            action = school.acts(env.core, env.rows, rng)[0]
            _, _, over, _, info = env.step(action)
        ends.append(info["pessimistic"])
    assert np.mean(ends) > 0.99 - 0.1  # the best of all has a sum of 12, which keeps both limits


def test_what_it_predicts_is_what_happens(school):
    core = core_of()
    pool = pool_of(core, 200, seed=9)
    rng = np.random.default_rng(0)
    slot, code = rng.integers(8, size=200), rng.integers(4, size=200)
    after = pool.codes.copy()
    after[np.arange(200), slot] = code
    genes = core.codec.decode_codes(after)
    true = features(core.judge_open(genes)) - features(pool.judged)
    said = school(pool.codes, features(pool.judged))[np.arange(200), slot, code]
    for k in range(4):
        assert np.corrcoef(true[:, k], said[:, k])[0, 1] > 0.9


def test_one_seed_is_one_agent_and_global_generators_are_kept():
    state, agents = torch.get_rng_state(), []
    for seed in (0, 0, 1):
        core = core_of()
        agents.append(q_from_best(core, pool_of(core), None, Plan(1, 3, 1, 3), 64, seed)[0].weights)
    assert torch.equal(state, torch.get_rng_state())
    assert all((agents[1][name] == w).all() for name, w in agents[0].items())
    assert (agents[2]["keys"] != agents[0]["keys"]).any()


def test_it_goes_on_from_what_it_was(school):
    core = core_of()
    more = q_from_best(core, pool_of(core), school, Plan(1, 0, 1, 1), 64, seed=1)[0]
    moved = np.abs(more.weights["hidden"] - school.weights["hidden"]).max()
    assert 0 < moved < 0.01


def test_units_are_of_the_scores_whatever_their_scale():
    core = core_of()
    judged = pool_of(core, 500).judged
    large = judged.copy()
    large[:, 6] *= 100
    assert units(large)[0] == pytest.approx(100 * units(judged)[0])


class TestMapElites:
    def filled(self, queries):
        core = core_of()
        genes = core.codec.space.sample(seeds.rng(0), 200)
        judged = core.judge_open(genes)
        grid = Elites.empty(judged[:, LOG_COSTS], 8, 8)
        grid.add(core.codec.encode(genes), genes, judged)
        grid.fill(core, core.codec.space, seeds.rng(1), queries)
        return core, grid

    def test_mutations_fill_it(self):
        (_, few), (_, many) = self.filled(0), self.filled(4000)
        limits = np.exp(np.linspace(np.log(1500), np.log(2500), 7))[:, None] * np.array([1, 0.5, 0.002])
        before, after = (grid.worth(limits, 1, 0).max(axis=1) for grid in (few, many))
        assert (after >= before).all()
        assert after.mean() > before.mean() + 0.05

    def test_its_front_is_as_good_under_any_limits(self):
        _, grid = self.filled(2000)
        front = grid.front()
        assert len(front.taken) < grid.taken.sum()
        limits = np.exp(np.random.default_rng(0).uniform(7.2, 8.2, size=(50, 1)))
        limits = limits * np.random.default_rng(1).uniform(0.5, 2, size=(50, 3)) * np.array([1, 0.5, 0.002])
        assert front.worth(limits, 1, 0).max(axis=1) == pytest.approx(grid.worth(limits, 1, 0).max(axis=1))

    def test_codes_are_asked_for_where_they_are_wanted(self):
        core, grid = self.filled(500)
        cells = np.flatnonzero(grid.taken)
        assert (grid.codes[cells, 0] < 0).any()
        assert (grid.coded(cells, core.codec) == core.codec.encode(grid.genes[cells])).all()


class TestSearch:
    def test_no_network_is_judged_twice_and_every_query_counts(self, school):
        core = core_of(memo_bits=0)
        first = pool_of(core)
        before, met = core.queries, []
        search(core, first, CodeEdits(core, school), seeds.rng(0), 150, each=met.append)
        genes = [tuple(row) for pool in met for row in pool.genes.tolist()]
        assert len(set(genes)) == len(genes) == core.queries - before == 150
        assert not set(genes) & set(map(tuple, first.genes.tolist()))
        sizes = [len(pool) for pool in met]
        assert sizes[0] <= 10
        assert max(sizes) > 20

    def test_each_proposer_has_its_share(self):
        core = core_of()
        pool = pool_of(core)
        edits, genes = CodeEdits(core, None), GeneMutations(core.codec.space)
        parents, rng = np.arange(8), seeds.rng(0)
        codes, _, of = Mixed(edits, genes, 0.25)(pool, parents, rng)
        assert sorted(set(of[codes[:, 0] < 0].tolist())) == [6, 7]

    def test_the_agent_finds_more_than_random_codes_in_few_queries(self, school):
        ends = {}
        for name, agent in (("agent", school), ("random", None)):
            core = core_of()
            pools = [
                search(core, pool_of(core, 16, seed), CodeEdits(core, agent), seeds.rng(seed), 30) for seed in range(10)
            ]
            ends[name] = np.mean([pool.values[0] for pool in pools])
        assert ends["agent"] > ends["random"] + 0.05


class TestCritic:
    def test_it_knows_networks_that_it_has_not_met(self, adept):
        core = core_of()
        pool = pool_of(core, 300, seed=11)
        said, true = adept.critic(pool.genes), features(pool.judged)
        better = true[:, 0] > np.quantile(true[:, 0], 0.5)  # of the worst it is not told how bad they are
        assert np.corrcoef(said[better, 0], true[better, 0])[0, 1] > 0.95
        assert all(np.corrcoef(said[:, k], true[:, k])[0, 1] > 0.95 for k in (1, 2, 3))

    def test_it_is_kept_and_a_damaged_one_is_refused(self, adept):
        genes = ToySpace().sample(seeds.rng(0), 20)
        again = Critic.of_file(ToySpace(), adept.critic.file)
        assert (again(genes) == adept.critic(genes)).all()
        other = Categorical([Gene("a", (0, 1))])
        with pytest.raises(ValueError, match="the surrogate is damaged"):
            Critic.of_file(other, adept.critic.file)

    def test_the_best_children_come_first_whoevers_they_are(self):
        core, space = core_of(TIGHT), ToySpace()
        pool = judged_pool(core, *(2 * [space.sample(seeds.rng(3), 40)]), TIGHT)

        def knowing(genes):
            return features(core.judge_open(genes)) + 7.0  # off, but by as much for all

        _, genes, of = Foreseen(knowing, core.scorer, [GeneMutations(space)])(pool, np.arange(2), seeds.rng(0))
        true = worth(features(core.judge_open(genes)), TIGHT, core.scorer.weight, core.scorer.margin)
        assert (np.diff(true) <= 1e-9).all()
        assert len(set(of.tolist())) == len(genes) == 40 * DRAWN

    def test_where_it_errs_about_a_parent_it_is_corrected(self):
        core, space = core_of(), ToySpace()
        genes = space.sample(seeds.rng(3), 2)
        pool = judged_pool(core, genes, genes, OPEN)

        def same(pool, parents, rng):
            return pool.codes[parents], pool.genes[parents], parents

        def wrong(genes):
            return np.arange(4.0 * len(genes)).reshape(-1, 4)  # favours whatever comes last

        _, first, _ = Foreseen(wrong, core.scorer, [same])(pool, np.arange(2), seeds.rng(0))
        assert (first == pool.genes[np.argsort(-pool.values)]).all()

    def test_a_batch_judges_as_many_as_parents_were_drawn(self, adept):
        core = core_of(memo_bits=0)
        batches = []
        move = universal.edits(core, adept)
        search(core, pool_of(core), move, seeds.rng(0), 60, each=lambda children: batches.append(len(children)))
        assert sum(batches) == 60
        assert batches[0] == 10

    def test_it_finds_more_in_few_queries_than_edits_without_it(self, adept):
        ends = {True: [], False: []}
        for critical in ends:
            for seed in range(12):
                core = core_of()
                move = universal.edits(core, adept) if critical else CodeEdits(core, adept.agent)
                ends[critical].append(search(core, pool_of(core, 16, seed), move, seeds.rng(seed), 12).values[0])
        assert np.mean(ends[True]) > np.mean(ends[False])


@pytest.mark.usefixtures("quick_strategies")
@pytest.mark.parametrize("agent", ["q", "ppo", "a2c"])
def test_every_agent_searches_and_is_restored(agent):
    kind = configured("latent_rl", [f"latent_rl.agent={agent}"])
    strategy, again = (kind(toy_problem(), 0) for _ in range(2))
    from latent_nas.contracts.toy import record

    strategy.tell([record(tuple(g)) for g in ToySpace().sample(seeds.rng(0), 12).tolist()])
    strategy.tell([record(g) for g in strategy.ask(2, ToyScorer(labels=12))])
    again.restore(strategy.state())
    assert again.ask(2, ToyScorer(labels=14)) == strategy.ask(2, ToyScorer(labels=14))
    steps = [lesson["step"] for lesson in strategy.journal()["school"]]
    assert all(a < b for a, b in pairwise(steps))


def test_an_agent_that_is_not_one_is_refused():
    with pytest.raises(ValueError, match=r"latent_rl\.agent is one of q, ppo, a2c; got 'dqn'"):
        configured("latent_rl", ["latent_rl.agent=dqn"])(toy_problem(), 0)
    with pytest.raises(ValueError, match="learner 'q' edits slots"):
        universal.train_universal(ToyScorer(), ToyCodec(ToySpace()), None, 100, 0, "q", "dimension")
    with pytest.raises(ValueError, match="no learner 'dqn'; there are: q, ppo, a2c"):
        universal.train_universal(ToyScorer(), ToyCodec(ToySpace()), None, 100, 0, "dqn")


def test_an_agent_goes_on_on_another_task():
    class Scorer(ToyScorer):
        """Another task: the first's opposite."""

        def __call__(self, genes, limits=None):
            return super().__call__(3 - genes, limits)

        rerank = __call__

    def taught(scorer, seed, begin=None):
        return universal.train_universal(scorer, ToyCodec(ToySpace()), None, 2_000, seed, begin=begin).agent

    first = taught(ToyScorer(), 0)
    later = taught(Scorer(), 1, first)
    moved = np.abs(later.weights["hidden"] - first.weights["hidden"]).max()
    assert 0 < moved < np.abs(taught(Scorer(), 1).weights["hidden"] - first.weights["hidden"]).max() / 2
    with pytest.raises(ValueError, match="learner 'ppo' starts anew"):
        universal.train_universal(ToyScorer(), ToyCodec(ToySpace()), None, 100, 0, "ppo", begin=first)


def test_agent_train_starts_from_no_agent_of_another_codec(tmp_path):
    from latent_nas import artifacts
    from latent_nas.jobs import models
    from latent_nas.jobs.make.artefacts import AgentOptions, agent
    from latent_nas.limits import Limits
    from latent_nas.target import MAIN_TARGET, Setup

    setup = Setup(MAIN_TARGET)
    shipped = models.pretrained(setup, "agent")

    def trained(start, out):
        options = AgentOptions(start=str(start))
        return agent(setup, Limits(flash_bytes=32_768), None, None, 2000, 0, out, lambda line: None, options)

    other = artifacts.load(shipped, "agent")
    artifacts.save(tmp_path / "other", artifacts.Artifact("agent", {**other.made, "codec": "0"}, {}, other.files))
    with pytest.raises(ValueError, match="holds an agent of codec 0, this one is"):
        trained(tmp_path / "other", tmp_path / "off")
    assert not (tmp_path / "off").exists()
