"""Many networks to edit in lockstep, decoded and judged in one call per step."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from latent_nas.env.core import EditCore
from latent_nas.env.rows import Rows


class BatchedEditEnv(VectorEnv):
    """n ``EditEnv`` in lockstep: row i of seed s goes like an ``EditEnv`` of seed s + i.

    An episode that ends gives way to the next in the same step; the old one's last observation is in
    ``info["final_obs"]``, (n, observation), in the rows that ended.
    """

    metadata = {"autoreset_mode": AutoresetMode.SAME_STEP}  # noqa: RUF012 - gymnasium's own

    def __init__(self, core: EditCore, n: int, brief: bool = False) -> None:
        """Take what is edited and judged, how many at a time, and whether observations are ``brief``."""
        self.core, self.num_envs, self.brief = core, n, brief
        self.single_observation_space = gymnasium.spaces.Box(*core.observation.bounds(brief), dtype=np.float32)
        self.single_action_space = gymnasium.spaces.Discrete(core.actions)
        self.observation_space = batch_space(self.single_observation_space, n)
        self.action_space = batch_space(self.single_action_space, n)
        self.rows: Rows | None = None
        self._seeds, self._episodes = np.arange(n), np.zeros(n, np.int64)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin n episodes: with a seed the first of it, without the next ones."""
        super().reset(seed=seed)
        if seed is not None or self.rows is None:
            first = int(self.np_random.integers(2**31)) if seed is None else seed
            self._seeds, self._episodes = first + np.arange(self.num_envs), np.zeros(self.num_envs, np.int64)
        else:
            self._episodes = self._episodes + 1
        self.rows = self.core.start(self._seeds, self._episodes)
        return self.core.observe(self.rows, self.brief), {}

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Edit all once, actions (n,); return observations (n, observation), rewards, terminated, truncated, info.

        Raises:
            ValueError: before ``reset``, or no such action.
        """
        rows, core = self.rows, self.core
        if rows is None:
            raise ValueError("no episode is under way; call reset() first")
        actions = np.asarray(actions, np.int64)
        if actions.shape != (self.num_envs,) or ((actions < 0) | (actions > core.stop)).any():
            raise ValueError(f"actions are {self.num_envs} integers in 0 to {core.stop}, got shape {actions.shape}")
        rewards, over, new = core.step(rows, actions, self._next)
        ended = np.flatnonzero(over)
        info: dict[str, Any] = {}
        if len(ended):
            last = np.zeros(self.observation_space.shape or (), np.float32)
            last[ended] = core.observe(rows.take(ended), self.brief)
            info = {"final_obs": last, "_final_obs": over}
            rows.put(ended, new)
        return core.observe(rows, self.brief), rewards, over, np.zeros(self.num_envs, bool), info

    def _next(self, ended: np.ndarray) -> Rows:
        self._episodes[ended] += 1
        return self.core.begin(self._seeds[ended], self._episodes[ended])
