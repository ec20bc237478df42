"""What a worker does: one job, start to record."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from latent_nas import accelerator, seeds
from latent_nas.costs import Costs
from latent_nas.crews import NoRoom, tell
from latent_nas.evaluators import Job
from latent_nas.fidelity import pause_of, share_of
from latent_nas.graph import Graph
from latent_nas.records import FULL, SEARCH, Record, reason_of, versions
from latent_nas.target import Built, Target, open_target
from latent_nas.tasks import Data, Part, Task
from latent_nas.tasks._changes import told
from latent_nas.training import FLOAT, Trained, TrainingFailed, subset, train
from latent_nas.training.metadata import metadata_of

if TYPE_CHECKING:
    from latent_nas.training.quantise import QuantisedNetwork

GLANCED = 1000  # samples that judge a glance: more would take as long as the glance itself
LEARNED = 512  # samples of the training part that say whether a network has learnt at all


def record_of(target: Target, job: Job) -> Record:
    """Return the record of a job, failed or ok; save the network where the job says so."""
    return trained(target, job)[0]


def trained(target: Target, job: Job) -> tuple[Record, "QuantisedNetwork | None"]:
    """Return the record of a job and its int8 network, None where the training failed.

    Where the task has several ``folds``, what is measured is of all of them and the network is the first one's.
    """
    task, started = open_target(target).task, time.perf_counter()
    graph = built_of(target, job).graph
    data = task.data_of(graph)
    pairs = _pairs(task, data, job)
    states = [Path(f"{job.state}.{i}") if job.state else None for i in range(len(pairs))]
    try:
        each = _each(pairs, states, partial(_one, target, job, graph, data))
    except TrainingFailed as error:  # it would again: the seed is the same
        reason = reason_of(f"{type(error).__name__}: {error}")
        wall_s = round(time.perf_counter() - started, 3)
        return replace(blank(target, job), status="failed", reason=reason, wall_s=wall_s), None
    record = _measured(target, job, data, pairs, each)
    record = replace(record, wall_s=round(time.perf_counter() - started, 3))
    for state in states if pause_of(job.fidelity) is None else []:
        if state:
            state.unlink(missing_ok=True)
    if job.keep:
        _keep(task, job, each[0], record)
    return record, each[0].network


def _pairs(task: Task, data: Data, job: Job) -> tuple[tuple[Part, Part], ...]:
    """Return what the trainings of a job learn from and are judged on: a pair each, several where a task has folds."""
    folded = pause_of(job.fidelity) or job.fidelity == SEARCH
    pairs = task.folds(data) if folded else (data_for(task, data, job),)
    if share_of(job.fidelity):
        return tuple((learn, _some(task, judge)) for learn, judge in pairs)
    return pairs


def _one(target: Target, job: Job, graph: Graph, data: Data, learn: Part, judge: Part, state: Path | None) -> Trained:
    """Return one training of a job, which goes on from the file of its state where that is there."""
    opened, final = open_target(target), job.part == "test"
    recipe, pause = target.recipe(opened.task, job.fidelity), pause_of(job.fidelity)
    return train(
        graph,
        opened.task,
        recipe,
        job.seed,
        learn,
        judge,
        job.epochs if final else None,
        _left(state, pause or recipe.epochs),
        accelerator=job.accelerator or target.accelerator,
        pause=pause,
        qat_epochs=job.qat_epochs,
        lesson=(data.train, data.valid) if final else None,  # a teacher never sees the test part
        say=tell,
        weight_bits=target.measured_bits(job.fidelity),
        eight_bit_ends=False if target.prune_to else job.eight_bit_ends,  # wider ends may not fit
        excess=opened.excess if target.prune_to and job.fidelity == FULL else None,
    )


def _measured(
    target: Target, job: Job, data: Data, pairs: Sequence[tuple[Part, Part]], each: Sequence[Trained]
) -> Record:
    """Return the record of a job's trainings, but for its time: metrics over all pairs, all else of the first."""
    task, made, final = open_target(target).task, each[0], job.part == "test"
    floats = np.concatenate([one.outputs for one in each])
    answers = np.concatenate([one.answers for one in each])
    y = np.concatenate([judge.y for _, judge in pairs])
    record = replace(
        blank(target, job),
        measured_float=task.kind.measure(floats, y),
        measured_int8=task.kind.measure(answers, y),
        epochs=round(np.mean([one.epochs for one in each])),
        qat_epochs=made.qat_epochs,
        measured_without_qat=dict(made.without_qat),
        eight_bit_ends=made.eight_bit_ends,
        measured_eight_bits=dict(made.eight_bits),
        curve=tuple(round(v, 5) for v in made.curve),
        samples=len(y),
    )
    if made.eight_bit_ends or made.pruned:
        cost = open_target(target).costs_of(made.model.graph, made.eight_bit_ends)
        record = replace(record, channels=made.pruned.channels if made.pruned else (), **_computed(cost))
    if final or job.fidelity == FULL or len(pairs) > 1:  # what final networks are ordered by
        record = replace(record, interval=task.kind.interval(answers, y))
    if final:
        record = replace(
            record,
            measured_beside=_decided(task, data, made.network),
            learned=_learned(task, made.network, pairs[0][0]),
            evidence=task.kind.evidence(answers, y, task.outputs),
        )
    if (where := job.accelerator or target.accelerator) != accelerator.CPU:
        record = replace(record, versions={**record.versions, "accelerator": accelerator.said(where)})
    return record


def _keep(task: Task, job: Job, made: Trained, record: Record) -> None:
    """Write the int8 network, with all that travels with it, and the float one where the job says."""
    measured = {f"{job.part}_{name}": value for name, value in made.int8_metrics.items()}
    about = metadata_of(task, made.network, measured)
    made.network.save(Path(job.keep), record.to_json(), about.files())
    made.model.save(Path(job.keep) / FLOAT, record.to_json())


def _each(
    pairs: Sequence[tuple[Part, Part]],
    states: Sequence[Path | None],
    one: Callable[[Part, Part, Path | None], Trained],
) -> list[Trained]:
    """Return a training of each pair of parts, to learn from and to be judged on, with the file of its state.

    Raises:
        NoRoom: a GPU has no memory for them; what was taken of it is given back.
    """
    try:
        return [one(learn, judge, state) for (learn, judge), state in zip(pairs, states, strict=True)]
    except RuntimeError as error:
        if not accelerator.is_full(error):
            raise
    accelerator.release()  # the error, and with it the frames that held the tensors, is gone by now
    raise NoRoom("a GPU has no memory for one more training")


def _left(state: Path | None, epochs: int) -> Path | None:
    """Return the file of a training's state, or None; what can't be gone on from is removed, and trained again."""
    if state and state.exists():
        from latent_nas.training.checkpoint import usable

        if not usable(state, epochs):
            state.unlink()
    return state


def data_for(task: Task, data: Data, job: Job) -> tuple[Part, Part]:
    """Return what one training learns from and is judged on; a final one learns from all that decides nothing."""
    if job.part != "test":
        return data.train, data.valid
    return data.learn if task.kind.learns_all else data.train, data.test


def _some(task: Task, judge: Part) -> Part:
    """Return what judges a glance: ``GLANCED`` samples at most, the same for all networks."""
    return subset(task, judge, min(1.0, GLANCED / len(judge)))


def _decided(task: Task, data: Data, network: "QuantisedNetwork") -> dict[str, float]:
    """Return what the validation part decides of an int8 network, and how that does on the test part."""
    if task.kind.learns_all:
        return {}
    return task.kind.decided(*((network.outputs(part.x), part.y) for part in (data.valid, data.test)))


def _learned(task: Task, network: "QuantisedNetwork", learn: Part) -> float:
    """Return an int8 network's first metric on what it learnt from, on ``LEARNED`` samples at most."""
    rng = seeds.rng(0, "learned")
    rows = np.sort(rng.permutation(len(learn))[:LEARNED])
    x, y = task.kind.batch(learn.x[rows], learn.y[rows], rng)  # as in training: with what a kind makes
    return task.kind.measure(network.outputs(x), y)[task.kind.metric.name]


def built_of(target: Target, job: Job) -> Built:
    """Return the graph and costs of a job's network: those that came with it, else worked out here."""
    return job.built or open_target(target).built(job.genes)


def blank(target: Target, job: Job) -> Record:
    """Return the record of a job with its computed costs and nothing measured."""
    task = open_target(target).task
    metric = task.kind.metric
    cost = built_of(target, job).costs
    return Record(
        genes=job.genes,
        space=target.space,
        task=target.task,
        seed=job.seed,
        fidelity=job.fidelity,
        device=target.device,
        runtime=target.runtime,
        **_computed(cost),
        part=job.part,
        round=job.round,
        objective=f"int8_{metric.name}",
        higher_is_better=metric.higher_is_better,
        recipe=told(target.recipe(task, job.fidelity)),
        versions=versions(),
    )


def _computed(cost: Costs) -> dict[str, Any]:
    """Return the fields of a record that are computed of its network."""
    return {name: getattr(cost, name) for name in ("flash_bytes", "ram_bytes", "latency_ms", "macs", "parameters")}


def failed(target: Target, job: Job, reason: str) -> Record:
    """Return the record of a job that a worker could not bring back."""
    return replace(blank(target, job), status="lost", reason=reason)
