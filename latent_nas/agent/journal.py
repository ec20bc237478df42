"""What an agent's school and work looked like, small enough to keep: for reports, never read by a search."""

from typing import Any

import numpy as np

from latent_nas.agent import Editor
from latent_nas.env.core import EditCore
from latent_nas.env.rows import PESSIMISTIC

SHOWN = 8  # episodes


def episodes(core: EditCore, agent: Editor, rng: np.random.Generator, n: int = SHOWN) -> dict[str, Any]:
    """Return n whole episodes of the agent as JSON values.

    Queries of the core are spent and its starts changed, so it is called when a search is over. Half of the episodes
    start from random latents, the others where those of the school did.

    Returns:
        "codes": per episode the codes (length + 1, slots) it went through. "scores": the pessimistic scores there. An
        edit that the core undid repeats the codes before it.
    """
    core.share = 0.5
    rows = core.start(rng.integers(2**31, size=n), np.zeros(n, np.int64))
    codes, scores = [rows.codes.copy()], [rows.judged[:, PESSIMISTIC].copy()]
    ends = np.full(n, core.steps)
    for step in range(core.steps):
        actions = agent.acts(core, rows, rng)
        ends = np.where((actions == core.stop) & (ends == core.steps), step, ends)
        core.step(rows, actions)
        codes.append(rows.codes.copy())
        scores.append(rows.judged[:, PESSIMISTIC].copy())
    return {
        "codes": [np.array(codes)[: end + 1, i].tolist() for i, end in enumerate(ends)],
        "scores": [np.array(scores)[: end + 1, i].round(5).tolist() for i, end in enumerate(ends)],
    }
