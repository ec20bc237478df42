"""The same firmware under unicorn and under QEMU: are bits and instructions the same?

    python benchmarks/two_emulators.py --networks 5 --inputs 3 [--toolchain gcc]

Random networks of ``mcu_cnn`` that fit the STM32F405, built with -DBENCH, each run on both; wants qemu-system-arm. The
two builds differ in the address of the counter that they read, by up to a few instructions at each reading.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from firmware_parity import DEVICE, networks

from latent_nas.firmware import bench, elf, qemu
from latent_nas.firmware.compile import build
from latent_nas.firmware.draw import drawn
from latent_nas.firmware.emulate import Emulator
from latent_nas.firmware.export import project
from latent_nas.graph import Graph


def counted(table: str) -> list[int]:
    """Return what a build with -DBENCH counted, per operator."""
    return [int(line.rsplit(",", 1)[1]) for line in table.splitlines()[1:]]


def compare(graph: Graph, seed: int, inputs: int, toolchain: str, folder: Path) -> tuple[list[int], int, int, int]:
    """Return QEMU's instructions minus ours per operator and input, ours in all, equal outputs and all outputs."""
    network, x = drawn(graph, seed, max(inputs, 4))
    made = project(network, DEVICE)
    made.write(folder)
    other = elf.read(build(folder, DEVICE.core, toolchain=toolchain, defines=qemu.defines(DEVICE)))
    own = elf.read(build(folder, DEVICE.core, toolchain=toolchain, defines=["BENCH"]))
    names, offset = [name for _, name in made.operators], made.plan.offsets[0]
    differences, total, equal = [], 0, 0
    reference = network.integers(x[:inputs])
    for one, wanted in zip(network.quants[0].quantise(x[:inputs]), reference, strict=True):
        theirs, their_output = bench.split(qemu.bench(other, DEVICE, one, other.address("model_arena") + offset))
        ours, our_output = bench.split(Emulator(own, DEVICE, names).bench(one, offset))
        differences += [a - b for a, b in zip(counted(theirs), counted(ours), strict=True)]
        total += sum(counted(ours))
        equal += int((np.array(their_output) == wanted).sum() + (np.array(our_output) == wanted).sum())
    return differences, total, equal, 2 * reference.size


def main() -> None:
    """Print the differences per operator and the share of equal outputs."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--networks", type=int, default=5)
    parser.add_argument("--inputs", type=int, default=3)
    parser.add_argument("--seed", type=int, default=2000)
    parser.add_argument("--toolchain", default="zig")
    arguments = parser.parse_args()
    qemu.machine(DEVICE)
    differences, total, equal, outputs = list[int](), 0, 0, 0
    with tempfile.TemporaryDirectory() as folder:
        for i, graph in enumerate(networks(arguments.networks, arguments.seed)):
            found = compare(graph, arguments.seed + i, arguments.inputs, arguments.toolchain, Path(folder))
            differences += found[0]
            total, equal, outputs = total + found[1], equal + found[2], outputs + found[3]
    print(f"{arguments.networks} networks x {arguments.inputs} inputs, {len(differences)} runs of operators:")
    print(f"  outputs equal to the integer reference, both emulators: {equal} of {outputs}")
    print(f"  instructions of QEMU minus unicorn: {min(differences)} to {max(differences)} per operator,", end=" ")
    print(f"{sum(differences)} of {total} in all ({sum(differences) / total:.4%})")


if __name__ == "__main__":
    main()
