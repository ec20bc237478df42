"""The agent's network while it learns: p(place) * p(code | place), a joint choice at the price of its parts.

A softmax over all (place, code) pairs would be most of the work of an update. By the chain rule it need only be
computed over the places and over the codes of the one place that was chosen.
"""

from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor

from latent_nas.kernels import add_rows, tanh
from latent_nas.strategies._choice import choose, derive, spread_rows

WIDTHS = (64, 64)


class Trunk(BaseFeaturesExtractor):
    """Two tanh layers on brief observations; the first looks up a row per code."""

    offsets: torch.Tensor
    centre: torch.Tensor
    scale: torch.Tensor

    def __init__(self, observation_space: spaces.Box, slots: int, codes: int) -> None:
        super().__init__(observation_space, WIDTHS[-1])
        self.slots, rest = slots, observation_space.shape[0] - slots
        self.codes = torch.nn.Embedding(slots * codes, WIDTHS[0])
        torch.nn.init.normal_(self.codes.weight, std=slots**-0.5)
        self.rest, self.hidden = torch.nn.Linear(rest, WIDTHS[0]), torch.nn.Linear(*WIDTHS)
        self.register_buffer("offsets", torch.arange(slots) * codes)
        self.register_buffer("centre", torch.zeros(rest))
        self.register_buffer("scale", torch.ones(rest))

    def forward(self, seen: torch.Tensor) -> torch.Tensor:
        """Return (n, WIDTHS[-1]) of brief observations (n, observation)."""
        codes = seen[:, : self.slots].long() + self.offsets
        rest = (seen[:, self.slots :] - self.centre) / self.scale
        first: torch.Tensor = Tanh.apply(Summed.apply(self.rest(rest), self.codes.weight, codes))
        second: torch.Tensor = Tanh.apply(self.hidden(first))
        return second


class Summed(torch.autograd.Function):
    """Rows of a table, looked up and added to what is there already."""

    @staticmethod
    def forward(ctx: Any, start: torch.Tensor, table: torch.Tensor, picked: torch.Tensor) -> torch.Tensor:
        """Return start (n, width) plus the rows ``picked`` (n, k) of table (rows, width)."""
        ctx.save_for_backward(picked)
        ctx.rows = len(table)
        found = start.detach().clone(memory_format=torch.contiguous_format)
        add_rows(table.detach().numpy(), picked.numpy(), found.numpy())
        return found

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, None]:
        """Return the derivatives by start and table."""
        grad, (picked,) = grads[0].contiguous(), ctx.saved_tensors
        by_table = grad.new_zeros(ctx.rows, grad.shape[1])
        spread_rows(grad.numpy(), picked.numpy(), by_table.numpy())
        return grad, by_table, None


class Tanh(torch.autograd.Function):
    """tanh x, in a fifth of the time."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        """Return tanh of x (n, width)."""
        found = x.detach().clone(memory_format=torch.contiguous_format)
        tanh(found.numpy(), np.zeros(found.shape[1], np.float32))
        ctx.save_for_backward(found)
        return found

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> torch.Tensor:
        """Return the derivative."""
        (found,) = ctx.saved_tensors
        return torch.addcmul(grads[0], grads[0] * found, found, value=-1)


class Choice(torch.autograd.Function):
    """log p of given places and codes, and the entropies of what they were chosen from."""

    @staticmethod
    def forward(
        ctx: Any,
        hidden: torch.Tensor,
        logits: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor,
        place: torch.Tensor,
        code: torch.Tensor,
        draws: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return both, (n,) each; see ``choose``. logits: (n, places + 1), those of the places."""
        places, codes = logits.new_empty(2, *logits.shape), logits.new_zeros(2, len(logits), weight.shape[1])
        places[0] = logits
        joint, entropy = logits.new_empty(2, len(logits))
        given = hidden, weight, bias, draws, place, code
        choose(*(t.detach().numpy() for t in (*given, places, codes, joint, entropy)))
        ctx.save_for_backward(hidden, weight, bias, place, code, places, codes)
        return joint, entropy

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """Return the derivatives by hidden, logits, weight and bias."""
        hidden, weight, bias, *chosen = ctx.saved_tensors
        by = [torch.zeros_like(t) for t in (hidden, chosen[2][0], weight, bias)]
        given = (*(g.contiguous() for g in grads), hidden, weight, *chosen)
        derive(*(t.detach().numpy() for t in (*given, *by)))
        return (*by, None, None, None)


class EditPolicy(ActorCriticPolicy):
    """Actor and critic on one trunk; action ``place * codes + code``, the last one stops."""

    def __init__(self, *args: Any, slots: int, codes: int, **kwargs: Any) -> None:
        self.codes = codes
        kwargs["features_extractor_class"] = Trunk
        kwargs["features_extractor_kwargs"] = {"slots": slots, "codes": codes}
        super().__init__(*args, **kwargs)

    def _build(self, lr_schedule: Any) -> None:
        assert isinstance(self.action_space, spaces.Discrete)
        places = (int(self.action_space.n) - 1) // self.codes
        self.place_net = torch.nn.Linear(WIDTHS[-1], places + 1)
        torch.nn.init.orthogonal_(self.place_net.weight, 0.01)
        torch.nn.init.zeros_(self.place_net.bias)
        self.code_weight = torch.nn.Parameter(torch.zeros(places, self.codes, WIDTHS[-1]))
        self.code_bias = torch.nn.Parameter(torch.zeros(places + 1, self.codes))
        self.value_net = torch.nn.Linear(WIDTHS[-1], 1)
        self.optimizer = torch.optim.Adam(self.parameters(), lr=lr_schedule(1), eps=1e-5, fused=True)

    def forward(
        self, obs: torch.Tensor, deterministic: bool = False
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return actions (n,), values (n, 1) and log probabilities (n,)."""
        hidden = self.features_extractor(obs)
        logits = self.place_net(hidden)
        place, code = torch.zeros(2, len(obs), dtype=torch.long)
        if deterministic:
            place = logits.argmax(dim=1)
            weight = torch.cat([self.code_weight, torch.zeros_like(self.code_weight[:1])])[place]
            code = ((weight @ hidden[:, :, None])[:, :, 0] + self.code_bias[place]).argmax(dim=1)
            code = code.where(place < len(self.code_weight), 0)
        draws = torch.rand(0 if deterministic else len(obs), 2)
        joint, _ = Choice.apply(hidden, logits, self.code_weight, self.code_bias, place, code, draws)
        return place * self.codes + code, self.value_net(hidden), joint

    def evaluate_actions(  # type: ignore[override]
        self, obs: torch.Tensor, actions: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return values (n, 1), log probabilities (n,) and entropies (n,) of actions (n,).

        The entropy is that of the place and of the code at the place chosen, whose mean is the joint one.
        """
        place, code = actions.long().div(self.codes, rounding_mode="floor"), actions.long() % self.codes
        hidden = self.features_extractor(obs)
        logits, draws = self.place_net(hidden), torch.empty(0, 2)
        joint, entropy = Choice.apply(hidden, logits, self.code_weight, self.code_bias, place, code, draws)
        return self.value_net(hidden), joint, entropy

    def predict_values(self, obs: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
        """Return (n, 1)."""
        return torch.as_tensor(self.value_net(self.features_extractor(obs)))
