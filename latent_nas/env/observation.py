"""What an agent sees."""

import numpy as np

from latent_nas.env.rows import ACCURACY, LOG_COSTS, Rows

SCALARS = ("accuracy", "flash", "ram", "latency", "flash_limit", "ram_limit", "latency_limit", "steps_left")
REACH = 8.0  # bound of the log costs and log limits that are observed
CENTRE = np.log([22_000.0, 22_000.0, 5.0])  # of the observed limits: bytes, bytes, ms


class Observation:
    """Latent, one-hot codes, last actions, accuracy, log costs relative to the limits, log limits, share of steps left.

    An action is two numbers, place and code as parts of all, both -1 for none. The brief form holds the same in fewer
    numbers: codes, the latent only where codes don't give it, last actions, ``SCALARS``.
    """

    def __init__(self, codebook: np.ndarray, steps: int, free: bool, places: int, history: int) -> None:
        """Take the codebook (slots, codes, dim), an episode's length, and whether latents may lie off the codebook.

        Args:
            places: where an action can put a code. history: how many of the last actions are seen.
        """
        self.codebook, self.steps, self.free = codebook, steps, free
        self.places, self.history = places, history
        self.slots, self.codes, self.dim = codebook.shape

    def __call__(self, rows: Rows, brief: bool = False) -> np.ndarray:
        """Return (n, observation) float32."""
        n = len(rows.codes)
        spans = self._spans(brief)
        seen = np.zeros((n, sum(spans)), np.float32)
        if brief:
            seen[:, : self.slots] = rows.codes
            seen[:, self.slots : self.slots + spans[1]] = rows.latent.reshape(n, spans[1])
        else:
            seen[:, : spans[0]] = (rows.latent if self.free else self.latent(rows.codes)).reshape(n, spans[0])
            seen[np.arange(n)[:, None], spans[0] + np.arange(self.slots) * self.codes + rows.codes] = 1
        if self.history:
            place, code = np.divmod(rows.past, self.codes)
            both = np.stack([place / self.places, code / self.codes], axis=2)
            both[rows.past < 0] = -1
            seen[:, sum(spans[:2]) : sum(spans[:3])] = both.reshape(n, -1)
        limits = np.log(rows.limits)
        seen[:, -8] = np.clip(rows.judged[:, ACCURACY], -100, 100)
        seen[:, -7:-4] = np.clip(rows.judged[:, LOG_COSTS] - limits, -REACH, REACH)
        seen[:, -4:-1] = np.clip(limits - CENTRE, -REACH, REACH)
        seen[:, -1] = rows.left / self.steps
        return seen

    def latent(self, codes: np.ndarray) -> np.ndarray:
        """Return the codebook vectors of codes (n, slots), (n, slots, dim) float32."""
        return self.codebook[np.arange(self.slots), codes]

    def bounds(self, brief: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Return the least and the largest observation, (observation,) each."""
        latent = self.codebook.min(axis=1).ravel(), self.codebook.max(axis=1).ravel()
        ends = (np.array([-100, *[-REACH] * 6, 0]), np.array([100, *[REACH] * 6, 1]))
        first, second, past, _ = self._spans(brief)
        if brief:
            parts = [np.zeros(first), latent[0][:second]], [np.full(first, self.codes - 1), latent[1][:second]]
        else:
            parts = [latent[0], np.zeros(second)], [latent[1], np.ones(second)]
        tried = -np.ones(past), np.ones(past)
        low, high = (
            np.concatenate([*part, tries, end]).astype(np.float32)
            for part, tries, end in zip(parts, tried, ends, strict=True)
        )
        return low, high

    def _spans(self, brief: bool) -> tuple[int, int, int, int]:
        latent = self.slots * self.dim
        if brief:
            return self.slots, latent if self.free else 0, 2 * self.history, len(SCALARS)
        return latent, self.slots * self.codes, 2 * self.history, len(SCALARS)
