"""The agent at work: a policy over edits, as plain arrays."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from latent_nas.env.core import EditCore
from latent_nas.env.observation import SCALARS
from latent_nas.env.rows import Rows


@dataclass(frozen=True)
class Agent:
    """A policy p(place) * p(code | place) of brief observations: two tanh layers and a linear one for either part.

    The first layer looks a row up for every code, which is what a linear layer does with one-hots and latent.

    Attributes:
        weights: "codes" (slots, codes, a), "rest" (a, rest), "bias" (a,), "centre" and "scale" (rest,) of the first
            layer; "hidden" (b, a) and "hidden.bias" (b,); "places" (places + 1, b), the last of which stops, and
            "places.bias"; "choices" (places, codes, b) and "choices.bias" (places + 1, codes); "value" (1, b) and
            "value.bias" (1,), the critic's, to train on.
    """

    weights: dict[str, np.ndarray]

    def logs(self, seen: np.ndarray) -> np.ndarray:
        """Return log p of every action, (n, actions), for brief observations (n, observation)."""
        w = self.weights
        hidden = self._hidden(seen)
        places = _log_softmax(hidden @ w["places"].T + w["places.bias"])
        codes = _log_softmax(np.einsum("nb,pcb->npc", hidden, w["choices"]) + w["choices.bias"][:-1])
        return np.concatenate([(places[:, :-1, None] + codes).reshape(len(seen), -1), places[:, -1:]], axis=1)

    def act(self, seen: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return one sampled edit per row, (n,), for brief observations (n, observation).

        It never stops and, where places are slots, never puts a code where it is already.
        """
        w = self.weights
        hidden = self._hidden(seen)
        place = _sample(hidden @ w["places"][:-1].T + w["places.bias"][:-1], rng)
        logits = np.einsum("nb,ncb->nc", hidden, w["choices"][place]) + w["choices.bias"][place]
        slots, codes = w["codes"].shape[:2]
        if len(w["choices"]) == slots and codes > 1:
            rows = np.arange(len(seen))
            logits[rows, seen[rows, place].astype(np.int64)] = -np.inf
        return place * codes + _sample(logits, rng)

    def acts(self, core: EditCore, rows: Rows, rng: np.random.Generator) -> np.ndarray:
        """Return a sampled action for each row, (n,)."""
        return _sample(self.logs(core.observe(rows, brief=True)), rng)

    def edits(self, core: EditCore, rows: Rows, rng: np.random.Generator, k: int) -> np.ndarray:
        """Return k sampled actions for each row, (n, k)."""
        seen = core.observe(rows, brief=True)
        return np.stack([self.act(seen, rng) for _ in range(k)], axis=1)

    def fits(self, core: EditCore) -> bool:
        """Whether the weights are of the core's codec, actions and brief observation."""
        w, seen = self.weights, len(core.observation.bounds(brief=True)[0])
        sizes = w["codes"].shape[:2], len(w["choices"]), w["rest"].shape[1]
        return sizes == ((core.slots, core.codes), core.places, seen - core.slots)

    def form(self, dim: int) -> dict[str, Any]:
        """Return ``place`` and ``history`` of the core that it was trained on; ``dim`` is that of the codes."""
        slots, places = len(self.weights["codes"]), len(self.weights["choices"])
        by_slot = places == slots
        past = self.weights["rest"].shape[1] - len(SCALARS) - (0 if by_slot else slots * dim)
        return {"place": "slot" if by_slot else "dimension", "history": past // 2}

    def _hidden(self, seen: np.ndarray) -> np.ndarray:
        w = self.weights
        slots = len(w["codes"])
        codes = w["codes"][np.arange(slots), seen[:, :slots].astype(np.int64)].sum(axis=1)
        first = np.tanh(codes + (seen[:, slots:] - w["centre"]) / w["scale"] @ w["rest"].T + w["bias"])
        return np.asarray(np.tanh(first @ w["hidden"].T + w["hidden.bias"]))


def _sample(logits: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a column (n,) drawn by logits (n, columns): the largest after Gumbel noise."""
    return np.asarray((logits + rng.gumbel(size=logits.shape)).argmax(axis=1))


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))
