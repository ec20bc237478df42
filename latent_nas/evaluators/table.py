"""Evaluation by looking it up: a table of networks that were trained before.

The fidelity of a job that is not a search training's is the column that holds it, such as a shorter training.
"""

from collections.abc import Iterable, Iterator

import numpy as np

from latent_nas.evaluators import Evaluator, Job
from latent_nas.records import SEARCH, Record
from latent_nas.tables.space import TableSpace
from latent_nas.target import Target


class TableLookup(Evaluator):
    """Answers jobs at once with the mean over the rows of a network; no flash and no RAM is counted.

    Args:
        space: of the table. objective: the column. minimise: whether smaller is better.
        cost: a column to stand where a record has its latency, or "" for none.
    """

    trains = False

    def __init__(self, space: TableSpace, objective: str, minimise: bool = False, cost: str = "") -> None:
        self.space, self.objective, self.minimise = space, objective, minimise
        self.costs = space.table.values[cost] if cost else np.zeros(space.table.networks)

    @classmethod
    def check(cls, target: Target) -> None:
        """Refuse: a table can't train for a device."""
        raise ValueError("a table is looked up by `latent-nas bench`; a search trains: --measure training")

    def evaluate(self, jobs: Iterable[Job]) -> Iterator[Record]:
        """Yield the records in the order of the jobs."""
        for job in jobs:
            network = self.space.network(np.array([job.genes]))[0]
            column = self.objective if job.fidelity == SEARCH else job.fidelity
            value = float(self.space.table.values[column][network])
            known = np.isfinite(value)
            yield Record(
                genes=job.genes,
                space=self.space.name,
                task=self.objective,
                seed=job.seed,
                fidelity=job.fidelity,
                part=job.part,
                round=job.round,
                status="ok" if known else "failed",
                reason="" if known else f"the table has no {column} of it",
                measured_beside={self.objective: value} if known else {},
                objective=self.objective,
                higher_is_better=not self.minimise,
                latency_ms=float(self.costs[network]),
            )


Plugin = TableLookup
