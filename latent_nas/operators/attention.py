"""Causal multi-head attention (Vaswani et al. 2017) over a sliding window, with a learnt bias per head and distance."""

from dataclasses import dataclass, replace
from math import log2, sqrt
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from latent_nas.fixed_point import Quant, multiplier, requantise
from latent_nas.operators import Operator, Shape

if TYPE_CHECKING:
    from torch import nn

STEPS = 256  # of a score: 1/256 of a doubling of its weight
HALVED = np.rint(2**15 * 2.0 ** (-np.arange(STEPS) / STEPS)).astype(np.int64)  # weight of a score so far below the best
MOST_WINDOW, MOST_WIDTH = 256, 512  # so that sums stay inside 32 bits


@dataclass(frozen=True)
class Attention(Operator):
    """Reads queries, keys and values (tokens, features); every token sees itself and the window - 1 before it.

    Nothing but distance tells the places apart, so a text may be longer than the window: the oldest key and value are
    forgotten, the others stay as they were worked out. In steps (see ``step``) keys and values of the window are kept
    in a ring from one run to the next.

    The integers: scores in 1/256 of a doubling, weights 2^(score - best) by a table and a shift, sums in
    32 bits, one division per head and token.
    """

    kind: ClassVar[str] = "attention"
    arity: ClassVar[int | None] = 3
    heads: int
    head_width: int
    window: int
    stepwise: bool = False

    @classmethod
    def examples(cls) -> "tuple[Attention, ...]":
        """Return some of differing fields."""
        return (
            cls(2, 2, 16),
            cls(1, 4, 3),
        )

    def shape(self, *inputs: Shape) -> Shape:
        """Return the common shape."""
        self.check_arity(*inputs)
        shape = inputs[0]
        if len(set(inputs)) > 1 or len(shape) != 2:
            raise ValueError(f"attention wants queries, keys and values of one shape (tokens, features), got {inputs}")
        if shape[1] != self.heads * self.head_width or not 1 <= self.head_width <= MOST_WIDTH:
            raise ValueError(
                f"attention of {self.heads} heads of {self.head_width} features (at most {MOST_WIDTH}) wants"
                f" {self.heads * self.head_width} features, got {shape[1]}"
            )
        if not 1 <= self.window <= MOST_WINDOW:
            raise ValueError(f"attention sees 1 to {MOST_WINDOW} tokens, got a window of {self.window}")
        return shape

    def step(self) -> "Attention":
        """Return the attention of one token at a time, which keeps keys and values."""
        return replace(self, stepwise=True)

    def state_bytes(self, *inputs: Shape) -> int:
        """Return keys and values of the window, in steps."""
        return 2 * self.window * inputs[0][1] if self.stepwise else 0

    def weight_shapes(self, *inputs: Shape) -> dict[str, Shape]:
        """Return bias (heads, window): what is added to scores by distance, 0 first."""
        return {"bias": (self.heads, self.window)}

    def macs(self, *inputs: Shape) -> int:
        """Return those of scores and of values, for a window that is full in steps and filling else."""
        tokens, features = inputs[0]
        if self.stepwise:
            return 2 * tokens * self.window * features
        return 2 * features * sum(min(t + 1, self.window) for t in range(tokens))

    def work(self, *inputs: Shape) -> dict[str, float]:
        """Return calls, MACs, scores, output elements, and the tokens of a window."""
        tokens, features = inputs[0]
        macs = self.macs(*inputs)
        counts = {"call": 1, "macs": macs, "scores": macs / (2 * self.head_width), "outputs": tokens * features}
        return {term: float(count) for term, count in counts.items()} | {"window": float(self.window)}

    def module(self, *inputs: Shape) -> "nn.Module":
        """Return the attention; its bias begins as a slope per head (Press et al. 2022, ALiBi) and is learnt."""
        from latent_nas.operators._attention_module import CausalAttention

        return CausalAttention(self.heads, self.window)

    def constants(self, weights: dict[str, np.ndarray], inputs: list[Quant], output: Quant) -> dict[str, np.ndarray]:
        """Return the factors of scores and of values, the bias (heads, window) in the scores' unit, zero points."""
        doublings = STEPS * log2(np.e)
        real = inputs[0].scale * inputs[1].scale / sqrt(self.head_width) * doublings
        m, shift = multiplier(real)
        value_m, value_shift = multiplier(inputs[2].scale / output.scale / 2**15)
        return {
            "multiplier": np.array([m, value_m], np.int64),
            "shift": np.array([shift, value_shift], np.int64),
            "bias": np.rint(weights["bias"] * doublings).clip(-(2**24), 2**24).astype(np.int32),
            "input_zero_points": np.array([x.zero_point for x in inputs]),
            "output_zero_point": np.array(output.zero_point),
        }

    def int8(self, constants: dict[str, np.ndarray], *xs: np.ndarray) -> np.ndarray:
        """Return (n, tokens, features) of any number of tokens."""
        c = constants
        n, tokens, features = xs[0].shape
        parts = (x.astype(np.float64) - z for x, z in zip(xs, c["input_zero_points"], strict=True))
        q, k, v = (p.reshape(n, tokens, self.heads, -1).transpose(0, 2, 1, 3) for p in parts)
        (m, value_m), (shift, value_shift) = c["multiplier"], c["shift"]
        apart = np.subtract.outer(np.arange(tokens), np.arange(tokens))
        seen = (apart >= 0) & (apart < self.window)
        scores = ((q @ k.swapaxes(2, 3)).astype(np.int64) * m + (np.int64(1) << (shift - 1))) >> shift
        scores += c["bias"][:, apart.clip(0, self.window - 1)]
        below = np.where(seen, scores, -(2**40)).max(axis=-1, keepdims=True) - scores
        weights = np.where(seen, HALVED[below % STEPS] >> np.clip(below // STEPS, 0, 16), 0)
        inverse = (2**32 - 1) // weights.sum(axis=-1, keepdims=True)
        total = (weights.astype(np.float64) @ v).astype(np.int64)  # below 2^53: exact
        mean = (total * inverse + 2**16) >> 17
        y = mean.transpose(0, 2, 1, 3).reshape(n, tokens, features)
        return requantise(y, value_m, value_shift, int(c["output_zero_point"]), -128, 127)


Plugin = Attention
