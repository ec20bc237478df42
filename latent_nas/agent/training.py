"""An agent trained on a judge: episodes start from the best networks met so far."""

from collections.abc import Callable

import numpy as np

from latent_nas.agent.policy import Agent
from latent_nas.agent.population import Archive, Pool
from latent_nas.env.core import EditCore

BEST = 256  # networks that the agent's training hands on
EPISODE = 4  # edits
SHARE = 0.9  # of the episodes that start from the best networks met
ENVS = 1024
POPULATION, BATCH = 64, 64  # networks of a population, and edits judged at once
Watch = Callable[[np.ndarray, np.ndarray, np.ndarray], None]
Tell = Callable[[int, dict[str, float]], None]


def train_from_best(
    core: EditCore,
    start: Pool,
    agent: Agent | None,
    steps: int,
    seed: int,
    envs: int = ENVS,
    watch: Watch | None = None,
    tell: Tell | None = None,
    learner: str = "ppo",
) -> tuple[Agent, Archive]:
    """Return the agent after more training, and the best networks that were met in it and in ``start``.

    Episodes that don't start from random latents start from the best networks met so far. ``watch`` is shown codes,
    genes and judgement of every network met; ``tell`` and ``learner`` are as in ``learner.train``.
    """
    from latent_nas.agent.learner import train

    archive = Archive(start, BEST)
    core.watch = joined(archive.add, watch)

    def renew() -> float:
        best = archive.pool.best(POPULATION)
        core.starts = best.codes
        return max(float(best.values.std()), 1e-9)

    return train(core, agent, steps, seed, envs, renew, learner, tell), archive


def joined(first: Watch, second: Watch | None) -> Watch:
    """Return a watch that shows both what is met."""

    def met(codes: np.ndarray, genes: np.ndarray, judged: np.ndarray) -> None:
        first(codes, genes, judged)
        if second:
            second(codes, genes, judged)

    return met
