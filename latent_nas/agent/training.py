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
) -> tuple[Agent, Archive]:
    """Return the agent after more training, and the best networks that were met in it and in ``start``.

    Episodes that don't start from random latents start from the best networks met so far. ``watch`` is shown codes,
    genes and judgement of every network met; ``tell`` is as in ``learner.train``.
    """
    from latent_nas.agent.learner import train

    archive = Archive(start, BEST)

    def met(codes: np.ndarray, genes: np.ndarray, judged: np.ndarray) -> None:
        archive.add(codes, genes, judged)
        if watch:
            watch(codes, genes, judged)

    core.watch = met

    def renew() -> float:
        best = archive.pool.best(POPULATION)
        core.starts = best.codes
        return max(float(best.values.std()), 1e-9)

    return train(core, agent, steps, seed, envs, renew, tell=tell), archive
