"""The agent's network while it learns: p(place) * p(code | place), a joint choice at the price of its parts.

A softmax over all (place, code) pairs would be most of the work of an update. By the chain rule it need only be
computed over the places and over the codes of the one place that was chosen.
"""

from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.policies import ActorCriticPolicy

from latent_nas.agent.choice import by_logits, by_tanh, draw, softmax, spread_rows
from latent_nas.agent.vector import Shapes, views
from latent_nas.kernels import add_rows, tanh

WIDTHS = (64, 64)


class Network(torch.autograd.Function):
    """The whole network as one operator: two tanh layers, the first of which looks up a row per code, then the heads.

    Autograd would go thirty times through memory where a dozen matrix products and a few loops do.
    """

    @staticmethod
    def forward(
        ctx: Any, vector: torch.Tensor, shapes: Shapes, *given: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return values (n,), log p (n,) of places and codes, and the sum of their distributions' entropies (n,).

        Args:
            ctx: keeps what ``backward`` needs. vector: all weights, in these ``shapes``.
            given: picked (n, slots), the rows of "codes" to sum; rest (n, k) of the observation, standardised; place
                and code (n,); draws (n, 2) in [0, 1), by which place and code are filled in, or (0, 2).
        """
        picked, rest, place, code, draws = (t.numpy() for t in given)
        w = views(vector.detach().numpy(), shapes)
        first = rest @ w["rest"].T
        add_rows(w["codes"], picked, first)
        tanh(first, w["bias"])
        hidden = first @ w["hidden"].T
        tanh(hidden, w["hidden.bias"])
        heads = hidden @ w["heads"].T + w["heads.bias"]

        n, (places, codes, _) = len(rest), w["choices"].shape
        where = np.empty((2, n, places + 1), np.float32)  # log p and p; the last place is to stop and takes no code
        where[0], entropy = heads[:, :-1], np.zeros(n, np.float32)
        softmax(where[0], where[1], entropy)
        if len(draws):
            draw(where[1], draws[:, 0].copy(), place)
        joint = where[0][np.arange(n), place]

        order = place.astype(np.uint16).argsort(kind="stable")  # the codes of one place are one product
        ends = np.searchsorted(place[order], np.arange(places + 1))
        order = order[: ends[-1]]
        edited, left = hidden[order], np.zeros(len(order), np.float32)
        what = np.empty((2, len(order), codes), np.float32)
        for p, of in enumerate(map(slice, ends, ends[1:])):
            np.matmul(edited[of], w["choices"][p].T, out=what[0, of])
            what[0, of] += w["choices.bias"][p]
        softmax(what[0], what[1], left)
        if len(draws):
            drawn = code[order]
            draw(what[1], draws[order, 1].copy(), drawn)
            code[order] = drawn
        joint[order] += what[0][np.arange(len(order)), code[order]]
        entropy[order] += left
        ctx.kept = vector, shapes, picked, rest, place, code, first, hidden, where, order, ends, edited, what
        return torch.from_numpy(heads[:, -1].copy()), torch.from_numpy(joint), torch.from_numpy(entropy)

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """Return the derivative by all weights."""
        by_value, by_joint, by_entropy = (g.contiguous().numpy() for g in grads)
        vector, shapes, picked, rest, place, code, first, hidden, where, order, ends, edited, what = ctx.kept
        found, ones = torch.zeros_like(vector), np.ones(len(rest), np.float32)
        w, by = (views(v.detach().numpy(), shapes) for v in (vector, found))

        by_what, by_edited = np.empty_like(what[0]), np.empty_like(edited)
        by_logits(what[0], what[1], code[order], by_joint[order], by_entropy[order], by_what)
        for p, of in enumerate(map(slice, ends, ends[1:])):
            np.matmul(by_what[of].T, edited[of], out=by["choices"][p])
            np.matmul(ones[of], by_what[of], out=by["choices.bias"][p])
            np.matmul(by_what[of], w["choices"][p], out=by_edited[of])

        by_heads = np.empty((len(rest), where.shape[2] + 1), np.float32)
        by_logits(where[0], where[1], place, by_joint, by_entropy, by_heads)
        by_heads[:, -1] = by_value
        by_hidden = by_heads @ w["heads"]
        spread_rows(by_edited, order[:, None], by_hidden)
        by_tanh(hidden, by_hidden)
        by_first = by_hidden @ w["hidden"]
        by_tanh(first, by_first)
        spread_rows(by_first, picked, by["codes"])
        for name, rows, inputs in (("heads", by_heads, hidden), ("hidden", by_hidden, first), ("rest", by_first, rest)):
            np.matmul(rows.T, inputs, out=by[name])
        for name, rows in (("heads.bias", by_heads), ("hidden.bias", by_hidden), ("bias", by_first)):
            np.matmul(ones, rows, out=by[name])
        return found, *(None,) * 6


class EditPolicy(ActorCriticPolicy):
    """Actor and critic on one trunk; action ``place * codes + code``, the last one stops.

    All weights are one vector, so that clipping and stepping are one operator each.
    """

    offsets: torch.Tensor
    centre: torch.Tensor
    scale: torch.Tensor

    def __init__(self, *args: Any, slots: int, codes: int, **kwargs: Any) -> None:
        self.slots, self.codes = slots, codes
        super().__init__(*args, **kwargs)

    def _build(self, lr_schedule: Any) -> None:
        assert isinstance(self.action_space, spaces.Discrete)
        assert self.observation_space.shape is not None
        self.places, rest = (int(self.action_space.n) - 1) // self.codes, self.observation_space.shape[0] - self.slots
        a, b = WIDTHS
        table = torch.nn.init.normal_(torch.nn.Embedding(self.slots * self.codes, a).weight, std=self.slots**-0.5)
        entry, inner, place = (torch.nn.Linear(*s) for s in ((rest, a), (a, b), (b, self.places + 1)))
        torch.nn.init.orthogonal_(place.weight, 0.01)
        torch.nn.init.zeros_(place.bias)
        value = torch.nn.Linear(b, 1)
        start = {"codes": table, "rest": entry.weight, "bias": entry.bias}
        start |= {"hidden": inner.weight, "hidden.bias": inner.bias}
        start |= {"heads": torch.cat([place.weight, value.weight]), "heads.bias": torch.cat([place.bias, value.bias])}
        start["choices"] = torch.zeros(self.places, self.codes, b)
        start["choices.bias"] = torch.zeros(self.places + 1, self.codes)
        self.shapes = {name: tuple(t.shape) for name, t in start.items()}
        self.vector = torch.nn.Parameter(torch.cat([t.detach().flatten() for t in start.values()]))
        self.register_buffer("offsets", torch.arange(self.slots) * self.codes)
        self.register_buffer("centre", torch.zeros(rest))
        self.register_buffer("scale", torch.ones(rest))
        self.optimizer = torch.optim.Adam(self.parameters(), lr=lr_schedule(1), eps=1e-5, fused=True)

    @property
    def weights(self) -> dict[str, torch.Tensor]:
        """The weights as an ``Agent`` names them; to write into them is to change the policy."""
        found = views(self.vector.detach(), self.shapes)
        heads, bias = found.pop("heads"), found.pop("heads.bias")
        found |= {"places": heads[:-1], "value": heads[-1:], "places.bias": bias[:-1], "value.bias": bias[-1:]}
        return found | {"centre": self.centre, "scale": self.scale}

    def forward(
        self, obs: torch.Tensor, deterministic: bool = False
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return drawn actions (n,), values (n, 1) and log probabilities (n,).

        Raises:
            ValueError: the likeliest actions are asked for.
        """
        if deterministic:
            raise ValueError("the policy draws its actions; take the likeliest by Agent.logs")
        place, code = torch.zeros(2, len(obs), dtype=torch.long)
        value, joint, _ = self._network(obs, place, code, torch.rand(len(obs), 2))
        return place * self.codes + code, value, joint

    def evaluate_actions(  # type: ignore[override]
        self, obs: torch.Tensor, actions: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return values (n, 1), log probabilities (n,) and entropies (n,) of actions (n,).

        The entropy is that of the place and of the code at the place chosen, whose mean is the joint one.
        """
        place, code = actions.long().div(self.codes, rounding_mode="floor"), actions.long() % self.codes
        return self._network(obs, place, code, torch.empty(0, 2))

    def predict_values(self, obs: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
        """Return (n, 1)."""
        stop = torch.full((len(obs),), self.places)
        return self._network(obs, stop, stop, torch.empty(0, 2))[0]

    def _network(self, obs: torch.Tensor, *choice: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        picked = obs[:, : self.slots].long() + self.offsets
        rest = (obs[:, self.slots :] - self.centre) / self.scale
        value, joint, entropy = Network.apply(self.vector, self.shapes, picked, rest, *choice)
        return value[:, None], joint, entropy
