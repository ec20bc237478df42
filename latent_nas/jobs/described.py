"""What a user wants to know of one final network: its figures over seeds, those of the one that is kept, its costs."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from latent_nas.costs import costs
from latent_nas.graph import Graph
from latent_nas.graph.bits import narrow
from latent_nas.jobs.proof import above, counted_by_limits, fits
from latent_nas.limits import Limits
from latent_nas.records import Record
from latent_nas.runs.schema import FinalNetwork
from latent_nas.target import Setup
from latent_nas.tasks import Task
from latent_nas.tasks.kinds.confusion import recalls

KINDS = ("float", "int8", "beside")  # of what records measure


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
    built = setup.built(search.genes)
    cost = built.costs
    if graph is not None:
        cost = costs(graph, setup.device, setup.runtime)
    elif check.eight_bit_ends:
        cost = setup.costs_of(built.graph, eight_bit_ends=True)
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
        narrow_layers=len(narrow(built.graph)),
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
        emulated_limited=counted_by_limits(cost, proof),
    )


def _recalls(task: Task, kept: Record) -> dict[str, float]:
    """Return the share of every class that a network tells, by name; nothing where there are no classes."""
    if "confusion" not in kept.evidence:
        return {}
    matrix = np.array(kept.evidence["confusion"])
    names = task.classes or map(str, range(len(matrix)))
    return {name: float(share) for name, share in zip(names, recalls(matrix), strict=True) if np.isfinite(share)}


def _spread(measured: Sequence[Mapping[str, float]]) -> tuple[dict[str, float], dict[str, float]]:
    """Return mean and sample std (of one value 0) of every metric that all trainings measured, by name."""
    metrics = sorted(set.intersection(*map(set, measured))) if measured else []
    values = {metric: [one[metric] for one in measured] for metric in metrics}
    means = {metric: float(np.mean(known)) for metric, known in values.items()}
    return means, {m: float(np.std(v, ddof=1)) if len(v) > 1 else 0.0 for m, v in values.items()}
