"""Make runtimes from whole networks that others measured; print their errors per core.

    python benchmarks/fit_published.py --measurements published_measurements.csv --out latent_nas/runtimes

Cycles are ``published_model``'s factors times those of ``cmsis_nn``; their error bar is the median of networks left out
of the fit and, for nine in ten, ``published_model.bar`` of them. Where only one network was measured nothing can be
left out: the bar is ``ONE_NETWORK``, an estimate. Versions are runtimes of their own. Flash and RAM beside weights and
tensors are fitted to totals (``published_bytes``) where four networks state them, else the medians of what is stated;
what no row states is ``cmsis_nn``'s, and the file says so. Activation RAM has the range of all versions that lay out
the arena alike (``published_ram``). Cores that were not measured follow the Cortex-M4 or M7, as in ``cmsis_nn``.
"""

import argparse
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import published_bytes
import published_ram
import published_rows
from published_model import (
    BASE,
    CALL,
    CORE,
    INFERENCE,
    KINDS,
    SOFTMAX,
    WINDOWS,
    Group,
    bar,
    fitted,
    group_of,
    groups_of,
    kind,
    left_out,
)

from latent_nas import artifacts, plugins
from latent_nas.calibration.text import toml
from latent_nas.runtimes import CoreRow, Error, Kernel, RamError, Runtime

ONE_NETWORK = Error(0.3, 0.7)
CLOCKS_MHZ = {"STM32F746G-DISCO": 216, "STM32H743": 480}  # where no row of a runtime states one: the chip's highest
BARE = {name: replace(kernel, cycles={}, error={}, slow=1.0) for name, kernel in BASE.kernels.items()}
WITHOUT_SCRATCH = {name: replace(kernel, scratch_bytes={}) for name, kernel in BARE.items()}
MEAN = replace(BARE["global_pool"], scratch_bytes={"call": 32.0, "channels": 4.0})  # as tflite-micro measures
REFERENCE = {**WITHOUT_SCRATCH, "global_pool": MEAN}
INTERPRETER = replace(
    BASE,
    kernels=BARE,
    cores={},
    slow_below_mhz=0.0,
    planner="greedy",
    pads="explicit",
    per_tensor=published_bytes.ONE_SCALE,
)
COMPILER = replace(  # numbers become code, outputs may lie over inputs
    INTERPRETER,
    kernels=WITHOUT_SCRATCH,
    overlays=True,
    planner="best",
    pads="none",
    alignment=4,
    quantisation_bytes_per_channel=0,
    quantisation_bytes_per_tensor=0,
    model_bytes=0,
    model_bytes_per_operator=0,
    ram_bytes_per_operator=0,
    ram_bytes_per_channel=0,
)
# Scratch of X-CUBE-AI as its generated code declares it (array sizes, in public repositories), rounded to a rule:
# sums of a window's channels and filters, two output rows that lie beside an input that is written over, some 5 KB for
# wide windows. From version 10 on, first convolutions take these too.
WINDOW = {"column": 4, "filters": 34, "row": 2}
SCRATCH: dict[str, dict[str, float]] = {
    "pointwise": {"input_channels": 4, "filters": 10, "row": 2},
    "depthwise": {"filters": 37, "row": 2},
    "dense": {"input_channels": 2, "outputs": 10},
}


def cube(window: dict[str, float]) -> Runtime:
    """Return X-CUBE-AI with the scratch of windows: pads are tensors of their own, beside what scratch says."""
    scratch = {**SCRATCH, "conv2d": window}
    kernels = {name: replace(kernel, scratch_bytes=scratch.get(name, {})) for name, kernel in BARE.items()}
    return replace(COMPILER, kernels=kernels, pads="windows", per_tensor=published_bytes.ONE_SCALE)


CUBE = cube({**WINDOW, "deep": 2560})
CUBE_10 = replace(cube({**WINDOW, "filters": 14, "call": 5120}), overlay_ratio=1.9)  # from 10 on twice is too much


@dataclass(frozen=True)
class Made:
    """A runtime to make: its rows by runtime and versions, what it is, and what else there is of it."""

    runtime: str
    versions: tuple[str, ...]
    description: str
    base: Runtime = COMPILER

    def of(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return its rows."""
        return table[(table.runtime == self.runtime) & table.runtime_version.isin(self.versions)]


MADE = {
    "x_cube_ai": Made("x_cube_ai", ("STM32Cube.AI 10.0.0", "STM32Cube.AI 10.2"), "STM32Cube.AI 10", CUBE_10),
    "x_cube_ai_9": Made("x_cube_ai", ("STM32Cube.AI 9.0", "STM32Cube.AI 9.0.0"), "STM32Cube.AI 9", CUBE),
    "x_cube_ai_8_1": Made("x_cube_ai", ("STM32Cube.AI 8.1.0",), "STM32Cube.AI 8.1", CUBE),
    "x_cube_ai_7_3": Made("x_cube_ai", ("STM32Cube.AI 7.3.0",), "STM32Cube.AI 7.3", CUBE),
    "x_cube_ai_7_1": Made("x_cube_ai", ("STM32Cube.AI 7.1.0",), "STM32Cube.AI 7.1", CUBE),
    "st_edge_ai_3": Made("x_cube_ai", ("STEdgeAI Core 3.0.0",), "ST Edge AI Core 3", CUBE_10),
    "tflm_cmsis_nn": Made(
        "cmsis_nn",
        ("TFLM (2024) + CMSIS-NN V.13.0.0, GCC -O3", "TFLM (unspecified, MLPerf v0.7) + CMSIS-NN"),
        "TensorFlow Lite Micro with CMSIS-NN, from whole networks (cmsis_nn is from single layers)",
        INTERPRETER,
    ),
    "tflm_cmsis_nn_os": Made(
        "cmsis_nn",
        ("TFLM (2024) + CMSIS-NN V.13.0.0, GCC -Os",),
        "TensorFlow Lite Micro with CMSIS-NN, compiled for size (-Os), from whole networks",
        INTERPRETER,
    ),
    "tflm_reference": Made(
        "tflm_reference",
        ("TFLM @713b6ed",),
        "TensorFlow Lite Micro with its reference kernels; the arena is what tflite-micro takes (benchmarks/tflite.py)",
        replace(INTERPRETER, kernels=REFERENCE),
    ),
    "edge_impulse_eon": Made(
        "edge_impulse_eon", ("Edge Impulse tflite-eon (2024), GCC -O3",), "Edge Impulse EON with CMSIS-NN", INTERPRETER
    ),
    "microtvm": Made("microtvm", ("TVM e3a6cb6a1b",), "microTVM with its own kernels"),
    "microtvm_cmsis_nn": Made("microtvm_cmsis_nn", ("TVM e3a6cb6a1b CMSIS-NN 51263182d1",), "microTVM with CMSIS-NN"),
    "bosch_hale": Made("bosch_hale", ("HALE 1.0.175",), "Bosch HALE 1.0.175"),
    "plumerai": Made("plumerai", ("2023.05",), "Plumerai Inference Engine 2023.05"),
    "tinyengine": Made("tinyengine", ("TinyEngine 2022-08", "TinyEngine @0363956"), "MIT TinyEngine"),
}


def timed(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with latency and clock, and their cycles; where none states a clock, it is the chip's highest."""
    clock = table.clock_mhz if table.clock_mhz.notna().any() else table.board.map(CLOCKS_MHZ)
    cycles = table.latency_ms * clock * 1e3
    return table.assign(cycles=cycles)[cycles.notna()]


def kernels(base: Runtime, core: str, factors: dict[str, float], error: Error, source: str) -> dict[str, Kernel]:
    """Return the kernels of ``base`` with cycles on one more core: those of ``cmsis_nn`` times the factors."""
    made = {}
    for name, kernel in base.kernels.items():
        cycles = {t: v * factors[kind(name, t)] for t, v in BASE.cycles(name, CORE)[0].items()}
        cycles["call"] = CALL * factors["call"]
        if name in WINDOWS and name != "pointwise":
            cycles["line_macs"] = BASE.cycles(name, CORE)[0]["macs"] * factors["line"]
        cycles = {term: value for term, value in cycles.items() if value}
        made[name] = replace(
            kernel, cycles={**kernel.cycles, core: cycles}, error={**kernel.error, core: error}, source=source
        )
    return made


def make(name: str, made: Made, table: pd.DataFrame, groups: list[Group]) -> Runtime:
    """Return a runtime from its rows of a table, its factors drawn to those of ``groups``; prints errors per core."""
    rows = made.of(table)
    medians = {"code_bytes": rows.code_flash_bytes.median(), "ram_bytes": rows.runtime_ram_bytes.median()}
    stated: dict[str, Any] = {key: round(value) for key, value in medians.items() if value == value}
    held = dict(made.base.kernels)
    if "code_bytes" in stated:  # that of whole networks: kernels are in it
        held = {kind_: replace(kernel, code_bytes=0) for kind_, kernel in held.items()}
    runtime = replace(made.base, name=name, description=made.description, kernels=held, **stated)
    runtime = replace(runtime, ram=ram(made, table))
    said_of = []
    for field, with_ in (("code_bytes", published_bytes.with_flash), ("ram_bytes", published_bytes.with_ram)):
        if field == "ram_bytes" and "ram_bytes" in stated:
            continue
        start = replace(runtime, kernels=dict(made.base.kernels)) if field == "code_bytes" else runtime
        better, errors = with_(start, rows)
        if errors:
            off = np.abs(list(errors.values()))
            print(f"{name:20}{field:12}{len(off):7}{np.median(off):9.1%}{np.quantile(off, 0.9):8.1%}{off.max():8.1%}")
            runtime = better
            said_of.append(f"{field} fitted to {len(off)} networks, +- {np.median(off):.1%} (median) left out")
    missing = [f"{key} not published, so cmsis_nn's" for key in medians if key not in stated]
    said = [*said_of, *(one for one in missing if not any(f.startswith(one.split()[0]) for f in said_of))]
    source = f"{made.runtime}, {' and '.join(made.versions)}: {', '.join(sorted(set(rows.source_repo)))}"
    runtime = replace(runtime, source="; ".join([source, *said]))
    for core, group in timed(rows).groupby("core"):
        own, networks = group_of(made.runtime, group), group.network
        factors = dict(zip(KINDS, fitted(own, groups).tolist(), strict=True))
        errors, trivial = left_out(own, groups)
        off = np.abs(list(errors.values()))
        error = Error(float(np.median(off)), bar(list(errors.values()))) if errors else ONE_NETWORK
        how = f"{len(set(networks))} networks, " + ("left out one by one" if errors else "its error is estimated")
        source = f"cycles of cmsis_nn scaled to {how}"
        runtime = replace(runtime, kernels=kernels(runtime, str(core), factors, error, source))
        beside, softmax = round(INFERENCE * factors["inference"]), round(SOFTMAX * factors["softmax"])
        boards = "measured on " + ", ".join(sorted(set(group.board)))
        runtime = replace(
            runtime, cores={**runtime.cores, str(core): CoreRow(str(core), 1.0, 0.0, boards, beside, softmax)}
        )
        row = f"{name:20}{core:12}{len(set(networks)):7}"
        if errors:
            plain = np.median(np.abs(list(trivial.values())))
            row += f"{error.median:9.1%}{error.p90:8.1%}{off.max():8.1%}{plain:12.1%}"
        print(row)
    return replace(runtime, cores={**runtime.cores, **followers(runtime)})


def ram(made: Made, table: pd.DataFrame) -> RamError:
    """Return the range of activation RAM: of all versions with the same layout, else as wide as the widest there is."""
    rows = table[table.activation_ram_bytes.notna()]
    if not made.base.overlays:
        return RamError()
    layout = CUBE if made.base is CUBE else CUBE_10
    alike = pd.concat([one.of(rows) for one in MADE.values() if one.base is layout])
    found = published_ram.error(list(published_ram.logs(alike, layout).values()))
    if made.base is layout:
        return replace(found, source=f"{alike.network.nunique()} networks of {len(alike)} rows, Student's t")
    wide = {"low": found.low / found.scale, "high": found.high / found.scale}
    return RamError(1.0, **{k: round(v, 4) for k, v in wide.items()}, source="not published: as wide as X-CUBE-AI 10's")


def followers(runtime: Runtime) -> dict[str, CoreRow]:
    """Return the cores that were not measured: they follow one that was, as far apart as in ``cmsis_nn``."""
    like = next(core for core in ("cortex-m4", "cortex-m7") if core in runtime.cores)
    widest = max(kernel.error[like].p90 for kernel in runtime.kernels.values())
    found = {}
    for core in BASE.cores.keys() - runtime.cores.keys():
        near = BASE.cores[core if core != CORE.name else like]  # what is known of the two
        factor = BASE.cores[core].factor / BASE.cores[like].factor
        row = runtime.cores[like]
        beside, softmax, error = (
            round(factor * row.cycles),
            round(factor * row.softmax),
            min(near.error, float(np.floor(1000 * (1 - widest)) / 1000)),
        )
        found[core] = CoreRow(like, round(factor, 2), error, f"not measured; {near.source}", beside, softmax)
    return dict(sorted(found.items()))


def main() -> None:
    """Write the runtimes."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--measurements", type=Path, required=True, help="published_measurements.csv")
    parser.add_argument("--out", type=Path, required=True, help="folder of the TOML files")
    arguments = parser.parse_args()
    table = published_rows.read(arguments.measurements, plugins.names("zoo"))
    print(f"{'runtime':20}{'core':12}{'models':>7}{'median':>9}{'bar':>8}{'worst':>8}{'MACs alone':>12}")
    groups = groups_of(published_rows.timed(table))
    for name, made in MADE.items():
        text = toml(make(name, made, table, groups))
        first = f"# Made by benchmarks/fit_published.py from {len(made.of(table))} rows of published measurements.\n\n"
        artifacts.write(arguments.out / f"{name}.toml", first + text)


if __name__ == "__main__":
    main()
