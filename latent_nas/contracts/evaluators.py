"""What every evaluator that trains keeps: on two tiny networks for the digits, trained for an epoch."""

from dataclasses import replace
from typing import Any

import numpy as np

from latent_nas import seeds
from latent_nas.contracts import demand
from latent_nas.evaluators import Evaluator, Job
from latent_nas.records import Record
from latent_nas.target import MAIN_TARGET, Setup, Target

SAMPLES = 200


class Subject:
    """An evaluator's class; what it measures is measured once, and kept for every contract."""

    def __init__(self, plugin: type[Evaluator]) -> None:
        self.plugin = plugin
        self._measured: list[list[Record]] = []

    @property
    def target(self) -> Target:
        """The main target with the evaluator's runtime, and one epoch."""
        return replace(MAIN_TARGET, search_epochs=1)

    def jobs(self) -> list[Job]:
        """Return a job each for two networks of few MACs."""
        space = Setup(self.target).space
        genes = space.sample(seeds.rng(0, "contract"), SAMPLES)
        macs = space.features(genes)[:, space.feature_names.index("macs")]
        return [Job(tuple(row), 1) for row in genes[np.argsort(macs, kind="stable")[:2]].tolist()]

    def measured(self) -> list[list[Record]]:
        """Return the records of two runs over the jobs, one process each."""
        if not self._measured:
            for _ in range(2):
                evaluator: Any = self.plugin(self.target, 1, "")  # type: ignore[call-arg]
                try:
                    self._measured.append(list(evaluator.evaluate(self.jobs())))
                finally:
                    evaluator.close()
        return self._measured


def subjects(plugin: Any) -> list[Subject]:
    """Return the evaluator where it trains; one that looks records up is made otherwise, and not for a search.

    Raises:
        ValueError: it is an object, or its tools are not installed.
    """
    if not (isinstance(plugin, type) and issubclass(plugin, Evaluator)):
        raise ValueError("an evaluator is given as a class, not as an object")
    if not plugin.trains:
        return []
    subject = Subject(plugin)
    plugin.check(subject.target)
    return [subject]


def gives_a_record_per_job(subject: Subject) -> None:
    """Every job comes back once, with its genes, seed, fidelity and part."""
    jobs, found = subject.jobs(), subject.measured()[0]
    wanted = sorted((job.genes, job.seed, job.fidelity, job.part) for job in jobs)
    came = sorted((r.genes, r.seed, r.fidelity, r.part) for r in found)
    demand(came == wanted, f"of {len(jobs)} jobs {len(found)} records came, of other genes, seeds, fidelities or parts")


def measures_what_it_says(subject: Subject) -> None:
    """A record that is ok has its objective and costs; one that failed has a reason."""
    for record in subject.measured()[0]:
        demand(record.ok or record.reason, "a record failed without a reason")
        demand(record.ok, f"the training of a plain network failed: {record.reason}")
        demand(
            record.score is not None and np.isfinite(record.score),
            f"a record's objective {record.objective!r} is {record.measured_objective}, wanted a finite number",
        )
        demand(record.flash_bytes > 0 and record.latency_ms > 0, "a record has no costs")


def one_seed_gives_one_result(subject: Subject) -> None:
    """Two runs over the same jobs differ in nothing but the time they took."""
    first, second = (
        sorted((replace(r, wall_s=0.0) for r in records), key=lambda r: r.genes) for records in subject.measured()
    )
    demand(first == second, "two runs with one seed give different records")


CONTRACTS = (gives_a_record_per_job, measures_what_it_says, one_seed_gives_one_result)
