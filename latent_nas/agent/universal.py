"""An agent for every budget: trained under limits drawn anew for every episode, asked under limits it never saw."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from latent_nas import artifacts, seeds
from latent_nas.agent import Editor
from latent_nas.agent.critic import Critic, Foreseen, Met
from latent_nas.agent.elites import Elites
from latent_nas.agent.gains import Gains, Recalling, units
from latent_nas.agent.policy import Agent
from latent_nas.agent.population import CodeEdits, GeneMutations, Pool, Proposer, judged_pool, search
from latent_nas.agent.training import BATCH, ENVS, EPISODE, POPULATION, SHARE, Tell, joined
from latent_nas.codec import Codec
from latent_nas.env import LatentCodec
from latent_nas.env.core import EditCore
from latent_nas.env.rows import JUDGED
from latent_nas.judge import Judge
from latent_nas.units import cost_row

ROWS, SAMPLES = 1024, 4096  # limits drawn at every renewal; random networks behind their range
LOW, HIGH = 0.02, 0.6  # quantiles of random networks' costs between which limits are drawn
CHOICE = 8  # an episode of PPO or A2C starts from one of so many elites under its limits
BUDGETS, PER_BUDGET = 256, 16  # limits of a batch of the Q agent's edits, and elites edited under each
GRID_SHARE = 0.6  # of all steps that MAP-Elites takes to fill the grid before the agent learns
UPDATES = (0.001, 0.0018)  # of the Q agent per step, halfway through its edits and at their end
START = 128  # networks that an answer starts from
RANDOM_SHARE = 0.4  # of PPO's edits in an answer; with fewer it repeats itself and leaves half of the queries unused
LEARNERS = ("q", "ppo", "a2c")


@dataclass
class Adept:
    """A trained agent, the good networks of all sizes that it met, and what it expects of others (the Q agent's)."""

    agent: Editor
    elites: Elites
    critic: Critic | None = None

    def save(self, folder: Path, made: dict[str, Any], quality: dict[str, float]) -> None:
        """Write both as an artefact."""
        e, agent = self.elites, self.agent
        weights = agent.stored() if isinstance(agent, Gains) else agent.weights
        grid = {"codes": e.codes.astype(np.int16), "genes": e.genes.astype(np.int16)}
        grid["judged"] = e.judged.astype(np.float32)
        files = {
            "agent.safetensors": artifacts.pack(weights),
            "elites.safetensors": artifacts.pack({**grid, "low": e.low, "high": e.high}),
        }
        if self.critic:
            files["critic.safetensors"] = self.critic.file
        artifacts.save(folder, artifacts.Artifact("agent", made, quality, files))

    @staticmethod
    def load(folder: Path, codec: Codec) -> "Adept":
        """Return the agent of a folder.

        Raises:
            ValueError: none there, a damaged one, or one of another codec.
        """
        files = artifacts.load(folder, "agent").files
        try:
            weights = artifacts.unpack(files["agent.safetensors"])
            agent: Editor = Gains.of_stored(weights) if "keys" in weights else Agent(weights)
            grid = artifacts.unpack(files["elites.safetensors"])
            codes, genes = grid["codes"].astype(np.int64), grid["genes"].astype(np.int64)
            judged = grid["judged"].astype(float)
            elites = Elites(grid["low"], grid["high"], codes, genes, judged, np.ones(len(codes), bool))
            critic = Critic.of_file(codec.space, files["critic.safetensors"]) if isinstance(agent, Gains) else None
            adept = Adept(agent, elites, critic)
            sound = agent.fits(adept.core(codec, None, np.ones(3)))
            sound &= codes.shape[1] == codec.slots and elites.judged.shape == (len(codes), JUDGED)
        except (KeyError, IndexError, ValueError):
            sound = False
        if not sound:
            raise ValueError(
                f"{folder} holds no agent of this version and codec; train one with `latent-nas agent train`"
            )
        return adept

    def core(self, codec: Codec, judge: Judge | None, limits: np.ndarray) -> EditCore:
        """Return an environment as the agent knows it, under limits (3,); without a judge it tells sizes only."""
        form = self.agent.form(codec.dim) if isinstance(self.agent, Agent) else {}
        return EditCore(codec, judge, limits, EPISODE, keep=True, memo_bits=0, **form)


def draw_limits(log_costs: np.ndarray, rng: np.random.Generator, n: int) -> np.ndarray:
    """Return n limits (n, 3), log-uniform between the quantiles LOW and HIGH of random networks' log costs (m, 3)."""
    low, high = np.quantile(log_costs, (LOW, HIGH), axis=0)
    return np.asarray(np.exp(rng.uniform(low, high, (n, 3))))


def train_universal(
    scorer: Judge,
    codec: LatentCodec,
    limits: np.ndarray | None,
    steps: int,
    seed: int,
    learner: str = "q",
    place: str = "slot",
    history: int = 0,
    tell: Tell | None = None,
    begin: Gains | None = None,
) -> Adept:
    """Return an agent trained for so many environment steps, those of MAP-Elites counted, and the elites it met.

    Args:
        limits: flash_bytes, ram_bytes, latency_ms, (3,), to learn for one budget only; None draws limits.
        tell: called now and then with the agent's steps so far and how its episodes went.
        begin: a Q agent of another judge to start from, of the same codes.
        learner: "q", "ppo" or "a2c". place, history: see ``EditCore``; the Q agent edits slots and sees no history.

    Raises:
        ValueError: no such learner or place, a negative history, or what this learner cannot do.
    """
    if learner not in LEARNERS:
        raise ValueError(f"no learner {learner!r}; there are: {', '.join(LEARNERS)}")
    if learner == "q" and (place, history) != ("slot", 0):
        raise ValueError(f"learner 'q' edits slots and sees no history, got {place!r} and {history}; take ppo or a2c")
    if begin is not None and learner != "q":
        raise ValueError(f"learner {learner!r} starts anew; only 'q' goes on from another agent")
    space, rng = scorer.space, seeds.rng(seed, "agent", "school")
    genes = space.sample(rng, SAMPLES)
    logs = _log_costs(scorer, genes)
    core = EditCore(codec, scorer, np.ones(3), EPISODE, place, share=SHARE, keep=True, history=history, memo_bits=0)
    elites = Elites.empty(logs, core.slots, genes.shape[1])
    first = core.judge_open(genes)
    elites.add(codec.encode(genes), genes, first)
    elites.fill(core, space, rng, int(GRID_SHARE * steps))
    met = Met(genes, first)
    core.watch = joined(elites.add, met.add)

    def drawn(n: int) -> np.ndarray:
        return draw_limits(logs, rng, n) if limits is None else np.broadcast_to(limits, (n, 3))

    left, seed = steps - int(GRID_SHARE * steps), seeds.derive(seed, "agent") % 2**31
    critic = None
    if learner == "q":
        agent = _q(core, elites, drawn, units(first), left, steps, begin, seed, tell)
        met.add(elites.codes[elites.taken], elites.genes[elites.taken], elites.judged[elites.taken])
        critic = met.critic(space, seed)
    else:
        agent = _on_policy(core, elites, drawn, left, seed, learner, tell)
    front = elites.front()
    front.coded(np.arange(len(front.taken)), codec)
    return Adept(agent, front, critic)


def _q(
    core: EditCore,
    elites: Elites,
    drawn: Callable[[int], np.ndarray],
    unit: np.ndarray,
    edits: int,
    steps: int,
    begin: Gains | None,
    seed: int,
    tell: Tell | None,
) -> Editor:
    """Return a Q agent after about so many edits of the elites under drawn limits."""
    from latent_nas.agent.q_school import Plan, attend, of_elites

    batches = max(edits // (BUDGETS * PER_BUDGET), 2)
    first, last = (max(int(share * steps), 50) for share in UPDATES)
    plan = Plan(max(batches // 4, 1), first, batches - max(batches // 4, 1), last)
    core.keep = False
    parents = of_elites(elites, core, lambda: drawn(BUDGETS), PER_BUDGET)
    return Gains.of_stored(attend(core, parents, begin, unit, plan, seed, tell).stored())


def _on_policy(
    core: EditCore,
    elites: Elites,
    drawn: Callable[[int], np.ndarray],
    steps: int,
    seed: int,
    learner: str,
    tell: Tell | None,
) -> Editor:
    """Return an agent of PPO or A2C, whose episodes start from elites under drawn limits."""
    from latent_nas.agent.learner import train

    scorer = core.scorer
    assert scorer is not None

    def renew() -> float:
        core.limits = core.start_limits = drawn(ROWS)
        best = elites.best(core.limits, CHOICE, scorer.weight, scorer.margin)
        worth = np.take_along_axis(elites.worth(core.limits, scorer.weight, scorer.margin), best, axis=1)
        picked = best[np.arange(ROWS), seeds_of.integers(best.shape[1], size=ROWS)]
        core.starts = elites.coded(picked, core.codec)
        return max(float(np.median(worth.std(axis=1))), 1e-9)

    seeds_of = seeds.rng(seed, "starts")
    core.limits = drawn(ROWS)
    return train(core, None, steps, seed, ENVS, renew, learner, tell)


def start(core: EditCore, adept: Adept, limits: np.ndarray, n: int = START) -> Pool:
    """Return the elites under limits (3,) as a judged pool of up to n networks; n queries."""
    assert core.scorer is not None
    best = adept.elites.best(limits[None], n, core.scorer.weight, core.scorer.margin)[0]
    return judged_pool(core, adept.elites.codes[best], adept.elites.genes[best], limits)


def answer(
    core: EditCore, first: Pool, propose: Proposer, rng: np.random.Generator, queries: int, keep: int = 64
) -> Pool:
    """Return the best ``keep`` networks after ``queries`` judged in all, those of ``first`` included.

    Args:
        propose: the edit operator of the population, e.g. ``edits``.
    """
    left = max(queries - len(first), 0)
    return search(core, first, propose, rng, left, max(keep, POPULATION), BATCH)


def edits(core: EditCore, adept: Adept) -> Proposer:
    """Return the agent as the edit operator of a population.

    Q's edits and gene mutations of the best, of which the critic chooses; a policy's edits with random ones among them.
    """
    agent = Recalling(adept.agent.weights) if isinstance(adept.agent, Gains) else adept.agent
    edited = CodeEdits(core, agent, 0.0 if adept.critic else RANDOM_SHARE)
    assert core.scorer is not None
    return Foreseen(adept.critic, core.scorer, [edited, GeneMutations(core.scorer.space)]) if adept.critic else edited


def unseen(scorer: Judge, seed: int, n: int) -> np.ndarray:
    """Return n limits (n, 3) of the range that it is trained on, from a generator of their own."""
    rng = seeds.rng(seed, "agent", "unseen limits")
    return draw_limits(_log_costs(scorer, scorer.space.sample(rng, SAMPLES)), rng, n)


def _log_costs(scorer: Judge, genes: np.ndarray) -> np.ndarray:
    """Return the logarithms of the predicted costs of genes (n, genes), (n, 3)."""
    return np.log(np.stack(cost_row(scorer(genes), "predicted_"), axis=1))


def compare(
    scorer: Judge, codec: Codec, adept: Adept, limits: np.ndarray, queries: int, seed: int, methods: tuple[str, ...]
) -> dict[str, float]:
    """Return the best score that each method finds under limits (3,) in the same population at equal queries.

    "agent", "random codes" and "mutations" start from the agent's elites; "evolution" mutates random networks.
    """
    found = {}
    for method in methods:
        core = adept.core(codec, scorer, limits)
        rng = seeds.rng(seed, "answer", method)
        if method == "evolution":
            genes = scorer.space.sample(rng, START)
            first = judged_pool(core, np.zeros((len(genes), core.slots), np.int64), genes, limits)
        else:
            first = start(core, adept, limits)
        moves: dict[str, Proposer] = {"agent": edits(core, adept), "random codes": CodeEdits(core, None)}
        propose = moves.get(method) or GeneMutations(scorer.space)
        found[method] = float(answer(core, first, propose, rng, queries).values[0])
    return found
