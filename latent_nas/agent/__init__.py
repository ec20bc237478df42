"""The agents: they edit latents, learn from a judge's change of opinion, and work inside a population."""

from typing import Protocol

import numpy as np

from latent_nas.env.core import EditCore
from latent_nas.env.rows import Rows


class Editor(Protocol):
    """An agent at work: ``policy.Agent`` (PPO, A2C) or ``gains.Gains`` (Q)."""

    @property
    def weights(self) -> dict[str, np.ndarray]:
        """All that it has learnt, by name."""

    def acts(self, core: EditCore, rows: Rows, rng: np.random.Generator) -> np.ndarray:
        """Return an action for each of n judged episodes, (n,), which may be to stop."""

    def edits(self, core: EditCore, rows: Rows, rng: np.random.Generator, k: int) -> np.ndarray:
        """Return k actions for each of n judged episodes, (n, k); none puts a code where it is already."""

    def fits(self, core: EditCore) -> bool:
        """Whether it is of the core's codec and actions."""
