"""Training the agent's policy: it learns, it repeats, and what is written by hand is what libraries work out."""

import tempfile

import numpy as np
import pytest
import torch
from stable_baselines3.common.vec_env import VecMonitor

from latent_nas.agent import learner
from latent_nas.agent.choice import draw, softmax
from latent_nas.agent.learner import EditVecEnv, train
from latent_nas.agent.network import Network
from latent_nas.agent.vector import views
from latent_nas.contracts.toy import OPEN, ToyCodec, ToyScorer, ToySpace
from latent_nas.env.batched import BatchedEditEnv
from latent_nas.env.core import PLACES, EditCore


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.mark.parametrize(("learner", "history", "margin"), [("ppo", 0, 0.3), ("a2c", 6, 0.1)])
def test_a_trained_agent_beats_random_edits(learner, history, margin):
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
    core = EditCore(ToyCodec(ToySpace()), ToyScorer(), OPEN)
    one, two = (train(core, None, 1024, seed=3, envs=64).weights for _ in range(2))
    assert all(np.array_equal(one[k], two[k]) for k in one)
    more = train(core, train(core, None, 1024, seed=3, envs=64), 512, seed=4, envs=64).weights
    assert np.array_equal(more["centre"], one["centre"])
    assert not np.array_equal(more["places"], one["places"])


def test_training_leaves_no_files(tmp_path, monkeypatch):
    """stable-baselines3 makes a folder for its logs unless it is given a logger."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    train(EditCore(ToyCodec(ToySpace()), ToyScorer(), OPEN), None, 64, seed=0, envs=8)
    assert not list(tmp_path.iterdir())


def test_the_agent_samples_its_own_distribution_but_no_idle_edit():
    core = EditCore(ToyCodec(ToySpace()), ToyScorer(), OPEN)
    agent = train(core, None, 2048, seed=0, envs=64)
    rows = core.start(np.zeros(20_000, int), np.zeros(20_000, int))
    seen = core.observe(rows, brief=True)
    actions = agent.act(seen, np.random.default_rng(0))
    place, code = np.divmod(actions, core.codes)
    assert (rows.codes[np.arange(len(place)), place] != code).all()
    odds = np.exp(agent.logs(seen[:1])[0, :-1]).reshape(core.slots, core.codes)
    assert np.bincount(place, minlength=core.slots) / len(place) == pytest.approx(odds.sum(1) / odds.sum(), abs=0.02)


@pytest.mark.parametrize("place", PLACES)
def test_logits_are_those_of_the_trained_policy(place, monkeypatch):
    class Watched(learner.EditPolicy):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            policies.append(self)

    policies = []
    monkeypatch.setattr(learner, "EditPolicy", Watched)
    core = EditCore(ToyCodec(ToySpace()), ToyScorer(), OPEN, place=place)
    agent = train(core, None, 512, seed=0, envs=64)
    seen, _ = BatchedEditEnv(core, 5, brief=True).reset(seed=0)
    seen_tensor, policy = torch.as_tensor(seen), policies[0]
    with torch.no_grad():
        every = [policy.evaluate_actions(seen_tensor, torch.full((5,), a))[1] for a in range(core.actions)]
        picked, _, logs = policy(seen_tensor)
    assert agent.logs(seen) == pytest.approx(torch.stack(every, dim=1).numpy(), abs=1e-5)
    assert agent.logs(seen)[np.arange(5), picked.numpy()] == pytest.approx(logs.numpy(), abs=1e-5)
    assert np.exp(agent.logs(seen)).sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_distributions_are_those_of_their_logits():
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


def test_vec_env_passes_what_sb3_wants():
    env = VecMonitor(EditVecEnv(BatchedEditEnv(EditCore(ToyCodec(ToySpace()), ToyScorer(), OPEN, steps=3), 5)))
    env.reset()
    for _ in range(4):
        seen, rewards, over, infos = env.step(np.arange(5))
        assert seen.shape == (5, *env.observation_space.shape)
        assert [("terminal_observation" in info) for info in infos] == over.tolist()
    assert rewards.shape == (5,)


def test_rewards_are_counted_in_their_unit_and_clipped():
    """The leap of a random network into the limits must not drown what an edit of a good one brings."""
    env = EditVecEnv(BatchedEditEnv(EditCore(ToyCodec(ToySpace()), ToyScorer(), OPEN, steps=3), 64), unit=0.05)
    env.seed(0)
    env.reset()
    plain = BatchedEditEnv(EditCore(ToyCodec(ToySpace()), ToyScorer(), OPEN, steps=3), 64)
    plain.reset(seed=0)
    actions = np.random.default_rng(0).integers(plain.core.stop, size=64)
    env.step_async(actions)
    paid, gained = env.step_wait()[1], plain.step(actions)[1]
    assert np.abs(gained / 0.05).max() > 1
    assert paid == pytest.approx(np.clip(gained / 0.05, -1, 1), abs=1e-6)


def test_what_comes_later_counts_less(monkeypatch):
    made = []

    class Seen(learner.UnwatchedPPO):
        def __init__(self, *arguments, **settings):
            super().__init__(*arguments, **settings)
            made.append(self)

    monkeypatch.setitem(learner.LEARNERS, "ppo", Seen)
    train(EditCore(ToyCodec(ToySpace()), ToyScorer(), OPEN), None, 64, seed=0, envs=8)
    (ppo,) = made
    assert (ppo.gamma, ppo.gae_lambda) == (0.9, 0.9)
    assert (ppo.rollout_buffer.gamma, ppo.rollout_buffer.gae_lambda) == (0.9, 0.9)
