"""The one core of both environments: latents of n networks, edited, decoded and judged in one call per step."""

from dataclasses import dataclass, fields

import numpy as np

from latent_nas.env import Judge, LatentCodec
from latent_nas.env.memo import Memo

PLACES = ("slot", "dimension")
SCALARS = ("accuracy", "flash", "ram", "latency", "flash_limit", "ram_limit", "latency_limit", "steps_left")
REACH = 8.0  # bound of the log costs and log limits that are observed
CENTRE = np.log([22_000.0, 22_000.0, 5.0])  # of the observed limits: bytes, bytes, ms


@dataclass
class Rows:
    """n episodes under way.

    Attributes:
        codes: (n, slots). latent: (n, slots, dim). limits: (n, 3). left: steps left, (n,).
        judged: pessimistic score, predicted accuracy, natural log of the predicted costs, (n, 5).
    """

    codes: np.ndarray
    latent: np.ndarray
    limits: np.ndarray
    left: np.ndarray
    judged: np.ndarray

    def take(self, where: np.ndarray) -> "Rows":
        """Return a copy of the episodes ``where``, (m,) indices."""
        return Rows(*(getattr(self, field.name)[where] for field in fields(self)))

    def put(self, where: np.ndarray, rows: "Rows") -> None:
        """Replace the episodes ``where``, (m,) indices."""
        for field in fields(self):
            getattr(self, field.name)[where] = getattr(rows, field.name)


class EditCore:
    """Edits latents by joint (place, code) actions and rewards the change of the pessimistic score.

    Action ``place * codes + code`` puts codebook vector ``code`` in a slot, or only its entry of one dimension of a
    slot there (``place="dimension"``, place = slot * dim + dimension); the last action stops.
    """

    def __init__(
        self,
        codec: LatentCodec,
        scorer: Judge,
        limits: np.ndarray,
        steps: int = 16,
        place: str = "slot",
        starts: np.ndarray | None = None,
        share: float = 0.5,
        memo_bits: int = 16,
    ) -> None:
        """Bind the parts.

        Args:
            codec: gives the latent. scorer: the judge.
            limits: flash_bytes, ram_bytes, latency_ms, (3,), or rows (m, 3) of which an episode draws one; inf is open.
            steps: an episode's length. place: "slot" or "dimension".
            starts: codes (k, slots) of elites or records. share: of the episodes that start from one of them.
            memo_bits: log2 of the judged networks that are remembered; 0 for none.

        Raises:
            ValueError: an argument of the wrong shape or value.
        """
        limits = np.atleast_2d(np.asarray(limits, float))
        if limits.shape[1] != 3 or not len(limits) or not (limits > 0).all():
            raise ValueError(f"limits are positive (flash_bytes, ram_bytes, latency_ms) rows, got {limits.tolist()[:3]}")
        if place not in PLACES:
            raise ValueError(f"no place {place!r}; there are: {', '.join(PLACES)}")
        if steps < 1:
            raise ValueError(f"an episode has 1 or more steps, got {steps}")
        self.codec, self.scorer, self.limits, self.steps, self.place, self.share = codec, scorer, limits, steps, place, share
        self.codebook = np.asarray(codec.codebook, np.float32)
        self.slots, self.codes, self.dim = self.codebook.shape
        self.places = self.slots * (self.dim if place == "dimension" else 1)
        self.stop = self.places * self.codes
        self.actions = self.stop + 1
        self.starts = np.zeros((0, self.slots), np.int64) if starts is None else np.asarray(starts, np.int64)
        if self.starts.ndim != 2 or self.starts.shape[1] != self.slots:
            raise ValueError(f"starts have shape {self.starts.shape}, expected (k, {self.slots}) codes")
        self._memo_bits, self._memo = memo_bits, None  # type: int, Memo | None
        self._slot = np.arange(self.slots)

    def latent(self, codes: np.ndarray) -> np.ndarray:
        """Return the codebook vectors of codes (n, slots), (n, slots, dim) float32."""
        return self.codebook[self._slot, codes]

    def judge(self, codes: np.ndarray, limits: np.ndarray) -> np.ndarray:
        """Return what the scorer says of codes (n, slots) under limits (n, 3), columns as in ``Rows.judged``."""
        return self.judge_genes(self.codec.decode_codes(codes), limits)

    def judge_genes(self, genes: np.ndarray, limits: np.ndarray) -> np.ndarray:
        """Return the same of canonical genes (n, g); what is remembered is not asked again."""

        def ask(rows: np.ndarray) -> np.ndarray:
            s = self.scorer(genes[rows], limits[rows])
            costs = (s.predicted_flash_bytes, s.predicted_ram_bytes, s.predicted_latency_ms)
            return np.stack([s.pessimistic, s.predicted_accuracy, *(np.log(np.maximum(c, 1e-9)) for c in costs)], axis=1)

        if not self._memo_bits:
            return ask(np.arange(len(genes)))
        if self._memo is None:
            self._memo = Memo(genes.shape[1] + 3, 5, self._memo_bits)
        return self._memo(np.concatenate([genes, limits.astype(float).view(np.int64)], axis=1), ask)

    def begin(self, seeds: np.ndarray, episodes: np.ndarray) -> Rows:
        """Return unjudged rows of new episodes; they depend on each row's seed and episode number alone, (n,) each."""
        draws = uniform(seeds, episodes, self.slots + 3)
        codes = (draws[:, 3:] * self.codes).astype(np.int64)
        if len(self.starts):
            given = draws[:, 0] < self.share
            codes[given] = self.starts[(draws[given, 1] * len(self.starts)).astype(np.int64)]
        limits = self.limits[(draws[:, 2] * len(self.limits)).astype(np.int64)]
        n = len(codes)
        return Rows(codes, self.latent(codes), limits, np.full(n, self.steps), np.zeros((n, 5)))

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
            rows.latent[change, place] = self.codebook[place, code]
        else:
            slot, d = np.divmod(place, self.dim)
            rows.latent[change, slot, d] = self.codebook[slot, code, d]
            distance = ((self.codebook[slot] - rows.latent[change, slot][:, None]) ** 2).sum(axis=2)
            rows.codes[change, slot] = distance.argmin(axis=1)
        rows.left -= 1
        over: np.ndarray = (actions == self.stop) | (rows.left == 0)
        return over

    def observe(self, rows: Rows, brief: bool = False) -> np.ndarray:
        """Return (n, observation) float32: latent, one-hot codes, ``SCALARS``.

        ``brief`` holds the same in fewer numbers: codes, the latent only where they don't give it, ``SCALARS``.
        """
        n, width = len(rows.codes), self.slots * self.dim
        spans = self._spans(brief)
        seen = np.zeros((n, sum(spans)), np.float32)
        if brief:
            seen[:, : self.slots] = rows.codes
            seen[:, self.slots : self.slots + spans[1]] = rows.latent.reshape(n, -1)[:, : spans[1]]
        else:
            seen[:, :width] = rows.latent.reshape(n, -1)
            seen[np.arange(n)[:, None], width + self._slot * self.codes + rows.codes] = 1
        limits = np.log(rows.limits)
        seen[:, -8] = np.clip(rows.judged[:, 1], -100, 100)
        seen[:, -7:-4] = np.clip(rows.judged[:, 2:] - limits, -REACH, REACH)
        seen[:, -4:-1] = np.clip(limits - CENTRE, -REACH, REACH)
        seen[:, -1] = rows.left / self.steps
        return seen

    def bounds(self, brief: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Return the least and the largest observation, (observation,) each."""
        latent = self.codebook.min(axis=1).ravel(), self.codebook.max(axis=1).ravel()
        ends = (np.array([-100, *[-REACH] * 6, 0]), np.array([100, *[REACH] * 6, 1]))
        first, second, _ = self._spans(brief)
        if brief:
            parts = [np.zeros(first), latent[0][:second]], [np.full(first, self.codes - 1), latent[1][:second]]
        else:
            parts = [latent[0], np.zeros(second)], [latent[1], np.ones(second)]
        low, high = (np.concatenate([*part, end]).astype(np.float32) for part, end in zip(parts, ends, strict=True))
        return low, high

    def _spans(self, brief: bool) -> tuple[int, int, int]:
        latent = self.slots * self.dim
        if brief:
            return self.slots, latent if self.place == "dimension" else 0, len(SCALARS)
        return latent, self.slots * self.codes, len(SCALARS)

    def idle(self, codes: np.ndarray) -> np.ndarray:
        """Return which actions stop or put a code where it is already, (n, actions) of codes (n, slots)."""
        idle = np.zeros((len(codes), self.actions), bool)
        idle[:, -1] = True
        if self.place == "slot" and self.codes > 1:
            idle[np.arange(len(codes))[:, None], self._slot * self.codes + codes] = True
        return idle


def uniform(seeds: np.ndarray, episodes: np.ndarray, n: int) -> np.ndarray:
    """Return (rows, n) numbers in [0, 1) drawn by counter, so that rows are independent (Steele et al. 2014, SplitMix64)."""
    state = _mix(np.asarray(seeds).astype(np.uint64)) + np.asarray(episodes).astype(np.uint64)
    state = _mix(state)[:, None] + np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return (_mix(state) >> np.uint64(11)).astype(float) * 2.0**-53


def _mix(z: np.ndarray) -> np.ndarray:
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
