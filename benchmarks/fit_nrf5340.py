"""Make the runtime ``tflm_zephyr`` from NAS-Bench-201 networks that others measured on an nRF5340; print its errors.

    python benchmarks/fit_nrf5340.py --measurements nrf5340_nb201.csv.gz [--out latent_nas/runtimes] [--judge other.csv]

The table is NATS-Bench-MCU's (github.com/ankilab/NATS-Bench-MCU, CC BY 4.0; Zimmermann, Groh and Kist 2026): TensorFlow
Lite Micro under Zephyr, Cortex-M33 at 128 MHz. Cells are built as they are written, in a converter's order. Cycles are
those of ``cmsis_nn`` by kernel, each times a factor; the runtime's own RAM is a constant and bytes per operator and
filter; power is a constant. Errors are of rows left out, five folds. ``--judge`` fits to all rows of the first table
and judges on another of the same form.
"""

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from fit_published import BASE, INTERPRETER
from published_model import CORE
from scipy.optimize import nnls
from scipy.stats import kendalltau

from latent_nas import artifacts
from latent_nas.calibration.text import toml
from latent_nas.cores import open_core
from latent_nas.costs.layer import layer
from latent_nas.costs.lowered import lowered
from latent_nas.costs.memory import plan
from latent_nas.graph.deploy import deploy
from latent_nas.runtimes import CoreRow, Error, RamError, Runtime
from latent_nas.spaces import open_space
from latent_nas.spaces.nasbench201 import OPERATORS, NasBench201

CLOCK_HZ, BOARD, LIKE = 128e6, "an nRF5340", "cortex-m33"
KINDS = ("conv2d", "pointwise", "avg_pool", "add", "relu", "rest")  # rest: pooling to one pixel, the last batch norm
FOLDS = 5
WIDE = Error(0.3, 0.5)  # kernels that no measured network has
RUNS = ("conv2d", "pointwise", "avg_pool", "add", "relu")


@dataclass(frozen=True)
class Table:
    """Networks: counted cycles (rows, kinds), planned arena, own RAM's parts (rows, 3), and what was measured."""

    cycles: np.ndarray
    planned: np.ndarray
    own: np.ndarray
    measured_cycles: np.ndarray
    measured_arena: np.ndarray
    power_mw: np.ndarray
    energy_mj: np.ndarray


def genes(cell: str) -> list[int]:
    """Return the operators of a cell's edges, of its text "|op~0|+|op~0|op~1|+|...|"."""
    edges = [edge for node in cell.split("+") for edge in node.strip("|").split("|")]
    return [OPERATORS.index(edge.split("~")[0]) for edge in edges]


def read(path: Path) -> Table:
    """Return the table of a file."""
    table = pd.read_csv(path)
    space = open_space("nasbench201", (32, 32, 3), 10)
    assert isinstance(space, NasBench201)
    rows = [counts(space, cell) for cell in table.arch_str]
    cycles, planned, own = (np.array(column, float) for column in zip(*rows, strict=True))
    arena = table.arena_used_kb.to_numpy() * 1024
    energy = table.energy_mJ.to_numpy()
    return Table(cycles, planned, own, table.latency_s.to_numpy() * CLOCK_HZ, arena, table.power_mW.to_numpy(), energy)


def counts(space: NasBench201, cell: str) -> tuple[list[float], int, list[float]]:
    """Return the cycles by kind, the planned arena, and 1, operators and filters of one cell's network."""
    deployed = deploy(space.written(genes(cell)))
    graph, _ = lowered(deployed.graph, deployed.sources, INTERPRETER.pads)
    layers = [layer(node.operator, graph.shapes_into(node)) for node in graph.nodes]
    cycles = dict.fromkeys(KINDS, 0.0)
    for one in layers:
        if one.work:
            cycles[one.kernel if one.kernel in KINDS else "rest"] += one.total(BASE.cycles(one.kernel, CORE)[0])
    runs, filters = sum(bool(one.work) for one in layers), sum(one.channels for one in layers)
    return list(cycles.values()), plan(graph, layers, INTERPRETER).peak, [1.0, float(runs), float(filters)]


def factors(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return non-negative factors (kinds,) of x (rows, kinds) for y: least squares of relative errors."""
    size = np.abs(x / y[:, None]).max(axis=0)
    found: np.ndarray = nnls(x / y[:, None] / size, np.ones(len(y)))[0] / size
    return found


def own_ram(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return bytes per part (3,) of x (rows, 3): least absolute errors, as some arenas have a tensor more."""
    weights = np.ones(len(y))
    for _ in range(30):
        found: np.ndarray = np.linalg.lstsq(x * weights[:, None], y * weights, rcond=None)[0]
        weights = 1 / np.sqrt(np.maximum(np.abs(y - x @ found), 30))
    return found


def folds(table: Table) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return computed cycles, arena and energy (mJ) of every row by a fit without its fold."""
    number = np.random.default_rng(0).permutation(len(table.planned)) % FOLDS
    found = np.zeros((3, len(table.planned)))
    for i in range(FOLDS):
        out, kept = number == i, number != i
        found[:, out] = by(table, kept, table, out)
    return found[0], found[1], found[2]


def by(known: Table, kept: np.ndarray, other: Table, out: np.ndarray) -> np.ndarray:
    """Return computed cycles, arena and energy (3, rows) of some rows of one table by a fit to some of another."""
    cycles = other.cycles[out] @ factors(known.cycles[kept], known.measured_cycles[kept])
    own = own_ram(known.own[kept], (known.measured_arena - known.planned)[kept])
    arena = other.planned[out] + other.own[out] @ own
    return np.stack([cycles, arena, np.median(known.power_mw[kept]) * cycles / CLOCK_HZ])


def show(table: Table, found: tuple[np.ndarray, np.ndarray, np.ndarray], what: str) -> tuple[np.ndarray, np.ndarray]:
    """Print the errors of computed values; return those of latency and measured / computed arenas."""
    cycles, arena, energy = found
    off, tau = np.abs(cycles / table.measured_cycles - 1), kendalltau(cycles, table.measured_cycles)[0]
    print(f"{what}: latency median {np.median(off):.1%}, p90 {np.quantile(off, 0.9):.1%}, Kendall tau {tau:.3f}")
    ratio = table.measured_arena / arena
    print(f"  arena within 2 % in {np.mean(np.abs(ratio - 1) <= 0.02):.1%}, median {np.median(np.abs(ratio - 1)):.2%}")
    off_energy = np.abs(energy / table.energy_mj - 1)
    print(f"  energy median {np.median(off_energy):.1%}, p90 {np.quantile(off_energy, 0.9):.1%}")
    return off, ratio


def make(table: Table, off: np.ndarray, ratio: np.ndarray) -> Runtime:
    """Return the runtime, its error bars those of the folds."""
    each = dict(zip(KINDS, factors(table.cycles, table.measured_cycles).tolist(), strict=True))
    fixed, operator, filters = own_ram(table.own, table.measured_arena - table.planned)
    error, common = Error(float(np.median(off)), float(np.quantile(off, 0.9))), each["conv2d"]
    kernels = {}
    for name, kernel in INTERPRETER.kernels.items():
        known = name in RUNS
        factor = each[name] if known else each["relu"] if name == "relu6" else common
        factor = each["rest"] if name == "global_pool" else factor
        cycles = {term: factor * value for term, value in BASE.cycles(name, CORE)[0].items()}
        source = f"cycles of cmsis_nn times {factor:.3g}" + ("" if known else ", not measured by itself")
        made = replace(kernel, cycles={LIKE: cycles}, error={LIKE: error if known else WIDE}, source=source)
        kernels[name] = made
    low, high = (round(float(np.quantile(ratio, q)), 4) for q in (0.025, 0.975))
    ram = RamError(
        1.0, min(low, 1.0), max(high, 1.0), f"{len(ratio)} networks, five folds: their files' order is guessed"
    )
    return replace(
        INTERPRETER,
        name="tflm_zephyr",
        description="TensorFlow Lite Micro under Zephyr, without CMSIS-NN's kernels for all operators",
        source="NATS-Bench-MCU (CC BY 4.0; Zimmermann, Groh and Kist, AutoML 2026), nRF5340; code_bytes is cmsis_nn's",
        kernels=kernels,
        ram_bytes=round(fixed + 2 * operator),  # a softmax and the last batch norm's addition
        ram_bytes_per_operator=round(operator),
        ram_bytes_per_channel=round(filters),
        ram=ram,
        cores=cores(),
    )


def cores() -> dict[str, CoreRow]:
    """Return the rows of cores: the measured one, and as far from it as under ``cmsis_nn`` all others."""
    near = open_core(LIKE).near
    assert near is not None
    found = {LIKE: CoreRow(LIKE, 1.0, 0.05, f"measured on {BOARD}")}
    for name, row in BASE.cores.items():
        source = f"not measured; {near.source}" + ("" if name == near.core else f"; {row.source}")
        found[name] = CoreRow(
            LIKE, round(row.factor / near.scale, 2), min(round(row.error + near.error, 2), 0.5), source
        )
    return found


def main() -> None:
    """Print the errors; write the runtime."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--measurements", type=Path, required=True, help="nrf5340_nb201.csv.gz")
    parser.add_argument("--out", type=Path, help="folder of the TOML file")
    parser.add_argument("--judge", type=Path, help="another such table")
    arguments = parser.parse_args()
    table = read(arguments.measurements)
    off, ratio = show(table, folds(table), f"{len(table.planned)} networks left out, five folds")
    print(f"power {np.median(table.power_mw):.2f} mW, {np.quantile(table.power_mw, [0.05, 0.95])}")
    if arguments.judge:
        other = read(arguments.judge)
        every = np.full(len(table.planned), True), np.full(len(other.planned), True)
        cycles, arena, energy = by(table, every[0], other, every[1])
        show(other, (cycles, arena, energy), f"{len(other.planned)} other networks")
    if arguments.out:
        text = toml(make(table, off, ratio))
        first = f"# Made by benchmarks/fit_nrf5340.py from {len(table.planned)} networks.\n\n"
        artifacts.write(arguments.out / "tflm_zephyr.toml", first + text)


if __name__ == "__main__":
    main()
