"""Fit the runtime ``native`` to emulated runs of this project's kernels; print its kernels as TOML.

    python benchmarks/fit_native.py --networks 24 --rows native.jsonl [--out fitted.toml]
    python benchmarks/fit_native.py --texts --rows texts.jsonl
    python benchmarks/fit_native.py --abroad --rows abroad.jsonl
    python benchmarks/fit_native.py --lines --rows lines.jsonl
    python benchmarks/fit_native.py --four-bits --networks 12 --rows four_bits.jsonl
    python benchmarks/fit_native.py --core cortex-m0+ --rows m0.jsonl

The second form is of networks of text alone, behind a full window of tokens; the third of the operators that only
networks from outside have, the fourth of depthwise windows that are lines and of groups, each layer alone, whose terms
are fitted to what the kernel's other terms leave; the fifth of the images' networks with 4-bit weights.

With ``--core`` they run on another core with the memory of the STM32F405; of one without a model of cycles by class,
cycles are instructions times the middle of its range.

Cycles of every operator of random networks, and of networks made of rare shapes, on the emulated STM32F405, SMLAD
kernels, against the counts of ``Operator.work`` and ``fine_work``: linear, non-negative, least squares of relative
errors; the errors printed are of layers left out, five folds by layer. Cycles are those of the instructions by class,
by the core's model of 180 MHz; ``slow`` is what that of 80 MHz makes of them, the median over layers. Every network
measured is a line of ``--rows``; those there already are not measured again. ``firmware_parity.py`` shows the error on
networks that are not in the fit.
"""

import argparse
import json
import tempfile
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from firmware_parity import DEVICE, networks

from latent_nas.calibration.fit import fit, left_out
from latent_nas.cores import CLASSES, open_core
from latent_nas.costs.layer import Layer, layer
from latent_nas.devices import Device
from latent_nas.firmware.compile import build
from latent_nas.firmware.draw import drawn
from latent_nas.firmware.elf import read
from latent_nas.firmware.emulate import Emulator
from latent_nas.firmware.export import project
from latent_nas.graph import Builder, Graph
from latent_nas.graph.bits import with_weight_bits
from latent_nas.operators import from_json
from latent_nas.operators.activation import Activation
from latent_nas.operators.add import Add
from latent_nas.operators.avg_pool import AvgPool
from latent_nas.operators.concat import Concat
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.conv_transpose import ConvTranspose
from latent_nas.operators.dense import Dense
from latent_nas.operators.flatten import Flatten
from latent_nas.operators.global_pool import GlobalPool
from latent_nas.operators.hard_swish import HardSwish
from latent_nas.operators.max_pool import MaxPool
from latent_nas.operators.multiply import Multiply
from latent_nas.operators.pad import Pad
from latent_nas.operators.prelu import PRelu
from latent_nas.operators.relu import Relu
from latent_nas.operators.relu6 import Relu6
from latent_nas.operators.resize import Resize
from latent_nas.operators.slice import Slice
from latent_nas.operators.upsample import Upsample
from latent_nas.operators.zero import Zero
from latent_nas.runtimes import open_runtime
from latent_nas.spaces.tiny_transformer import TinyTransformer

QUICK_HZ, SLOW_HZ = 180e6, 80e6  # clocks of the boards that the core's models are of
INSIDE = ("inside", "inside_rows")
TILES = (
    "call",
    "columns",
    "tiles",
    "tile_blocks",
    "odd_tiles",
    "lone_pairs",
    "lone_blocks",
    "large_blocks",
    "pixels",
    "widened",
    "byte_pixels",
)
STRIPS = (
    *("call", "strip_rows", "strip_lanes", "near_pairs", "far_pairs", "slow_outputs", "slow_rows", "slow_pairs"),
    *("strip_words", "strip_rest", "weights"),
)
NIBBLES = (
    *("call", "pixels", "nibble_columns", "nibble_tiles", "nibble_tile_blocks", "outputs"),
    *("nibble_rows", "nibble_fours", "nibble_ones"),
)
TERMS = {
    "conv2d": (*TILES, "runs", "run_blocks", "run_rest"),
    "pointwise": TILES,
    "depthwise": STRIPS,
    "dense": ("call", "fours", "four_blocks", "large_blocks", "other_outputs", "other_macs", "other_rest"),
    "max_pool": ("call", "pixels", "outputs", *INSIDE),
    "avg_pool": ("call", "pixels", "outputs", *INSIDE),
    "dense4": ("call", "macs", "outputs"),
    "conv2d4": NIBBLES,
    "pointwise4": NIBBLES,
    "layer_norm": ("tokens", "outputs"),
    "attention": ("call", "macs", "scores", "outputs"),
    "global_pool": ("call", "means", "mean_outputs", "maxima", "maximum_outputs"),
    "multiply": ("call", "rows", "pixels", "outputs"),
    "prelu": ("call", "pixels", "outputs"),
    "upsample": ("call", "pixels", "outputs"),
    "resize": ("call", "pixels", "outputs", "mixed_pixels", "mixed"),
    "slice": ("call", "runs", "outputs"),
    "pad": ("call", "runs", "inputs", "outputs"),
    "conv_transpose": ("call", "pixels", "outputs", "taps_inside", "macs_inside"),
}


UNPACKED = ("call", "filters", "weights")  # what depthwise4 adds to depthwise, whose kernel it calls

# What windows that are lines, and groups, add to the terms of their kernels.
LINES: dict[str, dict[str, tuple[str, ...]]] = {
    "depthwise": {
        "smlad": ("near_lines", "far_lines", "line_channels", "long_outputs", "long_pairs"),
        "plain": ("line_outputs", "line_taps", "long_outputs", "long_pairs"),
    },
    "conv2d": dict.fromkeys(("smlad", "plain"), ("grouped_outputs", "grouped_taps", "grouped_macs")),
}

TEXTS = [  # hidden, heads, feed-forward, vocabulary, window
    (64, 2, 128, 65, 32),
    (32, 4, 64, 300, 16),
    (128, 4, 128, 40, 32),
    (96, 2, 48, 100, 8),
    (16, 1, 96, 20, 24),
    (48, 6, 80, 500, 32),
]


def texts() -> list[Graph]:
    """Return transformers of one layer, of weights with 4 and with 8 bits."""
    found = []
    for hidden, heads, forward, vocabulary, window in TEXTS:
        space = TinyTransformer((window,), vocabulary, (1,), (hidden,), (heads,), (forward,), ("characters",), (4, 8))
        found += [space.graph(genes) for genes in np.indices((1, 1, 1, 1, 1, 2)).reshape(6, -1).T.tolist()]
    return found


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


def odd(height: int, width: int, channels: int, filters: int) -> Graph:
    """Return a network of convolutions whose channels, filters or pixels leave a rest after blocks of two and four."""
    b = Builder((height, width, channels))
    x = b.add(Conv2d(filters, (3, 3)), 0)
    x = b.add(Conv2d(filters, (5, 5), groups=filters), x)
    x = b.add(Conv2d(filters + 1, (1, 1)), x)
    x = b.add(Conv2d(filters + 3, (3, 3), (2, 2)), x)
    x = b.add(Conv2d(filters + 3, (3, 3), groups=filters + 3), x)
    x = b.add(Conv2d(2 * filters + 1, (1, 1)), x)
    x = b.add(Conv2d(filters + 2, (1, 3), padding="valid"), x)
    b.add(Dense(3), b.add(Dense(filters), b.add(Flatten(), x)))
    return b.build()


def large(height: int, width: int, channels: int, kernel: int, filters: int) -> Graph:
    """Return a network of sums too large for the fastest kernels."""
    b = Builder((height, width, channels))
    x = b.add(Conv2d(filters, (kernel, kernel), padding="same"), 0)
    b.add(Dense(3), b.add(GlobalPool(), x))
    return b.build()


def alone(height: int, width: int, channels: int, layer: Conv2d) -> Graph:
    """Return a network of one convolution."""
    b = Builder((height, width, channels))
    b.add(Dense(3), b.add(GlobalPool(), b.add(layer, 0)))
    return b.build()


def line_layers() -> list[Graph]:
    """Return depthwise layers of windows that are lines, and layers of groups."""
    sizes = [(48, 1, 16, 3), (48, 1, 32, 5), (48, 1, 24, 9), (24, 1, 48, 3), (24, 1, 64, 5), (12, 1, 64, 9)]
    sizes += [(25, 1, 12, 5), (9, 1, 20, 3), (5, 1, 40, 9), (24, 2, 16, 3), (12, 4, 16, 5), (6, 8, 16, 3)]
    sizes += [(12, 2, 36, 9), (17, 1, 5, 3), (8, 8, 6, 9), (128, 1, 8, 7)]
    halved = [(48, 16, 3), (48, 32, 5), (25, 24, 9), (25, 8, 3), (12, 64, 5), (128, 8, 9), (9, 40, 3)]
    graphs = [alone(h, w, c, Conv2d(c, (k, 1), groups=c)) for h, w, c, k in sizes]
    graphs += [alone(h, 1, c, Conv2d(c, (k, 1), (2, 1), groups=c)) for h, c, k in halved]
    graphs += [alone(1, w, c, Conv2d(c, (1, k), groups=c)) for w, c, k in [(30, 24, 5), (16, 32, 3)]]
    long = [(48, 16, 11, 1), (128, 8, 25, 1), (60, 5, 10, 1), (100, 6, 31, 2), (64, 12, 16, 4), (40, 24, 13, 1)]
    long += [(48, 16, 5, 3), (90, 7, 9, 3), (200, 3, 64, 1), (31, 9, 3, 4), (25, 40, 15, 2), (16, 33, 12, 1)]
    graphs += [alone(h, 1, c, Conv2d(c, (k, 1), (s, 1), groups=c)) for h, c, k, s in long]
    graphs += [alone(6, 20, 8, Conv2d(8, (1, 11), groups=8)), alone(40, 3, 10, Conv2d(10, (17, 1), groups=10))]
    grouped = [(24, 1, 16, 16, (3, 1), 2), (24, 1, 16, 32, (1, 1), 4), (8, 8, 12, 12, (3, 3), 3)]
    grouped += [(10, 10, 8, 16, (3, 3), 2), (12, 12, 16, 16, (1, 1), 2), (30, 1, 32, 32, (9, 1), 8)]
    grouped += [(6, 9, 20, 10, (3, 3), 5), (12, 12, 24, 24, (5, 5), 4), (9, 9, 6, 12, (3, 3), 3)]
    grouped += [(16, 16, 4, 8, (2, 2), 2), (20, 1, 48, 48, (5, 1), 2), (7, 7, 64, 64, (1, 1), 8)]
    strides = [2 if kernel == (5, 5) else 1 for *_, kernel, _ in grouped]
    return graphs + [
        alone(h, w, c, Conv2d(f, k, (s, s), groups=g)) for (h, w, c, f, k, g), s in zip(grouped, strides, strict=True)
    ]


def foreign(height: int, width: int, channels: int) -> Graph:
    """Return a network of the operators that only networks from outside have, none of them fused."""
    b, wide = Builder((height, width, channels)), channels + 3
    x = b.add(PRelu(), b.add(Activation("silu(x)"), b.add(Conv2d(wide, (1, 1)), 0)))
    x = b.add(Multiply(), x, b.add(Activation("sigmoid(x)"), b.add(GlobalPool(), x)))
    x = b.add(Multiply(), b.add(Multiply(), x, b.add(Activation("sigmoid(x)"), b.add(Conv2d(1, (1, 1)), x))), x)
    x = b.add(Multiply(), x, b.add(AvgPool((1, width), (1, 1), "valid"), x))
    y = b.add(ConvTranspose(channels, (2, 2), (2, 2)), x)
    z = b.add(Upsample((2, 2)), b.add(Slice((0, 0, 2), (height, width, channels)), x))
    y = b.add(Multiply(), y, z)
    y = b.add(Slice((1, 2, 0), (height, width, channels)), b.add(Pad((1, 1, 0), (2, 0, 0)), y))
    y = b.add(ConvTranspose(wide, (4, 4), (2, 2), (1, 1, 1, 1)), b.add(Pad((0, 0, 1), (0, 0, 2)), y))
    y = b.add(Resize(tuple(np.linspace(0, height - 1, 2 * height)), tuple(np.arange(2 * width) / 2)), y)
    y = b.add(Resize(tuple(np.arange(2.0 * height) // 2), tuple(np.arange(2.0 * width) // 2)), y)
    y = b.add(Upsample((1, 3)), b.add(Slice((0, 1, 1), (height, width, 3)), y))
    b.add(Dense(3), b.add(GlobalPool(), b.add(ConvTranspose(2, (3, 3), (1, 1), (1, 1, 1, 1)), y)))
    return b.build()


def measure(graph: Graph, seed: int, folder: Path, device: Device) -> list[Any]:
    """Return (operator, shapes it reads, instructions by class, all of them) of every operator that runs."""
    network, x = drawn(graph, seed, 4)
    made = project(network, device)
    made.write(folder)
    emulator = Emulator(read(build(folder, device.core)), device, [name for _, name in made.operators])
    read_in = network.graph.input.enter(x[:1], network.quants[0])[0]
    for one in read_in if network.graph.input.vocabulary else [read_in]:
        emulator.run(one, 1)
    count, found = emulator.count(), []
    for node, name in made.operators:
        node_there = made.network.graph.nodes[node]
        found.append(
            [
                node_there.operator.to_json(),
                made.network.graph.shapes_into(node_there),
                count.mix_by_operator[name].tolist(),
                count.by_operator[name],
            ]
        )
    return found


def measured(graphs: list[Graph], seed: int, path: Path, device: Device) -> list[Any]:
    """Return the layers of all networks; networks that the file lacks are measured and appended to it."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    held = {(row["seed"], row["network"]): row["layers"] for row in map(json.loads, lines)}
    with tempfile.TemporaryDirectory() as folder:
        for i, graph in enumerate(graphs):
            if (seed, i) not in held:
                held[seed, i] = measure(graph, i, Path(folder), device)
                with open(path, "a", encoding="utf-8") as file:
                    file.write(json.dumps({"seed": seed, "network": i, "layers": held[seed, i]}) + "\n")
    return [one for i in range(len(graphs)) for one in held[seed, i]]


def images(n: int, seed: int) -> list[Graph]:
    """Return random networks and those of rare shapes."""
    graphs = networks(n, seed)
    graphs += [zoo(12, 10, 4), zoo(8, 8, 8), zoo(20, 16, 6), zoo(7, 9, 3), zoo(16, 16, 12), zoo(24, 24, 2)]
    graphs += [odd(12, 9, 3, 5), odd(8, 8, 4, 7), odd(6, 7, 1, 10), odd(10, 10, 8, 13), odd(5, 5, 6, 9)]
    graphs += [odd(16, 16, 2, 6), odd(7, 7, 12, 11), odd(9, 12, 4, 16)]
    graphs += [large(9, 9, 52, 7, 6), large(6, 5, 100, 5, 3), large(2, 2, 2400, 1, 5), large(3, 4, 640, 2, 8)]
    graphs += [large(3, 2, 2700, 1, 8), large(4, 6, 300, 3, 12), large(5, 5, 75, 6, 9)]
    return graphs


def main() -> None:
    """Print coefficients and errors per kernel."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--networks", type=int, default=24)
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--texts", action="store_true")
    parser.add_argument("--abroad", action="store_true")
    parser.add_argument("--lines", action="store_true")
    parser.add_argument("--four-bits", action="store_true")
    parser.add_argument("--core", default="cortex-m4")
    parser.add_argument("--rows", type=Path, default=Path("fit_native.jsonl"), help="what was measured so far")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    graphs = texts() if arguments.texts else images(arguments.networks, arguments.seed)
    if arguments.abroad:
        sizes = [(8, 8, 4), (5, 7, 3), (12, 10, 8), (6, 6, 16), (9, 4, 1), (4, 4, 24), (10, 10, 2), (7, 5, 12)]
        graphs = [foreign(*size) for size in sizes]
    if arguments.lines:
        graphs = line_layers()
    if arguments.four_bits:
        graphs = [with_weight_bits(graph, 4) for graph in graphs]
    rows: dict[str, list[tuple[Layer, str, float, float]]] = defaultdict(list)
    core = open_core(arguments.core)
    for operator, inputs, mix, total in measured(graphs, arguments.seed, arguments.rows, replace(DEVICE, core=core)):
        shapes = tuple(map(tuple, inputs))
        figures = layer(from_json(operator), shapes)
        by_class = dict(zip(CLASSES, mix, strict=True))
        quick, slow = (core.cycles(total, by_class, clock)[0] for clock in (QUICK_HZ, SLOW_HZ))
        rows[figures.kernel].append((figures, f"{operator} of {shapes}", quick, slow))
    lines, key = [], f'"{core.name}"' if "+" in core.name else core.name
    for kernel, found in sorted(rows.items()):
        terms = UNPACKED if kernel == "depthwise4" else TERMS.get(kernel, ("call", "outputs"))
        counts = np.array([[figures.work[t] for t in terms] for figures, _, _, _ in found])
        called = open_runtime("native").kernels["depthwise"].cycles[core.name] if kernel == "depthwise4" else {}
        if arguments.lines:
            if kernel not in LINES:
                continue
            terms, known = LINES[kernel][core.kernels(False)], open_runtime("native").kernels[kernel].cycles[core.name]
            called = {term: value for term, value in known.items() if term not in terms}
            counts = np.array([[figures.work[t] for t in terms] for figures, _, _, _ in found])
        before = np.array([figures.total(called) for figures, _, _, _ in found])
        wanted, names = np.array([n for _, _, n, _ in found]), [name for _, name, _, _ in found]
        slower = np.median([n / each for _, _, each, n in found])
        off, distinct = left_out(counts, wanted - before, names) * (1 - before / wanted), len(set(names))
        fitted = dict(zip(terms, fit(counts, wanted - before), strict=True))
        sums = {t: called.get(t, 0.0) + fitted.get(t, 0.0) for t in (*called, *terms)}
        each = ", ".join(f"{t} = {w:.4g}" for t, w in sums.items() if w)
        lines += [
            f"[kernels.{kernel}]",
            f"slow = {slower:.3g}",
            f'source = "fitted to {distinct} layers"',
            f"cycles.{key} = {{ {each} }}",
        ]
        lines += [f"error.{key} = {{ median = {np.median(off):.4f}, p90 = {np.quantile(off, 0.9):.4f} }}"]
        lines += [f"# worst {off.max():.4f}: {names[int(off.argmax())]}", ""]
    text = "\n".join(lines)
    print(text)
    if arguments.out:
        arguments.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
