"""What a search would do, before it does anything: ``latent-nas search --dry-run``."""

import math
import os
import time
from typing import Any

import numpy as np

from latent_nas import seeds
from latent_nas.jobs.search.config import SearchConfig
from latent_nas.jobs.search.prepare import prepare
from latent_nas.target import Setup
from latent_nas.training import train
from latent_nas.units import COSTS

SAMPLES = 256


def plan(config: SearchConfig) -> dict[str, Any]:
    """Return the plan of a search as JSON values; one network is trained for one epoch, to know this machine's speed.

    Raises:
        ValueError: a wrong name or setting, or limits that nothing meets.
    """
    prepared = prepare(config)
    setup, limits = prepared.setup, prepared.limits
    genes = np.unique(setup.space.sample(seeds.rng(config.seed, "plan"), SAMPLES), axis=0)
    cost = setup.exact(genes)
    bounds = limits.row()
    inside = (cost <= bounds).all(axis=1)
    epoch_s = _epoch_s(setup, genes[inside] if inside.any() else genes[cost.prod(axis=1).argsort()[:1]])
    workers = config.workers or os.cpu_count() or 1
    recipes = {fidelity: config.target.recipe(setup.task, fidelity) for fidelity in setup.task.recipes}
    search_s = epoch_s * recipes["search"].epochs * math.ceil(config.trainings / config.batch) * _turns(config, workers)
    final_s = (
        epoch_s
        * recipes["full"].work
        / recipes["search"].share
        * sum(math.ceil(n / workers) for n in (config.top, config.top * config.final_seeds))
    )
    return {
        "space": config.target.space,
        "genes": len(setup.space.genes),
        "log10_combinations": round(float(np.log10(setup.space.sizes.astype(float)).sum()), 1),
        "device": setup.device.name,
        "limits": limits.to_json(),
        "random_networks": len(genes),
        "share_within_limits": round(float(inside.mean()), 3),
        "share_beyond": {n: round(float((cost[:, i] > bounds[i]).mean()), 3) for i, n in enumerate(COSTS)},
        "random_costs": {
            n: dict(
                zip(("least", "median", "most"), np.quantile(cost[:, i], (0, 0.5, 1)).round(3).tolist(), strict=True)
            )
            for i, n in enumerate(COSTS)
        },
        "trainings": config.trainings,
        "final_trainings": config.top * (1 + config.final_seeds),
        "workers": workers,
        "measured_epoch_s": round(epoch_s, 3),
        "expected_training_s_at_most": round(search_s + final_s),
    }


def summary(found: dict[str, Any]) -> str:
    """Return the plan in a few lines for people."""
    shown = [
        f"space {found['space']}: {found['genes']} genes, 10^{found['log10_combinations']:g} combinations",
        f"of {found['random_networks']} random networks {found['share_within_limits']:.0%} keep the limits on"
        f" {found['device']}:",
    ]
    for name, cost in COSTS.items():
        limit, beyond = found["limits"][name], found["share_beyond"][name]
        bound = "no limit" if limit is None else f"limit {cost.number(limit)}, {beyond:.0%} are beyond it"
        span = ", ".join(f"{what} {value / cost.size:.3g}" for what, value in found["random_costs"][name].items())
        shown.append(f"  {cost.word} ({cost.unit}): {span}; {bound}")
    minutes = found["expected_training_s_at_most"] / 60
    shown.append(
        f"{found['trainings']} trainings and {found['final_trainings']} final ones on {found['workers']} processes:"
        f" about {minutes:.1f} minutes of training at most, and the strategy's own time"
    )
    return "\n".join([*shown, "a plan: nothing was written"])


def _turns(config: SearchConfig, workers: int) -> int:
    return math.ceil(min(config.batch, config.trainings) / workers)


def _epoch_s(setup: Setup, genes: np.ndarray) -> float:
    """Return the seconds of an epoch of a network of median MACs among these (n, genes), by training it for one.

    Of a task with several folds, those of an epoch of each.
    """
    data, count = setup.task.data(), len(setup.task.folds(setup.task.data()))
    graphs = sorted((setup.space.graph(row) for row in genes[:15]), key=lambda graph: graph.macs)
    recipe = setup.task.recipes["search"].lasting(1)
    for _ in range(2):  # the first one loads what it needs
        started = time.perf_counter()
        middle, where = graphs[len(graphs) // 2], setup.target.accelerator
        train(middle, setup.task, recipe, 0, data.train, data.valid, accelerator=where)
    return count * (time.perf_counter() - started)
