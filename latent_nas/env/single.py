"""One network to edit at a time, for gymnasium."""

from typing import Any

import gymnasium
import numpy as np

from latent_nas.env.core import EditCore
from latent_nas.env.rows import Rows


class EditEnv(gymnasium.Env[np.ndarray, np.int64]):
    """An episode of latent edits of one network."""

    metadata = {"render_modes": []}  # noqa: RUF012 - gymnasium's own

    def __init__(self, core: EditCore) -> None:
        """Take what is edited and judged; ``core`` may be shared."""
        self.core = core
        self.observation_space = gymnasium.spaces.Box(*core.observation.bounds(), dtype=np.float32)
        self.action_space = gymnasium.spaces.Discrete(core.actions)
        self.rows: Rows | None = None
        self._start: tuple[int, int] | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin an episode: with a seed the first of that seed, without the next one."""
        super().reset(seed=seed)
        if seed is not None:
            self._start = (seed, 0)
        elif self._start is None:
            self._start = (int(self.np_random.integers(2**31)), 0)
        else:
            self._start = (self._start[0], self._start[1] + 1)
        self.rows = self.core.start(*(np.array([x]) for x in self._start))
        return self.core.observe(self.rows)[0], self._info()

    def step(self, action: np.int64) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Edit once; the reward is the change of the pessimistic score.

        Raises:
            ValueError: before ``reset``, after the episode's end, or no such action.
        """
        if self.rows is None:
            raise ValueError("no episode is under way; call reset() first")
        if not self.action_space.contains(np.int64(action)):
            raise ValueError(f"action {action} is not in 0 to {self.core.stop}")
        (reward,), (over,), _ = self.core.step(self.rows, np.array([action]))
        seen, info = self.core.observe(self.rows)[0], self._info()
        if over:
            self.rows = None
        return seen, float(reward), bool(over), False, info

    def _info(self) -> dict[str, Any]:
        assert self.rows is not None
        return {"codes": self.rows.codes[0].copy(), "pessimistic": float(self.rows.judged[0, 0])}
