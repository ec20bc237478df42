"""The agent at work: a policy over edits, as plain arrays."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Agent:
    """A policy from observations to logits of actions: tanh layers and a linear one on scaled observations.

    Attributes:
        weights: "centre" and "scale" (observation,); "layer<i>.weight" (out, in) and "layer<i>.bias" (out,);
            "logits.weight" (actions, in) and "logits.bias" (actions,); "value.weight", "value.bias" for more training.
    """

    weights: dict[str, np.ndarray]

    def logits(self, seen: np.ndarray) -> np.ndarray:
        """Return (n, actions) of observations (n, observation)."""
        w = self.weights
        hidden = (seen - w["centre"]) / w["scale"]
        layer = 0
        while f"layer{layer}.weight" in w:
            hidden = np.tanh(hidden @ w[f"layer{layer}.weight"].T + w[f"layer{layer}.bias"])
            layer += 1
        logits: np.ndarray = hidden @ w["logits.weight"].T + w["logits.bias"]
        return logits

    def act(self, seen: np.ndarray, rng: np.random.Generator, barred: np.ndarray) -> np.ndarray:
        """Return one sampled action per row, (n,); ``barred`` (n, actions) are not taken."""
        logits = np.where(barred, -np.inf, self.logits(seen))
        return np.asarray((logits + rng.gumbel(size=logits.shape)).argmax(axis=1))

    def fits(self, observation: int, actions: int) -> bool:
        """Whether the weights are for an environment of these sizes and finite."""
        w = self.weights
        return (
            w["centre"].shape == (observation,)
            and w["logits.bias"].shape == (actions,)
            and all(np.isfinite(x).all() for x in w.values())
        )
