"""Final validation: the best networks trained in full, on train and validation data, and read on the test part once."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from latent_nas import seeds
from latent_nas.evaluators import Evaluator, Job
from latent_nas.jobs.proof import above, fits, prove, tools_missing
from latent_nas.limits import Limits
from latent_nas.records import Record
from latent_nas.runs import files
from latent_nas.runs.schema import FinalNetwork
from latent_nas.store import Store
from latent_nas.target import Setup

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
    train and validation data with ``repeats`` seeds. The order comes from validation, never from the test part. Where
    compiler and emulator are installed, each becomes firmware beside ``folder`` and runs on the emulated device.
    """
    wanted = len(chosen) * (repeats + 1)
    runs = [seeds.derive(seed, "full", i) % 2**31 for i in range(repeats)]
    checks = [Job(r.genes, seeds.derive(seed, "epochs") % 2**31, "full") for r in chosen]
    checked = _all(checks, evaluator, store, lambda n: done(n, wanted))
    pairs = [(r, c) for r, c in zip(chosen, checked, strict=True) if c.ok]
    for record in checked:
        if not record.ok:
            say(f"full training failed: {record.reason}")
    order = sorted(pairs, key=lambda p: (-(p[1].score or 0), p[1].latency_ms, p[1].genes))
    jobs = [
        Job(r.genes, s, "full", part="test", epochs=c.epochs, keep=str(folder / f"{rank}") if s == runs[0] else "")
        for rank, (r, c) in enumerate(order, 1)
        for s in runs
    ]
    fresh = sum(store.get(j.genes, j.seed, j.fidelity, j.part) is None for j in jobs)
    if fresh:
        reads = (store.note("test_reads") or 0) + fresh
        store.write_note("test_reads", reads)
        say(f"the test part is read by {fresh} trainings (final validation)")
    finals = _all(jobs, evaluator, store, lambda n: done(len(checks) + n, wanted))
    missing = tools_missing(setup)
    if missing and order:
        say(f"final networks are not run on the emulated device: {missing}")
    described = []
    for rank, (search, check) in enumerate(order, 1):
        network, proof = folder / f"{rank}", None
        if network.is_dir() and not missing:
            proof = prove(setup, network, folder.parent / files.FIRMWARE / f"{rank}", say)
        own = [f for f in finals if f.genes == search.genes]
        described.append(describe(setup, limits, search, check, own, proof))
    return described


def describe(
    setup: Setup,
    limits: Limits,
    search: Record,
    check: Record,
    finals: Sequence[Record],
    proof: dict[str, Any] | None,
) -> FinalNetwork:
    """Return what a user wants to know of one final network.

    Args:
        proof: what its firmware took on the emulated device, None where it was not run there.
    """
    cost = setup.costs(search.genes)
    ok = [f for f in finals if f.ok]
    binding = cost.binding(limits)
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
        measured_valid_int8=dict(check.measured_int8),
        measured_search_int8=dict(search.measured_int8),
        epochs=check.epochs,
        flash_bytes=cost.flash_bytes,
        ram_bytes={cost.region or "none large enough": cost.ram_bytes},
        latency_ms=cost.latency_ms,
        latency_error_ms=cost.latency_error_ms,
        macs=cost.macs,
        parameters=cost.parameters,
        code_bytes=cost.code_bytes,
        runtime_ram_bytes=cost.runtime_ram_bytes,
        binding=binding and {"limit": binding.name, "used": binding.ratio, "layer": binding.layer.node},
        firmware=proof,
        fits=fits(cost, limits, proof),
        emulated_above_bytes=above(limits, proof),
    )


def _spread(measured: Sequence[Mapping[str, float]]) -> tuple[dict[str, float], dict[str, float]]:
    """Return mean and sample std (of one value 0) of every metric that all trainings measured, by name."""
    metrics = sorted(set.intersection(*map(set, measured))) if measured else []
    values = {metric: [one[metric] for one in measured] for metric in metrics}
    means = {metric: float(np.mean(known)) for metric, known in values.items()}
    return means, {m: float(np.std(v, ddof=1)) if len(v) > 1 else 0.0 for m, v in values.items()}


def _all(jobs: Sequence[Job], evaluator: Evaluator, store: Store, done: Callable[[int], None]) -> list[Record]:
    """Return the records of all jobs, in their order; those the store lacks are trained."""

    def held(job: Job) -> Record | None:
        return store.get(job.genes, job.seed, job.fidelity, job.part)

    missing = [j for j in jobs if held(j) is None]
    finished = len(jobs) - len(missing)
    for record in evaluator.evaluate(missing):
        store.add(record)
        finished += 1
        done(finished)
    found = [held(j) for j in jobs]
    return [r for r in found if r is not None]
