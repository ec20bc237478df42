"""The agent at work: a policy over edits, as plain arrays."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Agent:
    """A policy from brief observations to logits of actions: a tanh layer, another and a linear one.

    The first layer looks a row up for every code, which is what a linear layer does with one-hots and latent.

    Attributes:
        weights: "codes" (slots, codes, a), "rest" (a, rest), "bias" (a,), "centre" and "scale" (rest,) of the first
            layer; "hidden" (b, a) and "hidden.bias" (b,); "logits" (actions, b) and "logits.bias" (actions,);
            "value" (1, b) and "value.bias" (1,), the critic's, to train on.
    """

    weights: dict[str, np.ndarray]

    def logits(self, seen: np.ndarray) -> np.ndarray:
        """Return (n, actions) of brief observations (n, observation)."""
        w = self.weights
        slots = w["codes"].shape[0]
        rest = (seen[:, slots:] - w["centre"]) / w["scale"]
        codes = w["codes"][np.arange(slots), seen[:, :slots].astype(np.int64)].sum(axis=1)
        hidden = np.tanh(np.tanh(codes + rest @ w["rest"].T + w["bias"]) @ w["hidden"].T + w["hidden.bias"])
        logits: np.ndarray = hidden @ w["logits"].T + w["logits.bias"]
        return logits

    def act(self, seen: np.ndarray, rng: np.random.Generator, barred: np.ndarray) -> np.ndarray:
        """Return one sampled action per row, (n,); ``barred`` (n, actions) are not taken."""
        logits = np.where(barred, -np.inf, self.logits(seen))
        return np.asarray((logits + rng.gumbel(size=logits.shape)).argmax(axis=1))

    def fits(self, slots: int, codes: int, actions: int) -> bool:
        """Whether the weights are of a codec and an action space of these sizes."""
        return self.weights["codes"].shape[:2] == (slots, codes) and len(self.weights["logits"]) == actions
