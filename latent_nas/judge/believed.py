"""The networks that searches of other tasks believe to be the best here, within this search's limits.

Random networks are far below the best believed ones where a space is large, so that a few populations climb: each from
its own samples, by mutations, on the mean of the beliefs.
"""

from collections.abc import Callable

import numpy as np

from latent_nas import seeds
from latent_nas.judge.transfer import Beliefs
from latent_nas.spaces import Genes, Space

SAMPLES, PARENTS, CHILDREN, ROUNDS = 1024, 32, 4, 24  # of a population: first, kept, children of each, generations


def best_believed(
    space: Space, beliefs: Beliefs, fits: Callable[[np.ndarray], np.ndarray], n: int, seed: int
) -> list[Genes]:
    """Return the best of each of n populations, unlike each other; fewer where none of its networks keeps the limits.

    Args:
        fits: whether canonical genes (n, genes) keep the limits, (n,).
    """
    found: list[Genes] = []
    for i in range(n):
        rng = seeds.rng(seed, "believed", i)
        genes = np.unique(space.sample(rng, SAMPLES), axis=0)
        genes = genes[fits(genes)]
        for _ in range(ROUNDS if len(genes) else 0):
            genes = beliefs.best(genes)[:PARENTS]
            children = np.unique(space.mutate(np.repeat(genes, CHILDREN, axis=0), rng), axis=0)
            hopeful = beliefs(children).mean(axis=1) > beliefs(genes[-1:]).mean()
            children = children[hopeful]  # limits take longer to see to
            genes = np.unique(np.concatenate([genes, children[fits(children)]]) if len(children) else genes, axis=0)
        best = (tuple(map(int, row)) for row in beliefs.best(genes)) if len(genes) else iter(())
        found += [one for one in best if one not in found][:1]
    return found
