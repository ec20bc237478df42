"""Can the limits be met at all? Asked before any training."""

import numpy as np

from latent_nas import seeds
from latent_nas.limits import Limits
from latent_nas.target import Setup
from latent_nas.units import COSTS

SAMPLES, STEPS, CHILDREN = 256, 24, 16


def check_reachable(setup: Setup, limits: Limits) -> None:
    """Return if a network within the limits is found: among samples, else by descent from them.

    Raises:
        ValueError: none is found; says which limit binds and the least cost that the space was seen to reach.
    """
    rng = seeds.rng(0, "reach")
    bounds = limits.row()
    genes = setup.space.sample(rng, SAMPLES)
    cost = setup.exact(genes[:32])
    for start in range(32, SAMPLES, 32):
        if (cost <= bounds).all(axis=1).any():
            return
        cost = np.concatenate([cost, setup.exact(genes[start : start + 32])])
    least = cost.min(axis=0)
    aims = [lambda c: np.log(np.maximum(c / bounds, 1)).sum(axis=1)]
    aims += [lambda c, i=i: c[:, i] for i in range(len(COSTS))]  # type: ignore[misc]
    for aim in aims:
        best = genes[aim(cost).argmin()]
        value = aim(cost).min()
        for _ in range(STEPS):
            children = setup.space.mutate(np.repeat(best[None], CHILDREN, axis=0), rng)
            found = setup.exact(children)
            least = np.minimum(least, found.min(axis=0))
            if (found <= bounds).all(axis=1).any():
                return
            if aim(found).min() <= value:
                best, value = children[aim(found).argmin()], aim(found).min()
    short = [f"{n} <= {b:g} (the least found is {c:g})" for n, b, c in zip(COSTS, bounds, least, strict=True) if c > b]
    what = (
        " and ".join(short)
        or f"all of {', '.join(f'{n} <= {b:g}' for n, b in zip(COSTS, bounds, strict=True))} at once"
    )
    raise ValueError(
        f"no network of space {setup.space.name!r} for task {setup.target.task!r} was found with {what} on"
        f" {setup.device.name}; loosen that limit"
    )
