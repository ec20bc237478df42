"""Networks from which a fast surrogate learns what the full one believes: those that a search would come upon."""

from collections.abc import Callable

import numpy as np

from latent_nas.spaces import Space

SAMPLES, WIDE, CHEAP = 4000, 1000, 1000
GENERATIONS, PARENTS, CHILDREN = 8, 100, 250

Rows = Callable[[np.ndarray], np.ndarray]


def explore(
    space: Space,
    design: Rows,
    log_costs: Rows,
    value: Rows,
    log_limits: np.ndarray,
    weight: float,
    best: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return designs (m, columns) of networks from everywhere, from inside the limits, and of a short evolution.

    Half of the evolution is under the given limits, half under tighter ones, since a search may bring its own.

    Args:
        design: genes (n, genes) -> (n, columns). log_costs: designs -> (n, 3). value: designs -> accuracy (n,).
        log_limits: of the costs, (3,). weight: of their excess in the value. best: genes to start from, (k, genes).
    """
    samples = space.sample(rng, SAMPLES)
    inputs = [design(samples)]
    logs = log_costs(inputs[0])
    cheap = np.argsort(np.maximum(logs - log_limits, 0).sum(axis=1), kind="stable")[:CHEAP]
    genes, known = np.concatenate([samples[cheap], best]), np.concatenate([inputs[0][cheap], design(best)])
    inputs = [inputs[0][:WIDE], known]
    values, costs = value(known), log_costs(known)
    for generation in range(GENERATIONS):
        tight = log_limits if generation % 2 else np.minimum(log_limits, logs[rng.integers(len(logs))])
        worth = values - weight * np.maximum(costs - tight, 0).sum(axis=1)
        parents = genes[np.argsort(-worth, kind="stable")[:PARENTS]]
        children = space.mutate(parents[rng.integers(len(parents), size=CHILDREN)], rng)
        inputs.append(design(children))
        genes, values = np.concatenate([genes, children]), np.append(values, value(inputs[-1]))
        costs = np.concatenate([costs, log_costs(inputs[-1])])
    return np.concatenate(inputs)
