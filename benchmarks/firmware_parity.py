"""Random networks as firmware on the emulated STM32F405: bits, sizes and cycles against what was computed.

    python benchmarks/firmware_parity.py --networks 200 --inputs 20 --rows parity.jsonl
    python benchmarks/firmware_parity.py --networks 20 --inputs 5 --rows cores.jsonl --cores

Networks of ``mcu_cnn`` that fit the device, with drawn weights, each with plain and with SMLAD kernels; then the
instructions per MAC of four layers. Every network measured is a line of ``--rows``; those there already are not
measured again, so that a long run can be cut. What the runtime ``native`` says is computed when the report is printed.
With ``--cores`` the same networks run on every core of ``latent_nas/cores``, each with the memory of the STM32F405.
With ``--four-bits`` they have weights of 4 bits, and want ``--rows`` of their own.
"""

import argparse
import json
import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from latent_nas import plugins, seeds
from latent_nas.cores import open_core
from latent_nas.costs import costs
from latent_nas.devices import Device, open_device
from latent_nas.firmware import elf
from latent_nas.firmware.check import emulate
from latent_nas.firmware.compile import build
from latent_nas.firmware.draw import drawn
from latent_nas.firmware.export import project
from latent_nas.graph import Builder, Graph
from latent_nas.graph.bits import with_weight_bits
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.dense import Dense
from latent_nas.runtimes import open_runtime
from latent_nas.spaces import open_space

DEVICE, RUNTIME = open_device("stm32f405"), open_runtime("native")
LAYERS = {
    "3x3 conv 16->32 on 16x16": ((16, 16, 16), Conv2d(32), 1.5),
    "pointwise 32->64 on 16x16": ((16, 16, 32), Conv2d(64, (1, 1)), 1.7),
    "depthwise 3x3, 32 channels on 16x16": ((16, 16, 32), Conv2d(32, groups=32), 5.0),
    "dense 512->64": ((512,), Dense(64), 2.2),
}


def measure(graph: Graph, seed: int, inputs: int, folder: Path, plain: bool, device: Device = DEVICE) -> dict[str, Any]:
    """Return what was measured of one network; every tensor of every input is compared."""
    network, x = drawn(graph, seed, max(inputs, 4))
    made = project(network, device)
    made.write(folder)
    start = _children_s()
    firmware = build(folder, device.core, plain)
    built, before = _children_s(), time.process_time()
    checked, report, _ = emulate(made, firmware, x[:inputs], tensors=inputs)
    read = elf.read(firmware)
    return {
        "core": device.core.name,
        "plain": plain,
        "inputs": inputs,
        "macs": graph.macs,
        "outputs": checked.outputs,
        "equal_outputs": checked.equal_outputs,
        "tensors": checked.tensors,
        "equal_tensors": checked.equal_tensors,
        "different_outputs": len(np.unique(network.integers(x))),
        "flash_bytes": read.flash_bytes,
        "ram_bytes": read.ram_bytes,
        "arena_high_water_bytes": report["arena_high_water_bytes"],
        "peak_stack_bytes": report["peak_stack_bytes"],
        "instructions": report["instructions"],
        "cycles": float(np.mean(report["emulated_cycles"])),
        "instructions_by_operator": report["instructions_by_operator"],
        "compile_cpu_s": built - start,
        "emulate_cpu_s_per_inference": (time.process_time() - before) / (inputs + 1),
    }


def _children_s() -> float:
    times = os.times()
    return times.children_user + times.children_system


def predicted(graph: Graph) -> dict[str, float]:
    """Return what the costs say of one network's image."""
    cost = costs(graph, DEVICE, RUNTIME)
    return {
        "flash_bytes": cost.flash_bytes,
        "ram_bytes": cost.ram_bytes,
        "cycles": cost.cycles,
        "arena_bytes": cost.arena_bytes,
    }


def networks(n: int, seed: int) -> list[Graph]:
    """Return random networks of ``mcu_cnn`` that fit the device's flash, region and a few million MACs."""
    space, found, draw = open_space("mcu_cnn", (16, 16, 3), 10), list[Graph](), 0
    while len(found) < n:
        genes = space.sample(seeds.rng(seed, "parity", draw), 1)[0]
        graph, draw = space.graph(tuple(genes.tolist())), draw + 1
        cost = costs(graph, DEVICE, RUNTIME)
        if cost.macs < 5_000_000 and cost.flash_bytes - cost.code_bytes < 300_000 and cost.region:
            found.append(graph)
    return found


def measured(
    graphs: list[Graph], seed: int, inputs: int, path: Path, folder: Path, device: Device = DEVICE
) -> list[dict[str, Any]]:
    """Return the rows of all networks; those that the file lacks are measured and appended to it."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    held = {(r["core"], r["seed"], r["network"], r["plain"], r["inputs"]): r for r in map(json.loads, lines)}
    core = device.core.name
    for i, graph in enumerate(graphs):
        for plain in (False, True):
            key = (core, seed, i, plain, inputs)
            if key not in held:
                held[key] = {"seed": seed, "network": i, **measure(graph, seed + i, inputs, folder, plain, device)}
                with open(path, "a", encoding="utf-8") as file:
                    file.write(json.dumps(held[key]) + "\n")
    return [held[core, seed, i, plain, inputs] for i in range(len(graphs)) for plain in (False, True)]


def report(graphs: list[Graph], rows: list[dict[str, Any]]) -> None:
    """Print the shares of equal values and the errors of what was computed."""
    for plain in (False, True):
        some = [row for row in rows if row["plain"] == plain]
        said = [predicted(graphs[row["network"]]) for row in some]
        total = {
            key: sum(row[key] for row in some) for key in some[0] if key not in ("instructions_by_operator", "core")
        }
        print(f"{'plain' if plain else 'SMLAD'} kernels, {len(some)} networks x {some[0]['inputs']} inputs:")
        print(f"  outputs equal {total['equal_outputs']} of {total['outputs']}, ", end="")
        print(f"elements of all tensors {total['equal_tensors']} of {total['tensors']}")
        print(f"  different values in a network's outputs: at least {min(row['different_outputs'] for row in some)}")
        for what in () if plain else ("flash_bytes", "ram_bytes", "cycles"):  # native is the SMLAD kernels
            off = np.array([abs(own[what] / row[what] - 1) for own, row in zip(said, some, strict=True)])
            print(f"  {what} predicted: median error {np.median(off):.2%}, ", end="")
            print(f"90th percentile {np.quantile(off, 0.9):.2%}, worst {off.max():.2%}")
        left = max(own["arena_bytes"] - row["arena_high_water_bytes"] for own, row in zip(said, some, strict=True))
        stack, slow = (max(row[key] for row in some) for key in ("peak_stack_bytes", "compile_cpu_s"))
        print(f"  arena planned, not touched: at most {left} B; stack at most {stack} B; compile {slow:.1f} s of CPU")
        wall = [row["emulate_cpu_s_per_inference"] / row["macs"] * 1e7 for row in some if row["macs"] > 1e6]
        print(f"  emulation: at most {max(wall, default=0):.1f} s of CPU per 10 M MACs (networks of over 1 M MACs)")


def report_cores(graphs: list[Graph], seed: int, inputs: int, path: Path, folder: Path) -> None:
    """Print, per core and kernels, the shares of equal values and the instructions beside a Cortex-M4's SMLAD ones."""
    base = np.array([r["instructions"] for r in measured(graphs, seed, inputs, path, folder) if not r["plain"]])
    print(
        "| core | kernels | outputs equal | elements of all tensors equal | instructions, times SMLAD's on cortex-m4 |"
    )
    print("|---|---|---|---|---|")
    for name in plugins.names("cores"):
        rows = measured(graphs, seed, inputs, path, folder, replace(DEVICE, core=open_core(name)))
        for plain in (False, True):
            some = [row for row in rows if row["plain"] == plain]
            equal = [
                f"{sum(r[f'equal_{what}'] for r in some):,} of {sum(r[what] for r in some):,}"
                for what in ("outputs", "tensors")
            ]
            low, middle, high = np.quantile(np.array([r["instructions"] for r in some]) / base, [0, 0.5, 1])
            kernels = f"asked for {'plain' if plain else 'fast'}: {open_core(name).kernels(plain)}"
            print(f"| {name} | {kernels} | {' | '.join(equal)} | {middle:.2f} ({low:.2f} to {high:.2f}) |")


def main() -> None:
    """Measure, print the report, then the instructions per MAC of single layers."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--networks", type=int, default=10)
    parser.add_argument("--inputs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rows", type=Path, default=Path("firmware_parity.jsonl"), help="what was measured so far")
    parser.add_argument("--cores", action="store_true", help="every core that ships, instead of the STM32F405's")
    parser.add_argument("--four-bits", action="store_true", help="the same networks with 4-bit weights")
    arguments = parser.parse_args()
    graphs = networks(arguments.networks, arguments.seed)
    if arguments.four_bits:
        graphs = [with_weight_bits(graph, 4) for graph in graphs]
    with tempfile.TemporaryDirectory() as folder:
        if arguments.cores:
            report_cores(graphs, arguments.seed, arguments.inputs, arguments.rows, Path(folder))
            return
        rows = measured(graphs, arguments.seed, arguments.inputs, arguments.rows, Path(folder))
        report(graphs, rows)
        for name, (shape, operator, most) in LAYERS.items():
            build_graph = Builder(shape)
            build_graph.add(operator, 0)
            graph = build_graph.build()
            each = [measure(graph, 0, 1, Path(folder), p)["instructions"] / graph.macs for p in (False, True)]
            print(f"{name}: SMLAD {each[0]:.2f}, plain {each[1]:.2f} instructions per MAC (SMLAD wanted: <= {most})")


if __name__ == "__main__":
    main()
