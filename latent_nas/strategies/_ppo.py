"""The agent at school: PPO (Schulman et al. 2017) of stable-baselines3 on the batched environment.

Imports stable-baselines3 and torch; import it where it is used.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3 import PPO
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.vec_env import VecEnv

from latent_nas import seeds
from latent_nas.env.batched import BatchedEditEnv
from latent_nas.env.core import SCALARS, EditCore
from latent_nas.strategies._agent import Agent

ENVS, MINIBATCH, EPOCHS = 1024, 4096, 4
ROLLOUT = 8  # steps of every environment between updates
WIDTHS = (64, 64)
GAMMA, GAE_LAMBDA, LEARNING_RATE, ENTROPY = 0.9, 0.9, 2e-3, 0.003


class EditVecEnv(VecEnv):
    """The batched environment as stable-baselines3 wants it; rewards are divided by ``scale``."""

    def __init__(self, env: BatchedEditEnv, scale: float = 1.0) -> None:
        self.env, self.scale = env, scale
        super().__init__(env.num_envs, env.single_observation_space, env.single_action_space)
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
            infos = [{"terminal_observation": info["final_obs"][i]} if over[i] else {} for i in range(len(over))]
        return seen, (rewards / self.scale).astype(np.float32), over, infos

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


class Trunk(BaseFeaturesExtractor):
    """Scales the observation and passes it through tanh layers."""

    def __init__(self, observation_space: spaces.Box, widths: Sequence[int]) -> None:
        super().__init__(observation_space, widths[-1])
        sizes = (observation_space.shape[0], *widths)
        self.register_buffer("centre", torch.zeros(sizes[0]))
        self.register_buffer("scale", torch.ones(sizes[0]))
        self.layers = torch.nn.ModuleList(torch.nn.Linear(a, b) for a, b in zip(sizes, sizes[1:], strict=False))

    def forward(self, seen: torch.Tensor) -> torch.Tensor:
        """Return (n, widths[-1])."""
        hidden = (seen - self.centre) / self.scale
        for layer in self.layers:
            hidden = torch.tanh(layer(hidden))
        return hidden


class EditPolicy(ActorCriticPolicy):
    """Actor and critic on one trunk, with a lean categorical distribution: the thousands of actions are the cost."""

    def forward(self, obs: torch.Tensor, deterministic: bool = False) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return sampled actions, values (n, 1) and log probabilities (n,)."""
        hidden = self.features_extractor(obs)
        log_all = torch.log_softmax(self.action_net(hidden), dim=1)
        actions = log_all.argmax(1, keepdim=True) if deterministic else torch.multinomial(log_all.exp(), 1)
        return actions[:, 0], self.value_net(hidden), log_all.gather(1, actions)[:, 0]

    def evaluate_actions(
        self, obs: torch.Tensor, actions: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        """Return values (n, 1), log probabilities (n,) and entropies (n,)."""
        hidden = self.features_extractor(obs)
        log_all = torch.log_softmax(self.action_net(hidden), dim=1)
        chosen = log_all.gather(1, actions.long().view(-1, 1))[:, 0]
        return self.value_net(hidden), chosen, -(log_all.exp() * log_all).sum(dim=1)

    def predict_values(self, obs: torch.Tensor) -> torch.Tensor:
        """Return (n, 1)."""
        return self.value_net(self.features_extractor(obs))


def train(core: EditCore, agent: Agent | None, steps: int, seed: int, envs: int = ENVS) -> Agent:
    """Return the agent after ``steps`` more environment steps (rounded up to whole rollouts); global RNGs are kept."""
    with seeds.isolated(seed):
        env = BatchedEditEnv(core, envs)
        seen, _ = env.reset(seed=seed % 2**31)
        assert env.rows is not None
        scale = float(np.std(env.rows.judged[:, 0])) or 1.0
        vec = EditVecEnv(env, scale)
        vec.seed(seed % 2**31)
        ppo = PPO(
            EditPolicy,
            vec,
            n_steps=ROLLOUT,
            batch_size=min(MINIBATCH, ROLLOUT * envs),
            n_epochs=EPOCHS,
            gamma=GAMMA,
            gae_lambda=GAE_LAMBDA,
            learning_rate=LEARNING_RATE,
            ent_coef=ENTROPY,
            device="cpu",
            policy_kwargs={
                "features_extractor_class": Trunk,
                "features_extractor_kwargs": {"widths": WIDTHS},
                "net_arch": {"pi": [], "vf": []},
            },
        )
        if agent is not None and agent.fits(seen.shape[1], core.actions):
            _put(ppo.policy, agent.weights)
        else:
            trunk, last = ppo.policy.features_extractor, len(SCALARS)
            trunk.centre[-last:] = torch.as_tensor(seen[:, -last:].mean(axis=0))
            trunk.scale[-last:] = torch.as_tensor(np.maximum(seen[:, -last:].std(axis=0), 1e-3))
        ppo.learn(steps)
        return Agent(_take(ppo.policy))


def _tensors(policy: Any) -> dict[str, torch.Tensor]:
    trunk = policy.features_extractor
    layers = {f"layer{i}.{part}": getattr(layer, part) for i, layer in enumerate(trunk.layers) for part in ("weight", "bias")}
    heads = {
        f"{name}.{part}": getattr(head, part)
        for name, head in (("logits", policy.action_net), ("value", policy.value_net))
        for part in ("weight", "bias")
    }
    return {"centre": trunk.centre, "scale": trunk.scale, **layers, **heads}


def _take(policy: Any) -> dict[str, np.ndarray]:
    return {name: tensor.detach().numpy().copy() for name, tensor in _tensors(policy).items()}


def _put(policy: Any, weights: dict[str, np.ndarray]) -> None:
    with torch.no_grad():
        for name, tensor in _tensors(policy).items():
            tensor.copy_(torch.as_tensor(weights[name]))
