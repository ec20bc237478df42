"""Fit the runtime ``native`` to emulated runs of this project's kernels; print its kernels as TOML.

    python benchmarks/fit_native.py --networks 12 [--out fitted.toml]

Instructions of every operator of random networks on the emulated STM32F405, SMLAD kernels, against the counts of
``Operator.work``: linear, non-negative, least squares of relative errors, which are those of layers left out in five
folds. Code bytes are the sizes of the functions in the ELF file.
"""

import argparse
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np
from firmware_parity import DEVICE, networks
from scipy.optimize import nnls

from latent_nas.costs.layer import layer
from latent_nas.firmware.compile import build
from latent_nas.firmware.draw import drawn
from latent_nas.firmware.elf import read
from latent_nas.firmware.emulate import Emulator
from latent_nas.firmware.export import project
from latent_nas.graph import Builder, Graph
from latent_nas.operators.add import Add
from latent_nas.operators.avg_pool import AvgPool
from latent_nas.operators.concat import Concat
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.dense import Dense
from latent_nas.operators.flatten import Flatten
from latent_nas.operators.hard_swish import HardSwish
from latent_nas.operators.max_pool import MaxPool
from latent_nas.operators.relu import Relu
from latent_nas.operators.relu6 import Relu6
from latent_nas.operators.zero import Zero

TERMS = {
    "conv2d": ("call", "macs", "tail4_macs", "outputs", "pixels", "gathers", "gathered"),
    "pointwise": ("call", "macs", "tail4_macs", "outputs", "pixels", "patch"),
    "depthwise": ("call", "macs", "outputs", "pixels"),
    "dense": ("call", "macs", "tail4_macs", "outputs"),
    "max_pool": ("call", "outputs", "pixels", "patch"),
    "avg_pool": ("call", "outputs", "pixels", "patch"),
    "global_pool": ("call", "outputs", "patch"),
}


def zoo(height: int, width: int, channels: int) -> Graph:
    """Return a network of the operators that ``mcu_cnn`` has not, and of shapes that it seldom has."""
    b = Builder((height, width, channels))
    x = b.add(Conv2d(2 * channels, (1, 1)), 0)
    y = b.add(HardSwish(), b.add(Conv2d(2 * channels, (5, 5), groups=2 * channels), x))
    y = b.add(Add(), x, b.add(Relu6(), y))
    z = b.add(Concat(), b.add(Relu(), y), b.add(Zero(), x))
    z = b.add(MaxPool((2, 2), (2, 2)), b.add(AvgPool((3, 3), (1, 1), "same"), z))
    z = b.add(AvgPool((2, 2), (1, 1)), b.add(MaxPool((3, 3), (1, 1), "same"), z))
    b.add(Dense(10), b.add(Dense(24), b.add(Flatten(), z)))
    return b.build()


def main() -> None:
    """Print coefficients and errors per kernel."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--networks", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    rows: dict[str, list[tuple[dict[str, float], float]]] = defaultdict(list)
    functions: dict[str, int] = {}
    graphs = networks(arguments.networks, arguments.seed)
    graphs += [zoo(12, 10, 4), zoo(8, 8, 8), zoo(20, 16, 6), zoo(7, 9, 3), zoo(16, 16, 12), zoo(24, 24, 2)]
    with tempfile.TemporaryDirectory() as folder:
        for i, graph in enumerate(graphs):
            network, x = drawn(graph, i, 4)
            made = project(network, DEVICE)
            made.write(Path(folder))
            elf = read(build(Path(folder), DEVICE.core))
            functions |= {n: elf.symbols[n][1] for n in elf.functions if not n.startswith("operator_")}
            emulator = Emulator(elf, DEVICE, [name for _, name in made.operators])
            emulator.run(network.quants[0].quantise(x[:1])[0], 1)
            counted = emulator.count().by_operator
            for node, name in made.operators:
                one = network.graph.nodes[node]
                figures = layer(one.operator, network.graph.shapes_into(one))
                rows[figures.kernel].append((dict(figures.work), float(counted[name])))
    lines = []
    for kernel, found in sorted(rows.items()):
        terms = TERMS.get(kernel, ("call", "outputs"))
        counts = np.array([[work[t] for t in terms] for work, _ in found])
        wanted = np.array([n for _, n in found])
        weights = nnls(counts / wanted[:, None], np.ones(len(found)))[0]
        off, fold = np.zeros(len(found)), np.random.default_rng(0).permutation(len(found)) % 5
        for k in range(5):
            out = fold == k
            left = nnls(counts[~out] / wanted[~out, None], np.ones((~out).sum()))[0]
            off[out] = np.abs(counts[out] @ left / wanted[out] - 1)
        each = ", ".join(f"{t} = {w:.4g}" for t, w in zip(terms, weights, strict=True) if w)
        lines += [
            f"[kernels.{kernel}]",
            f'source = "fitted to {len(found)} layers"',
            f"cycles.cortex-m4 = {{ {each} }}",
        ]
        lines += [f"error.cortex-m4 = {{ median = {np.median(off):.4f}, p90 = {np.quantile(off, 0.9):.4f} }}", ""]
    text = "\n".join(lines)
    print(text)
    print("\n".join(f"# {size:6} B {name}" for name, size in sorted(functions.items())))
    if arguments.out:
        arguments.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
