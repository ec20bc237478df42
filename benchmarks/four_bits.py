"""Networks with 4-bit weights against the same with 8: accuracy, flash of weights and constants, bits on a device.

python benchmarks/four_bits.py --task digits [--networks 3] [--seeds 3] [--samples N] [--epochs N] --out FILE.json

Random networks of mcu_cnn that fit the main job's limits and have at least --least parameters, trained by the task's
full recipe on its training part. Validation decides whether the first and the last layer keep 8 bits; the test part is
read once for each. Each network runs as firmware on the emulated STM32F405, tensor by tensor. What the file holds is
not measured again.
"""

import argparse
import json
import os
import tempfile
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from latent_nas import artifacts, seeds
from latent_nas.costs import costs
from latent_nas.firmware.check import emulate
from latent_nas.firmware.compile import build
from latent_nas.firmware.export import project
from latent_nas.target import MAIN_LIMITS, Target, open_target
from latent_nas.tasks import Part
from latent_nas.training import train

INPUTS = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", default="digits")
    parser.add_argument("--networks", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--least", type=int, default=4000, help="parameters of a network")
    parser.add_argument("--samples", type=int, default=0, help="training samples; 0 is all")
    parser.add_argument("--epochs", type=int, default=0, help="0 is the recipe's")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    setup = open_target(Target("mcu_cnn", args.task, "stm32f405", "native"))
    rows = json.loads(args.out.read_text()) if args.out.exists() else []
    for seed in range(args.seeds):
        for network, genes in enumerate(drawn(setup, args.networks, args.least)):
            if not any((row["network"], row["seed"]) == (network, seed) for row in rows):
                rows.append({"network": network, "seed": seed, **measured(setup, genes, seed, args)})
                artifacts.write(args.out, json.dumps(rows))
    print(summary(rows))


def drawn(setup, count, least):
    """Return the genes of the first random networks that fit and are large enough, all different."""
    rng, found = seeds.rng(0, "four bits", "networks"), []
    while len(found) < count:
        genes = setup.space.canonical(setup.space.sample(rng, 64))
        fit = map(tuple, genes[setup.fits(genes, MAIN_LIMITS)].tolist())
        found += [one for one in fit if one not in found and setup.built(one).costs.parameters >= least]
    return found[:count]


def measured(setup, genes, seed, args):
    """Return what one network measured with one seed, and what it takes."""
    task, data, graph = setup.task, setup.task.data(), setup.built(genes).graph
    recipe = replace(task.recipe("full"), qat="auto")
    recipe = replace(recipe, epochs=args.epochs) if args.epochs else recipe
    learn = data.train
    if args.samples:
        rows = np.sort(seeds.rng(0, "four bits", "samples").permutation(len(learn))[: args.samples])
        learn = Part(learn.x[rows], learn.y[rows])
    found = train(graph, task, recipe, seed, learn, data.valid, weight_bits=4)
    name = task.kind.metric.name
    small, whole = (costs(one, setup.device, setup.runtime) for one in (found.network.graph, graph))
    made = project(found.network, setup.device)
    with tempfile.TemporaryDirectory() as folder:
        made.write(Path(folder))
        checked = emulate(made, build(Path(folder), setup.device.core), data.valid.x[:INPUTS], tensors=INPUTS)[0]
    test = {"float": found.model.outputs(data.test.x), "four": found.network.outputs(data.test.x)}
    return {
        "parameters": small.parameters,
        "valid": {
            "float": found.float_metrics[name],
            "eight": found.eight_bits[name],
            "four_without": found.without_qat.get(name),
            "four": found.int8_metrics[name],
        },
        "test": {kind: task.kind.measure(outputs, data.test.y)[name] for kind, outputs in test.items()},
        "whole_layers": sum(
            n.operator.bits == 8
            for n in found.network.graph.nodes
            if n.operator.weight_shapes(*found.network.graph.shapes_into(n))
        ),
        "constants": [one.weights_bytes + one.bias_bytes + one.quantisation_bytes for one in (small, whole)],
        "flash": [one.flash_bytes for one in (small, whole)],
        "latency_ms": [one.latency_ms for one in (small, whole)],
        "tensors": checked.tensors,
        "equal_tensors": checked.equal_tensors,
    }


def summary(rows):
    """Return a line per network: means over its seeds."""
    lines = []
    for network in sorted({row["network"] for row in rows}):
        own = [row for row in rows if row["network"] == network]
        valid = {kind: np.array([row["valid"][kind] for row in own]) for kind in own[0]["valid"]}
        test = {kind: np.array([row["test"][kind] for row in own]) for kind in own[0]["test"]}
        lost, four = 100 * (valid["four"] - valid["eight"]), 100 * (test["four"] - test["float"])
        sizes, flash = (
            [f"{np.mean([r[what][i] for r in own]):,.0f}" for i in (0, 1)] for what in ("constants", "flash")
        )
        share = np.mean([r["constants"][0] / r["constants"][1] for r in own])
        times = np.mean([r["latency_ms"] for r in own], axis=0)
        lines.append(
            f"{own[0]['parameters']:,} parameters, {len(own)} seeds | validation: float {valid['float'].mean():.4f}, 8"
            f" bits {valid['eight'].mean():.4f}, 4 bits {valid['four_without'].mean():.4f} before and"
            f" {valid['four'].mean():.4f} after fine-tuning: {lost.mean():+.2f} points (std {lost.std(ddof=1):.2f}) |"
            f" test: 4 bits less float {four.mean():+.2f} | layers of 8 bits {[r['whole_layers'] for r in own]} |"
            f" weights and constants {sizes[0]} of {sizes[1]} B, {share:.1%}; image {flash[0]} of {flash[1]} B |"
            f" {times[0]:.2f} for {times[1]:.2f} ms | tensors equal {sum(r['equal_tensors'] for r in own)} of"
            f" {sum(r['tensors'] for r in own)}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
