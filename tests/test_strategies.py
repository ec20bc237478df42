"""The contract of every strategy of the folder, then oracles of the agent's."""

import random as python_random
import subprocess
import sys

import numpy as np
import pytest
import torch
from toy import OPEN, ToyCodec, ToyScorer, ToySpace, fits, record, true_accuracy

from latent_nas import plugins, seeds
from latent_nas.env.core import PLACES, EditCore
from latent_nas.env.single import EditEnv
from latent_nas.limits import Limits
from latent_nas.pipeline.config import SearchConfig, pinned
from latent_nas.records import Record
from latent_nas.strategies import Problem, open_strategy
from latent_nas.strategies._diverse import apart
from latent_nas.strategies._population import CodeEdits, GeneMutations, judged_pool, search
from latent_nas.strategies.gp import Gp
from latent_nas.strategies.latent_rl import LatentRL

NAMES = plugins.names("strategies")
LIMITS = Limits(flash_bytes=2200)


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    torch.set_num_threads(1)
    monkeypatch.setattr(LatentRL, "steps", 2048)
    monkeypatch.setattr(LatentRL, "envs", 64)
    monkeypatch.setattr(LatentRL, "queries", 256)
    monkeypatch.setattr(Gp, "tries", 1)


def opened(name, seed=0, limits=LIMITS):
    space = ToySpace()
    return open_strategy(name, Problem(space, ToyCodec(space), limits, lambda genes: fits(limits, genes)), seed)


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


def test_evolution_breeds_from_the_best_of_the_young():
    """One network of the population fits; with nothing else to sample its children are one mutation away."""
    strategy = opened("evolution", limits=Limits())
    old, parent = (0,) * 8, ToyScorer.BEST
    strategy.tell([record(old)] * 30 + [record(parent)] * 20)
    for child in strategy.ask(10, None):
        assert 1 <= (np.array(child) != parent).sum() <= 2  # a second gene may be canonicalised


def test_agent_population_finds_the_optimum(monkeypatch):
    monkeypatch.setattr(LatentRL, "queries", 2048)
    strategy = opened("latent_rl", limits=Limits())
    strategy.tell([record(tuple(g)) for g in ToySpace().sample(seeds.rng(0), 8).tolist()])
    assert ToyScorer.BEST in strategy.ask(4, ToyScorer(labels=LatentRL.initial))


def test_first_round_spreads_over_sizes_within_the_limits():
    strategy = opened("latent_rl", limits=LIMITS)
    asked = np.array(strategy.ask(6, ToyScorer(labels=0, limits=np.array([2200.0, np.inf, np.inf]))))
    size = asked.sum(axis=1)
    assert size.max() >= 11  # 12 is the limit
    assert size.min() <= 9


@pytest.mark.parametrize(("learner", "history", "margin"), [("ppo", 0, 0.3), ("a2c", 6, 0.1)])
def test_a_trained_agent_beats_random_edits(learner, history, margin):
    from latent_nas.strategies._ppo import train

    core = EditCore(ToyCodec(ToySpace()), ToyScorer(), OPEN, steps=6, history=history)
    agent = train(core, None, 98_304, seed=0, envs=256, learner=learner)
    assert all(np.isfinite(w).all() for w in agent.weights.values())

    def gain(act):
        rng, rows = np.random.default_rng(1), core.start(np.arange(200), np.full(200, 9))
        before = rows.judged[:, 0]
        for _ in range(core.steps):
            core.edit(rows, act(rows, rng))
            rows.judged = core.judge(rows.codes, rows.limits)
        return (rows.judged[:, 0] - before).mean()

    trained = gain(lambda rows, rng: agent.act(core.observe(rows, brief=True), rng))
    assert trained > gain(lambda rows, rng: rng.integers(core.stop, size=len(rows.codes))) + margin


def test_an_agent_knows_the_form_of_its_environment():
    from latent_nas.strategies._ppo import train

    def core(**form):
        return EditCore(ToyCodec(ToySpace()), ToyScorer(), OPEN, **form)

    forms = [{"place": place, "history": history} for place in PLACES for history in (0, 6)]
    for form in forms:
        agent = train(core(**form), None, 64, seed=0, envs=8, learner="a2c")
        assert agent.form(3) == form
        assert [agent.fits(core(**other)) for other in forms] == [other == form for other in forms]
    with pytest.raises(ValueError, match="no learner 'dqn'; there are: ppo, a2c"):
        train(core(), None, 64, seed=0, envs=8, learner="dqn")


def test_training_is_repeatable_and_goes_on_from_weights():
    from latent_nas.strategies._ppo import train

    core = EditCore(ToyCodec(ToySpace()), ToyScorer(), OPEN)
    one, two = (train(core, None, 1024, seed=3, envs=64).weights for _ in range(2))
    assert all(np.array_equal(one[k], two[k]) for k in one)
    more = train(core, train(core, None, 1024, seed=3, envs=64), 512, seed=4, envs=64).weights
    assert np.array_equal(more["centre"], one["centre"])
    assert not np.array_equal(more["places"], one["places"])


@pytest.mark.parametrize("place", PLACES)
def test_logits_are_those_of_the_trained_policy(place, monkeypatch):
    from latent_nas.env.batched import BatchedEditEnv
    from latent_nas.strategies import _ppo

    class Watched(_ppo.EditPolicy):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            policies.append(self)

    policies = []
    monkeypatch.setattr(_ppo, "EditPolicy", Watched)
    core = EditCore(ToyCodec(ToySpace()), ToyScorer(), OPEN, place=place)
    agent = _ppo.train(core, None, 512, seed=0, envs=64)
    seen, _ = BatchedEditEnv(core, 5, brief=True).reset(seed=0)
    seen_tensor, policy = torch.as_tensor(seen), policies[0]
    with torch.no_grad():
        every = [policy.evaluate_actions(seen_tensor, torch.full((5,), a))[1] for a in range(core.actions)]
        picked, _, logs = policy(seen_tensor)
    assert agent.logs(seen) == pytest.approx(torch.stack(every, dim=1).numpy(), abs=1e-5)
    assert agent.logs(seen)[np.arange(5), picked.numpy()] == pytest.approx(logs.numpy(), abs=1e-5)
    assert np.exp(agent.logs(seen)).sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_distributions_are_those_of_their_logits():
    from latent_nas.strategies._choice import draw, softmax

    rng = np.random.default_rng(0)
    logits = (rng.normal(size=(500, 25)) * rng.choice([0, 1, 10, 100], (500, 1))).astype(np.float32)
    logs, chances, entropy = logits.copy(), np.empty_like(logits), np.full(500, 2, np.float32)
    softmax(logs, chances, entropy)
    right = torch.log_softmax(torch.from_numpy(logits).double(), dim=1).numpy()
    assert logs == pytest.approx(right, abs=2e-5, rel=1e-6)
    assert chances == pytest.approx(np.exp(right), rel=2e-5, abs=1e-30)
    assert entropy == pytest.approx(2 - (np.exp(right) * right).sum(axis=1), abs=2e-5)

    share, drawn = np.tile(np.float32([0.2, 0.0, 0.5, 0.3]), (5, 1)), np.full(5, -1)
    draw(share, np.float32([0.0, 0.19, 0.21, 0.71, 0.9999999]), drawn)
    assert drawn.tolist() == [0, 0, 2, 3, 3]


def test_values_and_derivatives_by_hand_are_those_of_autograd():
    from latent_nas.strategies._policy import Network, views

    draw = torch.Generator().manual_seed(0)
    shapes = {"codes": (6, 3), "rest": (3, 2), "bias": (3,), "hidden": (3, 3), "hidden.bias": (3,), "heads": (6, 3)}
    shapes |= {"heads.bias": (6,), "choices": (4, 5, 3), "choices.bias": (5, 5)}
    vector = torch.randn(sum(int(np.prod(s)) for s in shapes.values()), generator=draw).requires_grad_()
    picked = torch.tensor([[0, 2], [1, 1], [5, 0], [3, 2], [4, 4], [0, 5], [2, 1]])
    place, code = torch.tensor([[2, 0, 4, 2, 3, 0, 4], [0, 4, 0, 1, 2, 3, 0]])  # 1 does not occur, 4 is to stop
    rest = torch.randn(7, 2, generator=draw)
    by_hand = Network.apply(vector, shapes, picked, rest, place, code, torch.empty(0, 2))

    w = views(vector, shapes)
    first = torch.tanh(w["codes"][picked].sum(dim=1) + rest @ w["rest"].T + w["bias"])
    hidden = torch.tanh(first @ w["hidden"].T + w["hidden.bias"])
    heads = hidden @ w["heads"].T + w["heads.bias"]
    logs = torch.log_softmax(heads[:, :-1], dim=1)
    every = torch.cat([w["choices"], torch.zeros(1, 5, 3)])[place]
    inner = torch.log_softmax((every @ hidden[:, :, None])[:, :, 0] + w["choices.bias"][place], dim=1)
    goes_on = place < 4
    joint = logs[torch.arange(7), place] + inner[torch.arange(7), code].where(goes_on, 0)
    entropy = -(logs.exp() * logs).sum(dim=1) - (inner.exp() * inner).sum(dim=1).where(goes_on, 0)
    expected = heads[:, -1], joint, entropy

    for a, b in zip(by_hand, expected, strict=True):
        assert torch.allclose(a, b, atol=1e-5)
    weights = torch.randn(3, 7, generator=draw)
    found, right = (
        views(torch.autograd.grad(sum((w * x).sum() for w, x in zip(weights, outs, strict=True)), vector)[0], shapes)
        for outs in (by_hand, expected)
    )
    for name in shapes:
        assert torch.allclose(found[name], right[name], atol=1e-5), name
        assert right[name].any(), name


def test_the_agent_samples_its_own_distribution_but_no_idle_edit():
    from latent_nas.strategies._ppo import train

    core = EditCore(ToyCodec(ToySpace()), ToyScorer(), OPEN)
    agent = train(core, None, 2048, seed=0, envs=64)
    rows = core.start(np.zeros(20_000, int), np.zeros(20_000, int))
    seen = core.observe(rows, brief=True)
    actions = agent.act(seen, np.random.default_rng(0))
    place, code = np.divmod(actions, core.codes)
    assert (rows.codes[np.arange(len(place)), place] != code).all()
    odds = np.exp(agent.logs(seen[:1])[0, :-1]).reshape(core.slots, core.codes)
    assert np.bincount(place, minlength=core.slots) / len(place) == pytest.approx(odds.sum(1) / odds.sum(), abs=0.02)


def test_vec_env_passes_what_sb3_wants():
    from stable_baselines3.common.vec_env import VecMonitor

    from latent_nas.env.batched import BatchedEditEnv
    from latent_nas.strategies._ppo import EditVecEnv

    env = VecMonitor(EditVecEnv(BatchedEditEnv(EditCore(ToyCodec(ToySpace()), ToyScorer(), OPEN, steps=3), 5)))
    env.reset()
    for _ in range(4):
        seen, rewards, over, infos = env.step(np.arange(5))
        assert seen.shape == (5, *env.observation_space.shape)
        assert [("terminal_observation" in info) for info in infos] == over.tolist()
    assert rewards.shape == (5,)


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


def test_those_apart_are_the_corners_before_the_middle():
    latent = np.array([[0.5, 0.5], [0, 0], [1, 1], [0, 1], [1, 0]])
    assert apart(latent, 3, np.zeros((0, 2)))[0] == 0
    assert set(apart(latent, 4, np.array([[0.5, 0.5]]))) == {1, 2, 3, 4}
    assert apart(latent, 2, np.array([[0.0, 0.0]])) == [2, 3]


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


def test_training_leaves_no_files(tmp_path, monkeypatch):
    """stable-baselines3 makes a folder for its logs unless it is given a logger."""
    import tempfile

    from latent_nas.strategies._ppo import train

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    train(EditCore(ToyCodec(ToySpace()), ToyScorer(), OPEN), None, 64, seed=0, envs=8)
    assert not list(tmp_path.iterdir())
