"""Strategies compared by regret: how far the best network so far is from the table's optimum, seed by seed.

A strategy's regret is the mean of that distance over a run's first trainings, so that an early find counts. Differences
between two strategies are paired by seed, with the 95 % interval of Student's t; medians have bootstrapped intervals.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.stats import t as student

DRAWS = 2000  # of the bootstrap
LEAST_SEEDS = 6  # that tell anything of a median with 95 %: all lie on one side of it in 2 of 2^n cases


@dataclass(frozen=True)
class Interval:
    """A mean with its 95 % interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Standing:
    """What the runs of one strategy came to.

    Attributes:
        seeds: runs. median, median_low, median_high: trainings to the optimum, and the bootstrapped 95 % interval of
            their median; infinite where it was not reached, both ends where there are fewer than ``LEAST_SEEDS`` runs.
            reached: the share of runs that found it.
        regret: mean over runs. against: the strategy compared with. above: regret minus that of ``against``, paired;
            None for that one itself and where both have fewer than two seeds in common.
        final_above: the same of the distance after the last training.
    """

    seeds: int
    median: float
    median_low: float
    median_high: float
    reached: float
    regret: float
    against: str
    above: Interval | None
    final_above: Interval | None

    def plain(self) -> dict[str, Any]:
        """Return it for JSON: intervals as objects, None for what is infinite."""
        return {k: None if isinstance(v, float) and np.isinf(v) else v for k, v in asdict(self).items()}


def standings(
    runs: Sequence[Mapping[str, Any]], optimum: float, trainings: int, reference: str = ""
) -> dict[str, Standing]:
    """Return how the strategies of a bench stand, by name, in the order in which they come.

    Args:
        runs: as in the file of a bench. optimum: of the table. trainings: over which regret is averaged.
        reference: the strategy to compare with; "" is the one of the least regret.
    """
    by: dict[str, dict[int, Mapping[str, Any]]] = {}
    for run in runs:
        by.setdefault(run["strategy"], {})[run["seed"]] = run
    areas = {name: {s: area(run, optimum, trainings) for s, run in found.items()} for name, found in by.items()}
    last = {name: {s: abs(run["incumbents"][-1] - optimum) for s, run in found.items()} for name, found in by.items()}
    first = reference or min(areas, key=lambda name: np.mean(list(areas[name].values())))
    stand = {}
    for name, found in by.items():
        to = np.array([run["trainings_to_optimum"] or np.inf for run in found.values()])
        draws = np.random.default_rng(0).integers(len(to), size=(DRAWS, len(to)))
        low, high = np.quantile(np.median(to[draws], axis=1), [0.025, 0.975], method="nearest")
        if len(to) < LEAST_SEEDS:
            low, high = -np.inf, np.inf
        both = sorted(areas[first].keys() & found.keys()) if name != first else []
        above, final_above = (
            paired([value[name][s] - value[first][s] for s in both]) if len(both) > 1 else None
            for value in (areas, last)
        )
        stand[name] = Standing(
            seeds=len(found),
            median=float(np.median(to)),
            median_low=float(low),
            median_high=float(high),
            reached=float(np.isfinite(to).mean()),
            regret=float(np.mean(list(areas[name].values()))),
            against=first,
            above=above,
            final_above=final_above,
        )
    return stand


def area(run: Mapping[str, Any], optimum: float, trainings: int) -> float:
    """Return the mean distance from the optimum over the first trainings of a run."""
    return float(np.abs(np.array(run["incumbents"][:trainings]) - optimum).mean())


def paired(differences: Sequence[float]) -> Interval:
    """Return the mean of two or more paired differences and its 95 % interval."""
    values = np.asarray(differences, float)
    half = student.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    mean = float(values.mean())
    return Interval(mean, mean - float(half), mean + float(half))
