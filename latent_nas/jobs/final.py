"""Final validation: the best networks trained in full, on train and validation data, and read on the test part once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from latent_nas import seeds
from latent_nas.costs import costs
from latent_nas.evaluators import Evaluator, Job
from latent_nas.graph import Graph
from latent_nas.jobs import kept
from latent_nas.jobs.proof import above, fits, prove, tools_missing
from latent_nas.limits import Limits
from latent_nas.records import Record, words
from latent_nas.runs import files
from latent_nas.runs.schema import FinalNetwork
from latent_nas.store import Store
from latent_nas.target import Setup
from latent_nas.tasks import Task
from latent_nas.tasks.kinds import Kind
from latent_nas.tasks.kinds.confusion import recalls
from latent_nas.training import aware, narrow
from latent_nas.training.quantise import QuantisedNetwork

KINDS = ("float", "int8", "beside")  # of what records measure


def finalise(
    setup: Setup,
    limits: Limits,
    chosen: Sequence[Record],
    evaluator: Evaluator,
    store: Store,
    seed: int,
    repeats: int,
    folder: Path,
    say: Callable[[str], None],
    done: Callable[[int, int], None],
) -> list[FinalNetwork]:
    """Return a description of every chosen network, fully trained, the best on the validation part first.

    The epochs are fixed by one run that stops early on the validation part; the networks reported are then trained on
    train and validation data with ``repeats`` seeds, once more with another where one has learnt nothing, and by
    quantisation-aware training where that run was. The first seed's is kept. The order comes from validation, never
    from the test part. Where compiler and emulator are installed, each becomes firmware beside ``folder`` and runs on
    the emulated device.
    """
    wanted = len(chosen) * (repeats + 1)
    runs = [seeds.derive(seed, "full", i) % 2**31 for i in range(repeats)]
    once = seeds.derive(seed, "epochs") % 2**31
    checks = [Job(r.genes, once, "full", eight_bit_ends=_ends(setup, limits, r.genes)) for r in chosen]
    checked = _all(checks, evaluator, store, lambda n: done(n, wanted))
    pairs = [(r, c) for r, c in zip(chosen, checked, strict=True) if c.ok]
    for record in checked:
        if not record.ok:
            say(f"full training {record.status}: {record.reason}")
    for r, c in pairs:
        if c.measured_eight_bits:
            measured = c.measured_float, c.measured_eight_bits, c.measured_int8
            line = narrow.said(setup.task, setup.target.weight_bits, c.eight_bit_ends, *measured, c.qat_epochs)
            say(f"{r.parameters:,} parameters: {line}")
        elif c.measured_without_qat:
            line = aware.said(setup.task, c.measured_float, c.measured_without_qat, c.measured_int8, c.qat_epochs)
            say(f"{r.parameters:,} parameters: {line}")
    order = sorted(pairs, key=lambda p: (-(_judged(*p).score or 0), p[1].latency_ms, p[1].genes))
    jobs = [
        Job(
            r.genes,
            s,
            "full",
            part="test",
            epochs=c.epochs,
            keep=str(folder / f"{rank}") if s == runs[0] else "",
            qat_epochs=c.qat_epochs,
            eight_bit_ends=c.eight_bit_ends,
        )
        for rank, (r, c) in enumerate(order, 1)
        for s in runs
    ]
    first, reached = tuple(jobs), {c.genes: c for _, c in order}
    for i, job in enumerate(jobs):  # one that has learnt nothing left its folder to another seed
        before = _held(job, store)
        if before is not None and before.ok and not learnt(setup, reached[job.genes], before):
            jobs[i] = replace(job, keep="")
    finals = _tested(jobs, evaluator, store, say, lambda n: done(len(checks) + n, wanted))
    lost = [i for i, final in enumerate(finals) if not learnt(setup, reached[final.genes], final)]
    for i in lost:
        why = _why(reached[finals[i].genes], finals[i])
        say(f"final training of seed {finals[i].seed}: {why}; it is trained again with another seed")
    again = [replace(first[i], seed=seeds.derive(first[i].seed, "again") % 2**31) for i in lost]
    collapsed = [finals[i] for i in lost]
    for i, final in zip(lost, _tested(again, evaluator, store, say, lambda n: None), strict=True):
        finals[i] = final
        if not learnt(setup, reached[final.genes], final):
            why = _why(reached[final.genes], final)
            say(f"final training of seed {final.seed} as well: {why}; it stays in the figures")
    missing = tools_missing(setup)
    if missing and order:
        say(f"final networks are not run on the emulated device: {missing}")
    described = []
    for rank, (search, check) in enumerate(order, 1):
        network, proof = folder / f"{rank}", None
        if network.is_dir() and not missing:
            proof = prove(setup, network, folder.parent / files.FIRMWARE / f"{rank}", say)
        own = [f for f in finals if f.genes == search.genes]
        without = tuple(f.seed for f in collapsed if f.genes == search.genes)
        alike = _alike(setup.task.kind, _judged(*order[0]), _judged(search, check)) if rank > 1 else None
        kept_graph = QuantisedNetwork.load(network).graph if setup.target.prune_to and network.is_dir() else None
        one = describe(setup, limits, search, check, own, proof, kept_graph)
        described.append(replace(one, collapsed_seeds=without, like_first=alike))
    return described


def describe(
    setup: Setup,
    limits: Limits,
    search: Record,
    check: Record,
    finals: Sequence[Record],
    proof: dict[str, Any] | None,
    graph: Graph | None = None,
) -> FinalNetwork:
    """Return what a user wants to know of one final network.

    Args:
        finals: its trainings, the one that is kept first.
        proof: what its firmware took on the emulated device, None where it was not run there. graph: that is kept,
            where pruning made it another than the genes'.
    """
    cost = setup.costs(search.genes)
    if graph is not None:
        cost = costs(graph, setup.device, setup.runtime)
    elif check.eight_bit_ends:
        cost = setup.costs_of(setup.built(search.genes).graph, eight_bit_ends=True)
    ok = [f for f in finals if f.ok]
    binding = cost.binding(limits)
    exported = finals[0] if finals and finals[0].ok else None
    floats, integers, beside = (_spread([getattr(f, f"measured_{kind}") for f in ok]) for kind in KINDS)
    return FinalNetwork(
        genes=search.genes,
        architecture=setup.space.describe(search.genes),
        measured_on="test",
        measured_float=floats[0],
        measured_float_std=floats[1],
        measured_int8=integers[0],
        measured_int8_std=integers[1],
        measured_beside=beside[0],
        measured_beside_std=beside[1],
        measured_int8_by_seed={str(f.seed): dict(f.measured_int8) for f in ok},
        seeds=len(ok),
        exported_seed=exported.seed if exported else None,
        measured_exported_int8=dict(exported.measured_int8) if exported else {},
        measured_exported_interval=exported.interval if exported else (),
        measured_exported_recall=_recalls(setup.task, exported) if exported else {},
        samples=exported.samples if exported else 0,
        measured_valid_int8=dict(check.measured_int8),
        measured_search_int8=dict(search.measured_int8),
        epochs=check.epochs,
        qat_epochs=check.qat_epochs,
        weight_bits=setup.target.weight_bits,
        eight_bit_ends=check.eight_bit_ends,
        channels=exported.channels if exported else (),
        measured_valid_eight_bits=dict(check.measured_eight_bits),
        flash_bytes=cost.flash_bytes,
        ram_bytes={cost.region or "none large enough": cost.ram_bytes},
        ram_low_bytes=cost.ram_low_bytes,
        ram_high_bytes=cost.ram_high_bytes,
        latency_ms=cost.latency_ms,
        latency_error_ms=cost.latency_error_ms,
        energy_uj=cost.energy_uj,
        energy_error_uj=cost.energy_error_uj,
        macs=cost.macs,
        parameters=cost.parameters,
        code_bytes=cost.code_bytes,
        runtime_ram_bytes=cost.runtime_ram_bytes,
        binding=binding and {"limit": binding.name, "used": binding.ratio, "layer": binding.layer.node},
        firmware=proof,
        fits=fits(cost, limits, proof),
        emulated_above_bytes=above(limits, proof),
    )


def _ends(setup: Setup, limits: Limits, genes: tuple[int, ...]) -> bool | None:
    """Return False where a network's first and last layer must not keep 8 bits: it would exceed the limits; else None.

    None leaves that to the validation part.
    """
    if setup.target.weight_bits == 8:
        return None
    cost = setup.costs_of(setup.built(genes).graph, eight_bit_ends=True)
    return False if cost.region is None or cost.exceeded(limits) else None


def _judged(search: Record, check: Record) -> Record:
    """Return the training of a network that more samples judged; the full one where as many did."""
    return max((check, search), key=lambda record: record.samples)


def _alike(kind: Kind, first: Record, other: Record) -> bool | None:
    """Return whether validation can't tell a network from the first one; None where no interval is known."""
    name = kind.metric.name
    if not first.interval or name not in other.measured_int8:
        return None
    return kind.metric.signed(other.measured_int8[name]) >= min(map(kind.metric.signed, first.interval))


def learnt(setup: Setup, check: Record, final: Record) -> bool:
    """Return whether a final training came out at all, told by what it learnt from and never by the test part.

    It has to be nearer to what the same network reached on the validation part than to what needs no network.
    """
    metric = setup.task.kind.metric
    if not final.ok or final.learned is None or metric.name not in check.measured_int8:
        return final.ok
    without = metric.signed(setup.task.baseline().metrics[metric.name])
    reached = metric.signed(check.measured_int8[metric.name])
    return metric.signed(final.learned) >= (without + reached) / 2 or reached <= without


def _why(check: Record, final: Record) -> str:
    if not final.ok:
        return final.reason
    name = check.objective.removeprefix("int8_")
    before = f"{check.measured_int8[name]:.4f} on validation before"
    return f"it has not learnt ({words(name)} {final.learned:.4f} on what it was taught, {before})"


def _recalls(task: Task, kept: Record) -> dict[str, float]:
    """Return the share of every class that a network tells, by name; nothing where there are no classes."""
    if "confusion" not in kept.evidence:
        return {}
    matrix = np.array(kept.evidence["confusion"])
    names = task.classes or map(str, range(len(matrix)))
    return {name: float(share) for name, share in zip(names, recalls(matrix), strict=True) if np.isfinite(share)}


def _tested(
    jobs: Sequence[Job], evaluator: Evaluator, store: Store, say: Callable[[str], None], done: Callable[[int], None]
) -> list[Record]:
    """Return the records of jobs that read the test part; each read is counted before it is done."""
    fresh = sum(_missing(job, store) for job in jobs)
    if fresh:
        store.write_note("test_reads", (store.note("test_reads") or 0) + fresh)
        say(f"the test part is read by {fresh} training{'s' * (fresh > 1)} (final validation)")
    return _all(jobs, evaluator, store, done)


def _spread(measured: Sequence[Mapping[str, float]]) -> tuple[dict[str, float], dict[str, float]]:
    """Return mean and sample std (of one value 0) of every metric that all trainings measured, by name."""
    metrics = sorted(set.intersection(*map(set, measured))) if measured else []
    values = {metric: [one[metric] for one in measured] for metric in metrics}
    means = {metric: float(np.mean(known)) for metric, known in values.items()}
    return means, {m: float(np.std(v, ddof=1)) if len(v) > 1 else 0.0 for m, v in values.items()}


def _all(jobs: Sequence[Job], evaluator: Evaluator, store: Store, done: Callable[[int], None]) -> list[Record]:
    """Return the records of all jobs, in their order; those the store lacks are trained."""
    missing = [job for job in jobs if _missing(job, store)]
    for job in missing:
        kept.make_room(job)
    finished = len(jobs) - len(missing)
    for record in evaluator.evaluate(missing):
        kept.note(store, missing, record)
        store.add(record)
        finished += 1
        done(finished)
    found = [_held(job, store) for job in jobs]
    return [record for record in found if record is not None]


def _held(job: Job, store: Store) -> Record | None:
    return store.get(job.genes, job.seed, job.fidelity, job.part)


def _missing(job: Job, store: Store) -> bool:
    """Return whether a job is to be done: it has no record, was lost, or what it kept is not there as it was."""
    record = _held(job, store)
    return record is None or record.lost or (record.ok and kept.gone(store, job))
