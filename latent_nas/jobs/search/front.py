"""The front end of a search that is told ``front=auto``: what a few networks make of each on the validation part.

Front ends are not genes: they change the input's shape and what a training costs, and a codec and its surrogates are
made for one input. So one is taken before the search, by networks that the space draws, under the search's limits.
"""

from dataclasses import replace

import numpy as np

from latent_nas import seeds
from latent_nas.jobs.search.config import SearchConfig
from latent_nas.jobs.search.prepare import in_force
from latent_nas.records import SEARCH
from latent_nas.target import open_target
from latent_nas.tasks.kinds import Metric
from latent_nas.training import TrainingFailed, train

DRAWN, NETWORKS = 64, 3  # of the space; of those within the limits, trained behind every front end
SHARE = 0.5  # of a search's epochs


def chosen(config: SearchConfig, tasks: dict[str, str]) -> SearchConfig:
    """Return the configuration with the front end whose best network is best on validation, and a line that says so.

    Args:
        tasks: the task's name by that of each front end. Of equal ones the first is taken.

    Raises:
        ValueError: behind none of them a network keeps the limits.
    """
    found: dict[str, float] = {}
    said: list[str] = []
    metric: Metric | None = None
    for name, task in tasks.items():
        told = replace(config, target=replace(config.target, task=task))
        try:
            metric, value = _best(told)
        except ValueError as error:
            said.append(f"{name}: {error}")
            continue
        found[name] = value
        said.append(f"{name} {value:.4f}")
    if metric is None:
        raise ValueError(f"front=auto finds no front end within the limits ({'; '.join(said)}); loosen the limits")
    best = max(found, key=lambda name: metric.signed(found[name]))
    line = (
        f"front=auto takes {best}: the best validation {metric.name} of {NETWORKS} networks each, half trained, is"
        f" {', '.join(said)}"
    )
    return replace(config, target=replace(config.target, task=tasks[best]), front_found=line)


def _best(config: SearchConfig) -> tuple[Metric, float]:
    """Return the task's metric, and its best value on validation by networks within the limits.

    Raises:
        ValueError: none keeps them, or none could be trained.
    """
    setup = open_target(config.target)
    task, limits = setup.task, in_force(config, setup)
    genes = setup.space.canonical(setup.space.sample(seeds.rng(config.seed, "front"), DRAWN))
    inside = genes[setup.fits(genes, limits)][:NETWORKS]
    if not len(inside):
        raise ValueError(f"none of {DRAWN} networks keeps {limits.text()}")
    recipe = config.target.recipe(task, SEARCH)
    recipe = recipe.lasting(max(round(SHARE * recipe.epochs), 1))
    learn, judge = task.folds(task.data())[0]
    values = []
    for i, row in enumerate(inside):
        graph = setup.built(tuple(map(int, row))).graph
        try:
            trained = train(graph, task, recipe, config.seed + i, learn, judge, accelerator=config.target.accelerator)
        except TrainingFailed:
            continue
        values.append(trained.int8_metrics[task.kind.metric.name])
    if not values:
        raise ValueError("no training gave a network")
    return task.kind.metric, float(values[int(np.argmax([task.kind.metric.signed(v) for v in values]))])
