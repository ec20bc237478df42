"""How far two orders of the same things agree; scipy.stats, which knows too, takes half a second to import."""

import numpy as np

MANY = 1000  # values whose pairs are too many to be held


def kendall(one: np.ndarray, other: np.ndarray) -> float:
    """Return Kendall's tau-b of values (n,) and (n,), NaN where either is constant.

    Source: Kendall 1945, "The treatment of ties in ranking problems".
    """
    if len(one) > MANY:
        from scipy.stats import kendalltau

        return float(kendalltau(one, other).statistic)
    above = np.triu_indices(len(one), 1)
    ups, others = (np.sign(values[above[1]] - values[above[0]]) for values in map(np.asarray, (one, other)))
    pairs = (np.count_nonzero(ups), np.count_nonzero(others))
    if not all(pairs):
        return float("nan")
    return float(np.clip((ups * others).sum() / np.sqrt(pairs[0]) / np.sqrt(pairs[1]), -1, 1))
