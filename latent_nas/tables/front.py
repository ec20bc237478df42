"""How good a front of objective against cost is, as one number."""

import numpy as np


def hypervolume(gain: np.ndarray, cost: np.ndarray, least: float, most: float) -> float:
    """Return the area (Zitzler 1999) that points dominate: gain (n,) above ``least``, cost (n,) below ``most``."""
    good = (gain > least) & (cost < most)
    order = np.lexsort((-gain[good], cost[good]))
    gain, cost = np.maximum.accumulate(gain[good][order]), cost[good][order]
    widths = np.diff(np.append(cost, most))
    return float((widths * (gain - least)).sum()) if len(gain) else 0.0
