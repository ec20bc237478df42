"""What an agent expects of a network before it asks the judge: the value of what comes of an edit."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from latent_nas import seeds
from latent_nas.agent.gains import OUTPUTS, features, worth
from latent_nas.agent.population import Pool, Proposed, Proposer
from latent_nas.env.memo import Memo
from latent_nas.judge import Judge
from latent_nas.spaces import Space
from latent_nas.surrogates import Surrogate, chosen, design, restored
from latent_nas.surrogates.mlp import Mlp

ROWS, UPDATES, BATCH, HIDDEN = 16_384, 800, 256, 64  # of its training
WIDE = 1024  # choices of a space from which on its features alone are looked at, else the fit takes too long
FLOOR = 0.2  # quantile of plain scores below which it is not told how bad a network is
REMEMBERED = 13  # log2 of the networks whose expectations are remembered
PARENTS = 64  # the best of a population, whose children it compares


@dataclass(frozen=True)
class Critic:
    """Plain score and log costs of networks, learnt from those that the agent met in training.

    An edit's outcome is a network, so that its value is a function of the network alone: the value of an after-state
    (Sutton and Barto 2018, section 6.8). Limits enter by arithmetic, as in ``Gains``.
    """

    space: Space
    model: Surrogate

    def __call__(self, genes: np.ndarray) -> np.ndarray:
        """Return features (n, 4), as of ``gains.features``, of canonical genes (n, g)."""
        return np.asarray(self.model.predict_choices(chosen(self.space, genes), self.space.features(genes)), float)

    @property
    def file(self) -> bytes:
        """The critic, as it is kept."""
        return self.model.artifact().files["mlp.safetensors"]

    @staticmethod
    def of_file(space: Space, data: bytes) -> "Critic":
        """Return the critic of ``file``.

        Raises:
            ValueError: a damaged one, or one of another space.
        """
        columns = int(space.sizes.sum()) + len(space.feature_names)
        made = {"surrogate": "mlp", "settings": _mlp(space).get_params(), "flat": False}
        made |= {"columns": columns, "targets": OUTPUTS}
        return Critic(space, restored(made, {"mlp.safetensors": data}))

    @staticmethod
    def fit(space: Space, genes: np.ndarray, judged: np.ndarray, rng: np.random.Generator) -> "Critic":
        """Return the critic of judged networks (n, JUDGED) with genes (n, g), of which it sees ``ROWS``."""
        rows = rng.choice(len(genes), min(ROWS, len(genes)), replace=False)
        seen = features(judged[rows])
        seen[:, 0] = np.maximum(seen[:, 0], np.quantile(seen[:, 0], FLOOR))
        return Critic(space, _mlp(space, int(rng.integers(2**31))).fit(design(space, genes[rows]), seen))


def _mlp(space: Space, seed: int = 0) -> Mlp:
    """Return an unfitted model of the space's networks."""
    return Mlp(
        members=1,
        hidden=HIDDEN,
        epochs=0,
        steps=UPDATES,
        batch=BATCH,
        rate=1e-2,
        decay=1e-3,
        held_out=0.0,
        linear=1e-4,
        binary=float(space.sizes.sum() <= WIDE),
        seed=seed,
    )


class Met:
    """Networks that were judged: the random ones (n, g) and (n, JUDGED) of the beginning, and what is added."""

    def __init__(self, genes: np.ndarray, judged: np.ndarray) -> None:
        self.genes, self.judged = [genes.astype(np.int16)], [judged.astype(np.float32)]

    def add(self, codes: np.ndarray, genes: np.ndarray, judged: np.ndarray) -> None:
        """Take in genes (n, g) and judged (n, JUDGED); codes (n, slots) do not matter."""
        self.genes.append(genes.astype(np.int16))
        self.judged.append(judged.astype(np.float32))

    def critic(self, space: Space, seed: int) -> Critic:
        """Return what is learnt from them."""
        genes, judged = np.concatenate(self.genes), np.concatenate(self.judged)
        return Critic.fit(space, genes.astype(np.int64), judged.astype(float), seeds.rng(seed, "critic"))


class Foreseen:
    """The children that a critic expects most of, of several proposers and whoever's they are, the best first."""

    def __init__(self, critic: Critic, judge: Judge, proposers: Sequence[Proposer]) -> None:
        self.critic, self.judge, self.proposers = critic, judge, proposers
        self._expected = Memo(OUTPUTS, REMEMBERED)

    def __call__(self, pool: Pool, parents: np.ndarray, rng: np.random.Generator) -> Proposed:
        """Return children of the population's best, whoever was drawn as ``parents`` (n,); each may be any one's."""
        parents = np.arange(min(len(pool), PARENTS))
        parts = [propose(pool, parents, rng) for propose in self.proposers]
        codes, genes, of = (np.concatenate(part) for part in zip(*parts, strict=True))
        both = np.concatenate([pool.genes[parents], genes])  # one call is sooner done than two
        expected = self._expected(both, lambda some: self.critic(both[some]))
        error = features(pool.judged[parents]) - expected[: len(parents)]
        worths = worth(expected[len(parents) :] + error[of], pool.limits, self.judge.weight, self.judge.margin)
        order = np.argsort(-worths, kind="stable")
        return codes[order], genes[order], np.arange(len(order))
