"""Training for analog memory: float, noise-aware, then judged as programmed into phase-change memory and left there."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from latent_nas import seeds
from latent_nas.analog import TIMES_S
from latent_nas.evaluators import Evaluator, Job
from latent_nas.evaluators.training import Training
from latent_nas.evaluators.work import blank, built_of, data_for
from latent_nas.records import FULL, Record, reason_of
from latent_nas.spaces import narrows
from latent_nas.target import Target, open_target
from latent_nas.training import TrainingFailed

if TYPE_CHECKING:
    from latent_nas.training.network import Network

OBJECTIVE = "1d"


class Analog(Evaluator):
    """Trains like ``Training``; a record's objective is the mean of the task's metric one day after programming.

    Args:
        aware: whether training is noise-aware. workers, ray: see ``Training``.
    """

    integers = False

    def __init__(self, target: Target, workers: int = 0, ray: str = "", aware: bool = True) -> None:
        self._training = Training(target, workers, ray, partial(record_of, aware=aware))

    @classmethod
    def check(cls, target: Target) -> None:
        """Refuse branches.

        Raises:
            ValueError: the recipe has some.
        """
        if target.recipe(open_target(target).task, FULL).branches:
            raise ValueError(
                "branches are folded into weights that hold no noise yet, and analog memory is trained for with it;"
                " leave branches out"
            )
        if target.prune_to:
            raise ValueError("networks for analog memory are not pruned; leave --prune-to out")
        if target.weight_bits < 8 or narrows(target.space):
            out = "--weight-bits" if target.weight_bits < 8 else f"--space {target.space}"
            raise ValueError(f"analog memory holds weights as conductances, not as bits; leave {out} out")

    def evaluate(self, jobs: Iterable[Job]) -> Iterator[Record]:
        """Yield records as they finish."""
        self._training.say = self.say
        return self._training.evaluate(jobs)

    def close(self) -> None:
        """Give the workers back."""
        self._training.close()


def record_of(target: Target, job: Job, aware: bool = True) -> Record:
    """Return the record of a job, failed or ok; save the trained weights where the job says so.

    ``measured_beside`` holds analog_METRIC_1s, ..._1h, ..._1d, ..._1month (of most tasks METRIC is the accuracy), the
    same with _std, over 25 programmings, and analog_variation_1month: what the mean loses from a second to a month.
    """
    from latent_nas.analog.aware import make_aware, settle
    from latent_nas.analog.crossbar import accuracies
    from latent_nas.training.fit import fit
    from latent_nas.training.stage import Stage

    task, started = open_target(target).task, time.perf_counter()
    graph, record = built_of(target, job).graph, blank(target, job)
    data = task.data()
    learn, judge = data_for(task, data, job)
    recipe, stop_at = target.recipe(task, job.fidelity), job.epochs if job.part == "test" else None

    def score(network: "Network") -> float:
        return task.kind.score(network.outputs(judge.x), judge.y)

    try:
        stage = Stage(task, recipe, job.seed, learn, None if stop_at else judge, stop_at)
        network, curve, epochs = fit(graph, stage, make_aware if aware else None)
        settle(network)
        if not np.isfinite(network.outputs(judge.x)).all():
            raise TrainingFailed("the trained network's outputs are not finite")
    except TrainingFailed as error:
        reason = reason_of(f"{type(error).__name__}: {error}")
        return replace(record, status="failed", reason=reason, wall_s=round(time.perf_counter() - started, 3))
    digital = score(network)
    found = accuracies(network, score, seeds.derive(job.seed, "analog"))
    mean, std = found.mean(axis=0), found.std(axis=0, ddof=1)
    metric = task.kind.metric
    analog = f"analog_{metric.name}"
    metrics = {f"{analog}_{name}": metric.signed(float(m)) for name, m in zip(TIMES_S, mean, strict=True)}
    metrics |= {f"{analog}_{name}_std": float(s) for name, s in zip(TIMES_S, std, strict=True)}
    metrics["analog_variation_1month"] = float(mean[0] - mean[-1])
    record = replace(
        record,
        measured_float={metric.name: metric.signed(digital)},
        measured_beside=metrics,
        objective=f"{analog}_{OBJECTIVE}",
        epochs=epochs,
        curve=tuple(round(v, 5) for v in curve),
        samples=len(judge),
        wall_s=round(time.perf_counter() - started, 3),
    )
    if job.keep:
        network.save(Path(job.keep), record.to_json())
    return record


Plugin = Analog
