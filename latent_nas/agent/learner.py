"""The agent at school: PPO (Schulman et al. 2017) or A2C (Mnih et al. 2016) of stable-baselines3, environments batched.

Imports stable-baselines3 and torch; import it where it is used.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.vec_env import VecEnv

from latent_nas import seeds
from latent_nas.agent.network import EditPolicy
from latent_nas.agent.policy import Agent
from latent_nas.agent.training import ENVS, Tell
from latent_nas.env.batched import BatchedEditEnv
from latent_nas.env.core import EditCore
from latent_nas.env.observation import SCALARS
from latent_nas.env.rows import PESSIMISTIC

MINIBATCH, EPOCHS = 4096, 4
ROLLOUT = 8  # steps of every environment between updates
GAMMA, GAE_LAMBDA, LEARNING_RATE, ENTROPY = 0.9, 0.9, 2e-3, 0.003


class EditVecEnv(VecEnv):
    """The batched environment as stable-baselines3 wants it; rewards are counted in ``unit`` and clipped to -1 to 1.

    Without that, the leap of a random network into the limits would drown what an edit of a good one brings.
    """

    def __init__(self, env: BatchedEditEnv, unit: float = 1.0) -> None:
        self.env, self.unit = env, unit
        super().__init__(env.num_envs, env.single_observation_space, env.single_action_space)
        self._sums, self._lengths = np.zeros(env.num_envs), np.zeros(env.num_envs, np.int64)
        self._ended: list[np.ndarray] = []  # reward and length of the episodes that ended, (n, 2) each
        self._actions = np.zeros(env.num_envs, np.int64)
        self._infos: list[dict[str, Any]] = [{} for _ in range(env.num_envs)]

    def reset(self) -> np.ndarray:
        """Begin all episodes."""
        return self.env.reset(seed=self._seeds[0])[0]

    def step_async(self, actions: np.ndarray) -> None:
        """Keep the actions for ``step_wait``."""
        self._actions = actions

    def step_wait(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        """Edit all once; steps left are observed, so that an episode's end is never a truncation."""
        seen, rewards, over, _, info = self.env.step(self._actions)
        infos = self._infos
        if over.any():
            infos = infos.copy()
            for i in np.flatnonzero(over).tolist():
                infos[i] = {"terminal_observation": info["final_obs"][i]}
        paid = np.clip(rewards / self.unit, -1, 1).astype(np.float32)
        self._sums, self._lengths = self._sums + paid, self._lengths + 1
        self._ended.append(np.stack([self._sums[over], self._lengths[over]], axis=1))
        self._sums[over], self._lengths[over] = 0, 0
        return seen, paid, over, infos

    def episodes(self) -> dict[str, float]:
        """Return number, mean and std of the reward, and mean length of the episodes that ended since the last call."""
        ended = np.concatenate([np.zeros((0, 2)), *self._ended])
        self._ended = []
        if not len(ended):
            return {}
        reward, length = ended.T
        values = {"reward": reward.mean(), "reward_std": reward.std(), "length": length.mean()}
        return {"episodes": len(ended), **{k: round(float(v), 5) for k, v in values.items()}}

    def close(self) -> None:
        """Do nothing; there is nothing to let go of."""

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """Return the batched environment's attribute for every index."""
        return [getattr(self.env, attr_name)] * len(list(self._get_indices(indices)))

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Set the batched environment's attribute."""
        setattr(self.env, attr_name, value)

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> list[Any]:
        """Call the batched environment's method once, return its answer for every index."""
        return [getattr(self.env, method_name)(*args, **kwargs)] * len(list(self._get_indices(indices)))

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        """Nothing is wrapped."""
        return [False] * len(list(self._get_indices(indices)))


class Samples(RolloutBuffer):
    """A rollout whose minibatches, copies already, are not copied again."""

    def to_torch(self, array: np.ndarray, copy: bool = True) -> torch.Tensor:
        """Return the array as a tensor."""
        return torch.from_numpy(array)


class Unwatched(OnPolicyAlgorithm):
    """A learner that looks for no statistics of episodes among the infos, which takes longer than acting does."""

    def _update_info_buffer(self, infos: list[dict[str, Any]], dones: np.ndarray | None = None) -> None:
        pass


class UnwatchedPPO(Unwatched, PPO):
    """PPO."""


class UnwatchedA2C(Unwatched, A2C):
    """A2C."""


LEARNERS = {"ppo": UnwatchedPPO, "a2c": UnwatchedA2C}


class Around(BaseCallback):
    """Asks before every rollout for the change of score that is worth a reward of 1; tells after it how it went."""

    def __init__(self, env: EditVecEnv, unit: Callable[[], float] | None, tell: Tell | None) -> None:
        super().__init__()
        self.env, self.unit, self.tell = env, unit, tell

    def _on_rollout_start(self) -> None:
        if self.unit:
            self.env.unit = self.unit()

    def _on_rollout_end(self) -> None:
        found = self.env.episodes()
        if self.tell and found:
            self.tell(self.num_timesteps, found)

    def _on_step(self) -> bool:
        return True


def train(
    core: EditCore,
    agent: Agent | None,
    steps: int,
    seed: int,
    envs: int = ENVS,
    unit: Callable[[], float] | None = None,
    learner: str = "ppo",
    tell: Tell | None = None,
) -> Agent:
    """Return the agent after ``steps`` more environment steps, rounded up to whole rollouts; global RNGs are kept.

    Args:
        core: what it learns on. agent: to start from; a new one where None or of other sizes. envs: in lockstep.
        unit: called before every rollout, when the core may be given other starts; returns the change of score that is
            worth a reward of 1, the most there is. By default the standard deviation of random networks' scores.
        learner: "ppo" or "a2c".
        tell: called after every rollout with the steps so far and ``EditVecEnv.episodes``.

    Raises:
        ValueError: no such learner.
        FloatingPointError: the weights did not stay finite.
    """
    if learner not in LEARNERS:
        raise ValueError(f"no learner {learner!r}; there are: {', '.join(LEARNERS)}")
    with seeds.isolated(seed):
        env = BatchedEditEnv(core, envs, brief=True)
        seen, _ = env.reset(seed=seed % 2**31)
        assert env.rows is not None
        vec = EditVecEnv(env, unit=float(np.std(env.rows.judged[:, PESSIMISTIC])) or 1.0)
        vec.seed(seed % 2**31)
        repeats = {"batch_size": min(MINIBATCH, ROLLOUT * envs), "n_epochs": EPOCHS}  # of a rollout's steps
        ppo = LEARNERS[learner](
            EditPolicy,
            vec,
            n_steps=ROLLOUT,
            rollout_buffer_class=Samples,
            **(repeats if learner == "ppo" else {}),
            gamma=GAMMA,
            gae_lambda=GAE_LAMBDA,
            learning_rate=LEARNING_RATE,
            ent_coef=ENTROPY,
            device="cpu",
            policy_kwargs={"slots": core.slots, "codes": core.codes},
        )
        ppo.set_logger(Logger(folder=None, output_formats=[]))  # else it makes a folder for every training
        tensors = ppo.policy.weights
        with torch.no_grad():
            if agent is not None and agent.fits(core):
                for name, tensor in tensors.items():
                    tensor.copy_(torch.as_tensor(agent.weights[name]).view(tensor.shape))
            else:
                scalars = seen[:, -len(SCALARS) :]
                tensors["centre"][-len(SCALARS) :] = torch.as_tensor(scalars.mean(axis=0))
                tensors["scale"][-len(SCALARS) :] = torch.as_tensor(np.maximum(scalars.std(axis=0), 1e-2))
        ppo.learn(steps, callback=Around(vec, unit, tell))
    weights = {name: tensor.detach().numpy().copy() for name, tensor in tensors.items()}
    weights["codes"] = weights["codes"].reshape(core.slots, core.codes, -1)
    if not all(np.isfinite(w).all() for w in weights.values()):
        raise FloatingPointError("the agent's weights did not stay finite; are all of the scorer's scores finite?")
    return Agent(weights)
