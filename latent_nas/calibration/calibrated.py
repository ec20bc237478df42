"""A runtime whose cycles are those of measured layers, and the report of how good they are."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from latent_nas.calibration.fit import counts, fit, left_out, plain_counts
from latent_nas.calibration.measurements import Measured
from latent_nas.costs.layer import Layer, layer
from latent_nas.runtimes import CoreRow, Error, Runtime

ENOUGH = 10  # distinct layers of a kernel, below which its cycles are only scaled; and two more than it has terms


@dataclass(frozen=True)
class Quality:
    """Relative errors of one kernel on one board, of layers left out of the fit where it was ``fitted``.

    Attributes:
        trivial_median, trivial_p90: of MACs (or outputs) times one constant, on the same folds; NaN or None where all
            layers have one shape.
    """

    board: str
    core: str
    kernel: str
    layers: int
    shapes: int
    fitted: bool
    median: float
    p90: float
    worst: float
    trivial_median: float | None
    trivial_p90: float | None


def calibrate(name: str, base: Runtime, measured: Sequence[Measured], source: str) -> tuple[Runtime, list[Quality]]:
    """Return a runtime with the cycles of the measurements, and their quality per board and kernel.

    A kernel with enough distinct layers on a core is fitted; one with fewer keeps the proportions of ``base``, scaled
    to its measurements; one without any is scaled as the others of the core are. All else is ``base``'s.

    Raises:
        ValueError: a measured kernel that ``base`` does not have.
    """
    kernels = {  # what was measured has its clock in it
        kind: replace(kernel, cycles={}, error={}, source="", slow=1.0) for kind, kernel in base.kernels.items()
    }
    quality: list[Quality] = []
    by_core: dict[str, list[Measured]] = defaultdict(list)
    for one in measured:
        by_core[one.core].append(one)
    for core, rows in by_core.items():
        found, report = _core(base, core, rows)
        quality += report
        for kind, (cycles, error, how) in found.items():
            old = kernels[kind]
            text = f"{old.source}; {core}: {how}" if old.source else f"{core}: {how}"
            kernels[kind] = replace(
                old, cycles={**old.cycles, core: cycles}, error={**old.error, core: error}, source=text
            )
    cores = {core: entry for core, entry in base.cores.items() if entry.like in by_core}
    for core, rows in by_core.items():
        code = base.cores[core].code_bytes if core in base.cores else 0
        boards = "measured on " + ", ".join(sorted({row.board for row in rows}))
        cores[core] = CoreRow(core, 1.0, 0.0, boards, code_bytes=code)
    made = replace(base, name=name, description=f"{base.description}, calibrated", source=source)
    return replace(made, kernels=kernels, cores=cores, slow_below_mhz=0.0), quality


_Found = tuple[dict[str, float], Error, str]


def _core(base: Runtime, core: str, rows: Sequence[Measured]) -> tuple[dict[str, _Found], list[Quality]]:
    """Return the cycles, errors and sources of all kernels on one core, and the quality of those measured."""
    like = core if core in base.cores else next(iter(base.cores))
    figures = [layer(row.operator, row.inputs) for row in rows]
    before = np.array([one.total(base.cycles_by(one.kernel, base.cores[like])[0]) for one in figures])
    ratios = np.array([row.cycles for row in rows]) / np.maximum(before, 1)
    factor, spread = float(np.median(ratios)), _quantile(np.abs(ratios / np.median(ratios) - 1), 0.9)
    found: dict[str, _Found] = {}
    for kind in base.kernels:
        if like not in base.kernels[kind].cycles and base.cores[like].like not in base.kernels[kind].cycles:
            continue
        each, error = base.cycles_by(kind, base.cores[like])
        scaled = {term: factor * value for term, value in each.items()}
        wider = Error(min(error.median + spread / 2, 1.0), min(error.p90 + spread, 1.0))
        found[kind] = (scaled, wider, f"not measured; {base.name}'s times {factor:.3g}, as the measured ones are")
    quality: list[Quality] = []
    for kind in sorted({one.kernel for one in figures}):
        own = [i for i, one in enumerate(figures) if one.kernel == kind]
        chosen = [figures[i] for i in own]
        found[kind], report = _kernel(base, like, [rows[i] for i in own], chosen, ratios[own])
        quality += report
    return found, quality


def _kernel(
    base: Runtime, like: str, rows: Sequence[Measured], figures: Sequence[Layer], ratios: np.ndarray
) -> tuple[_Found, list[Quality]]:
    cycles, shapes = np.array([row.cycles for row in rows]), [row.shape for row in rows]
    kind, distinct = figures[0].kernel, len({*shapes})
    terms, counted = counts(figures, base.cycles_by(kind, base.cores[like])[0])
    fitted = distinct >= max(ENOUGH, len(terms) + 2)
    if fitted:
        each = dict(zip(terms, fit(counted, cycles).tolist(), strict=True))
        errors = left_out(counted, cycles, shapes)
        error = Error(_quantile(errors, 0.5), _quantile(errors, 0.9))
        how = f"fitted to {len(rows)} measurements of {distinct} layers"
    else:
        factor = float(np.median(ratios))
        before, wide = base.cycles_by(kind, base.cores[like])
        each = {term: factor * value for term, value in before.items()}
        errors = np.abs(factor / ratios - 1)
        error = Error(max(wide.median, _quantile(errors, 0.5)), max(wide.p90, _quantile(errors, 0.9)))
        how = f"{base.name}'s times {factor:.3g}: {distinct} layers measured, too few for a fit of {len(terms)} terms"
    trivial = left_out(plain_counts(figures), cycles, shapes)
    report = []
    for board in sorted({row.board for row in rows}):
        own = np.array([row.board == board for row in rows])
        there = len({s for s, mine in zip(shapes, own, strict=True) if mine})
        off = (_quantile(errors[own], 0.5), _quantile(errors[own], 0.9), float(errors[own].max()))
        plain = (_quantile(trivial[own], 0.5), _quantile(trivial[own], 0.9))
        report.append(Quality(board, rows[0].core, kind, int(own.sum()), there, fitted, *off, *plain))
    bounded = Error(min(error.median, 1.0), min(error.p90, 1.0))
    return ({term: value for term, value in each.items() if value}, bounded, how), report


def _quantile(errors: np.ndarray, share: float) -> float:
    return float(np.quantile(errors, share))
