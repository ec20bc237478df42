"""The one core of both environments: latents of n networks, edited, decoded and judged in one call per step."""

from collections.abc import Callable

import numpy as np

from latent_nas.env import LatentCodec
from latent_nas.env.draws import uniform
from latent_nas.env.memo import Memo
from latent_nas.env.observation import Observation
from latent_nas.env.rows import ACCURACY, ACQUISITION, JUDGED, LOG_COSTS, PESSIMISTIC, PLAIN, Rows
from latent_nas.judge import Judge
from latent_nas.units import COSTS, cost_row

PLACES = ("slot", "dimension")


class EditCore:
    """Edits latents by joint (place, code) actions and rewards the change of the pessimistic score.

    Action ``place * codes + code`` puts codebook vector ``code`` in a slot, or only its entry of one dimension of a
    slot there (``place="dimension"``, place = slot * dim + dimension); the last action stops.

    Attributes:
        starts: may be replaced between episodes. start_limits: the limits under which each start's episode goes,
            (k, 3); None draws them as for any other. queries: architectures that the scorer was asked.
    """

    def __init__(
        self,
        codec: LatentCodec,
        scorer: Judge | None,
        limits: np.ndarray,
        steps: int = 16,
        place: str = "slot",
        starts: np.ndarray | None = None,
        share: float = 0.5,
        keep: bool = False,
        watch: Callable[[np.ndarray, np.ndarray, np.ndarray], None] | None = None,
        memo_bits: int = 16,
        history: int = 0,
    ) -> None:
        """Bind the parts.

        Args:
            codec: gives the latent. scorer: the judge; None where sizes are wanted and nothing is judged.
            limits: flash_bytes, ram_bytes, latency_ms, (3,), or rows (m, 3) of which an episode draws one; inf is open.
            steps: an episode's length. place: "slot" or "dimension".
            starts: codes (k, slots) of elites or records. share: of the episodes that start from one of them.
            keep: whether an edit that lowers the score is undone at once.
            watch: is shown codes (n, slots), genes (n, g) and judged (n, JUDGED) of whatever is decoded and judged.
            memo_bits: log2 of the judged networks that are remembered; 0 for none.
            history: how many of an episode's last actions are observed.

        Raises:
            ValueError: an argument of the wrong shape or value.
        """
        limits = np.atleast_2d(np.asarray(limits, float))
        if limits.shape[1] != 3 or not len(limits) or not (limits > 0).all():
            raise ValueError(f"limits are positive ({', '.join(COSTS)}), got {limits.tolist()[:3]}")
        if place not in PLACES:
            raise ValueError(f"no place {place!r}; there are: {', '.join(PLACES)}")
        if steps < 1:
            raise ValueError(f"an episode has 1 or more steps, got {steps}")
        if history < 0:
            raise ValueError(f"a history has 0 or more actions, got {history}")
        self.codec, self.scorer, self.limits, self.steps = codec, scorer, limits, steps
        self.place, self.share = place, share
        self.codebook = np.asarray(codec.codebook, np.float32)
        self.slots, self.codes, self.dim = self.codebook.shape
        self.places = self.slots * (self.dim if place == "dimension" else 1)
        self.stop = self.places * self.codes
        self.actions = self.stop + 1
        self.starts = np.zeros((0, self.slots), np.int64) if starts is None else np.asarray(starts, np.int64)
        if self.starts.ndim != 2 or self.starts.shape[1] != self.slots:
            raise ValueError(f"starts have shape {self.starts.shape}, expected (k, {self.slots}) codes")
        self.start_limits: np.ndarray | None = None
        self.keep, self.watch, self.queries = keep, watch, 0
        self._memo_bits, self._memo = memo_bits, None  # type: int, Memo | None
        self.history = history
        self.observation = Observation(self.codebook, steps, place == "dimension", self.places, history)

    def latent(self, codes: np.ndarray) -> np.ndarray:
        """Return the codebook vectors of codes (n, slots), (n, slots, dim) float32."""
        return self.observation.latent(codes)

    def judge(self, codes: np.ndarray, limits: np.ndarray) -> np.ndarray:
        """Return what the scorer says of codes (n, slots) under limits (n, 3), columns as in ``Rows.judged``."""
        genes = self.codec.decode_codes(codes)
        judged = self.judge_genes(genes, limits)
        if self.watch:
            self.watch(codes, genes, judged)
        return judged

    def judge_genes(self, genes: np.ndarray, limits: np.ndarray) -> np.ndarray:
        """Return the same of canonical genes (n, g); what is remembered is not asked again."""

        def ask(rows: np.ndarray | slice) -> np.ndarray:
            """Return what the scorer says of some of the genes, (rows, JUDGED)."""
            assert self.scorer is not None, "this core was made without a judge"
            s = self.scorer(genes[rows], limits[rows])
            judged = np.empty((len(s.pessimistic), JUDGED))
            self.queries += len(judged)
            judged[:, PESSIMISTIC], judged[:, ACCURACY] = s.pessimistic, s.predicted_accuracy
            for column, cost in zip(judged.T[LOG_COSTS], cost_row(s, "predicted_"), strict=True):
                np.log(np.maximum(cost, 1e-9), out=column)
            judged[:, ACQUISITION], judged[:, PLAIN] = s.acquisition, s.pessimistic + s.penalty
            return judged

        if not self._memo_bits:
            return ask(slice(None))
        if self._memo is None:
            self._memo = Memo(JUDGED, self._memo_bits)
        return self._memo(np.concatenate([genes, limits.astype(float).view(np.int64)], axis=1), ask)

    def judge_open(self, genes: np.ndarray) -> np.ndarray:
        """Return the same where no cost has a limit."""
        return self.judge_genes(genes, np.full((len(genes), 3), np.inf))

    def begin(self, seeds: np.ndarray, episodes: np.ndarray) -> Rows:
        """Return unjudged rows of new episodes; they depend on each row's seed and episode number alone, (n,) each."""
        draws = uniform(seeds, episodes, self.slots + 3)
        codes = (draws[:, 3:] * self.codes).astype(np.int64)
        if len(self.starts):
            given = draws[:, 0] < self.share
            which = (draws[given, 1] * len(self.starts)).astype(np.int64)
            codes[given] = self.starts[which]
        limits = self.limits[(draws[:, 2] * len(self.limits)).astype(np.int64)]
        if len(self.starts) and self.start_limits is not None:
            limits[given] = self.start_limits[which]
        return self.rows(codes, limits, np.zeros((len(codes), JUDGED)))

    def rows(self, codes: np.ndarray, limits: np.ndarray, judged: np.ndarray) -> Rows:
        """Return rows of episodes that begin with codes (n, slots) under limits (n, 3), judged as given (n, JUDGED)."""
        n = len(codes)
        past = np.full((n, self.history), -1)
        latent = self.latent(codes) if self.observation.free else np.zeros((n, 0, self.dim), np.float32)
        return Rows(codes, latent, limits, np.full(n, self.steps), judged, past)

    def start(self, seeds: np.ndarray, episodes: np.ndarray) -> Rows:
        """Return judged rows of new episodes."""
        rows = self.begin(seeds, episodes)
        rows.judged = self.judge(rows.codes, rows.limits)
        return rows

    def edit(self, rows: Rows, actions: np.ndarray) -> np.ndarray:
        """Carry out actions (n,) in place, unjudged; return whether each episode is over, (n,)."""
        change = np.flatnonzero(actions != self.stop)
        place, code = np.divmod(actions[change], self.codes)
        if self.place == "slot":
            rows.codes[change, place] = code
        else:
            slot, d = np.divmod(place, self.dim)
            rows.latent[change, slot, d] = self.codebook[slot, code, d]
            distance = ((self.codebook[slot] - rows.latent[change, slot][:, None]) ** 2).sum(axis=2)
            rows.codes[change, slot] = distance.argmin(axis=1)
        rows.left -= 1
        if self.history:
            rows.past = np.column_stack([actions, rows.past[:, :-1]])
        over: np.ndarray = (actions == self.stop) | (rows.left == 0)
        return over

    def step(
        self, rows: Rows, actions: np.ndarray, follow: Callable[[np.ndarray], Rows] | None = None
    ) -> tuple[np.ndarray, np.ndarray, Rows]:
        """Carry out actions (n,) in place and judge all of it in one call.

        Args:
            follow: gives the unjudged rows that come after those that ended, from their indices.

        Returns:
            rewards (n,), the changes of the pessimistic score; whether each episode is over (n,); what follows, judged.
        """
        changed = np.flatnonzero(actions != self.stop)
        before, known = rows.take(changed) if self.keep else None, rows.judged[changed, PESSIMISTIC]
        over = self.edit(rows, actions)
        new = follow(np.flatnonzero(over)) if follow else rows.take(changed[:0])
        codes = np.concatenate([rows.codes[changed], new.codes])
        limits = np.concatenate([rows.limits[changed], new.limits])
        judged = self.judge(codes, limits) if len(codes) else np.zeros((0, JUDGED))
        rows.judged[changed], new.judged = judged[: len(changed)], judged[len(changed) :]
        if before:
            worse = np.flatnonzero(rows.judged[changed, PESSIMISTIC] < known)
            undone = before.take(worse)
            undone.left, undone.past = rows.left[changed[worse]], rows.past[changed[worse]]  # it was tried
            rows.put(changed[worse], undone)
        rewards = np.zeros(len(actions))
        rewards[changed] = rows.judged[changed, PESSIMISTIC] - known
        return rewards, over, new

    def observe(self, rows: Rows, brief: bool = False) -> np.ndarray:
        """Return (n, observation) float32, see ``Observation``."""
        return self.observation(rows, brief)
