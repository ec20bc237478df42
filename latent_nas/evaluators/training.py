"""True training and int8 quantisation, by a crew."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial

from latent_nas.accelerator import CPU, CUDA, SHARE
from latent_nas.crews import carry_out, open_crew
from latent_nas.evaluators import Evaluator, Job
from latent_nas.evaluators.work import failed, record_of
from latent_nas.records import Record
from latent_nas.target import Target, open_target


class Training(Evaluator):
    """Trains every network it is asked for, ``workers`` at once or as many as a Ray cluster takes.

    Where a GPU has no room for so many, fewer are trained at once; a network that finds none alone goes to the CPU.

    Args:
        workers: local processes; 0 is one per core. ray: address of a cluster, "local", or "" for local processes.
        work: makes the record of a job; a module's function.
    """

    accelerated = True
    pauses = True

    def __init__(
        self, target: Target, workers: int = 0, ray: str = "", work: Callable[[Target, Job], Record] = record_of
    ) -> None:
        self.target, self.work = target, work
        self.crew = open_crew(workers, ray, self.gpus or SHARE * (target.accelerator == CUDA))
        self.crew.say = self._heard
        self._said = set[str]()

    def evaluate(self, jobs: Iterable[Job]) -> Iterator[Record]:
        """Yield records as they finish. A training that is lost is repeated; lost twice, it is a failed record."""
        work, fail = partial(self.work, self.target), partial(failed, self.target)
        return carry_out(self.crew, work, map(self._complete, jobs), fail, _on_the_cpu)

    def _heard(self, line: str) -> None:
        """Say what a worker says, once, as every training that learns from teachers says how good they are."""
        if line not in self._said:
            self._said.add(line)
            self.say(line)

    def _complete(self, job: Job) -> Job:
        """Return the job with its graph and costs, which this process knows of a proposal already."""
        return replace(job, built=job.built or open_target(self.target).built(job.genes))

    def close(self) -> None:
        """Give the workers back; what has not ended is dropped."""
        self.crew.close()


def _on_the_cpu(job: Job) -> Job:
    """Return a job that finds no room on a GPU as one for the CPU."""
    return replace(job, accelerator=CPU)


Plugin = Training
