"""The agent's network while it learns: p(place) * p(code | place), a joint choice at the price of its parts.

A softmax over all (place, code) pairs would be most of the work of an update. By the chain rule it need only be
computed over the places and over the codes of the one place that was chosen.
"""

from typing import Any

import torch
from gymnasium import spaces
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor

WIDTHS = (64, 64)


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


class Grouped(torch.autograd.Function):
    """A linear layer whose weights depend on the row's place, one matrix product per place."""

    @staticmethod
    def forward(ctx: Any, hidden: torch.Tensor, weight: torch.Tensor, place: torch.Tensor) -> torch.Tensor:
        """Return (n, out) of hidden (n, in), weight (places, out, in) and place (n,); 0 where place is ``places``."""
        order = place.argsort()
        ends = torch.bincount(place, minlength=len(weight) + 1).cumsum(0).tolist()
        inputs = hidden[order]
        outputs = hidden.new_zeros(len(hidden), weight.shape[1])
        for p, (start, end) in enumerate(zip([0, *ends], ends[:-1], strict=False)):
            torch.mm(inputs[start:end], weight[p].T, out=outputs[start:end])
        ctx.save_for_backward(inputs, weight, order)
        ctx.ends = ends
        return torch.empty_like(outputs).index_copy_(0, order, outputs)

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, None]:
        """Return the derivatives by hidden and weight."""
        inputs, weight, order = ctx.saved_tensors
        grad, by_weight = grads[0][order], torch.zeros_like(weight)
        by_input = torch.zeros_like(inputs)
        for p, (start, end) in enumerate(zip([0, *ctx.ends], ctx.ends[:-1], strict=False)):
            torch.mm(grad[start:end].T, inputs[start:end], out=by_weight[p])
            torch.mm(grad[start:end], weight[p], out=by_input[start:end])
        return torch.empty_like(by_input).index_copy_(0, order, by_input), by_weight, None


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
        self.optimizer = torch.optim.Adam(self.parameters(), lr=lr_schedule(1), eps=1e-5)

    def forward(
        self, obs: torch.Tensor, deterministic: bool = False
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return actions (n,), values (n, 1) and log probabilities (n,)."""
        hidden = self.features_extractor(obs)
        places = torch.log_softmax(self.place_net(hidden), dim=1)
        place = _pick(places, deterministic)
        codes = self._codes(hidden, place)
        code = _pick(codes, deterministic).where(place < len(self.code_weight), 0)
        return place * self.codes + code, self.value_net(hidden), _at(places, place) + self._at_code(codes, place, code)

    def evaluate_actions(  # type: ignore[override]
        self, obs: torch.Tensor, actions: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return values (n, 1), log probabilities (n,) and entropies (n,) of actions (n,).

        The entropy is that of the place and of the code at the place chosen, whose mean is the joint one.
        """
        place, code = actions.long().div(self.codes, rounding_mode="floor"), actions.long() % self.codes
        hidden = self.features_extractor(obs)
        places = torch.log_softmax(self.place_net(hidden), dim=1)
        codes = self._codes(hidden, place)
        entropy = -(places.exp() * places).sum(dim=1) - (codes.exp() * codes).sum(dim=1)
        return self.value_net(hidden), _at(places, place) + self._at_code(codes, place, code), entropy

    def predict_values(self, obs: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
        """Return (n, 1)."""
        return torch.as_tensor(self.value_net(self.features_extractor(obs)))

    def _codes(self, hidden: torch.Tensor, place: torch.Tensor) -> torch.Tensor:
        """Return log p(code | place), (n, codes)."""
        logits: torch.Tensor = Grouped.apply(hidden, self.code_weight, place)
        return torch.log_softmax(logits + self.code_bias[place], dim=1)

    def _at_code(self, codes: torch.Tensor, place: torch.Tensor, code: torch.Tensor) -> torch.Tensor:
        return _at(codes, code).where(place < len(self.code_weight), 0.0)  # to stop takes no code


def _at(rows: torch.Tensor, column: torch.Tensor) -> torch.Tensor:
    return rows.gather(1, column[:, None])[:, 0]


def _pick(logs: torch.Tensor, deterministic: bool) -> torch.Tensor:
    """Return a column (n,) drawn by log probabilities (n, columns), or the likeliest."""
    if deterministic:
        return logs.argmax(dim=1)
    sums = logs.exp().cumsum(dim=1)
    drawn = torch.searchsorted(sums, torch.rand(len(logs), 1) * sums[:, -1:])
    return drawn[:, 0].clamp_(max=logs.shape[1] - 1)
