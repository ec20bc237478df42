"""How the Q agent comes by its edits: parents from wherever they are good, random edits and its own by halves."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from latent_nas import seeds
from latent_nas.agent.elites import Elites
from latent_nas.agent.gains import Gains, draw, features, units, worth
from latent_nas.agent.population import Archive, Pool
from latent_nas.agent.q_learner import Replay, fresh, learn
from latent_nas.agent.training import BEST, POPULATION, Tell, Watch, joined
from latent_nas.env.core import EditCore
from latent_nas.env.rows import PESSIMISTIC

# Codes (n, slots), judged (n, JUDGED) and limits (n, 3) of networks to edit.
Parents = Callable[[np.random.Generator], tuple[np.ndarray, np.ndarray, np.ndarray]]
OWN_SHARE = 0.5  # of the edits that the agent chooses once it knows something
SOFT = 0.1  # temperature of its choice in school, in units of the plain score


@dataclass(frozen=True)
class Plan:
    """How much of a school: batches of random edits, updates on them, batches of both kinds, updates on all."""

    random: int
    first_updates: int
    own: int
    last_updates: int


def of_elites(elites: Elites, core: EditCore, limits: Callable[[], np.ndarray], top: int) -> Parents:
    """Return what gives the ``top`` best elites under each row of limits (m, 3)."""

    def parents(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rows = limits()
        assert core.scorer is not None
        best = elites.best(rows, top, core.scorer.weight, core.scorer.margin)
        cells = best.ravel()
        return elites.coded(cells, core.codec), elites.judged[cells], np.repeat(rows, best.shape[1], axis=0)

    return parents


def of_archive(archive: Archive, core: EditCore, n: int) -> Parents:
    """Return what gives n of the best networks that an archive holds then, under its own limits, by tournament."""

    def parents(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        pool = archive.pool.best(POPULATION)
        rows = rng.integers(len(pool), size=(n, 2)).min(axis=1)
        return pool.codes[rows], pool.judged[rows], np.broadcast_to(pool.limits, (n, 3))

    return parents


def q_from_best(
    core: EditCore,
    start: Pool,
    gains: Gains | None,
    plan: Plan,
    batch: int,
    seed: int,
    watch: Watch | None = None,
    tell: Tell | None = None,
) -> tuple[Gains, Archive]:
    """Return the agent after a school on the best networks met so far, and these; as ``training.train_from_best``."""
    archive = Archive(start, BEST)
    core.watch = joined(archive.add, watch)
    return attend(core, of_archive(archive, core, batch), gains, units(start.judged), plan, seed, tell), archive


def edited(
    core: EditCore, parents: Parents, gains: Gains | None, rng: np.random.Generator
) -> tuple[Replay, np.ndarray]:
    """Return one batch of judged edits, steps of the environment at horizon 1, and their rewards."""
    codes, judged, limits = parents(rng)
    scorer = core.scorer
    assert scorer is not None
    judged = judged.copy()
    seen = features(judged)
    judged[:, PESSIMISTIC] = worth(seen, limits, scorer.weight, scorer.margin)
    actions = rng.integers(core.stop, size=len(codes))
    if gains is not None:
        own = np.flatnonzero(rng.random(len(codes)) < OWN_SHARE)
        worths = gains.worths(codes[own], seen[own], limits[own], scorer.weight, scorer.margin)
        actions[own] = draw(worths, SOFT * float(gains.weights["unit"][0]), 1, rng)[:, 0]
    rows = core.rows(codes.copy(), limits, judged)
    rewards, _, _ = core.step(rows, actions)
    slot, code = np.divmod(actions, core.codes)
    return Replay(codes, seen, slot, code, features(rows.judged) - seen), rewards


def attend(
    core: EditCore, parents: Parents, gains: Gains | None, unit: np.ndarray, plan: Plan, seed: int, tell: Tell | None
) -> Gains:
    """Return the agent after a school; without one to start from a new one.

    Args:
        core: with single codes as actions; its ``watch`` sees all that is met. gains: to start from, of any judge.
        unit: of the changes as this judge sees them, see ``gains.units``.
        tell: called after every batch of edits with the edits so far and their mean reward.
    """
    rng, replay, done = seeds.rng(seed, "edits"), [], 0
    known = gains is not None  # what it chooses at once is worth trying
    seen = features(parents(seeds.rng(seed, "seen"))[1])
    gains = fresh(core.slots, core.codes, seen, unit, seed) if gains is None else gains.adapted(seen, unit)
    for part, (batches, updates) in enumerate(((plan.random, plan.first_updates), (plan.own, plan.last_updates))):
        for _ in range(batches):
            found, rewards = edited(core, parents, gains if known else None, rng)
            replay.append(found)
            done += len(found)
            if tell:
                about = {"reward": round(float(rewards.mean()), 5), "reward_std": round(float(rewards.std()), 5)}
                tell(done, {"episodes": len(found), **about, "length": 1.0})
        if replay and updates:
            gains, known = learn(gains, Replay.join(replay), updates, seeds.derive(seed, "updates", part) % 2**31), True
    return gains
