"""Int8 .tflite files of random networks: outputs of two interpreters against the integer reference, and the arena.

    python benchmarks/tflite.py --networks 50 --inputs 32 [--seed 0] [--trained 4] [--out tflite.json]

Networks of ``mcu_cnn`` with drawn weights, run by ai-edge-litert (its default kernels, XNNPACK, which round once, and
its reference kernels, which round twice) and by tflite-micro, whose planned part of the arena is compared with the plan
of the runtime ``tflm_reference``. Then every operator of them alone, fed with the reference's own tensors.
``--trained`` networks of digits, three epochs each, are compared on the 500 validation images.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from firmware_parity import networks

from latent_nas import seeds
from latent_nas.costs import costs
from latent_nas.devices import open_device
from latent_nas.firmware.draw import drawn
from latent_nas.graph import Builder
from latent_nas.interchange.tflite_export import to_bytes
from latent_nas.interchange.tflite_run import Arena, litert, micro
from latent_nas.runtimes import open_runtime
from latent_nas.spaces import open_space
from latent_nas.tasks import Recipe, open_task
from latent_nas.training import train
from latent_nas.training.quantise import QuantisedNetwork

RUNNERS = {"litert": "default kernels", "litert_reference": "reference kernels", "micro": "tflite-micro"}


def alone(network: QuantisedNetwork, node: int) -> QuantisedNetwork | None:
    """Return a network of one operator with one input; None for those that read several."""
    at = network.graph.nodes[node]
    if len(at.inputs) != 1:
        return None
    builder = Builder(network.graph.nodes[at.inputs[0]].shape)
    builder.add(at.operator, 0)
    quants = network.quants[at.inputs[0]], network.quants[node]
    return QuantisedNetwork(builder.build(), quants, ({}, network.constants[node]))


def measure(network: QuantisedNetwork, x: np.ndarray) -> dict[str, Any]:
    """Return how far the interpreters' outputs are from the reference's, in units, and both arenas in bytes."""
    data, integers = to_bytes(network), network.quants[0].quantise(x)
    reference = network.integers(x).astype(int)
    made = {"litert": litert(data, integers), "litert_reference": litert(data, integers, reference=True)}
    made["micro"], arena = micro(data, integers)
    found: dict[str, Any] = {"macs": network.graph.macs, "operators": len(network.graph.nodes) - 1}
    for name, outputs in made.items():
        off = np.abs(outputs.astype(int) - reference)
        found[name] = np.bincount(off.ravel(), minlength=2).tolist()
    return found | sizes(network, arena) | {"layers": layers(network, x[:32])}


def sizes(network: QuantisedNetwork, arena: Arena) -> dict[str, int]:
    """Return the arena of the plan and the one measured on this machine."""
    planned = costs(network.graph, open_device("stm32h743"), open_runtime("tflm_reference"))
    return {
        "planned_bytes": planned.arena_bytes,
        "measured_planned_bytes": arena.planned_bytes,
        "measured_persistent_bytes": arena.persistent_bytes,
        "computed_persistent_bytes": planned.runtime_ram_bytes,
    }


def layers(network: QuantisedNetwork, x: np.ndarray) -> list[dict[str, Any]]:
    """Return, per operator that reads one tensor, how far litert's default kernel is off on the reference's tensors."""
    tensors, found = network.tensors(x), []
    for node in network.graph.nodes[1:]:
        if (one := alone(network, node.id)) is not None:
            off = np.abs(litert(to_bytes(one), tensors[node.inputs[0]]).astype(int) - tensors[node.id])
            kernel = node.operator.kernel(*network.graph.shapes_into(node))
            found.append({"kernel": kernel, "off": np.bincount(off.ravel(), minlength=2).tolist()})
    return found


def trained(n: int, seed: int) -> list[tuple[QuantisedNetwork, np.ndarray]]:
    """Return random networks of ``mcu_cnn`` trained on digits, and the validation images."""
    task = open_task("digits")
    space, data = open_space("mcu_cnn", task.input_shape, task.outputs), task.data()
    recipe, made = Recipe(epochs=3, learning_rate=6e-3, average=0.9), []
    for genes in space.sample(seeds.rng(seed, "tflite trained"), n):
        graph = space.graph(tuple(genes.tolist()))
        made.append((train(graph, task, recipe, seed, data.train, data.valid).network, data.valid.x))
    return made


def report(rows: list[dict[str, Any]]) -> None:
    """Print how far the outputs are off, per interpreter."""
    for name, words in RUNNERS.items():
        off = total([row[name] for row in rows])
        within = sum(not any(row[name][2:]) for row in rows)
        print(f"  {words:20} equal {off[0] / off.sum():.3%}, one unit off {off[1] / off.sum():.3%}, more", end=" ")
        print(f"{off[2:].sum()} of {off.sum()} (worst {np.flatnonzero(off)[-1]}); networks all within one: {within}")


def total(counts: list[list[int]]) -> np.ndarray:
    """Return the sums of histograms of different lengths."""
    longest = max(len(one) for one in counts)
    summed: np.ndarray = np.sum([one + [0] * (longest - len(one)) for one in counts], axis=0)
    return summed


def main() -> None:
    """Print the shares of equal outputs and of those one unit off, and the arenas."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--networks", type=int, default=50)
    parser.add_argument("--inputs", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--trained", type=int, default=0, help="how many trained networks to compare besides")
    parser.add_argument("--out", type=Path, help="write everything as JSON here")
    arguments = parser.parse_args()
    rows = []
    for i, graph in enumerate(networks(arguments.networks, arguments.seed), 1):
        network, x = drawn(graph, arguments.seed + i, arguments.inputs)
        rows.append(measure(network, x))
    print(f"{len(rows)} networks x {arguments.inputs} inputs, outputs against the integer reference:")
    report(rows)
    for kernel in sorted({one["kernel"] for row in rows for one in row["layers"]}):
        off = total([one["off"] for row in rows for one in row["layers"] if one["kernel"] == kernel])
        print(f"  {kernel:12} alone: {off[1:].sum()} of {off.sum()} elements differ, worst {np.flatnonzero(off)[-1]}")
    planned, measured = (np.array([r[k] for r in rows]) for k in ("planned_bytes", "measured_planned_bytes"))
    print(f"arena, planned part: equal in {(planned == measured).sum()} of {len(rows)}; ", end="")
    print(f"measured / planned {np.min(measured / planned):.4f} to {np.max(measured / planned):.4f}")
    beside, own = (np.array([r[k] for r in rows]) for k in ("measured_persistent_bytes", "computed_persistent_bytes"))
    print(f"interpreter's own part on this machine / computed for 32 bits: {np.min(beside / own):.2f} to ", end="")
    print(f"{np.max(beside / own):.2f}")
    if arguments.trained:
        again = [measure(network, x) for network, x in trained(arguments.trained, arguments.seed)]
        print(f"{len(again)} trained networks x {len(open_task('digits').data().valid.x)} validation images:")
        report(again)
        rows += again
    if arguments.out:
        arguments.out.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
