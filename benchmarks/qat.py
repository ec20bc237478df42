"""int8 minus float of random trained networks, before and after quantisation-aware training where that is asked for.

python benchmarks/qat.py [--task digits] [--networks 50] [--seeds 3] [--policy auto] --out FILE.json

Networks of mcu_cnn that fit the main job's limits, trained by the task's full recipe on its training part and judged on
the validation part, which chooses epochs and policy; with --test the test part is read once for each at the end. What
the file holds is not measured again, so a stopped benchmark goes on.
"""

import argparse
import json
import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from latent_nas import artifacts, seeds
from latent_nas.target import MAIN_LIMITS, Target, open_target
from latent_nas.tasks import Part
from latent_nas.training import train


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", default="digits")
    parser.add_argument("--networks", type=int, default=50)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--policy", default="auto")
    parser.add_argument("--samples", type=int, default=0, help="training samples; 0 is all")
    parser.add_argument("--epochs", type=int, default=0, help="0 is the recipe's")
    parser.add_argument("--test", action="store_true")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    setup = open_target(Target("mcu_cnn", args.task, "stm32f405", "native", qat=args.policy))
    rows = json.loads(args.out.read_text()) if args.out.exists() else []
    for network, genes in enumerate(drawn(setup, args.networks)):
        for seed in range(args.seeds):
            if not any((row["network"], row["seed"]) == (network, seed) for row in rows):
                rows.append({"network": network, "seed": seed, **measured(setup, genes, seed, args)})
                artifacts.write(args.out, json.dumps(rows))
    print(summary(rows))


def drawn(setup, count):
    """Return the genes of the first random networks that fit, all different."""
    rng, found = seeds.rng(0, "qat", "networks"), []
    while len(found) < count:
        genes = setup.space.canonical(setup.space.sample(rng, 64))
        fit = genes[setup.fits(genes, MAIN_LIMITS)]
        found += [one for one in map(tuple, fit.tolist()) if one not in found]
    return found[:count]


def measured(setup, genes, seed, args):
    """Return what one network measured with one seed, in points of the task's first metric."""
    task, data, built = setup.task, setup.task.data(), setup.built(genes)
    recipe = setup.target.recipe(task, "full")
    if args.epochs:
        recipe = recipe.__class__(**{**vars(recipe), "epochs": args.epochs})
    learn = data.train
    if args.samples:
        rows = np.sort(seeds.rng(0, "qat", "samples").permutation(len(learn))[: args.samples])
        learn = Part(learn.x[rows], learn.y[rows])
    found = train(built.graph, task, recipe, seed, learn, data.valid)
    name = task.kind.metric.name
    before = (found.without_qat or found.int8_metrics)[name]
    row = {
        "parameters": built.costs.parameters,
        "valid_float": found.float_metrics[name],
        "valid_before": before,
        "valid_int8": found.int8_metrics[name],
        "tried": bool(found.without_qat),
        "qat_epochs": found.qat_epochs,
    }
    if args.test:
        row["test_float"] = task.kind.measure(found.model.outputs(data.test.x), data.test.y)[name]
        row["test_int8"] = task.kind.measure(found.network.outputs(data.test.x), data.test.y)[name]
    return row


def summary(rows):
    """Return the table: int8 minus float in points, means over seeds of every network, and their spread."""
    lines = [
        f"{len({r['network'] for r in rows})} networks, {len({r['seed'] for r in rows})} seeds; fine-tuning tried on"
        f" {sum(r['tried'] for r in rows)} of {len(rows)} trainings, kept in {sum(r['qat_epochs'] > 0 for r in rows)}"
    ]
    pairs = [("validation, before", "valid_before", "valid_float"), ("validation, after", "valid_int8", "valid_float")]
    pairs += [("test, after", "test_int8", "test_float")] if "test_int8" in rows[0] else []
    for words, integers, floats in pairs:
        of_one = {}
        for row in rows:
            of_one.setdefault(row["network"], []).append(100 * (row[integers] - row[floats]))
        means = np.array([np.mean(values) for values in of_one.values()])
        single = np.concatenate(list(of_one.values()))
        lines.append(
            f"{words}: mean {means.mean():+.2f}, of networks' means least {means.min():+.2f}, below -0.3:"
            f" {(means < -0.3 - 1e-9).sum()} of {len(means)}; of single trainings least {single.min():+.2f}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
