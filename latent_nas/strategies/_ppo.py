"""The agent at school: PPO (Schulman et al. 2017) of stable-baselines3 on the batched environment.

Imports stable-baselines3 and torch; import it where it is used.
"""

from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3 import PPO
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.vec_env import VecEnv

from latent_nas import seeds
from latent_nas.env.batched import BatchedEditEnv
from latent_nas.env.core import EditCore
from latent_nas.env.observation import SCALARS
from latent_nas.strategies._agent import Agent

ENVS, MINIBATCH, EPOCHS = 1024, 4096, 4
ROLLOUT = 8  # steps of every environment between updates
WIDTHS = (64, 32)
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
    """Two tanh layers on brief observations; the first looks up a row per code."""

    offsets: torch.Tensor
    centre: torch.Tensor
    scale: torch.Tensor

    def __init__(self, observation_space: spaces.Box, slots: int, codes: int) -> None:
        super().__init__(observation_space, WIDTHS[-1])
        self.slots, rest = slots, observation_space.shape[0] - slots
        self.codes = torch.nn.EmbeddingBag(slots * codes, WIDTHS[0], mode="sum")
        torch.nn.init.normal_(self.codes.weight, std=slots**-0.5)
        self.rest, self.hidden = torch.nn.Linear(rest, WIDTHS[0]), torch.nn.Linear(*WIDTHS)
        self.register_buffer("offsets", torch.arange(slots) * codes)
        self.register_buffer("centre", torch.zeros(rest))
        self.register_buffer("scale", torch.ones(rest))

    def forward(self, seen: torch.Tensor) -> torch.Tensor:
        """Return (n, WIDTHS[-1]) of brief observations (n, observation)."""
        codes = seen[:, : self.slots].long() + self.offsets
        rest = (seen[:, self.slots :] - self.centre) / self.scale
        return torch.tanh(self.hidden(torch.tanh(self.codes(codes) + self.rest(rest))))


class Categorical(torch.autograd.Function):
    """Log probability of the chosen action and entropy, (n,) each, of logits (n, actions); derivatives by hand.

    With so many actions the softmax is a large part of all work, and autograd would write it out several times.
    """

    @staticmethod
    def forward(ctx: Any, logits: torch.Tensor, actions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return (n,) and (n,) for actions (n, 1)."""
        logs = torch.log_softmax(logits, dim=1)
        odds = logs.exp()
        entropy = -torch.einsum("ij,ij->i", odds, logs)
        ctx.save_for_backward(logs, odds, entropy, actions)
        return logs.gather(1, actions)[:, 0], entropy

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor, None]:
        """Return dL/dlogits: p * (-g_log - g_entropy * (log p + entropy)), and g_log more at the action."""
        logs, odds, entropy, actions = ctx.saved_tensors
        of_log, of_entropy = grads[0][:, None], grads[1][:, None]
        change = logs.add(entropy[:, None]).mul_(of_entropy).add_(of_log).neg_().mul_(odds)
        return change.scatter_add_(1, actions, of_log), None


class EditPolicy(ActorCriticPolicy):
    """Actor and critic on one trunk, with a lean categorical distribution."""

    def forward(
        self, obs: torch.Tensor, deterministic: bool = False
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return actions (n,), values (n, 1) and log probabilities (n,); sampled by the inverse of the distribution."""
        hidden = self.features_extractor(obs)
        logs = torch.log_softmax(self.action_net(hidden), dim=1)
        if deterministic:
            actions = logs.argmax(dim=1, keepdim=True)
        else:
            sums = logs.exp().cumsum(dim=1)
            actions = torch.searchsorted(sums, torch.rand(len(obs), 1) * sums[:, -1:]).clamp_(max=logs.shape[1] - 1)
        return actions[:, 0], self.value_net(hidden), logs.gather(1, actions)[:, 0]

    def evaluate_actions(  # type: ignore[override]
        self, obs: torch.Tensor, actions: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        """Return values (n, 1), log probabilities (n,) and entropies (n,) of actions (n,)."""
        hidden = self.features_extractor(obs)
        chosen, entropy = Categorical.apply(self.action_net(hidden), actions.long().view(-1, 1))
        return self.value_net(hidden), chosen, entropy

    def predict_values(self, obs: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
        """Return (n, 1)."""
        return torch.as_tensor(self.value_net(self.features_extractor(obs)))


def train(core: EditCore, agent: Agent | None, steps: int, seed: int, envs: int = ENVS) -> Agent:
    """Return the agent after ``steps`` more environment steps, rounded up to whole rollouts; global RNGs are kept.

    Raises:
        FloatingPointError: the weights did not stay finite.
    """
    with seeds.isolated(seed):
        env = BatchedEditEnv(core, envs, brief=True)
        seen, _ = env.reset(seed=seed % 2**31)
        assert env.rows is not None
        vec = EditVecEnv(env, scale=float(np.std(env.rows.judged[:, 0])) or 1.0)
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
                "features_extractor_kwargs": {"slots": core.slots, "codes": core.codes},
                "net_arch": {"pi": [], "vf": []},
            },
        )
        ppo.set_logger(Logger(folder=None, output_formats=[]))  # else it makes a folder for every training
        tensors = _tensors(ppo.policy)
        with torch.no_grad():
            if agent is not None and agent.fits(core.slots, core.codes, core.actions):
                for name, tensor in tensors.items():
                    tensor.copy_(torch.as_tensor(agent.weights[name]).view(tensor.shape))
            else:
                scalars = seen[:, -len(SCALARS) :]
                tensors["centre"][-len(SCALARS) :] = torch.as_tensor(scalars.mean(axis=0))
                tensors["scale"][-len(SCALARS) :] = torch.as_tensor(np.maximum(scalars.std(axis=0), 1e-2))
        ppo.learn(steps)
    weights = {name: tensor.detach().numpy().copy() for name, tensor in tensors.items()}
    weights["codes"] = weights["codes"].reshape(core.slots, core.codes, -1)
    if not all(np.isfinite(w).all() for w in weights.values()):
        raise FloatingPointError("the agent's weights did not stay finite; are all of the scorer's scores finite?")
    return Agent(weights)


def _tensors(policy: Any) -> dict[str, torch.Tensor]:
    """Return the policy's tensors under the agent's names."""
    trunk = policy.features_extractor
    return {
        "codes": trunk.codes.weight,
        "rest": trunk.rest.weight,
        "bias": trunk.rest.bias,
        "centre": trunk.centre,
        "scale": trunk.scale,
        "hidden": trunk.hidden.weight,
        "hidden.bias": trunk.hidden.bias,
        "logits": policy.action_net.weight,
        "logits.bias": policy.action_net.bias,
        "value": policy.value_net.weight,
        "value.bias": policy.value_net.bias,
    }
