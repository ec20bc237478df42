"""A task's recipe against changes of it: the same random networks, the same seeds, what each comes to and costs.

python benchmarks/recipe_changes.py --images 10000 --change warmup=0.3 --change warmup=0.3,batch=32 --rows rows.jsonl
python benchmarks/recipe_changes.py --task digits --networks 24 --change warmup=0.3 --rows rows.jsonl
python benchmarks/recipe_changes.py --task digits --networks 24 --full --seeds 2 --rows full.jsonl
python benchmarks/recipe_changes.py --task digits --networks 24 --change warmup=0.3 --rows rows.jsonl --ends full.jsonl

int8 on the validation part, after the whole recipe; the test part is not read. Printed are the mean difference in
points with its 95 % interval (Student's t, paired by network), that of the better half by the unchanged recipe, where
a search ends, and the ratio of processor seconds. With --images, of so many training images of fashion_mnist as a
file of your own, within the limits of ``true_fidelity.py``. A training that is in --rows is not run again. With --ends,
rows of the same networks with --full, also how each recipe orders them: Kendall's tau-b with the mean of their full
trainings, of all and of the better half by these, in the mean of the seeds.
"""

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from halving import LIMITS, write
from scipy import stats

from latent_nas import seeds, threads
from latent_nas.limits import Limits
from latent_nas.records import FULL, SEARCH
from latent_nas.target import Target, open_target
from latent_nas.tasks import Recipe
from latent_nas.training import TrainingFailed, train

DRAWN = 4000
KINDS = {name: type(value) for name, value in vars(Recipe(1)).items()}


def changes(text):
    """Return "a=1,b=2" as fields of a recipe; "none" changes nothing."""
    pairs = [part.partition("=")[::2] for part in text.split(",")] if text != "none" else []
    return {name: value == "True" if KINDS[name] is bool else KINDS[name](value) for name, value in pairs}


def drawn(setup, limits):
    """Return random networks within limits, canonical genes (n, genes)."""
    genes = setup.space.canonical(setup.space.sample(seeds.rng(0, "short recipes"), DRAWN))
    return genes[setup.fits(genes, limits)]


def measured(setup, genes, recipe, seed):
    """Return int8 on validation and processor seconds of one training; None for one that failed."""
    data, started = setup.task.data(), time.process_time()
    try:
        made = train(setup.built(genes).graph, setup.task, recipe, seed, data.train, data.valid)
    except TrainingFailed:
        return {"int8": None, "cpu_s": round(time.process_time() - started, 2)}
    score = setup.task.kind.metric.signed(made.int8_metrics[setup.task.kind.metric.name])
    return {"int8": score, "cpu_s": round(time.process_time() - started, 2)}


def report(rows, names):
    """Print each change against none."""
    print("\n| change | networks | int8 | minus none, points | of the better half | processor seconds |")
    print("|---|---|---|---|---|---|")
    for name in names:
        pairs = [(rows["none", i, seed], row) for (change, i, seed), row in rows.items() if change == name]
        pairs = [(before, after) for before, after in pairs if None not in (before["int8"], after["int8"])]
        before, after = (np.array([row["int8"] for row in side]) for side in zip(*pairs, strict=True))
        gains, better = 100 * (after - before), before >= np.median(before)
        spent = [sum(row["cpu_s"] for row in side) for side in zip(*pairs, strict=True)]
        figures = f"{after.mean():.4f} | {within(gains)} | {within(gains[better])} | {spent[1] / spent[0]:.2f}"
        print(f"| {name} | {len(pairs)} | {figures} |")


def orders(rows, ends, names):
    """Print how each recipe orders networks against what they come to in full."""
    full = {}
    for row in ends:
        full.setdefault(row["network"], []).append(row["int8"])
    full = {i: np.mean(values) for i, values in full.items() if None not in values}
    better = set(sorted(full, key=full.get)[len(full) // 2 :])
    print("\n| change | seeds | tau with full trainings | of the better half |")
    print("|---|---|---|---|")
    for name in names:
        taus = []
        for seed in sorted({seed for change, _, seed in rows if change == name}):
            found = {i: row["int8"] for (change, i, s), row in rows.items() if (change, s) == (name, seed)}
            both = [i for i in sorted(full) if found.get(i) is not None]
            taus.append([tau(found, full, both), tau(found, full, [i for i in both if i in better])])
        print(f"| {name} | {len(taus)} | {np.mean(taus, 0)[0]:.3f} | {np.mean(taus, 0)[1]:.3f} |")


def tau(found, full, networks):
    """Return Kendall's tau-b of two measurements of networks."""
    return stats.kendalltau([found[i] for i in networks], [full[i] for i in networks]).statistic


def within(values):
    """Return a mean with its 95 % interval."""
    return f"{values.mean():+.2f} +- {stats.t.ppf(0.975, len(values) - 1) * stats.sem(values):.2f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--task", default="digits")
    parser.add_argument("--space", default="mcu_cnn")
    parser.add_argument("--device", default="stm32f405")
    parser.add_argument("--limit", action="append", help="as flash_kb=32; default: the task's")
    parser.add_argument("--images", type=int, default=0, help="of fashion_mnist, in place of --task")
    parser.add_argument("--networks", type=int, default=12)
    parser.add_argument("--full", action="store_true", help="the recipe of final trainings in place of the search's")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--change", action="append", default=[], help="of the recipe, as warmup=0.3,batch=32")
    parser.add_argument("--rows", type=Path, required=True)
    parser.add_argument("--ends", type=Path, help="rows of the same networks with --full")
    options = parser.parse_args()
    if options.images:
        options.task = str(options.rows.with_suffix(f".{options.images}.npz"))
        options.limit = options.limit or LIMITS
        if not Path(options.task).exists():
            write(Path(options.task), options.images)
    setup = open_target(Target(options.space, options.task, options.device, "native"))
    limits = Limits.parse(options.limit) if options.limit else setup.task.limits
    chosen = drawn(setup, limits)[: options.networks]
    base, rows = setup.target.recipe(setup.task, FULL if options.full else SEARCH), {}
    if options.rows.exists():
        for row in map(json.loads, options.rows.read_text(encoding="utf-8").splitlines()):
            rows[row["change"], row["network"], row["seed"]] = row
    names = ["none", *options.change]
    print(f"{len(chosen)} networks of {DRAWN} drawn; {base}", flush=True)
    with threads.one():
        for seed in range(options.seeds):
            for i, genes in enumerate(chosen):
                for name in names:
                    if (name, i, seed) in rows:
                        continue
                    recipe = replace(base, **changes(name))
                    row = {"change": name, "network": i, "seed": seed}
                    row |= measured(setup, tuple(map(int, genes)), recipe, seed)
                    rows[name, i, seed] = row
                    with open(options.rows, "a", encoding="utf-8") as file:
                        file.write(json.dumps(row) + "\n")
                    print(row, flush=True)
    report(rows, names[1:])
    if options.ends:
        orders(rows, map(json.loads, options.ends.read_text(encoding="utf-8").splitlines()), names)


if __name__ == "__main__":
    main()
