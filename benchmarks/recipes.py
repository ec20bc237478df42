"""What each option of a recipe adds, alone: the same network, the same seeds, int8 on validation, paired differences.

python benchmarks/recipes.py --task digits --task cifar10:FILE --samples 10000 --out recipes.jsonl   # goes on
python benchmarks/recipes.py --out recipes.jsonl --table                                        # the table alone

Every training goes to the last epoch of its schedule, so that validation chooses nothing. The network is the one with
the most parameters of 300 drawn ones that keep the task's limits on an STM32F405 and --macs.
"""

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from scipy import stats

from latent_nas import seeds
from latent_nas.limits import Limits
from latent_nas.target import Target, open_target
from latent_nas.tasks import Part
from latent_nas.training import train
from latent_nas.training.augment import what

DRAWN = 300
EPOCHS = {"digits": 48, "spoken_digits": 20, "fashion_mnist": 8, "mnist": 8, "cifar10": 12}
LIMITS = {"cifar10": Limits(flash_bytes=64 * 1024, ram_bytes=48 * 1024, latency_ms=60.0)}  # of others, the task's own
SIGNS = ("digits", "mnist")  # mirrored they are others


def options(task, recipe, uneven):
    """Return what is compared, by name: changes of the recipe; ``uneven``: whether classes differ in size."""
    longer = {"epochs": 2 * recipe.epochs}
    found = {
        "none": {},
        "no averaged weights": {"average": 0.0},
        "twice the epochs": longer,
        "one cycle": {"schedule": "one-cycle"},
        "twice the batch": {"batch": 2 * recipe.batch, "learning_rate": 2**0.5 * recipe.learning_rate},
        "label smoothing 0.1": {"label_smoothing": 0.1},
    }
    shift = "shift=1" if task.input_shape[0] < 16 else "shift=2"
    ways = {
        "images": [shift, "affine=8", "cutout", "elastic", "brightness", "noise"],
        "recordings": ["timeshift", "gain", "specaugment", "noise"],
    }[what(task)]
    ways += ["mixup"] + ["cutmix"] * (what(task) == "images")
    ways += ["flip"] * (what(task) == "images" and task.name not in SIGNS)
    ways[2:3] = ["cutout=2"] if task.input_shape[0] < 16 else ways[2:3]
    found |= {way: {"augmentation": way} for way in ways}
    way, last = ways[what(task) == "images"], max(EPOCHS[task.name] // 10, 1)
    found |= {f"{way}, last tenth unaugmented": {"augmentation": way, "unaugmented_epochs": last}}
    found |= {"branches 1": {"branches": 1}, "branches 3": {"branches": 3}}
    found |= {"whitened first layer": {"whiten": True}, "bf16": {"bf16": True}}
    found |= {"balanced loss": {"balanced": True}, "balanced sampling": {"balanced_sampling": True}} if uneven else {}
    return found | {"distilled, 2 teachers": {"teachers": 2}}


def network(setup, macs):
    """Return the genes with the most parameters of those drawn that keep the task's limits and so many MACs."""
    drawn = setup.space.canonical(setup.space.sample(seeds.rng(0, "recipes"), DRAWN))
    fits = drawn[setup.fits(drawn, LIMITS.get(setup.task.name, setup.task.limits))]
    small = [tuple(map(int, row)) for row in fits if setup.costs(tuple(map(int, row))).macs <= macs]
    return max(small, key=lambda genes: (setup.costs(genes).parameters, genes))


def measure(setup, genes, changes, seed, samples, rare):
    """Return int8 and float of one training on validation, and its CPU time in seconds.

    Args:
        rare: samples that are kept of every second class; 0 is all.
    """
    task, data = setup.task, setup.task.data()
    recipe = replace(task.recipe("full"), epochs=EPOCHS[task.name], augment=False, to_end=True)
    kept = slice(None) if not samples else np.sort(seeds.rng(0, "samples").permutation(len(data.train))[:samples])
    learn = Part(data.train.x[kept], data.train.y[kept])
    if rare:
        few = [np.flatnonzero(learn.y == c)[rare:] for c in range(1, task.outputs, 2)]
        rows = np.setdiff1d(np.arange(len(learn)), np.concatenate(few))
        learn = Part(learn.x[rows], learn.y[rows])
    started = time.process_time()
    made = train(setup.space.graph(genes), task, replace(recipe, **changes), seed, learn, data.valid, say=print)
    metric = task.kind.metric.name
    return made.int8_metrics[metric], made.float_metrics[metric], time.process_time() - started


def table(rows):
    """Print a column for each task: mean difference to the recipe without the option, 95 % interval of Student's t."""
    tasks = list(dict.fromkeys(row["task"] for row in rows))
    names = list(dict.fromkeys(row["option"] for row in rows))
    value = {(row["task"], row["option"], row["seed"]): row["int8"] for row in rows}
    cpu = {key: np.mean([row["cpu_s"] for row in rows if (row["task"], row["option"]) == key])
           for key in {(row["task"], row["option"]) for row in rows}}  # fmt: skip
    print(f"| option | {' | '.join(tasks)} |\n|{'---|' * (len(tasks) + 1)}")
    for name in names:
        cells = []
        for task in tasks:
            seen = [s for t, o, s in value if (t, o) == (task, name) and (task, "none", s) in value]
            if not seen:
                cells.append("")
                continue
            own = 100 * np.array([value[task, name, s] for s in seen])
            if name == "none":
                cells.append(f"{own.mean():.2f} +- {own.std():.2f} %")
                continue
            gain = own - 100 * np.array([value[task, "none", s] for s in seen])
            half = stats.t.ppf(0.975, len(gain) - 1) * gain.std(ddof=1) / len(gain) ** 0.5 if len(gain) > 1 else np.nan
            cells.append(f"{gain.mean():+.2f} +- {half:.2f} ({len(gain)}), x {cpu[task, name] / cpu[task, 'none']:.1f}")
        print(f"| {name} | {' | '.join(cells)} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--task", action="append", default=[])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--samples", type=int, default=0, help="training samples of each task; 0 is all")
    parser.add_argument("--rare", type=int, default=0, help="training samples of every second class; 0 is all")
    parser.add_argument("--macs", type=int, default=600_000)
    parser.add_argument("--only", default="", help="options whose names hold this text, and the recipe without any")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--table", action="store_true", help="print the table of what there is, train nothing")
    given = parser.parse_args()
    torch.set_num_threads(1)
    rows = [json.loads(line) for line in given.out.read_text().splitlines()] if given.out.exists() else []
    done = {(row["task"], row["option"], row["seed"]) for row in rows}
    setups = []
    for name in [] if given.table else given.task:
        space = "mcu_cnn1d" if name.startswith("spoken") else "mcu_cnn"
        setup = open_target(Target(space, name, "stm32f405", "native"))
        genes = network(setup, given.macs)
        costs = setup.costs(genes)
        print(f"{name}: {costs.parameters} parameters, {costs.macs} MACs, {costs.flash_bytes} bytes of flash, {genes}")
        setups.append((setup, genes))
    for seed in range(given.seeds):
        for setup, genes in setups:
            for option, changes in options(setup.task, setup.task.recipe("full"), bool(given.rare)).items():
                key = (setup.task.name, option, seed)
                if key in done or (option != "none" and given.only not in option):
                    continue
                samples = given.samples if given.samples < len(setup.task.data().train) else 0
                if "epochs" in changes:
                    changes = {"epochs": 2 * EPOCHS[setup.task.name]}
                int8, floating, cpu_s = measure(setup, genes, changes, seed, samples, given.rare)
                row = dict(zip(("task", "option", "seed"), key, strict=True))
                row |= {"int8": int8, "float": floating, "cpu_s": round(cpu_s, 1)}
                rows.append(row)
                print(json.dumps(row), flush=True)
                with given.out.open("a") as file:
                    file.write(json.dumps(row) + "\n")
    table(rows)


if __name__ == "__main__":
    main()
