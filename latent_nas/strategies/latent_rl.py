"""An RL agent edits the latent: trained on the judge each round, then at work inside a small population.

From random starts and alone the agent loses to evolution at equal queries; as the edit operator of a population
(tournament parents, one sampled edit each, the best kept) it can win.
"""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from latent_nas import seeds
from latent_nas.agent import Editor
from latent_nas.agent.gains import Gains
from latent_nas.agent.journal import episodes
from latent_nas.agent.policy import Agent
from latent_nas.agent.population import Archive, CodeEdits, GeneMutations, Mixed, Pool, Proposer, judged_pool, search
from latent_nas.agent.training import BATCH, ENVS, EPISODE, POPULATION, SHARE, Tell, Watch, train_from_best
from latent_nas.env import LatentCodec
from latent_nas.env.core import EditCore
from latent_nas.env.rows import ACQUISITION
from latent_nas.judge import Judge
from latent_nas.judge.listing import MOST
from latent_nas.limits import Limits
from latent_nas.spaces import Genes
from latent_nas.strategies import Problem, Strategy
from latent_nas.strategies._diverse import apart
from latent_nas.surrogates import design, standardise

AGENT = "agent."  # prefix of the agent's weights in a state
POPULATIONS, WIDE = 3, 256  # of gene mutations alone, and how many of these are judged at once
EDITS = 512  # of the Q agent's school, judged at once
PATIENCE = 2  # parents drawn for a query, at most: late in a round most of what is proposed was met before
DRAWN = 4  # networks for every one of the first trainings, of which those that differ are trained
AGENTS = ("q", "ppo", "a2c")


class LatentRL(Strategy):
    """An agent's latent edits in a population, re-ranked by acquisition; a batch that teaches the most.

    Attributes:
        agent: "q", which predicts what every edit changes, or a policy of "ppo" or "a2c".
    """

    name = "latent_rl"
    judged = True
    round_size = 2
    initial = 10  # labels before the first proposals by judgement, where costs have no limits
    initial_sized = 6  # the same, where the space tells MACs, and so how networks differ
    words: ClassVar[dict[str, tuple[str, ...]]] = {"agent": AGENTS}
    agent = "q"
    mutations = 8192  # gene mutations judged beside the Q agent's population, in populations of their own
    edits = 1024  # steps of the environment at horizon 1 from which the Q agent learns, per round
    updates = 4  # of its network per round; ``first_updates`` in its first
    first_updates = 20
    gene_share = 0.5  # of the population's proposals that are gene mutations beside the Q agent's edits
    steps = 65_536  # environment steps of training per round, of PPO and A2C
    visits = 2  # steps per network, where a space has few
    envs = ENVS
    episode = EPISODE
    share = SHARE
    random_share = 0.1  # of the population's code edits
    elites = 32  # trained networks that episodes and population start from
    population, batch = POPULATION, BATCH
    queries = 0  # of the agent's population; 0: 512 of Q's, beside which those of mutations are, 4096 of the others'
    shortlist = 256  # proposals to re-rank
    priced = False  # whether a network whose training costs less needs to promise less
    look_through = True  # all networks where they are listed and judged anyway, in place of the Q agent

    def __init__(self, problem: Problem, seed: int) -> None:
        super().__init__(problem, seed)
        if self.agent not in AGENTS:
            raise ValueError(f"latent_rl.agent is one of {', '.join(AGENTS)}; got {self.agent!r}")
        self.queries = self.queries or (512 if self.agent == "q" else 4096)
        if problem.space.listed is not None:
            most = self.visits * len(problem.space.listed)
            self.steps, self.edits, self.mutations = (min(n, most) for n in (self.steps, self.edits, self.mutations))
            self.envs = min(self.envs, max(self.steps // 64, 8))
            self.queries = min(self.queries, len(problem.space.listed) // 4)
        self._editor: Editor | None = None
        self._trained: Editor | None = None  # becomes the editor with the next ``tell``
        self._journal: dict[str, Any] = {}

    def ask(self, n: int, judge: Judge | None, pending: Sequence[Genes] = ()) -> list[Genes]:
        """Return the most promising networks; before the first label feasible ones, spread in latent and cost."""
        rng, self._journal = self.rng(), {}
        if judge is None or not judge.labels:
            return self._first(n, judge, rng, pending)
        if self._free and judge.labels < (self.initial_sized if self._sized else self.initial):
            return self._large(n, rng, pending)
        promising = self._promising(judge, rng, self._known.union(pending))
        order = np.argsort(-judge.rerank(promising).acquisition, kind="stable")
        chosen = self._batch(promising[order], n, judge, pending)
        return chosen + self.random(n - len(chosen), rng, [*pending, *chosen])

    def tell(self, records: Any) -> None:
        """Learn what was measured; the agent trained in this round stays."""
        super().tell(records)
        self._editor, self._trained = self._trained or self._editor, None

    def journal(self) -> dict[str, Any]:
        """Return the agent's "school", reward and length of its episodes by step, and "episodes" of it at work."""
        return self._journal

    def state(self) -> dict[str, np.ndarray]:
        """Return records and the agent's weights."""
        state = super().state()
        for prefix, agent in ((AGENT, self._editor), (f"trained.{AGENT}", self._trained)):
            state |= {prefix + name: array.copy() for name, array in (agent.weights if agent else {}).items()}
        return state

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Become the strategy that gave the state."""
        super().restore(state)

        def editor(prefix: str) -> Editor | None:
            weights = {k.removeprefix(prefix): np.array(v) for k, v in state.items() if k.startswith(prefix)}
            kind = Gains if self.agent == "q" else Agent
            return kind(weights) if weights else None

        self._editor, self._trained = editor(AGENT), editor(f"trained.{AGENT}")

    def _promising(self, judge: Judge, rng: np.random.Generator, taken: set[Genes]) -> np.ndarray:
        """Train the agent, set it to work, and return the most promising networks (k, g) met but those taken.

        The agent is rewarded by the pessimistic score; what is kept for training is what the acquisition likes. Where
        the judge knows the score of every network of a list, there is nothing to search, and no agent.
        """
        listed = self.problem.space.listed
        if self.look_through and self.agent == "q" and listed is not None and len(listed) <= MOST:
            return self._best(listed, judge, taken)
        limits, codec = self.problem.limits.row(), self._codec
        core = EditCore(codec, judge, limits, self.episode, keep=True, share=self.share)
        genes = np.concatenate([self._elites(), self.problem.space.sample(rng, 4 * self.population)])
        start = judged_pool(core, codec.encode(genes), genes, limits)
        seed = seeds.derive(self.seed, self.name, self.round, "school")
        promising = Archive(start, self.shortlist + len(taken), by=ACQUISITION)

        def keep(pool: Pool) -> None:
            promising.add(pool.codes, pool.genes, pool.judged)

        if self.agent == "q":
            self._mutated(core, keep)
        lessons: list[dict[str, float]] = []
        self._trained, archive = self._school(
            core, start, seed, promising.add, lambda n, f: lessons.append({"step": n, **f})
        )
        core.watch = None
        moves: Proposer = CodeEdits(core, self._trained, self.random_share)
        if self.agent == "q":
            moves = Mixed(moves, GeneMutations(self.problem.space), self.gene_share)
        search(core, archive.pool, moves, rng, self.queries, self.population, self.batch, each=keep, patience=PATIENCE)
        self._journal = {"school": lessons, "episodes": episodes(core, self._trained, self.rng("journal"))}
        met = promising.pool.genes
        new = [i for i, genes in enumerate(map(tuple, met.tolist())) if genes not in taken]
        return met[new[: self.shortlist]]

    def _batch(self, hopeful: np.ndarray, n: int, judge: Judge, pending: Sequence[Genes]) -> list[Genes]:
        """Return up to n of the networks (k, g), the best first, that the judge would train together.

        Exact costs of all that it chooses from take longer than to choose again without those that exceed the limits.
        """
        known = np.array(pending, np.int64)
        while len(hopeful):
            chosen = judge.batch(hopeful[: max(4 * n, 64)], n, known)
            fits = self.problem.fits(hopeful[chosen])
            if fits.all():
                return [tuple(genes) for genes in hopeful[chosen].tolist()]
            hopeful = np.delete(hopeful, chosen[~fits], axis=0)
        return []

    def _best(self, genes: np.ndarray, judge: Judge, taken: set[Genes]) -> np.ndarray:
        """Return those of genes (n, g) with the best acquisition but those taken, (k, g), by the fast surrogate."""
        worth = judge(genes).acquisition
        order = np.argsort(-worth, kind="stable")[: self.shortlist + len(taken)]
        return genes[[i for i in order if tuple(genes[i].tolist()) not in taken]][: self.shortlist]

    def _mutated(self, core: EditCore, keep: Callable[[Pool], None]) -> None:
        """Show what gene mutations find in populations of their own, which may end in other basins than the agent's."""
        space, limits = self.problem.space, self.problem.limits.row()
        for number in range(POPULATIONS):
            rng = self.rng("mutations", number)
            genes = np.concatenate([self._elites(), space.sample(rng, 4 * self.population)])
            pool = judged_pool(core, np.full((len(genes), core.slots), -1), genes, limits)
            queries = self.mutations // POPULATIONS
            search(core, pool, GeneMutations(space), rng, queries, self.population, WIDE, each=keep, patience=PATIENCE)

    def _school(self, core: EditCore, start: Pool, seed: int, watch: Watch, tell: Tell) -> tuple[Editor, Archive]:
        """Return the agent after this round's training, and the best networks that it met."""
        if self.agent != "q":
            known = self._editor if isinstance(self._editor, Agent) else None
            return train_from_best(core, start, known, self.steps, seed, self.envs, watch, tell, self.agent)
        from latent_nas.agent.q_school import Plan, q_from_best  # imports torch

        known_q = self._editor if isinstance(self._editor, Gains) else None
        batches = max(self.edits // EDITS, 2)
        plan = Plan(batches // 2, self.updates, batches - batches // 2, self.updates)
        if known_q is None:
            plan = Plan(batches // 2, self.first_updates // 2, batches - batches // 2, self.first_updates // 2)
        core.keep = False  # what an edit did is learnt, whether it was good or not
        trained = q_from_best(core, start, known_q, plan, EDITS, seed, watch, tell)
        core.keep = True
        return trained

    def _first(self, n: int, judge: Judge | None, rng: np.random.Generator, pending: Sequence[Genes]) -> list[Genes]:
        """Return feasible networks of all sizes up to the limits, the large first, far apart in the latent."""
        if self._free:
            return self._large(n, rng, pending)
        samples = np.unique(self.problem.space.sample(rng, 2048), axis=0)
        rng.shuffle(samples)
        if judge is None:
            return self._apart(self.random(8 * n, rng, pending), n, pending)
        scores = judge(samples)
        size = np.log(scores.predicted_flash_bytes * scores.predicted_ram_bytes * scores.predicted_latency_ms)
        inside = np.flatnonzero(scores.penalty <= 0)
        if self.problem.price is not None and len(inside):
            price = self.problem.price(samples[inside])
            inside = inside[price <= np.median(price)]  # nothing is known yet that a dear one would be worth
        ranked = samples[inside[np.argsort(-size[inside], kind="stable")]]
        asked: list[Genes] = []
        for part in np.array_split(ranked[: max(len(ranked) * 3 // 4, n)], n):
            taken = [*pending, *asked]
            asked += self._apart(self.first(part[:32], 8, taken), 1, taken)
        return asked + self.random(n - len(asked), rng, [*pending, *asked])

    def _apart(self, candidates: list[Genes], n: int, taken: Sequence[Genes]) -> list[Genes]:
        """Return n of the candidates, each the farthest in the latent from those before it and those taken."""
        if not candidates:
            return []
        latent = self._latent(np.array([*candidates, *taken]))
        return [candidates[i] for i in apart(latent[: len(candidates)], n, latent[len(candidates) :])]

    def _large(self, n: int, rng: np.random.Generator, pending: Sequence[Genes]) -> list[Genes]:
        """Return random networks of the quarter with most MACs, of any size where the space does not tell them.

        Nothing is known yet but that large networks are seldom the worst. Of ``DRAWN`` for every one wanted, those are
        taken that differ most from each other and from what was trained, as they teach the judge more.
        """
        space = self.problem.space
        if not self._sized:
            return self.random(n, rng, pending)
        samples = space.sample(rng, 1024)
        rows, fits = design(space, samples), self.problem.fits(samples)
        size = rows[:, int(space.sizes.sum()) + space.feature_names.index("macs")]
        if fits.any():
            fits &= size >= np.quantile(size[fits], 0.75)
        some = self.first(samples[fits], DRAWN * n, pending)
        some += self.random(max(n - len(some), 0), rng, [*pending, *some])
        shift, gain, _ = standardise(rows)
        known = [*pending, *map(tuple, self.genes.tolist())]
        rows = (design(space, np.array([*some, *known])) - shift) * gain
        return [some[i] for i in apart(rows[: len(some)], n, rows[len(some) :])]

    @property
    def _sized(self) -> bool:
        """Whether the space tells how large a network is."""
        return "macs" in self.problem.space.feature_names

    @property
    def _free(self) -> bool:
        """Whether no cost has a limit, so that no size is to be preferred at the beginning."""
        return self.problem.limits == Limits()

    def _elites(self) -> np.ndarray:
        """Return the best trained networks, (m, g)."""
        order = np.argsort(-np.where(np.isnan(self.accuracies), -np.inf, self.accuracies), kind="stable")
        return self.genes[order[: min(self.elites, int(np.isfinite(self.accuracies).sum()))]]

    def _latent(self, genes: np.ndarray) -> np.ndarray:
        """Return the latents (n, slots * dim) of genes (n, g)."""
        return np.asarray(self._codec.latent(self._codec.encode(genes))).reshape(len(genes), -1)

    @property
    def _codec(self) -> LatentCodec:
        assert self.problem.codec is not None, "a judged strategy is given a codec"
        return self.problem.codec


Plugin = LatentRL
