import warnings

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env as check_gymnasium

from latent_nas.contracts.toy import OPEN, ToyCodec, ToyScorer, ToySpace
from latent_nas.env.batched import BatchedEditEnv
from latent_nas.env.core import PLACES, EditCore
from latent_nas.env.draws import uniform
from latent_nas.env.memo import Known, Memo, hashed
from latent_nas.env.parameters import parameter_excess
from latent_nas.env.single import EditEnv
from latent_nas.graph.deploy import deploy
from latent_nas.seeds import rng
from latent_nas.spaces import open_space

LIMITS = np.array([[1800.0, 900.0, 3.0], [2500.0, np.inf, np.inf]])


def core(place="slot", scorer=None, **settings):
    settings = {"limits": LIMITS, "steps": 5, **settings}
    return EditCore(ToyCodec(ToySpace()), scorer or ToyScorer(), place=place, **settings)


@pytest.mark.parametrize("history", [0, 6])
@pytest.mark.parametrize("place", PLACES)
def test_checkers_pass(place, history):
    from stable_baselines3.common.env_checker import check_env as check_sb3

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_sb3(EditEnv(core(place, history=history)))
        warnings.filterwarnings("ignore", message=".*not having been created with `gym.make`.*")
        warnings.filterwarnings("ignore", message=".*spec.*")
        check_gymnasium(EditEnv(core(place, history=history)), skip_render_check=True)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("settings", [{}, {"starts": np.ones((2, 8), int)}, {"keep": True, "history": 3}])
def test_single_and_batched_go_the_same_way(place, settings):
    batched = BatchedEditEnv(core(place, **settings), 6)
    singles = [EditEnv(core(place, **settings)) for _ in range(6)]
    seen, _ = batched.reset(seed=11)
    assert np.array_equal(seen, np.stack([env.reset(seed=11 + i)[0] for i, env in enumerate(singles)]))
    rng = np.random.default_rng(0)
    for _ in range(23):
        actions = rng.integers(batched.single_action_space.n, size=6)
        actions[rng.random(6) < 0.1] = batched.core.stop
        seen, rewards, over, cut, info = batched.step(actions)
        for i, env in enumerate(singles):
            one, reward, done, truncated, _ = env.step(actions[i])
            assert (reward, done, truncated) == (rewards[i], over[i], cut[i])
            if done:
                assert np.array_equal(one, info["final_obs"][i])
                one, _ = env.reset()
            assert np.array_equal(one, seen[i])


@pytest.mark.parametrize("keep", [False, True])
def test_rewards_sum_to_final_less_start(keep):
    env = EditEnv(core(keep=keep))
    for seed in range(20):
        _, info = env.reset(seed=seed)
        start, total, over = info["pessimistic"], 0.0, False
        while not over:
            _, reward, over, _, info = env.step(env.action_space.sample())
            total += reward
            assert not keep or reward >= 0
        assert total == pytest.approx(info["pessimistic"] - start, abs=1e-12)


def test_an_edit_that_changes_no_score_is_kept():
    """Undone is what makes it worse; across a plateau an agent must be able to walk."""
    flat = core(scorer=ToyScorer(flat=True), limits=OPEN, keep=True)
    rows = flat.start(np.arange(50), np.zeros(50, np.int64))
    before = rows.codes.copy()
    places = np.arange(50) % flat.slots
    wanted = (before[np.arange(50), places] + 1) % flat.codes
    rewards, _, _ = flat.step(rows, places * flat.codes + wanted)
    assert (rewards == 0).all()
    assert (rows.codes[np.arange(50), places] == wanted).all()


def test_a_start_pays_nothing():
    """The known trap: a reward measured from zero pays for the start instead of the edits."""
    best = ToyCodec(ToySpace()).encode(np.array([ToyScorer.BEST]))
    env = EditEnv(core(starts=best, share=1.0, limits=OPEN))
    _, info = env.reset(seed=0)
    assert info["pessimistic"] > 0.9
    _, reward, over, _, _ = env.step(np.int64(env.core.stop))
    assert over
    assert reward == 0
    env.reset(seed=0)
    same = np.int64(best[0, 3] + 3 * env.core.codes)
    assert env.step(same)[1] == 0


def test_one_call_per_step_and_memory():
    scorer = ToyScorer()
    env = BatchedEditEnv(core(scorer=scorer, limits=OPEN), 512)
    env.reset(seed=0)
    rng = np.random.default_rng(0)
    for _ in range(12):
        calls, queries = scorer.calls, scorer.queries
        env.step(rng.integers(env.core.actions, size=512))
        assert scorer.calls - calls <= 1
        assert scorer.queries - queries <= 1024
    queries = scorer.queries
    env.core.judge(env.rows.codes, env.rows.limits)
    assert scorer.queries - queries < 50  # nearly all of the 512 are known


def test_memory_tells_limits_apart_and_does_not_change_a_score():
    with_memory, without = core(), core(memo_bits=0)
    codes = np.random.default_rng(1).integers(4, size=(300, 8))
    limits = LIMITS[np.arange(300) % 2]
    for _ in range(2):
        assert np.array_equal(with_memory.judge(codes, limits), without.judge(codes, limits))
    assert not np.array_equal(with_memory.judge(codes, limits), with_memory.judge(codes, limits[::-1]))


def test_full_memory_forgets_but_is_right():
    memo = Memo(1, bits=3)
    keys = np.random.default_rng(2).integers(100, size=(1000, 1))
    for part in np.split(keys, 20):
        assert np.array_equal(memo(part, lambda rows, p=part: p[rows] * 2.0), part * 2.0)
    assert 0 < memo.computed < memo.asked == 1000


def test_a_set_tells_what_it_has_not_met_once_for_each_parent():
    rng, met, known = np.random.default_rng(4), set(), Known(np.zeros(0, np.uint64), 400)
    for most in (0, 1, *[20] * 30):  # more than half of the room: places collide
        keys, of = rng.integers(500, size=60), rng.integers(40, size=60)
        wanted, served = [], set()
        for row, (key, parent) in enumerate(zip(keys.tolist(), of.tolist(), strict=True)):
            if key not in met and parent not in served and len(wanted) < most:
                wanted.append(row)
                met.add(key)
                served.add(parent)
        assert known.add(hashed(keys[:, None]), of, most).tolist() == wanted


def test_a_brief_observation_holds_what_the_full_one_does():
    env = core()
    rows = env.start(np.arange(9), np.zeros(9, int))
    full, brief = env.observe(rows), env.observe(rows, brief=True)
    codes = brief[:, :8].astype(int)
    assert np.array_equal(full[:, :24], env.latent(codes).reshape(9, -1))
    assert np.array_equal(full[:, 24:56].reshape(9, 8, 4).argmax(axis=2), codes)
    assert np.array_equal(full[:, 56:], brief[:, 8:])
    for seen, form in ((full, False), (brief, True)):
        low, high = env.observation.bounds(form)
        assert ((seen >= low) & (seen <= high)).all()


def test_dimension_edit_moves_one_entry():
    env = core("dimension")
    rows = env.start(np.arange(4), np.zeros(4, int))
    before = rows.latent.copy()
    slot, d, code = 2, 1, 3
    env.edit(rows, np.full(4, (slot * env.dim + d) * env.codes + code))
    changed = np.argwhere((rows.latent != before).any(axis=0))
    assert changed.tolist() == [[slot, d]]
    assert (rows.latent[:, slot, d] == env.codebook[slot, code, d]).all()


@pytest.mark.parametrize("keep", [False, True])
def test_the_last_six_actions_are_observed_the_latest_first(keep):
    env, actions = EditEnv(core("dimension", history=6, steps=9, keep=keep)), [17, 3, 40, 0, 91, 5, 62, 8]
    seen, _ = env.reset(seed=0)
    width = len(seen) - 12 - 8
    assert (seen[width:-8] == -1).all()
    for n, action in enumerate(actions, 1):
        seen, *_ = env.step(action)
        last = [*reversed(actions[:n])][:6]
        place, code = np.divmod(last, env.core.codes)
        wanted = np.stack([place / env.core.places, code / env.core.codes], axis=1).ravel()
        assert seen[width:-8] == pytest.approx([*wanted, *[-1] * (12 - len(wanted))])
    assert env.action_space.n == 8 * 3 * 4 + 1  # (slot, dimension) and code as one choice, and the stop
    seen, _ = env.reset()
    assert (seen[width:-8] == -1).all()


def test_a_parameter_budget_costs_what_exceeds_it():
    space = open_space("mcu_cnn", (8, 8, 1), 10)
    genes = space.sample(rng(0, "budget"), 40)
    counted = np.array([deploy(space.graph(row)).graph.parameters for row in genes])
    excess = parameter_excess(space, 5000)(genes)
    assert excess == pytest.approx(np.maximum(np.log(counted / 5000), 0), abs=1e-4)
    assert 0 < (excess > 0).sum() < 40
    with pytest.raises(ValueError, match="1 or more"):
        parameter_excess(space, 0)
    with pytest.raises(ValueError, match="no feature 'parameters'"):
        parameter_excess(ToySpace(), 5)


def test_draws_are_those_of_splitmix64():
    def mix(z):
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ z >> 27) * 0x94D049BB133111EB % 2**64
        return z ^ z >> 31

    seeds, episodes = np.array([0, 7, 2**31]), np.array([0, 3, 10**6])
    states = [mix((mix(s) + e) % 2**64) for s, e in zip(seeds.tolist(), episodes.tolist(), strict=True)]
    expected = [[(mix((z + i * 0x9E3779B97F4A7C15) % 2**64) >> 11) / 2**53 for i in range(1, 5)] for z in states]
    assert uniform(seeds, episodes, 4).tolist() == expected


def test_draws_are_uniform_and_independent_of_the_batch():
    draws = uniform(np.arange(2000), np.zeros(2000, int), 5)
    assert np.array_equal(draws[100:101], uniform(np.array([100]), np.array([0]), 5))
    assert abs(np.corrcoef(draws.T) - np.eye(5)).max() < 0.08
    assert abs(draws.mean(axis=0) - 0.5).max() < 0.03
    assert (draws[:, 0] != uniform(np.arange(2000), np.ones(2000, int), 5)[:, 0]).all()


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"limits": [1.0, 2.0]}, "limits"),
        ({"limits": [0.0, 1, 1]}, "positive"),
        ({"place": "row"}, "slot, dimension"),
        ({"steps": 0}, "1 or more"),
        ({"starts": np.zeros((2, 3))}, "expected"),
    ],
)
def test_errors_say_what_is_wanted(settings, says):
    with pytest.raises(ValueError, match=says):
        core(**settings)


def test_misuse_is_an_error():
    env = EditEnv(core())
    with pytest.raises(ValueError, match="reset"):
        env.step(np.int64(0))
    env.reset(seed=0)
    with pytest.raises(ValueError, match="not in 0 to"):
        env.step(np.int64(10**6))
    batched = BatchedEditEnv(core(), 3)
    batched.reset(seed=0)
    with pytest.raises(ValueError, match="3 integers"):
        batched.step(np.zeros(2, int))
