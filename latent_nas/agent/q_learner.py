"""The Q agent at school: smooth L1 on edits that were judged. Imports torch; import it where it is used."""

from dataclasses import dataclass

import numpy as np
import torch

from latent_nas import seeds
from latent_nas.adam import Adam
from latent_nas.agent.gains import OUTPUTS, Gains
from latent_nas.agent.q_network import Changes
from latent_nas.agent.vector import views

WIDTH, KEYS = 128, 16
BATCH, RATE, BETA = 1024, 3e-3, 0.5


@dataclass
class Replay:
    """Edits that were judged: what was seen, done and changed.

    Attributes:
        codes: (n, slots) before the edit. seen: plain score and log costs before it, (n, 4). slot, code: the edit,
            (n,) each. change: of the four, (n, 4).
    """

    codes: np.ndarray
    seen: np.ndarray
    slot: np.ndarray
    code: np.ndarray
    change: np.ndarray

    def __len__(self) -> int:
        return len(self.codes)

    @staticmethod
    def join(parts: "list[Replay]") -> "Replay":
        """Return the edits of all."""
        names = ("codes", "seen", "slot", "code", "change")
        return Replay(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def fresh(slots: int, codes: int, seen: np.ndarray, unit: np.ndarray, seed: int) -> Gains:
    """Return an agent that knows nothing; seen (n, 4) and unit (4,) as of ``Gains.adapted``."""
    rng = seeds.rng(seed, "gains")

    def normal(*shape: int, size: float) -> np.ndarray:
        return (rng.standard_normal(shape) * size).astype(np.float32)

    zeros = {"bias": (WIDTH,), "hidden.bias": (WIDTH,), "queries.bias": (slots, KEYS), "keys.bias": (slots, codes, 4)}
    weights = {
        "codes": normal(slots, codes, WIDTH, size=slots**-0.5),
        "seen": normal(OUTPUTS, WIDTH, size=0.5),
        "hidden": normal(WIDTH, WIDTH, size=WIDTH**-0.5),
        "queries": normal(slots, WIDTH, KEYS, size=WIDTH**-0.5),
        "keys": normal(slots, codes, KEYS, OUTPUTS, size=0.1 * KEYS**-0.5),
        **{name: np.zeros(shape, np.float32) for name, shape in zeros.items()},
    }
    return Gains(weights).adapted(seen, unit)


def learn(gains: Gains, replay: Replay, updates: int, seed: int, rate: float = RATE) -> Gains:
    """Return the agent after so many updates on the replay, at a rate that falls to 0; global RNGs are kept."""
    fixed = {name: gains.weights[name] for name in ("centre", "scale", "unit")}
    learnt = {name: array for name, array in gains.weights.items() if name not in fixed}
    shapes = {name: array.shape for name, array in learnt.items()}
    vector = torch.from_numpy(np.concatenate([a.ravel() for a in learnt.values()]).astype(np.float32))
    vector.requires_grad_(True)
    adam = Adam([vector])
    slots, codes = shapes["codes"][:2]
    rng, offsets = seeds.rng(seed, "replay"), np.arange(slots) * codes
    seen = gains.standardised(replay.seen)
    target = (replay.change / fixed["unit"]).astype(np.float32)
    put = replay.slot * codes + replay.code
    for update in range(updates):
        rows = rng.integers(len(replay), size=min(BATCH, len(replay)))
        rows = rows[np.argsort(put[rows], kind="stable")]
        before = replay.codes[rows]
        had = before[np.arange(len(rows)), replay.slot[rows]] + replay.slot[rows] * codes
        batch = (before + offsets, seen[rows], put[rows], had)
        change = Changes.apply(vector, shapes, *(torch.from_numpy(array) for array in batch))
        loss = torch.nn.functional.smooth_l1_loss(change, torch.from_numpy(target[rows]), beta=BETA)
        loss.backward()
        adam.step(rate * (1 - update / updates))
    return Gains({name: a.copy() for name, a in views(vector.detach().numpy(), shapes).items()} | fixed)
