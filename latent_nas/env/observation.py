"""What an agent sees."""

import numpy as np

from latent_nas.env.rows import ACCURACY, LOG_COSTS, Rows

SCALARS = ("accuracy", "flash", "ram", "latency", "flash_limit", "ram_limit", "latency_limit", "steps_left")
REACH = 8.0  # bound of the log costs and log limits that are observed
CENTRE = np.log([22_000.0, 22_000.0, 5.0])  # of the observed limits: bytes, bytes, ms


class Observation:
    """Latent, one-hot codes, predicted accuracy, log costs relative to the limits, log limits, share of steps left.

    The brief form holds the same in fewer numbers: codes, the latent only where codes don't give it, ``SCALARS``.
    """

    def __init__(self, codebook: np.ndarray, steps: int, free: bool) -> None:
        """Take the codebook (slots, codes, dim), an episode's length, and whether latents may lie off the codebook."""
        self.codebook, self.steps, self.free = codebook, steps, free
        self.slots, self.codes, self.dim = codebook.shape

    def __call__(self, rows: Rows, brief: bool = False) -> np.ndarray:
        """Return (n, observation) float32."""
        n, width = len(rows.codes), self.slots * self.dim
        spans = self._spans(brief)
        seen = np.zeros((n, sum(spans)), np.float32)
        if brief:
            seen[:, : self.slots] = rows.codes
            seen[:, self.slots : self.slots + spans[1]] = rows.latent.reshape(n, -1)[:, : spans[1]]
        else:
            seen[:, :width] = rows.latent.reshape(n, -1)
            seen[np.arange(n)[:, None], width + np.arange(self.slots) * self.codes + rows.codes] = 1
        limits = np.log(rows.limits)
        seen[:, -8] = np.clip(rows.judged[:, ACCURACY], -100, 100)
        seen[:, -7:-4] = np.clip(rows.judged[:, LOG_COSTS] - limits, -REACH, REACH)
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
            return self.slots, latent if self.free else 0, len(SCALARS)
        return latent, self.slots * self.codes, len(SCALARS)
